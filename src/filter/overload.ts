import { searchSteps, walkSteps } from "./charges.ts";
import { types, type CelType } from "./types.ts";
import { problems, type Meter, type Problem, type Value } from "./values.ts";

/** Runs a function on values of its parameter types (null for those it does not have). It throws nothing and keeps nothing. */
type Implementation = (meter: Meter, a: Value, b: Value, c: Value, d: Value) => Value | Problem;

/** One form of a function: what it takes, what it gives. */
export interface Overload {
  readonly params: readonly CelType[];
  readonly result: CelType | ((args: readonly CelType[]) => CelType);
  readonly run: Implementation;
}

/** A function, method or operator. */
export interface FunctionDefinition {
  readonly name: string;
  /** How it is called: `f(x)`, `x.f()`, both, or as an operator. */
  readonly style: "function" | "method" | "both" | "operator";
  readonly overloads: readonly Overload[];
}

/** An overload as it is. */
export const overload = (params: readonly CelType[], result: Overload["result"], run: Implementation): Overload => ({ params, result, run });

/** An overload of two operands whose function needs no meter. */
export const binary = (params: readonly [CelType, CelType], result: CelType, run: (a: Value, b: Value) => Value | Problem): Overload =>
  overload(params, result, (_meter, a, b) => run(a, b));

/** Steps that texts are charged: by default for walking the first one. */
type TextSteps = (a: string, b: string) => number;
const walkFirst: TextSteps = (a) => walkSteps(a.length);

/** An overload whose operands are all strings. */
export const texts = (count: number, result: CelType, run: (a: string, b: string, c: string, meter: Meter) => Value | Problem, steps = walkFirst): Overload =>
  overload(Array.from({ length: count }, () => types.string), result, (meter, a, b, c) => {
    meter.steps -= steps(a as string, b as string);
    return meter.steps < 0 ? problems.budget : run(a as string, b as string, c as string, meter);
  });

/** A method of a string that also takes positions. */
export const positions = (params: readonly CelType[], result: CelType, run: (text: string, b: Value, c: Value, d: Value) => Value | Problem): Overload =>
  overload([types.string, ...params], result, (meter, a, b, c, d) => {
    meter.steps -= walkSteps((a as string).length) + (typeof b === "string" ? searchSteps((a as string).length, b.length) : 0);
    return meter.steps < 0 ? problems.budget : run(a as string, b, c, d);
  });

