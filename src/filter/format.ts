import { scanSteps, walkSteps } from "./charges.ts";
import { durationText, timestampText } from "./conversions.ts";
import { exponentText, fixedText, plainText } from "./decimal.ts";
import { limits } from "./limits.ts";
import { Bytes, Double, Duration, fromJson, isJsonObject, keysOf, lookUp, numeric, Problem, problems, Timestamp, TypeValue, Uint, ValueMap, type Meter, type Value } from "./values.ts";

/** `format` and `strings.quote` of the strings extension. */

const escapes: Readonly<Record<string, string>> = { "\u0007": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", "\"": "\\\"" };

/** A text in double quotes, its control characters, quotes and backslashes escaped. */
export const quote = (text: string): string => `"${text.replace(/[\u0007\b\f\n\r\t\v\\"]/g, (character) => escapes[character] ?? character)}"`;

const specialDouble = (value: number): string | undefined => (Number.isNaN(value) ? "NaN" : Number.isFinite(value) ? undefined : value > 0 ? "Infinity" : "-Infinity");

type Text = string | Problem;

function listText(list: readonly unknown[], meter: Meter): Text {
  const texts: string[] = [];
  for (const element of list) {
    const text = valueText(fromJson(element) ?? null, meter);
    if (text instanceof Problem) {
      return text;
    }
    texts.push(text);
  }
  return `[${texts.join(", ")}]`;
}

function mapText(map: ValueMap | Readonly<Record<string, unknown>>, meter: Meter): Text {
  const entries: (readonly [key: string, value: string])[] = [];
  for (const key of keysOf(map)) {
    const text = valueText(key, meter);
    const value = valueText(lookUp(map, key) ?? null, meter);
    if (text instanceof Problem || value instanceof Problem) {
      return problems.invalidValue;
    }
    entries.push([text, value]);
  }
  return `{${entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}: ${value}`).join(", ")}}`;
}

function objectText(value: Exclude<Value, null | string | boolean | number | bigint>, meter: Meter): Text {
  if (value instanceof Double) {
    return specialDouble(value.value) ?? plainText(value.value);
  }
  if (value instanceof Uint) {
    return value.value.toString();
  }
  if (value instanceof Bytes) {
    return value.value.toString();
  }
  if (value instanceof Timestamp) {
    return timestampText(value);
  }
  if (value instanceof Duration) {
    return durationText(value);
  }
  if (value instanceof TypeValue) {
    return value.name;
  }
  return value instanceof ValueMap || isJsonObject(value) ? mapText(value, meter) : listText(value, meter);
}

/** What `%s` writes. */
function valueText(value: Value, meter: Meter): Text {
  meter.steps -= 1;
  if (meter.steps < 0) {
    return problems.budget;
  }
  const text = typeof value === "object" && value !== null ? objectText(value, meter) : String(value);
  if (typeof text === "string") {
    meter.steps -= scanSteps(text.length);
    return text.length > limits.textLength ? problems.budget : text;
  }
  return text;
}

const whole = (value: Value): bigint | undefined => (typeof value === "number" || typeof value === "bigint" ? BigInt(value) : value instanceof Uint ? value.value : undefined);

function inBase(base: number): (value: Value) => Text {
  return (value) => {
    const number = base === 2 && typeof value === "boolean" ? BigInt(value) : whole(value);
    return number === undefined ? problems.wrongType : number.toString(base);
  };
}

function decimalText(value: Value): Text {
  return value instanceof Double ? (specialDouble(value.value) ?? plainText(value.value)) : inBase(10)(value);
}

function hexadecimalText(value: Value): Text {
  if (typeof value === "string") {
    return Buffer.from(value).toString("hex");
  }
  return value instanceof Bytes ? value.value.toString("hex") : inBase(16)(value);
}

const double = (write: (value: number, precision: number) => string) => (value: Value, precision: number): Text => {
  const number = numeric(value);
  if (number === undefined) {
    return problems.wrongType;
  }
  const asDouble = Number(number);
  return specialDouble(asDouble) ?? write(asDouble, precision);
};

const clauses: Readonly<Record<string, (value: Value, precision: number, meter: Meter) => Text>> = {
  s: (value, _precision, meter) => valueText(value, meter),
  d: decimalText,
  b: inBase(2),
  o: inBase(8),
  x: hexadecimalText,
  X: (value) => {
    const text = hexadecimalText(value);
    return typeof text === "string" ? text.toUpperCase() : text;
  },
  f: double(fixedText),
  e: double(exponentText),
};

const integers = ["int", "uint"];
const numbers = [...integers, "double"];

/** The types that a clause takes; one not named here takes all. */
const clauseTypes: Readonly<Record<string, readonly string[]>> = {
  d: numbers, f: numbers, e: numbers, o: integers, b: [...integers, "bool"], x: [...integers, "string", "bytes"], X: [...integers, "string", "bytes"],
};

/** What is wrong with a text for `format`, or with the argument at an index. */
interface FormatProblem {
  readonly message: string;
  readonly at: number | "text";
}

const isClause = (letter: string, precision: string): boolean => Object.hasOwn(clauses, letter) && Number(precision) <= limits.formatPrecision;

/** What is wrong with one clause that takes an argument of this type (undefined: there is none). */
function clauseProblem([written, precision = "6", letter = ""]: RegExpExecArray, type: string | undefined, at: number, rest: string): FormatProblem | undefined {
  if (!isClause(letter, precision)) {
    const [shown = written] = /^%[^%a-zA-Z]{0,8}[a-zA-Z]?/.exec(rest) ?? [];
    return { message: `\`${shown}\` is not one of %s %d %b %o %x %X %f %e (with a precision up to ${limits.formatPrecision}: \`%.2f\`) or %%`, at: "text" };
  }
  if (type === undefined) {
    return { message: `\`${written}\` has no value: the list has ${at}`, at: "text" };
  }
  const accepted = Object.hasOwn(clauseTypes, letter) ? clauseTypes[letter] : undefined;
  return accepted === undefined || type === "dyn" || accepted.includes(type) ? undefined : { message: `\`${written}\` takes ${accepted.join(" or ")}, not ${type}`, at };
}

/** What is wrong with a text for `format` and the types of its arguments (`dyn`: not known yet). */
export function checkFormat(text: string, args: readonly string[]): readonly FormatProblem[] {
  const taking = Array.from(text.matchAll(clause)).filter(([written]) => written !== "%%");
  // That the list is too short is said once.
  const found = taking.slice(0, args.length + 1).flatMap((match, at) => clauseProblem(match, args[at], at, text.slice(match.index)) ?? []);
  return found.length === 0 && taking.length < args.length ? [{ message: `the list has ${args.length} values, the text takes ${taking.length}`, at: taking.length }] : found;
}

const clause = /%(?:%|(?:\.([0-9]{1,3}))?([a-zA-Z])?)/g;

/** A clause of a format text, with what stands before it. */
interface Clause {
  readonly before: string;
  /** How it writes its argument; undefined: `%%`, which has none. A clause that does not exist is a problem when it is reached. */
  readonly write: ((value: Value, precision: number, meter: Meter) => Text) | undefined;
  readonly precision: number;
}

interface FormatText {
  readonly clauses: readonly Clause[];
  readonly rest: string;
}

const invalid = (): Text => problems.invalidValue;

function takeApart(text: string): FormatText {
  let last = 0;
  const found = Array.from(text.matchAll(clause), (match): Clause => {
    const [written, precision = "6", letter = ""] = match;
    const before = text.slice(last, match.index);
    last = match.index + written.length;
    return { before, write: written === "%%" ? undefined : isClause(letter, precision) ? (clauses[letter] ?? invalid) : invalid, precision: Number(precision) };
  });
  return { clauses: found, rest: text.slice(last) };
}

const recent = new Map<string, FormatText>();
const recentLimit = 256;
const recentLength = 512;

/** A format text in its parts. Short ones are kept: most are written in expressions. */
function partsOf(text: string): FormatText {
  const known = recent.get(text);
  if (known !== undefined) {
    return known;
  }
  const parts = takeApart(text);
  if (text.length <= recentLength) {
    if (recent.size >= recentLimit) {
      recent.clear();
    }
    recent.set(text, parts);
  }
  return parts;
}

/** The text with its clauses (`%s`, `%d`, `%.2f`, ...) replaced by the arguments in order. */
export function format(text: string, args: readonly unknown[], meter: Meter): Text {
  meter.steps -= walkSteps(text.length);
  const parts = partsOf(text);
  let result = "";
  let used = 0;
  for (const { before, write, precision } of parts.clauses) {
    const written = write === undefined ? "%" : used >= args.length ? problems.invalidValue : write(fromJson(args[used]) ?? null, precision, meter);
    if (typeof written !== "string") {
      return written;
    }
    used += write === undefined ? 0 : 1;
    result += before + written;
    meter.steps -= 1 + scanSteps(written.length);
    if (result.length > limits.textLength || meter.steps < 0) {
      return problems.budget;
    }
  }
  return result + parts.rest;
}
