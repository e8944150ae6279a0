import { dateAfter } from "./dates.ts";
import { plainText, shortText } from "./decimal.ts";
import { limits } from "./limits.ts";
import { intOf, isInt64, uintMaximum, uintOf } from "./numbers.ts";
import { spanNanoseconds, timestampOf } from "./times.ts";
import { Bytes, Double, problems, type Duration, type Problem, Timestamp, Uint, type Value } from "./values.ts";

/** Conversions between CEL's types. What cannot be converted exactly in range is a problem; fractions are cut off. */

const trimmedFraction = (nanos: number): string => (nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`);

const twoDigits = (value: number): string => String(value).padStart(2, "0");

/** RFC 3339 in UTC without a fraction, in one piece. */
function wholeSecondsText(seconds: number): string | undefined {
  const days = Math.floor(seconds / 86_400);
  const { year, month, day } = dateAfter(days);
  if (year < 0 || year > 9999) {
    return undefined;
  }
  const time = seconds - days * 86_400;
  const [century, hour, minute, second] = [Math.floor(year / 100), Math.floor(time / 3600), Math.floor(time / 60) % 60, time % 60];
  const tens = (value: number): number => 48 + Math.floor(value / 10);
  const ones = (value: number): number => 48 + (value % 10);
  return String.fromCharCode(
    tens(century), ones(century), tens(year % 100), ones(year), 45, tens(month), ones(month), 45, tens(day), ones(day), 84,
    tens(hour), ones(hour), 58, tens(minute), ones(minute), 58, tens(second), ones(second), 90,
  );
}

/** RFC 3339 in UTC, with as many digits of the second as needed. */
export function timestampText({ seconds, nanos }: Timestamp): string {
  const short = nanos === 0 ? wholeSecondsText(seconds) : undefined;
  return short ?? new Date(seconds * 1000).toISOString().replace(/\.000Z$/, `${trimmedFraction(nanos)}Z`);
}

/** RFC 3339 with the offset that the moment's text had. */
export function zonedText(moment: Timestamp): string {
  const { seconds, nanos, offset } = moment;
  if (offset === 0) {
    return timestampText(moment);
  }
  const text = timestampText(new Timestamp(seconds + offset * 60, nanos));
  const minutes = Math.abs(offset);
  const zone = `${offset < 0 ? "-" : "+"}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;
  // Beyond the year 9999 there is one digit more.
  return text.replace(/^\+0/, "").replace(/Z$/, zone);
}

/** Seconds as a double's shortest digits: `-1.5s`. */
export function durationText({ seconds, nanos }: Duration): string {
  if (nanos === 0) {
    return `${seconds}s`;
  }
  const negative = seconds < 0 && nanos > 0;
  return `${plainText(negative ? seconds + 1 + (nanos - 1e9) / 1e9 : seconds + nanos / 1e9)}s`;
}

/** The text of UTF-8. */
export function bytesText({ value }: Bytes): string | Problem {
  const text = value.toString();
  return Buffer.from(text).equals(value) ? text : problems.invalidValue;
}

/** The bytes of a text in UTF-8. */
export const textBytes = (text: string): Bytes => new Bytes(Buffer.from(text));

const decimal = /^[0-9]+$/;
const signedDecimal = /^[+-]?[0-9]+$/;

function wholeOf(text: string, form: RegExp): bigint | undefined {
  return text.length <= limits.numberLength && form.test(text) ? BigInt(text.replace(/^\+/, "")) : undefined;
}

/** The number that a few digits make; undefined for all other texts. */
function shortInt(text: string): number | undefined {
  let value = 0;
  for (let at = 0; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) {
      return undefined;
    }
    value = value * 10 + digit;
  }
  return text === "" ? undefined : value;
}

/** An int from decimal digits with an optional sign. */
export function textInt(text: string): Value | Problem {
  const small = text.length < 16 ? shortInt(text) : undefined;
  if (small !== undefined) {
    return small;
  }
  const value = wholeOf(text, signedDecimal);
  return value === undefined ? problems.invalidValue : intOf(value);
}

/** A uint from decimal digits. */
export function textUint(text: string): Value | Problem {
  const value = wholeOf(text, decimal);
  return value === undefined ? problems.invalidValue : uintOf(value);
}

/** An int from a double, without its fraction. The ends of int64, which a double cannot tell from what is beyond, are errors. */
export function doubleInt({ value }: Double): Value | Problem {
  return value > -(2 ** 63) && value < 2 ** 63 ? intOf(BigInt(Math.trunc(value))) : problems.overflow;
}

/** A uint from a double, without its fraction. */
export function doubleUint({ value }: Double): Value | Problem {
  return value >= 0 && value < 2 ** 64 ? uintOf(BigInt(Math.trunc(value))) : problems.overflow;
}

export const uintInt = ({ value }: Uint): Value | Problem => (isInt64(value) ? intOf(value) : problems.overflow);

export function intUint(value: number | bigint): Value | Problem {
  const whole = BigInt(value);
  return whole >= 0n && whole <= uintMaximum ? new Uint(whole) : problems.overflow;
}

/** Nanoseconds of a span. */
export const durationInt = (span: Duration): Value | Problem => intOf(spanNanoseconds(span));

/** A moment from seconds since 1970. */
export const intTimestamp = (seconds: number | bigint): Timestamp | Problem => timestampOf(Number(seconds), 0);

const decimalFloat = /^[+-]?(?:[0-9]+(?:_[0-9]+)*(?:\.(?:[0-9]+(?:_[0-9]+)*)?)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]+(?:_[0-9]+)*)?$/;
const hexadecimalFloat = /^([+-]?)0[xX]_?([0-9a-fA-F]*(?:_[0-9a-fA-F]+)*)(?:\.([0-9a-fA-F]*(?:_[0-9a-fA-F]+)*))?[pP]([+-]?[0-9]+(?:_[0-9]+)*)$/;
const infinite = /^([+-]?)inf(?:inity)?$/i;

const lowest = -1074;

/** Whole times a power of two, rounded once: to the nearest double, halves to the even one. */
function scaled(whole: bigint, power: number): number {
  const excess = Math.max(0, whole.toString(2).length - 64);
  const top = whole >> BigInt(excess);
  // A bit below those kept tells a half from more than a half.
  const kept = top << BigInt(excess) === whole ? top : top | 1n;
  const exponent = power + excess;
  if (exponent >= lowest || kept.toString(2).length + exponent > -1022) {
    return Number(kept) * 2 ** (exponent / 2 | 0) * 2 ** (exponent - (exponent / 2 | 0));
  }
  const shift = BigInt(Math.min(lowest - exponent, 2000));
  const floor = kept >> shift;
  const rest = 2n * (kept - (floor << shift));
  const half = 1n << shift;
  return Number(rest > half || (rest === half && floor % 2n === 1n) ? floor + 1n : floor) * 2 ** lowest;
}

function hexadecimal(text: string): number | undefined {
  const [, sign = "", whole = "", fraction = "", power = "0"] = hexadecimalFloat.exec(text) ?? [];
  const digits = (whole + fraction).replaceAll("_", "");
  if (digits === "") {
    return undefined;
  }
  const exponent = Math.max(-10_000, Math.min(10_000, Number(power.replaceAll("_", ""))));
  return (sign === "-" ? -1 : 1) * scaled(BigInt(`0x${digits}`), exponent - 4 * fraction.replaceAll("_", "").length);
}

/** A double in the forms of Go: decimal, hexadecimal with an exponent, `inf`, `nan`; no surrounding space. */
export function textDouble(text: string): Value | Problem {
  const sign = infinite.exec(text)?.[1];
  if (sign !== undefined) {
    return new Double(sign === "-" ? -Infinity : Infinity);
  }
  if (/^nan$/i.test(text)) {
    return new Double(Number.NaN);
  }
  if (text.length > limits.numberLength) {
    return problems.invalidValue;
  }
  const value = decimalFloat.test(text) ? Number(text.replaceAll("_", "")) : hexadecimal(text);
  return value === undefined || !Number.isFinite(value) ? problems.invalidValue : new Double(value);
}

const truths = new Map([...["1", "t", "T", "true", "TRUE", "True"].map((text): [string, boolean] => [text, true]), ...["0", "f", "F", "false", "FALSE", "False"].map((text): [string, boolean] => [text, false])]);

export const textBool = (text: string): boolean | Problem => truths.get(text) ?? problems.invalidValue;

export const doubleText = ({ value }: Double): string => shortText(value);
