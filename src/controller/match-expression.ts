import type { RunEvent } from "../api/run-event.ts";
import { compile, runEventEnvironment, stepsTaken, viewOf, type EventView, type Outcome } from "../filter/index.ts";
import type { Failure, Predicate } from "./predicate.ts";

const field = "spec.filter.expression";

function failureOf(outcome: Outcome): Failure | undefined {
  switch (outcome.kind) {
    case "value":
      return outcome.value === true ? undefined : { why: "is false" };
    case "absent":
      return { why: `${outcome.what} is absent (${outcome.line}:${outcome.column})` };
    case "error": {
      const { code, line, column } = outcome;
      return { why: `${code} at ${line}:${column}`, error: true, fault: { field, code, line, column } };
    }
  }
}

const views = new WeakMap<RunEvent, EventView>();

/** The event, read once for all expressions that are asked about it. */
function readOnce(event: RunEvent): EventView {
  const known = views.get(event);
  if (known !== undefined) return known;
  const view = viewOf(event);
  views.set(event, view);
  return view;
}

let taken: number | undefined;

/** The steps that the expression took that was asked last; undefined when none was since this was asked. */
export function takeSteps(): number | undefined {
  const steps = taken;
  taken = undefined;
  return steps;
}

/** The expression is true of the run. `problems`: why it is none, a sentence each; then it is true of no run. */
export function expressionPredicate(source: string): { readonly predicate: Predicate; readonly problems: readonly string[]; readonly reads: (variable: string) => boolean } {
  const { program, errors } = compile(source, { environment: runEventEnvironment, result: "bool" });
  return {
    problems: errors.map(({ line, column, message }) => `${field}:${line}:${column}: ${message}`),
    reads: (variable) => program?.reads(variable) === true,
    predicate: {
      name: "expression",
      test: (event) => {
        if (program === undefined) return { why: "is not valid", error: true };
        const outcome = program.evaluate(readOnce(event));
        taken = stepsTaken();
        return failureOf(outcome);
      },
    },
  };
}
