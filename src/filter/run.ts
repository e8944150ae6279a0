import type { ErrorCode } from "../errors.ts";
import type { Place } from "./diagnostics.ts";
import type { EventView } from "./view.ts";
import type { Meter, Value } from "./values.ts";

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

/** What an evaluation came to. */
export type Outcome = { readonly kind: "value"; readonly value: Value } | Absent | Failure;

/** A generated evaluator: the outcome on an event. It keeps nothing between calls. */
export type Run = (view: EventView, meter: Meter) => Outcome;

export const yes: Outcome = Object.freeze({ kind: "value", value: true });
export const no: Outcome = Object.freeze({ kind: "value", value: false });
export const exhausted: Failure = Object.freeze({ kind: "error", code: "FilterBudgetExceeded", line: 1, column: 1 });
export const broken: Failure = Object.freeze({ kind: "error", code: "FilterInternal", line: 1, column: 1 });

/** The outcome of a value. */
export function outcomeOf(value: Value): Outcome {
  return value === true ? yes : value === false ? no : { kind: "value", value };
}
