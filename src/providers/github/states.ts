import type { RunEvent, RunStatus } from "../../api/run-event.ts";

/** How a Notification reports. */
export const reports = ["CommitStatus", "CheckRun", "PullRequestComment"] as const;
export type Report = (typeof reports)[number];

/** The states of GitHub's commit statuses. */
type CommitState = "pending" | "success" | "failure" | "error";

const commitStates: Readonly<Record<RunStatus, CommitState>> = { Pending: "pending", Running: "pending", Succeeded: "success", Failed: "failure", Cancelled: "error", TimedOut: "failure" };

/** The commit state of a run's status (the table in docs/providers/github.md). */
export const commitState = (status: RunStatus): CommitState => commitStates[status];

/** Reasons that say the run itself was wrong, not what it tested. GitHub calls that `error`. */
const faultOfTheRun = /^(Couldnt|Invalid|Parameter|Param|Object|Required|CreateRunFailed|PipelineValidationFailed|PipelineInvalidGraph|TaskRunValidationFailed|TaskValidationFailed|TaskRunResolutionFailed|ResourceVerificationFailed|CELEvaluationFailed)/;

/** The commit state of a state of a run. */
export const commitStateOf = ({ status, reason }: RunEvent): CommitState => (status === "Failed" && faultOfTheRun.test(reason) ? "error" : commitState(status));

/** What a check run says of a run: its status, and how it ended. */
export type CheckState = { readonly status: "queued" | "in_progress" } | { readonly status: "completed"; readonly conclusion: "success" | "failure" | "cancelled" | "timed_out" };

const checkStates: Readonly<Record<RunStatus, CheckState>> = {
  Pending: { status: "queued" },
  Running: { status: "in_progress" },
  Succeeded: { status: "completed", conclusion: "success" },
  Failed: { status: "completed", conclusion: "failure" },
  Cancelled: { status: "completed", conclusion: "cancelled" },
  TimedOut: { status: "completed", conclusion: "timed_out" },
};

/** The check run's state for a run's status (the table in docs/providers/github.md). */
export const checkState = (status: RunStatus): CheckState => checkStates[status];

/** What GitHub tells apart: commit statuses do not know a run that waits from one that works. */
export const serviceState = (status: RunStatus, report: Report): string => (report === "CommitStatus" ? commitState(status) : status);
