import type { RunEvent } from "../api/run-event.ts";
import { costOf } from "./cost.ts";
import { placeAt } from "./diagnostics.ts";
import { limits } from "./limits.ts";
import { plan } from "./plan.ts";
import type { Absent, Evaluation, Failure, Run } from "./run.ts";
import type { Typed } from "./typed.ts";
import { typeName } from "./types.ts";
import type { Value } from "./values.ts";

/** What an evaluation came to. */
export type Outcome = { readonly kind: "value"; readonly value: Value } | Absent | Failure;

/** A compiled expression. */
export interface Program {
  readonly source: string;
  /** The result's type as CEL writes it: `bool`, `string`, `list(string)`, `dyn`, ... */
  readonly type: string;
  /** The most steps that an evaluation can take, from the declared sizes of the event's fields. */
  readonly cost: number;
  /** Evaluates the expression on an event. Never throws, never changes the event, and ends after a bounded number of steps. */
  evaluate(event: RunEvent): Outcome;
}

const yes: Outcome = Object.freeze({ kind: "value", value: true });
const no: Outcome = Object.freeze({ kind: "value", value: false });
const exhausted: Failure = Object.freeze({ kind: "error", code: "FilterBudgetExceeded", line: 1, column: 1 });
const broken: Failure = Object.freeze({ kind: "error", code: "FilterInternal", line: 1, column: 1 });
const nothing: Evaluation["event"] = Object.freeze({});

function outcomeOf(run: Run, evaluation: Evaluation): Outcome {
  const value = run(evaluation);
  // A loop that ran out of steps may have been swallowed by `|| true`; the steps tell.
  if (evaluation.steps < 0) {
    return exhausted;
  }
  if (value === true) {
    return yes;
  }
  if (value === false) {
    return no;
  }
  return value === undefined ? evaluation.fault : { kind: "value", value };
}

/** The program of a checked expression. */
export function programOf(source: string, typed: Typed): Program {
  const run = plan(typed, { place: (offset) => placeAt(source, offset), absents: new Map() });
  const evaluation: Evaluation = { event: nothing, fault: broken, steps: 0, slots: [] };
  return {
    source,
    type: typeName(typed.type),
    cost: costOf(typed),
    evaluate(event) {
      evaluation.event = event;
      evaluation.steps = limits.steps;
      evaluation.fault = broken;
      try {
        return outcomeOf(run, evaluation);
      } catch {
        return broken;
      } finally {
        evaluation.event = nothing;
        evaluation.slots.length = 0;
      }
    },
  };
}
