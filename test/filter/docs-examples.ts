import type { RunEvent } from "../../src/api/run-event.ts";
import { sampleEvent } from "./sample-event.ts";

/** A run that an example of docs/filters.md matches, and one that it does not. */
export interface Example {
  readonly matches: RunEvent;
  readonly other: RunEvent;
}

type Changes = Partial<RunEvent>;
type Task = RunEvent["tasks"][number];

const on = (matches: Changes, other: Changes): Example => ({ matches: sampleEvent(matches), other: sampleEvent(other) });

const succeeded: Changes = { status: "Succeeded", reason: "Succeeded" };
const running: Changes = { status: "Running", reason: "Running", terminal: false };
const before = (status: RunEvent["status"]): Changes => ({ previous: { status, reason: status, name: "shop-api-2bd8w" } });
const task = (name: string, changes: Partial<Task> = {}): Task => ({ name, kind: "TaskRun", status: "Failed", reason: "Failed", message: "", ignored: false, ...changes });

const object = sampleEvent().run;
const withSpec = (spec: RunEvent["run"]["spec"]): Changes => ({ run: { ...object, ...(spec !== undefined && { spec }) } });
const withStatus = (status: RunEvent["run"]["status"]): Changes => ({ run: { ...object, ...(status !== undefined && { status }) } });
const createdAt = (creationTimestamp: string): Changes => ({ run: { ...object, metadata: { name: "shop-api-7xk2p", namespace: "team-shop", uid: "1", labels: {}, annotations: {}, creationTimestamp } } });

const limited = withSpec({ timeouts: { pipeline: "1h0m0s" } });
const pushed = { "pipelinesascode.tekton.dev/event-type": "push", "pipelinesascode.tekton.dev/sender": "octo-dev" };
const approval = (kind: string): Changes => ({ ...running, kind: "CustomRun", ...withSpec({ customRef: { apiVersion: "example.com/v1", kind } }) });
const retried = (count: number): Changes => ({ ...succeeded, kind: "TaskRun", ...withStatus({ retriesStatus: Array.from({ length: count }, () => ({})) }) });
const stepEnded = (reason: string): Changes => withStatus({ steps: [{ name: "fetch" }, { name: "build", terminated: { exitCode: 137, reason } }] });

/** By the example's heading. */
export const examples: Readonly<Record<string, Example>> = {
  "Failures on the main branch": on({ commit: { branch: "main" } }, { commit: {} }),
  "Every pull request's end": on({}, { commit: { branch: "main" } }),
  "Pull requests into one repository": on({}, { commit: { owner: "example-org", repo: "web", pullRequest: 42 } }),
  Recovery: on({ ...succeeded, ...before("Failed") }, { ...succeeded, ...before("Succeeded") }),
  "Failure and recovery, not each green run": on({ ...succeeded, ...before("TimedOut") }, succeeded),
  "The first failure, not the tenth in a row": on(before("Succeeded"), before("Failed")),
  "One component of a monorepo, by label": on({ labels: { "example.com/component": "cart" } }, { labels: { "example.com/component": "search" } }),
  "One component of a monorepo, by changed files": on({ params: { "changed-files": ["README.md", "services/cart/main.go"] } }, { params: { "changed-files": ["README.md", "services/search/cart/a.go"] } }),
  "Long runs": on({ duration: "1800.5s" }, { duration: "1800s" }),
  "Runs that nearly timed out": on({ duration: "3400s", ...limited }, { duration: "3200s", ...limited }),
  "Timeouts, of the run or of one of its tasks": on({ tasks: [task("lint", { status: "TimedOut" })] }, { tasks: [task("lint")] }),
  "A failed task under finally": on({ ...succeeded, tasks: [task("test", { status: "Succeeded" }), task("report")] }, { tasks: [task("test"), task("report", { status: "Succeeded" })] }),
  "Failures, but for a flaky task": on({ tasks: [task("browser-tests"), task("lint")] }, { tasks: [task("browser-tests"), task("lint", { ignored: true })] }),
  "Several failures within a matrix": on({ tasks: [task("test"), task("test", { status: "Succeeded" }), task("test")] }, { tasks: [task("test"), task("lint")] }),
  "All namespaces of the teams, but for sandboxes": on({ namespace: "team-shop" }, { namespace: "team-shop-sandbox" }),
  "A number among the results": on({ results: { "failed-tests": "11" } }, { results: { "failed-tests": "9" } }),
  "Images by digest": on({ ...succeeded, results: { "image-digest": "sha256:1f2e" } }, { ...succeeded, results: { "image-digest": "sha512:1f2e" } }),
  "A result that is a list": on({ results: { tags: ["v1", "latest"] } }, { results: { tags: ["v1"] } }),
  "Releases by their version": on({ ...succeeded, params: { version: "v1.20.3" } }, { ...succeeded, params: { version: "v1.20.3-rc.1" } }),
  "Deployments to production": on({ params: { environment: "production" } }, { params: { environment: "staging" } }),
  "Pushes, not pull requests, of Pipelines-as-Code": on({ annotations: pushed }, { annotations: { ...pushed, "pipelinesascode.tekton.dev/sender": "renovate[bot]" } }),
  "TaskRuns that needed another try": on(retried(1), retried(0)),
  "Out of memory": on(stepEnded("OOMKilled"), stepEnded("Error")),
  "Cancelled by somebody": on({ status: "Cancelled", reason: "Cancelled", ...withSpec({ status: "CancelledRunFinally" }) }, { status: "Cancelled", reason: "Deleted", deleted: true }),
  "An approval that waits": on(approval("ApprovalTask"), approval("Wait")),
  "A skipped deployment": on({ ...succeeded, ...withStatus({ skippedTasks: [{ name: "deploy", reason: "When Expressions evaluated to false" }] }) }, { ...succeeded, ...withStatus({ skippedTasks: [] }) }),
  "Long in the queue": on({ ...running, ...createdAt("2026-11-22T15:40:00Z") }, { ...running, ...createdAt("2026-11-22T15:59:00Z") }),
  "Failures out of office hours": on({ completionTime: "2026-11-22T10:00:00Z" }, { completionTime: "2026-11-23T10:00:00Z" }),
  "Everything but documentation": on({}, { pipeline: "shop-docs" }),
  "Runs with the deployer's rights": on(withSpec({ taskRunTemplate: { serviceAccountName: "deployer" } }), withSpec({ taskRunTemplate: { serviceAccountName: "default" } })),
};
