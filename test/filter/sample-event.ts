import type { RunEvent } from "../../src/api/run-event.ts";

/** An event with something in every kind of field, and nothing in `previous`, `parent` and most of `commit`. */
export function sampleEvent(changes: Partial<RunEvent> = {}): RunEvent {
  return {
    kind: "PipelineRun",
    name: "shop-api-7xk2p",
    namespace: "team-shop",
    uid: "c9129e44-6291-4dfa-8a21-b553b70c6267",
    labels: { team: "shop", "example.com/tier": "gold", ...hostileNames() },
    annotations: {},
    params: { revision: "main", platforms: ["amd64", "arm64"] },
    results: { digest: "sha256:1f2e", count: 3, ratio: 0.5, tags: ["v1", "latest"], image: { url: "registry.example.com/shop" }, big: 2 ** 60, none: null, ok: true },
    status: "Failed",
    reason: "Failed",
    message: "Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0",
    terminal: true,
    startTime: "2026-11-22T15:59:20Z",
    completionTime: "2026-11-22T16:02:32Z",
    duration: "192s",
    pipeline: "shop-api",
    commit: { owner: "example-org", repo: "shop-api", pullRequest: 42 },
    tasks: [
      { name: "lint", kind: "TaskRun", status: "Succeeded", reason: "Succeeded", message: "", duration: "4s", ignored: false },
      { name: "unit-tests", kind: "TaskRun", status: "Failed", reason: "StepFailed", message: "exit code 1", duration: "65.5s", ignored: false },
      { name: "publish", kind: "TaskRun", status: "Pending", reason: "", message: "", ignored: false },
    ],
    deleted: false,
    run: { apiVersion: "tekton.dev/v1", kind: "PipelineRun", metadata: { name: "shop-api-7xk2p", namespace: "ci", uid: "c9129e44", generation: 2, labels: { team: "shop" }, annotations: {} }, spec: { params: [] }, status: {} },
    ...changes,
  };
}

/** Labels whose names every JavaScript object seems to have. `__proto__` is an own property here, as JSON.parse makes it. */
function hostileNames(): Record<string, string> {
  return JSON.parse('{"constructor": "a", "__proto__": "b"}') as Record<string, string>;
}
