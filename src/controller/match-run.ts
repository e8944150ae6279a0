import { runKinds, runStatuses, type RunKind, type RunStatus } from "../api/run-event.ts";
import type { NamespaceSelector } from "../api/selectors.ts";
import type { Predicate } from "./predicate.ts";

/** Whether a word is among some, all known ones having a place: one number for each filter, which thousands of filters keep near at hand. */
function among<Word extends string>(words: ReadonlySet<Word>, all: readonly Word[]): (word: Word) => { why: string } | undefined {
  const bits = all.reduce((sum, word, place) => (words.has(word) ? sum | (1 << place) : sum), 0);
  const shown = `is not in [${[...words].join(", ")}]`;
  return (word) => ((bits & (1 << all.indexOf(word))) === 0 ? { why: `${word} ${shown}` } : undefined);
}

/** The run is of one of these kinds. */
export function kindsPredicate(kinds: ReadonlySet<RunKind>): Predicate {
  const failure = among(kinds, runKinds);
  return { name: "kinds", test: ({ kind }) => failure(kind) };
}

/** The run is in one of these states. */
export function statusesPredicate(statuses: ReadonlySet<RunStatus>): Predicate {
  const failure = among(statuses, runStatuses);
  return { name: "statuses", test: ({ status }) => failure(status) };
}

/** Until Namespaces are watched, only the Notification's own namespace can be selected; admission refuses the rest. */
export function namespacePredicate(selector: NamespaceSelector | undefined, namespace: string): Predicate {
  const allowed = selector === undefined || selector.matchNames?.includes(namespace) === true;
  const shown = allowed ? namespace : "";
  return { name: "namespaceSelector", test: (event) => (allowed && event.namespace === namespace ? undefined : { why: `${event.namespace} is not in [${shown}]` }) };
}

/** A PipelineRun that belongs to another one has to be asked for; naming TaskRun or CustomRun in `kinds` asks for children of those. */
export const childrenPredicate = (children: boolean): Predicate => ({
  name: "children",
  test: ({ parent, kind }) => (parent === undefined || kind !== "PipelineRun" || children ? undefined : { why: "the run belongs to another run" }),
});
