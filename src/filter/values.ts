import type { ErrorCode } from "../errors.ts";

/**
 * Values at run time. Strings, bools, null, lists and maps are the event's own JSON, never copied. An int is a number while
 * that is exact, else a bigint; doubles and uints are boxed, so that a number without a box is always an int.
 */
export type Value = null | boolean | string | number | bigint | Double | Uint | Timestamp | Duration | Bytes | TypeValue | ValueMap | readonly unknown[] | JsonObject;

export type JsonObject = Readonly<Record<string, unknown>>;

/** A CEL double. */
export class Double {
  readonly kind = "double";
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A CEL uint. */
export class Uint {
  readonly kind = "uint";
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/**
 * A moment: whole seconds since 1970 and 0..999,999,999 nanoseconds after them. `offset`: minutes east of UTC that its text had,
 * for `string()` alone; it makes no moment different from another.
 */
export class Timestamp {
  readonly kind = "timestamp";
  readonly seconds: number;
  readonly nanos: number;
  readonly offset: number;
  constructor(seconds: number, nanos: number, offset = 0) {
    this.seconds = seconds;
    this.nanos = nanos;
    this.offset = offset;
  }
}

/** A span of time: whole seconds (rounded down) and 0..999,999,999 nanoseconds on top. */
export class Duration {
  readonly kind = "duration";
  readonly seconds: number;
  readonly nanos: number;
  constructor(seconds: number, nanos: number) {
    this.seconds = seconds;
    this.nanos = nanos;
  }
}

/** A CEL value of type bytes. */
export class Bytes {
  readonly kind = "bytes";
  readonly value: Buffer;
  constructor(value: Buffer) {
    this.value = value;
  }
}

/** A type as a value: `int`, `list`, `google.protobuf.Timestamp`, ... */
export class TypeValue {
  readonly kind = "type";
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A map written in an expression: its keys may be of any key type. */
export class ValueMap {
  readonly kind = "map";
  readonly entries: ReadonlyMap<MapKey, readonly [key: Value, value: Value]>;
  constructor(entries: ReadonlyMap<MapKey, readonly [key: Value, value: Value]>) {
    this.entries = entries;
  }
}

/** What a function returns instead of a value when it cannot give one. */
export class Problem {
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    this.code = code;
  }
}

export const problems = {
  overflow: new Problem("FilterOverflow"),
  divisionByZero: new Problem("FilterDivisionByZero"),
  wrongType: new Problem("FilterWrongType"),
  invalidValue: new Problem("FilterInvalidValue"),
  budget: new Problem("FilterBudgetExceeded"),
} as const;

/** The steps an evaluation has left; below zero it is over, whatever its value. */
export interface Meter {
  steps: number;
}

/** A value out of JSON or out of a list or map: the same value, numbers brought into their one form. */
export function fromJson(value: unknown): Value | undefined {
  if (typeof value !== "number") {
    return value as Value | undefined;
  }
  if (Number.isSafeInteger(value)) {
    return value + 0;
  }
  const whole = Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
  return whole ? BigInt(value) : new Double(value);
}

/** Whether the value is an object of the event (and no list, no boxed value). */
export function isJsonObject(value: Value): value is JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A number of any of the three types as what JavaScript compares exactly; undefined when it is no number. */
export function numeric(value: Value): number | bigint | undefined {
  if (typeof value === "number" || typeof value === "bigint") {
    return value;
  }
  return value instanceof Double || value instanceof Uint ? value.value : undefined;
}

/** What stands for a key in a JavaScript map. */
export type MapKey = string | boolean | number | bigint;

/** The same for keys that are equal in CEL (1, 1u and 1.0 are), different ones for all others. */
export function keyOf(key: Value): MapKey | undefined {
  if (typeof key === "string" || typeof key === "boolean") {
    return key;
  }
  const number = numeric(key);
  const small = Number(number);
  return Number.isSafeInteger(small) ? small + 0 : typeof number === "number" && Number.isInteger(number) ? BigInt(number) : number;
}

/** The value under a key; undefined when the map has none. Own properties only, whatever their names. */
export function lookUp(map: JsonObject | ValueMap, key: Value): Value | undefined {
  if (map instanceof ValueMap) {
    const known = keyOf(key);
    return known === undefined ? undefined : map.entries.get(known)?.[1];
  }
  return typeof key === "string" && Object.hasOwn(map, key) ? fromJson(map[key]) : undefined;
}

/** The keys of a map, in its order. */
export function keysOf(map: JsonObject | ValueMap): readonly Value[] {
  return map instanceof ValueMap ? Array.from(map.entries.values(), ([key]) => key) : Object.keys(map);
}

function equalLists(a: readonly unknown[], b: readonly unknown[], meter: Meter): boolean {
  return a.length === b.length && a.every((element, index) => equalElements(element, b[index], meter));
}

function equalElements(a: unknown, b: unknown, meter: Meter): boolean {
  const left = fromJson(a);
  const right = fromJson(b);
  return left !== undefined && right !== undefined && equal(left, right, meter);
}

const countKeys = (map: JsonObject | ValueMap): number => (map instanceof ValueMap ? map.entries.size : Object.keys(map).length);

function equalMaps(a: JsonObject | ValueMap, b: JsonObject | ValueMap, meter: Meter): boolean {
  if (a instanceof ValueMap || b instanceof ValueMap) {
    return countKeys(a) === countKeys(b) && keysOf(a).every((key) => equalElements(lookUp(a, key), lookUp(b, key), meter));
  }
  return equalJson(a, b, meter);
}

function equalJson(a: JsonObject, b: JsonObject, meter: Meter): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) {
    return false;
  }
  for (const key of keys) {
    if (!Object.hasOwn(b, key) || !equalElements(a[key], b[key], meter)) {
      return false;
    }
  }
  return true;
}

const isMap = (value: Value): value is JsonObject | ValueMap => value instanceof ValueMap || isJsonObject(value);

function equalObjects(a: object, b: object, meter: Meter): boolean {
  if (Object.getPrototypeOf(a) === Object.prototype && Object.getPrototypeOf(b) === Object.prototype) {
    return equalJson(a as JsonObject, b as JsonObject, meter);
  }
  return equalBoxed(a as Value, b as Value, meter);
}

function equalBoxed(a: Value, b: Value, meter: Meter): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return equalLists(a, b, meter);
  }
  if ((a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration)) {
    return a.seconds === b.seconds && a.nanos === b.nanos;
  }
  if (a instanceof Bytes && b instanceof Bytes) {
    meter.steps -= a.value.length >> 6;
    return a.value.equals(b.value);
  }
  if (a instanceof TypeValue && b instanceof TypeValue) {
    return a.name === b.name;
  }
  return isMap(a) && isMap(b) && equalMaps(a, b, meter);
}

/** Equality as cel-spec has it: across the number types by value, and false (no error) for values of different types. */
export function equal(a: Value, b: Value, meter: Meter): boolean {
  meter.steps -= 1;
  if (meter.steps < 0) {
    return false;
  }
  const left = numeric(a);
  if (left !== undefined) {
    const right = numeric(b);
    return right !== undefined && compareNumbers(left, right) === 0;
  }
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") {
    return a === b;
  }
  return equalObjects(a, b, meter);
}

function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) {
      // A surrogate stands for a code point above every other unit.
      const leftHigh = left >= 0xd800 && left <= 0xdfff;
      const rightHigh = right >= 0xd800 && right <= 0xdfff;
      return leftHigh === rightHigh ? left - right : leftHigh ? 1 : -1;
    }
  }
  return a.length - b.length;
}

/** Order of two numbers. Two of different types are compared as doubles, which is lossy beyond 2^53, as in cel-go. */
function compareNumbers(left: number | bigint, right: number | bigint): number {
  const [a, b] = typeof left === typeof right ? [left, right] : [Number(left), Number(right)];
  if (a < b) {
    return -1;
  }
  return a > b ? 1 : Number(a !== a || b !== b) && Number.NaN;
}

/** Order of two values of one ordered type (numbers of all types count as one): negative, 0, positive, or NaN for none. */
export function compare(a: Value, b: Value): number {
  if (typeof a === "string" && typeof b === "string") {
    return compareStrings(a, b);
  }
  if ((a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration)) {
    return a.seconds - b.seconds || a.nanos - b.nanos;
  }
  if (a instanceof Bytes && b instanceof Bytes) {
    return Buffer.compare(a.value, b.value);
  }
  const left = typeof a === "boolean" ? Number(a) : numeric(a);
  const right = typeof b === "boolean" ? Number(b) : numeric(b);
  return left === undefined || right === undefined ? Number.NaN : compareNumbers(left, right);
}
