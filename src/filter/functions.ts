import { isZone } from "./calendar.ts";
import { caseSteps, orderSteps, scanSteps, searchSteps, walkSteps } from "./charges.ts";
import { intTimestamp } from "./conversions.ts";
import { conversions } from "./functions-convert.ts";
import { format, quote } from "./format.ts";
import { limits } from "./limits.ts";
import * as numbers from "./numbers.ts";
import { binary, overload, positions, texts, type FunctionDefinition, type Overload } from "./overload.ts";
import { compilePattern, matches } from "./regex.ts";
import { contains } from "./search.ts";
import * as strings from "./strings.ts";
import { addDurations, betweenTimestamps, moveTimestamp, parseDuration, parseTimestamp } from "./times.ts";
import { checkedAs, claim, join, listOf, mapOf, types, type CelType } from "./types.ts";
import {
  Bytes, compare, Double, equal, fromJson, keysOf, lookUp, Problem, problems,
  type Duration, type JsonObject, type Meter, type Timestamp, type Value, type ValueMap,
} from "./values.ts";

const { bool, int, uint, double, string, bytes, timestamp, duration, dyn } = types;
const anyList = listOf(dyn);
const anyMap = mapOf(dyn, dyn);

function concatenate(a: string, b: string, meter: Meter): string | Problem {
  meter.steps -= scanSteps(a.length) + scanSteps(b.length);
  return a.length + b.length > limits.textLength ? problems.budget : a + b;
}

function concatenateBytes(a: Bytes, b: Bytes, meter: Meter): Bytes | Problem {
  const length = a.value.length + b.value.length;
  meter.steps -= scanSteps(a.value.length) + scanSteps(b.value.length);
  return length > limits.textLength ? problems.budget : new Bytes(Buffer.concat([a.value, b.value]));
}

function concatenateLists(a: readonly unknown[], b: readonly unknown[], meter: Meter): readonly unknown[] | Problem {
  meter.steps -= a.length + b.length;
  return meter.steps < 0 ? problems.budget : [...a, ...b];
}

function isIn(value: Value, list: readonly unknown[], meter: Meter): boolean {
  return list.some((element) => equal(value, fromJson(element) ?? null, meter));
}

/** The type of two lists after one another. Where one is a dyn, CEL's checker takes its elements for those of the other. */
function bothLists(a: CelType, b: CelType): CelType {
  const [left, right] = [checkedAs(a), checkedAs(b)];
  if (left.kind === "list" && right.kind === "list" && left === a && right === b) {
    return join(a, b);
  }
  const element = (type: CelType): CelType => (type.kind === "list" ? type.element : types.free);
  return listOf(claim(join(element(left), element(right))));
}

const add: readonly Overload[] = [
  binary([int, int], int, numbers.onInts(numbers.addInts)),
  binary([uint, uint], uint, numbers.onUints((a, b) => a + b)),
  binary([double, double], double, numbers.onDoubles((a, b) => a + b)),
  overload([string, string], string, (meter, a, b) => concatenate(a as string, b as string, meter)),
  overload([bytes, bytes], bytes, (meter, a, b) => concatenateBytes(a as Bytes, b as Bytes, meter)),
  overload([anyList, anyList], ([a = dyn, b = dyn]) => bothLists(a, b), (meter, a, b) => concatenateLists(a as readonly unknown[], b as readonly unknown[], meter)),
  binary([timestamp, duration], timestamp, (a, b) => moveTimestamp(a as Timestamp, b as Duration, 1)),
  binary([duration, timestamp], timestamp, (a, b) => moveTimestamp(b as Timestamp, a as Duration, 1)),
  binary([duration, duration], duration, (a, b) => addDurations(a as Duration, b as Duration, 1)),
];

const subtract: readonly Overload[] = [
  binary([int, int], int, numbers.onInts(numbers.subtractInts)),
  binary([uint, uint], uint, numbers.onUints((a, b) => a - b)),
  binary([double, double], double, numbers.onDoubles((a, b) => a - b)),
  binary([timestamp, timestamp], duration, (a, b) => betweenTimestamps(a as Timestamp, b as Timestamp)),
  binary([timestamp, duration], timestamp, (a, b) => moveTimestamp(a as Timestamp, b as Duration, -1)),
  binary([duration, duration], duration, (a, b) => addDurations(a as Duration, b as Duration, -1)),
];

const orderedPairs: readonly (readonly [CelType, CelType])[] = [
  ...[int, uint, double].flatMap((left) => [int, uint, double].map((right): readonly [CelType, CelType] => [left, right])),
  ...[bool, bytes, timestamp, duration].map((type): readonly [CelType, CelType] => [type, type]),
];

const ordering = (holds: (order: number) => boolean): readonly Overload[] => [
  ...orderedPairs.map((params) => binary(params, bool, (a, b) => holds(compare(a, b)))),
  texts(2, bool, (a, b) => holds(compare(a, b)), (a, b) => orderSteps(a.length, b.length)),
];

const searching = (text: string, part: string): number => searchSteps(text.length, part.length);
const walkAndSearch = (text: string, part: string): number => walkSteps(text.length) + searching(text, part);
const changeCase = (text: string): number => caseSteps(text.length);
const comparePart = (_text: string, part: string): number => scanSteps(part.length);

function replace(meter: Meter, text: string, part: string, by: string, limit?: Value): string | Problem {
  const result = strings.replace(text, part, by, limit);
  meter.steps -= typeof result === "string" ? scanSteps(result.length) : 0;
  return result;
}

const operator = (name: string, overloads: readonly Overload[]): FunctionDefinition => ({ name, style: "operator", overloads });
const method = (name: string, ...overloads: Overload[]): FunctionDefinition => ({ name, style: "method", overloads });

const operators: readonly FunctionDefinition[] = [
  operator("_+_", add),
  operator("_-_", subtract),
  operator("_*_", [
    binary([int, int], int, numbers.onInts(numbers.multiplyInts)),
    binary([uint, uint], uint, numbers.onUints((a, b) => a * b)),
    binary([double, double], double, numbers.onDoubles((a, b) => a * b)),
  ]),
  operator("_/_", [
    binary([int, int], int, numbers.onInts(numbers.divideInts)),
    binary([uint, uint], uint, numbers.onUintsDividing((a, b) => a / b)),
    binary([double, double], double, numbers.onDoubles((a, b) => a / b)),
  ]),
  operator("_%_", [
    binary([int, int], int, numbers.onInts(numbers.remainderInts)),
    binary([uint, uint], uint, numbers.onUintsDividing((a, b) => a % b)),
  ]),
  operator("-_", [
    overload([int], int, (_meter, a) => numbers.negateInt(a as number | bigint)),
    overload([double], double, (_meter, a) => new Double(-(a as Double).value)),
  ]),
  operator("_<_", ordering((order) => order < 0)),
  operator("_<=_", ordering((order) => order <= 0)),
  operator("_>_", ordering((order) => order > 0)),
  operator("_>=_", ordering((order) => order >= 0)),
  operator("@in", [
    overload([dyn, anyList], bool, (meter, a, b) => isIn(a, b as readonly unknown[], meter)),
    binary([dyn, anyMap], bool, (a, b) => lookUp(b as JsonObject | ValueMap, a) !== undefined),
  ]),
];

const stringMethods: readonly FunctionDefinition[] = [
  method("startsWith", texts(2, bool, (a, b) => a.startsWith(b), comparePart)),
  method("endsWith", texts(2, bool, (a, b) => a.endsWith(b), comparePart)),
  method("contains", texts(2, bool, (a, b) => contains(a, b), searching)),
  method("lowerAscii", texts(1, string, (a) => strings.lowerAscii(a), changeCase)),
  method("upperAscii", texts(1, string, (a) => strings.upperAscii(a), changeCase)),
  method("trim", texts(1, string, (a) => strings.trim(a))),
  method("charAt", positions([int], string, strings.charAt)),
  method("indexOf", texts(2, int, (a, b) => strings.indexOf(a, b), walkAndSearch), positions([string, int], int, (a, b, from) => strings.indexOf(a, b as string, from))),
  method(
    "lastIndexOf",
    texts(2, int, (a, b) => strings.lastIndexOf(a, b), walkAndSearch),
    positions([string, int], int, (a, b, from) => strings.lastIndexOf(a, b as string, from)),
  ),
  method("substring", positions([int], string, (a, from) => strings.substring(a, from)), positions([int, int], string, (a, from, to) => strings.substring(a, from, to))),
  method(
    "replace",
    texts(3, string, (a, b, c, meter) => replace(meter, a, b, c), walkAndSearch),
    overload([string, string, string, int], string, (meter, a, b, c, limit) => {
      meter.steps -= walkAndSearch(a as string, b as string);
      return replace(meter, a as string, b as string, c as string, limit);
    }),
  ),
  method("split", texts(2, listOf(string), (a, b) => strings.split(a, b), walkAndSearch), positions([string, int], listOf(string), (a, b, limit) => strings.split(a, b as string, limit))),
  method("reverse", texts(1, string, (a) => strings.reverse(a))),
  method("format", overload([string, anyList], string, (meter, text, list) => format(text as string, list as readonly unknown[], meter))),
  method(
    "join",
    overload([listOf(string)], string, (meter, list) => strings.joinTexts(list as readonly unknown[], "", meter)),
    overload([listOf(string), string], string, (meter, list, separator) => strings.joinTexts(list as readonly unknown[], separator as string, meter)),
  ),
];

function quoted(text: string): string | Problem {
  return text.length > limits.textLength / 2 ? problems.budget : quote(text);
}

const others: readonly FunctionDefinition[] = [
  { name: "matches", style: "both", overloads: [texts(2, bool, (a, b, _c, meter) => matches(a, b, meter), () => 0)] },
  {
    name: "size",
    style: "both",
    overloads: [
      texts(1, int, (a) => strings.lengthOf(a)),
      overload([bytes], int, (_meter, a) => (a as Bytes).value.length),
      overload([anyList], int, (_meter, list) => (list as readonly unknown[]).length),
      overload([anyMap], int, (meter, map) => {
        const count = keysOf(map as JsonObject | ValueMap).length;
        meter.steps -= count;
        return count;
      }),
    ],
  },
  { name: "strings.quote", style: "function", overloads: [texts(1, string, (a) => quoted(a))] },
];

/** Every function, method and operator by name. `==`, `!=`, `&&`, `||`, `!`, `?:` and indexes are the checker's own. */
export const functions: ReadonlyMap<string, FunctionDefinition> = new Map(
  [...operators, ...stringMethods, ...others, ...conversions].map((definition) => [definition.name, definition]),
);

const durationForm = "write for example \"90s\", \"5m\" or \"1h30m\"";
const timestampForm = "write for example \"2026-01-31T08:00:00Z\"";

/** What is wrong with a literal time or span: its form, or its range. */
function timeProblem(value: Value | Problem, what: string, form: string, range: string): string | undefined {
  if (value === problems.overflow) {
    return `this ${what} is out of range; ${range}`;
  }
  return value instanceof Problem ? `this is not a ${what}; ${form}` : undefined;
}

/** Says what is wrong with a literal argument that only its value can tell; undefined when it is fine. */
export function checkLiteralArgument(name: string, value: string | number | bigint): string | undefined {
  if (typeof value !== "string") {
    return name === "timestamp" ? timeProblem(intTimestamp(value), "timestamp", timestampForm, "timestamps are of the years 1 to 9999") : undefined;
  }
  if (name === "matches") {
    const compiled = compilePattern(value);
    return typeof compiled === "string" ? `this pattern is not valid (RE2 syntax): ${compiled}` : undefined;
  }
  if (name === "duration") {
    return timeProblem(parseDuration(value), "duration", durationForm, "durations have at most about 292 years");
  }
  if (name.startsWith("get") && !isZone(value)) {
    return "this is not a time zone; write for example \"Europe/Berlin\" or \"+01:00\"";
  }
  return name === "timestamp" ? timeProblem(parseTimestamp(value), "timestamp", timestampForm, "timestamps are of the years 1 to 9999") : undefined;
}
