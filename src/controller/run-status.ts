import type { RunKind, RunStatus } from "../api/run-event.ts";
import type { RunCondition, TrimmedRun } from "./trim-run.ts";

/** Reasons of a condition Unknown that mean: not started, or waiting for something. */
const waiting = /^(Pending|PipelineRunPending|TaskRunPending|ToBeRetried|Resolving.*|ExceededResourceQuota|ExceededNodeResources|PullImageFailed)$/;
const timedOut = /^(PipelineRunTimeout|TaskRunTimeout|CustomRunTimedOut)$/;
const cancelled = /^(Cancelled|TaskRunCancelled|CustomRunCancelled|Stopped.*)$/;

/** Whether the run has ended. A TaskRun that is False without a completionTime is between two tries. */
export function isTerminal(run: Pick<TrimmedRun, "kind" | "condition" | "completionTime">): boolean {
  if (run.condition?.status === "True") return true;
  return run.condition?.status === "False" && (run.kind !== "TaskRun" || run.completionTime !== undefined);
}

function failedStatus({ reason, message }: RunCondition): RunStatus {
  if (timedOut.test(reason)) return "TimedOut";
  // A TaskRun that its pipeline's timeout killed says TaskRunCancelled; only the message tells.
  if (reason === "TaskRunCancelled" && message.includes("has timed out")) return "TimedOut";
  return cancelled.test(reason) ? "Cancelled" : "Failed";
}

/** The normalised status (the table in docs/reference/run-status.md): the condition first, then known reasons. */
export function runStatus(run: { readonly kind: RunKind; readonly condition?: RunCondition; readonly completionTime?: string }): RunStatus {
  const { condition } = run;
  if (condition === undefined) return "Pending";
  if (condition.status === "True") return "Succeeded";
  if (condition.status === "False") return isTerminal(run) ? failedStatus(condition) : "Running";
  return waiting.test(condition.reason) ? "Pending" : "Running";
}
