import type { Overload } from "./overload.ts";
import type { Typed } from "./typed.ts";
import { admits } from "./types.ts";
import { Problem, type Value } from "./values.ts";

/** Steps that a call of constants may take ahead of time. */
const steps = 1000;

function compute(typed: Typed, known: Map<Typed, Value | undefined>): Value | undefined {
  if (typed.op === "constant") {
    return typed.value;
  }
  const parts = typed.op === "call" ? typed.args : typed.op === "list" ? typed.elements : [];
  const values = parts.map((part) => fold(part, known)).filter((value) => value !== undefined);
  if (values.length < parts.length) {
    return undefined;
  }
  if (typed.op === "list") {
    return Object.freeze(values);
  }
  return typed.op === "call" ? call(typed.overloads, values) : undefined;
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
  if (typed.op !== "call" && typed.op !== "list" && typed.op !== "constant") {
    return undefined;
  }
  if (!known.has(typed)) {
    known.set(typed, compute(typed, known));
  }
  return known.get(typed);
}
