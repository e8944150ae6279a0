import type { Overload } from "./overload.ts";
import { childrenOf, type Typed } from "./typed.ts";
import { admits } from "./types.ts";
import { Double, equal, keyOf, Problem, ValueMap, type MapKey, type Value } from "./values.ts";

/** Steps that a call of constants may take ahead of time. */
const steps = 1000;

type Foldable = Extract<Typed, { op: "constant" | "list" | "map" | "equal" | "call" }>;

const foldable = new Set<Typed["op"]>(["constant", "list", "map", "equal", "call"]);
const isFoldable = (typed: Typed): typed is Foldable => foldable.has(typed.op);

function compute(typed: Foldable, known: Map<Typed, Value | undefined>): Value | undefined {
  const parts = childrenOf(typed);
  const values = parts.map((part) => fold(part, known)).filter((value) => value !== undefined);
  return values.length < parts.length ? undefined : combine(typed, values);
}

function combine(typed: Foldable, values: readonly Value[]): Value | undefined {
  switch (typed.op) {
    case "constant": return typed.value;
    case "list": return Object.freeze(values);
    case "map": return mapOf(values);
    case "call": return call(typed.overloads, values);
    case "equal": {
      const meter = { steps };
      const [left = null, right = null] = values;
      const same = equal(left, right, meter);
      return meter.steps < 0 ? undefined : same !== typed.negated;
    }
  }
}

/** The map of keys and values in turn; undefined when something cannot be a key, or is one twice. */
function mapOf(values: readonly Value[]): ValueMap | undefined {
  const entries = new Map<MapKey, readonly [Value, Value]>();
  for (let at = 0; at < values.length; at += 2) {
    const key = values[at] ?? null;
    const name = key instanceof Double ? undefined : keyOf(key);
    if (name === undefined || entries.has(name)) {
      return undefined;
    }
    entries.set(name, [key, values[at + 1] ?? null]);
  }
  return new ValueMap(entries);
}

function call([overload, ...others]: readonly Overload[], values: readonly Value[]): Value | undefined {
  if (overload === undefined || others.length > 0 || !overload.params.every((param, at) => admits(param, values[at] ?? null))) {
    return undefined;
  }
  const meter = { steps };
  const [a = null, b = null, c = null, d = null] = values;
  const value = overload.run(meter, a, b, c, d);
  return value instanceof Problem || meter.steps < 0 ? undefined : value;
}

/** The value of a node that reads nothing of the event and does not fail; undefined for all others. */
export function fold(typed: Typed, known: Map<Typed, Value | undefined>): Value | undefined {
  if (!isFoldable(typed)) {
    return undefined;
  }
  if (!known.has(typed)) {
    known.set(typed, compute(typed, known));
  }
  return known.get(typed);
}
