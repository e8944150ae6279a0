import { runKinds, type RunKind } from "../api/run-event.ts";
import type { ChildRun } from "./normalise-run.ts";
import { isTerminal } from "./run-status.ts";
import type { TrimmedRun } from "./trim-run.ts";

/** Children as they were listed, beside those that are known otherwise. */
export interface Listed {
  readonly children: readonly ChildRun[];
  readonly times: number;
}

const keyOf = ({ kind, name }: { readonly kind?: string; readonly name?: string }): string => `${kind ?? ""}/${name ?? ""}`;

const byKey = (...lists: readonly (readonly ChildRun[])[]): ChildRun[] => [...new Map(lists.flat().map((child) => [keyOf(child), child])).values()];

/** What of a listed child is shown. */
const shown = ({ kind, name, labels, condition, startTime, completionTime }: TrimmedRun): ChildRun => ({
  kind,
  name,
  labels,
  ...(condition !== undefined && { condition }),
  ...(startTime !== undefined && { startTime }),
  ...(completionTime !== undefined && { completionTime }),
});

/** What is known after the children of the run were listed once more; whoever claims to be its child must be owned by it. */
export const listedAgain = (before: Listed | undefined, runUid: string, found: readonly TrimmedRun[]): Listed => ({
  children: byKey(before?.children ?? [], found.filter(({ owner }) => owner?.uid === runUid).map(shown)),
  times: (before?.times ?? 0) + 1,
});

/** Children that are followed, or were, with those that were listed: what is followed is never older. */
export const withListed = (followed: readonly ChildRun[], listed: Listed | undefined): readonly ChildRun[] =>
  listed === undefined ? followed : byKey(listed.children, followed);

/** Kinds of the children that have not ended, and of those that the run names and of which nothing is known. */
export function unendedKinds(run: TrimmedRun, children: readonly ChildRun[]): RunKind[] {
  if (run.kind !== "PipelineRun") return [];
  const known = new Set(children.map(keyOf));
  const unknown = (run.object.status?.childReferences ?? []).filter((child) => !known.has(keyOf(child)));
  const open = new Set<string | undefined>([...unknown, ...children.filter((child) => !isTerminal(child))].map(({ kind }) => kind));
  return runKinds.filter((kind) => open.has(kind));
}
