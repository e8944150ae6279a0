import type { ErrorCode } from "../errors.ts";
import type { Place } from "./diagnostics.ts";
import { Problem, type Meter, type Value } from "./values.ts";

/** Something that the expression asks for is not there: a plain non-match. */
export interface Absent extends Place {
  readonly kind: "absent";
  /** The path as written in the expression (`previous.status`, `labels["team"]`), never run data. */
  readonly what: string;
}

/** The expression could not be evaluated on this event: a non-match to be counted and shown by its place. */
export interface Failure extends Place {
  readonly kind: "error";
  readonly code: ErrorCode;
}

export type Fault = Absent | Failure;

/** One evaluation. A program reuses its own, since evaluation neither waits nor calls back. */
export interface Evaluation extends Meter {
  event: Readonly<Record<string, unknown>>;
  /** Why the last `undefined` came. */
  fault: Fault;
  /** Values of the macros' variables. */
  readonly slots: Value[];
}

/** A planned node: its value, or undefined with `fault` set. */
export type Run = (evaluation: Evaluation) => Value | undefined;

/** Leaves with a fault. */
export function fail(evaluation: Evaluation, fault: Fault): Value | undefined {
  evaluation.fault = fault;
  return undefined;
}

/** The failures of one place, made once. */
export type Failures = (problem: Problem) => Failure;

/** A function's result as a planned node's: a problem becomes a failure. */
export function settle(evaluation: Evaluation, result: Value | Problem, failures: Failures): Value | undefined {
  return result instanceof Problem ? fail(evaluation, failures(result)) : result;
}
