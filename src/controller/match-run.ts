import type { RunKind, RunStatus } from "../api/run-event.ts";
import type { NamespaceSelector } from "../api/selectors.ts";
import type { Predicate } from "./predicate.ts";

const among = <Word extends string>(word: Word, words: ReadonlySet<Word>): { why: string } | undefined =>
  words.has(word) ? undefined : { why: `${word} is not in [${[...words].join(", ")}]` };

/** The run is of one of these kinds. */
export const kindsPredicate = (kinds: ReadonlySet<RunKind>): Predicate => ({ name: "kinds", test: ({ kind }) => among(kind, kinds) });

/** The run is in one of these states. */
export const statusesPredicate = (statuses: ReadonlySet<RunStatus>): Predicate => ({ name: "statuses", test: ({ status }) => among(status, statuses) });

/** Until Namespaces are watched, only the Notification's own namespace can be selected; admission refuses the rest. */
export function namespacePredicate(selector: NamespaceSelector | undefined, namespace: string): Predicate {
  const names = selector === undefined ? [namespace] : (selector.matchNames ?? []);
  const allowed = new Set(names.filter((name) => name === namespace));
  return { name: "namespaceSelector", test: (event) => among(event.namespace, allowed) };
}

/** A PipelineRun that belongs to another one has to be asked for; naming TaskRun or CustomRun in `kinds` asks for children of those. */
export const childrenPredicate = (children: boolean): Predicate => ({
  name: "children",
  test: ({ parent, kind }) => (parent === undefined || kind !== "PipelineRun" || children ? undefined : { why: "the run belongs to another run" }),
});
