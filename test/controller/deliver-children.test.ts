import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RunEvent } from "../../src/api/run-event.ts";
import type { TrimmedRun } from "../../src/controller/trim-run.ts";
import { start, run, running, type Harness } from "./deliver-harness.ts";
import { gitHubProvider, notification } from "./objects.ts";
import { condition, runUid, trimmed } from "./runs.ts";

const owner = { kind: "PipelineRun", name: "build-1", uid: runUid } as const;
const child = (name: string, ended: boolean): TrimmedRun =>
  trimmed({
    kind: "TaskRun",
    name,
    uid: name,
    owner,
    labels: { "tekton.dev/pipelineTask": name },
    condition: ended ? condition("False", "TaskRunCancelled") : condition("Unknown", "Running"),
    ...(ended && { completionTime: "2026-01-01T00:10:00Z" }),
  });
const cancelled = run("False", "Cancelled");

/** The tasks in each message, in order. */
function tasksIn(harness: Harness): string[] {
  const told: string[] = [];
  const { service } = harness;
  harness.service = (message, signal) => {
    const { data } = message.request.body as { data?: RunEvent };
    told.push((data?.tasks ?? []).map(({ name, status }) => `${name} ${status}`).join(", "));
    return service(message, signal);
  };
  return told;
}

describe("the end of a PipelineRun", () => {
  it("waits for its children until they have ended, and tells how", async (t) => {
    const harness = start(t);
    const told = tasksIn(harness);
    for (const name of ["lint", "test"]) harness.runs.upsert(child(name, false));
    await harness.change(running);
    await harness.change(cancelled);
    await harness.advance(1_000);
    assert.deepEqual(harness.sent, ["Running"]);
    harness.runs.upsert(child("lint", true));
    await harness.change(cancelled);
    assert.deepEqual(harness.sent, ["Running"]);
    harness.runs.upsert(child("test", true));
    await harness.change(cancelled);
    assert.deepEqual([harness.sent, told[1]], [["Running", "Cancelled"], "lint Cancelled, test Cancelled"]);
  });

  it("waits no longer than 2 s from when it was first seen, whatever comes meanwhile", async (t) => {
    const harness = start(t);
    const told = tasksIn(harness);
    harness.runs.upsert(child("lint", false));
    await harness.change(cancelled);
    for (const label of ["a", "b", "c"]) {
      await harness.advance(600);
      await harness.change({ ...cancelled, labels: { label } });
    }
    assert.deepEqual(harness.sent, []);
    await harness.advance(199);
    assert.deepEqual(harness.sent, []);
    await harness.advance(1);
    assert.deepEqual([harness.sent, told], [["Cancelled"], ["lint Running"]]);
  });

  it("waits for a child that it names and that has not been seen", async (t) => {
    const harness = start(t);
    const told = tasksIn(harness);
    const named = { ...cancelled, object: { status: { childReferences: [{ kind: "TaskRun", name: "lint" }] } } };
    await harness.change(named);
    assert.deepEqual(harness.sent, []);
    harness.runs.upsert(child("lint", true));
    await harness.change(named);
    assert.deepEqual([harness.sent, told], [["Cancelled"], ["lint Cancelled"]]);
  });

  it("does not wait where neither the filter nor the message is made of tasks, nor hold up other pairs of the run", async (t) => {
    const harness = start(t, { provider: gitHubProvider() });
    harness.notifications = [
      notification({ filter: { expression: "size(tasks) > 0" } }, { name: "waits", uid: "n-2" }),
      notification({}, { name: "plain", uid: "n-3" }),
    ];
    const by: string[] = [];
    harness.service = () => {
      by.push("sent");
      return {};
    };
    harness.runs.upsert(child("lint", false));
    await harness.change(cancelled);
    assert.deepEqual([by.length, harness.outcomes.map(({ notificationKey }) => notificationKey)], [1, ["ci/plain"]]);
    await harness.advance(2_000);
    assert.deepEqual(harness.outcomes.map(({ notificationKey }) => notificationKey), ["ci/plain", "ci/waits"]);
  });

  it("does not wait when the run is gone: its children go with it", async (t) => {
    const harness = start(t);
    harness.runs.upsert(child("lint", false));
    await harness.change(cancelled);
    assert.deepEqual(harness.sent, []);
    await harness.vanish(cancelled);
    assert.deepEqual(harness.sent, ["Cancelled"]);
  });

  it("waits neither before the end, nor with a TaskRun", async (t) => {
    const harness = start(t, { spec: { filter: { kinds: ["PipelineRun", "TaskRun"] } } });
    harness.runs.upsert(child("lint", false));
    await harness.change(running);
    await harness.change(child("lint", true));
    assert.deepEqual(harness.sent, ["Running", "Cancelled"]);
  });
});
