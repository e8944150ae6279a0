import { orderSteps, scanSteps, searchSteps, walkSteps } from "./charges.ts";
import { limits } from "./limits.ts";
import { addInts, divideInts, multiplyInts, negateInt, remainderInts, subtractInts } from "./numbers.ts";
import type { Overload } from "./overload.ts";
import { readDouble, readDuration, readTimestamp } from "./readers.ts";
import { exhausted, no, outcomeOf, yes } from "./run.ts";
import { contains as has } from "./search.ts";
import { lengthOf } from "./strings.ts";
import { admits } from "./types.ts";
import { compare, Double, equal, fromJson, isJsonObject, keyOf, keysOf, lookUp, numeric, Problem, problems, ValueMap, type MapKey, type Meter, type Value } from "./values.ts";

/** The functions that generated code calls by name. All of them are total: what they cannot do is a problem. */

/** The value under a name; undefined when there is none. */
function entry(container: Value, name: string): Value | Problem | undefined {
  return container instanceof ValueMap || isJsonObject(container) ? lookUp(container, name) : problems.wrongType;
}

/** The same for a plain key, see keys.ts. */
function plainEntry(container: Value, name: string): Value | Problem | undefined {
  if (typeof container === "object" && container !== null) {
    const found = (container as Readonly<Record<string, unknown>>)[name];
    if (found !== undefined) {
      return fromJson(found);
    }
  }
  return container instanceof ValueMap ? lookUp(container, name) : isJsonObject(container) ? undefined : problems.wrongType;
}

/** What is under a key or at an index; undefined when there is nothing. */
function element(container: Value, key: Value): Value | Problem | undefined {
  if (Array.isArray(container)) {
    const number = numeric(key);
    if (number === undefined) {
      return problems.wrongType;
    }
    const at = Number(number);
    return Number.isInteger(at) && at >= 0 && at < container.length ? fromJson(container[at]) : undefined;
  }
  return container instanceof ValueMap || isJsonObject(container) ? lookUp(container, key) : problems.wrongType;
}

/** What a macro goes through: a list's elements, a map's keys; undefined for anything else. */
function elements(range: Value): readonly unknown[] | undefined {
  if (Array.isArray(range)) {
    return range as readonly unknown[];
  }
  return range instanceof ValueMap || isJsonObject(range) ? keysOf(range) : undefined;
}

/** Whether a map that has no property of that name has the plain key all the same. */
const hasEntry = (map: unknown, key: string): boolean => map instanceof ValueMap && lookUp(map, key) !== undefined;

const hasKey = (map: ValueMap | Readonly<Record<string, unknown>>, key: string): boolean => (map instanceof ValueMap ? lookUp(map, key) !== undefined : Object.hasOwn(map, key));

/** `in` for a text and a list. */
function hasText(text: string, list: readonly unknown[], meter: Meter): boolean {
  const at = list.indexOf(text);
  meter.steps -= at === -1 ? list.length : at + 1;
  return at !== -1;
}

/** The first overload that takes the values, run on them. */
function dispatch(overloads: readonly Overload[], meter: Meter, values: readonly Value[]): Value | Problem {
  const [a = null, b = null, c = null, d = null] = values;
  for (const { params, run } of overloads) {
    let fits = true;
    for (let at = 0; at < params.length && fits; at += 1) {
      fits = admits(params[at] ?? { kind: "dyn" }, values[at] ?? null);
    }
    if (fits) {
      return run(meter, a, b, c, d);
    }
  }
  return problems.wrongType;
}

/** The order of two texts. */
function orderOf(a: string, b: string, meter: Meter): number {
  meter.steps -= orderSteps(a.length, b.length);
  return meter.steps < 0 ? 0 : compare(a, b);
}

const startsWith = (text: string, part: string, meter: Meter): boolean => {
  meter.steps -= scanSteps(part.length);
  return text.startsWith(part);
};

const endsWith = (text: string, part: string, meter: Meter): boolean => {
  meter.steps -= scanSteps(part.length);
  return text.endsWith(part);
};

function contains(text: string, part: string, meter: Meter): boolean {
  meter.steps -= searchSteps(text.length, part.length);
  return meter.steps >= 0 && has(text, part);
}

/** Two texts in one. */
function concatenate(a: string, b: string, meter: Meter): string | Problem {
  const length = a.length + b.length;
  meter.steps -= scanSteps(length);
  return length > limits.textLength ? problems.budget : a + b;
}

/** Characters of a text. */
function sizeOf(text: string, meter: Meter): number {
  meter.steps -= walkSteps(text.length);
  return lengthOf(text);
}

/** Adds an entry to a map literal; a problem for what cannot be a key, or not twice. */
function put(entries: Map<MapKey, readonly [Value, Value]>, key: Value, value: Value): Problem | undefined {
  const text = key instanceof Double ? undefined : keyOf(key);
  if (text === undefined) {
    return problems.wrongType;
  }
  if (entries.has(text)) {
    return problems.invalidValue;
  }
  entries.set(text, [key, value]);
  return undefined;
}

/** Every function, class and constant that generated code can name. */
export const vocabulary = {
  addInts, subtractInts, multiplyInts, divideInts, remainderInts, negateInt,
  admits, concatenate, contains, dispatch, element, elements, endsWith, entry, equal, fromJson, hasEntry, hasKey, hasText, orderOf, outcomeOf, plainEntry, put, sizeOf, startsWith,
  readDouble, readDuration, readTimestamp, Problem, ValueMap, problems, yes, no, exhausted,
} as const;

export type Word = keyof typeof vocabulary;
