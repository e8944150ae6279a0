import { limits } from "./limits.ts";
import { shortDuration, shortTimestamp } from "./short-times.ts";
import { Duration, problems, Timestamp, type Problem } from "./values.ts";

const second = 1_000_000_000n;
const int64 = 2n ** 63n;
const earliest = -62_135_596_800;
const latest = 253_402_300_799;
const units: Readonly<Record<string, bigint>> = { h: 3600n * second, m: 60n * second, s: second, ms: 1_000_000n, us: 1000n, "µs": 1000n, "μs": 1000n, ns: 1n };
const durationPart = /([0-9]+)?(?:\.([0-9]*))?(h|ms|m|s|us|µs|μs|ns)/y;
const timestampForm = /^([0-9]{4}-[0-9]{2}-[0-9]{2})(T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(?:\.([0-9]+))?(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))$/;

function durationOf(nanoseconds: bigint): Duration | Problem {
  if (nanoseconds < -int64 || nanoseconds >= int64) {
    return problems.overflow;
  }
  const rest = ((nanoseconds % second) + second) % second;
  return new Duration(Number((nanoseconds - rest) / second), Number(rest));
}

/** As in Go, whose form this is: the digits that fit into 63 bits count, and the product is a double's. */
function fractionNanoseconds(digits: string, factor: bigint): bigint {
  let counted = 0n;
  let scale = 1;
  for (const digit of digits) {
    const next = counted * 10n + BigInt(digit);
    if (next > int64) {
      break;
    }
    counted = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(counted) * (Number(factor) / scale)));
}

function partNanoseconds(whole: string, fraction: string, unit: string): bigint {
  const factor = units[unit] ?? 0n;
  return BigInt(whole) * factor + fractionNanoseconds(fraction, factor);
}

/** The nanoseconds of a list of number-unit parts without a sign; undefined when the text has another form. */
function textNanoseconds(text: string): bigint | undefined {
  let total = 0n;
  let at = 0;
  while (at < text.length) {
    durationPart.lastIndex = at;
    const match = durationPart.exec(text);
    const [all = "", whole = "", fraction = "", unit = ""] = match ?? [];
    if (match === null || whole + fraction === "") {
      return undefined;
    }
    total += partNanoseconds(whole || "0", fraction, unit);
    at += all.length;
  }
  return at === 0 ? undefined : total;
}

/** A duration in Go's form (`1h30m`, `-2.5s`, `192s`); a problem when the text has another form or the range is left. */
export function parseDuration(text: string): Duration | Problem {
  const short = shortDuration(text);
  if (short !== undefined) {
    return short;
  }
  if (text.length > limits.numberLength) {
    return problems.invalidValue;
  }
  const negative = text.startsWith("-");
  const span = negative || text.startsWith("+") ? text.slice(1) : text;
  const nanoseconds = span === "0" ? 0n : textNanoseconds(span);
  if (nanoseconds === undefined) {
    return problems.invalidValue;
  }
  return durationOf(negative ? -nanoseconds : nanoseconds);
}

/** A moment in RFC 3339's strict form: capital T and Z, a day that exists, no leap second. Digits after the ninth are dropped. */
export function parseTimestamp(text: string): Timestamp | Problem {
  const short = shortTimestamp(text);
  if (short !== undefined) {
    return short;
  }
  const match = text.length > limits.numberLength ? null : timestampForm.exec(text);
  if (match === null) {
    return problems.invalidValue;
  }
  const [, day = "", time = "", fraction = "", sign = "+", hours = "0", minutes = "0"] = match;
  const midnight = new Date(`${day}T00:00:00Z`);
  // A day such as 30 February is read as one in March.
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) {
    return problems.invalidValue;
  }
  const offset = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) + 0;
  return timestampOf(Date.parse(`${day}${time}Z`) / 1000 - offset * 60, Number(fraction.slice(0, 9).padEnd(9, "0")), offset);
}

/** A moment in CEL's range (years 1 to 9999), or a problem. */
export function timestampOf(seconds: number, nanos: number, offset = 0): Timestamp | Problem {
  return seconds >= earliest && seconds <= latest ? new Timestamp(seconds, nanos, offset) : problems.overflow;
}

/** The whole span in nanoseconds. */
export const spanNanoseconds = (span: Duration): bigint => BigInt(span.seconds) * second + BigInt(span.nanos);

/** Seconds of which sums and differences are within the range of spans, whatever their nanoseconds. */
const farWithin = 4e9;

/** The sum of two spans; `sign` -1 subtracts the second. */
export function addDurations(a: Duration, b: Duration, sign: 1 | -1): Duration | Problem {
  if (Math.abs(a.seconds) < farWithin && Math.abs(b.seconds) < farWithin) {
    return carried(a.seconds + sign * b.seconds, a.nanos + sign * b.nanos);
  }
  return durationOf(spanNanoseconds(a) + BigInt(sign) * spanNanoseconds(b));
}

function carried(seconds: number, nanos: number): Duration {
  const carry = Math.floor(nanos / 1e9);
  return new Duration(seconds + carry, nanos - carry * 1e9);
}

/** A moment moved by a span; `sign` -1 moves it back. */
export function moveTimestamp(moment: Timestamp, span: Duration, sign: 1 | -1): Timestamp | Problem {
  const nanos = moment.nanos + sign * span.nanos;
  const carry = Math.floor(nanos / 1e9);
  return timestampOf(moment.seconds + sign * span.seconds + carry, nanos - carry * 1e9, moment.offset);
}

/** The span from `b` to `a`. */
export function betweenTimestamps(a: Timestamp, b: Timestamp): Duration | Problem {
  const seconds = a.seconds - b.seconds;
  const nanos = a.nanos - b.nanos;
  return Math.abs(seconds) < farWithin ? carried(seconds, nanos) : durationOf(BigInt(seconds) * second + BigInt(nanos));
}
