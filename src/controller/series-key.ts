import type { RunEvent } from "../api/run-event.ts";
import { cutToBytes } from "../api/text.ts";
import type { Template } from "../filter/index.ts";
import { commitOf } from "./commit.ts";
import { pipelineOf, pipelineTaskOf } from "./normalise-run.ts";
import type { TrimmedRun } from "./trim-run.ts";

const maxKeyBytes = 512;

/** Runs of other kinds, and children of runs, are never of one series with a run. */
const keyOf = (kind: string, parentKind: string | undefined, text: string): string | undefined => {
  const own = parentKind === undefined ? kind : `${parentKind}/${kind}`;
  return text.trim() === "" ? undefined : `${own} ${cutToBytes(text, maxKeyBytes)}`;
};

/**
 * The series of a run by what Notifications say that do not say it themselves: pipeline and task, repository, branch, as far
 * as they are known. Undefined: it belongs to none.
 */
export function usualSeriesKey(run: TrimmedRun): string | undefined {
  const { owner, repo, branch } = commitOf(run.annotations);
  const pipeline = [pipelineOf(run), pipelineTaskOf(run)].filter((name) => name !== undefined && name !== "").join("/");
  if (pipeline === "") return undefined;
  const repository = owner !== undefined && repo !== undefined ? `${owner}/${repo}` : undefined;
  return keyOf(run.kind, run.owner?.kind, [pipeline, repository, branch].filter((part) => part !== undefined).join(" "));
}

/** The series of a run by a Notification's own template. Undefined: it belongs to none. */
export const ownSeriesKey = (event: RunEvent, groupBy: Template): string | undefined =>
  keyOf(event.kind, event.parent?.kind, groupBy.render(event, { maxBytes: maxKeyBytes }).text);
