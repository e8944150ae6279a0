import { runKinds, runStatuses, type RunKind, type RunStatus } from "../api/run-event.ts";
import type { NamespaceSelector } from "../api/selectors.ts";
import type { Predicate } from "./predicate.ts";
import { includes } from "./reach.ts";

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

/** The run is of one of these namespaces (undefined: any). By labels they are not named: whoever sees the reason may not list Namespaces. */
export function namespacePredicate(selector: NamespaceSelector | undefined, own: string, selected: ReadonlySet<string> | undefined): Predicate {
  const names = selector === undefined ? [own] : selector.matchNames;
  const shown = names === undefined ? "does not have the labels" : `is not in [${names.join(", ")}]`;
  return { name: "namespaceSelector", test: ({ namespace }) => (includes(selected, namespace) ? undefined : { why: `${namespace} ${shown}` }) };
}

/** The Provider takes runs of the namespace. */
export const servedPredicate = (served: ReadonlySet<string> | undefined): Predicate => ({
  name: "RunsNotCovered",
  test: ({ namespace }) => (includes(served, namespace) ? undefined : { why: `the Provider's runNamespaces do not include ${namespace}` }),
});

/** A PipelineRun that belongs to another one has to be asked for; naming TaskRun or CustomRun in `kinds` asks for children of those. */
export const childrenPredicate = (children: boolean): Predicate => ({
  name: "children",
  test: ({ parent, kind }) => (parent === undefined || kind !== "PipelineRun" || children ? undefined : { why: "the run belongs to another run" }),
});
