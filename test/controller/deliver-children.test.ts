import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RunEvent } from "../../src/api/run-event.ts";
import type { TrimmedRun } from "../../src/controller/trim-run.ts";
import { KubeError } from "../../src/kube/kube-error.ts";
import { deferred, start, run, running, type Harness } from "./deliver-harness.ts";
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

interface Listed {
  readonly name: string;
  readonly reason: string;
  readonly ended?: boolean;
  readonly owner?: string;
}

/** A TaskRun as the API server gives it. */
const stored = ({ name, reason, ended = true, owner: ownerUid = runUid }: Listed) => ({
  apiVersion: "tekton.dev/v1",
  kind: "TaskRun",
  metadata: {
    name,
    namespace: "ci",
    uid: name,
    labels: { "tekton.dev/pipelineTask": name },
    ownerReferences: [{ apiVersion: "tekton.dev/v1", kind: "PipelineRun", name: "build-1", uid: ownerUid, controller: true }],
  },
  status: { conditions: [{ type: "Succeeded", status: ended ? "False" : "Unknown", reason }], ...(ended && { completionTime: "2026-01-01T00:10:00Z" }) },
});

const naming = (...names: readonly string[]): Partial<TrimmedRun> => ({ object: { status: { childReferences: names.map((name) => ({ kind: "TaskRun", name })) } } });

/** TaskRuns are not watched: `answers` are what lists give, in turn. */
function unwatched(harness: Harness, ...answers: readonly (readonly Listed[] | Error)[]): string[] {
  const asked: string[] = [];
  harness.watched = false;
  harness.list = (plural, labelSelector) => {
    const answer = answers[asked.length] ?? [];
    asked.push(`${plural} ${labelSelector}`);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve({ items: answer.map(stored), resourceVersion: "1" });
  };
  return asked;
}

const listOf = (plural: string): string => `${plural} tekton.dev/pipelineRunUID=${runUid}`;

describe("while TaskRuns are not watched", () => {
  it("a message that is made of tasks has them from one list, however many Notifications it goes out for", async (t) => {
    const harness = start(t);
    const told = tasksIn(harness);
    harness.notifications = [notification(), notification({}, { name: "second", uid: "n-2" })];
    const asked = unwatched(harness, [{ name: "lint", reason: "Failed" }, { name: "test", reason: "Succeeded" }]);
    const answered = deferred<undefined>();
    const { list } = harness;
    harness.list = async (...given) => {
      const answer = await list(...given);
      await answered.promise;
      return answer;
    };
    await harness.change(run("False", "Failed", naming("lint", "test")));
    assert.deepEqual([asked, harness.sent], [[listOf("taskruns")], []]);
    answered.resolve(undefined);
    await harness.quiet();
    assert.deepEqual([asked.length, told], [1, ["lint Failed, test Failed", "lint Failed, test Failed"]]);
    await harness.change(run("False", "Failed", { ...naming("lint", "test"), labels: { signed: "true" } }));
    assert.equal(asked.length, 1, "nothing more is owed");
  });

  it("nothing is listed for a service whose messages are not made of tasks, nor for a run that has no children yet", async (t) => {
    const harness = start(t, { provider: gitHubProvider() });
    const asked = unwatched(harness);
    await harness.change(running);
    await harness.change(run("False", "Failed", naming("lint")));
    assert.deepEqual([harness.sent, asked], [["pending", "failure"], []]);

    const events = start(t);
    const askedForEvents = unwatched(events);
    await events.change(running);
    assert.deepEqual([events.sent, askedForEvents], [["Running"], []]);
    await events.change(run("False", "Failed"));
    assert.deepEqual(askedForEvents, [listOf("taskruns")], "not everybody who makes runs names their children");
  });

  it("what filters and templates are made of decides too, whatever the service", async (t) => {
    const harness = start(t, { provider: gitHubProvider(), spec: { githubApp: { context: "${tasks.size() > 0 ? tasks[0].name : 'none'}" } } });
    const asked = unwatched(harness, [{ name: "lint", reason: "Failed" }]);
    const contexts: string[] = [];
    harness.service = ({ target }) => {
      contexts.push(target["context"] ?? "");
      return {};
    };
    await harness.change(run("False", "Failed", naming("lint")));
    assert.deepEqual([asked.length, contexts], [1, ["lint"]]);
  });

  it("children that had not ended are listed once more after 2 s, and then no more", async (t) => {
    const harness = start(t);
    const told = tasksIn(harness);
    const asked = unwatched(harness, [{ name: "lint", reason: "Running", ended: false }], [{ name: "lint", reason: "Running", ended: false }]);
    await harness.change(run("False", "Cancelled", naming("lint", "gone")));
    await harness.advance(1_999);
    assert.deepEqual([asked.length, harness.sent], [1, []]);
    await harness.advance(1);
    assert.deepEqual([asked.length, told], [2, ["lint Running"]]);
  });

  it("the second list counts where the two differ", async (t) => {
    const harness = start(t);
    const told = tasksIn(harness);
    unwatched(harness, [{ name: "lint", reason: "Running", ended: false }], [{ name: "lint", reason: "TaskRunCancelled" }]);
    await harness.change(run("False", "Cancelled", naming("lint")));
    await harness.advance(2_000);
    assert.deepEqual(told, ["lint Cancelled"]);
  });

  it("each state before the end that is told of has its own list, CustomRuns where they are named", async (t) => {
    const harness = start(t);
    const told = tasksIn(harness);
    const asked = unwatched(harness, [{ name: "lint", reason: "Running", ended: false }], [], [{ name: "lint", reason: "Failed" }], []);
    const named = { object: { status: { childReferences: [{ kind: "TaskRun", name: "lint" }, { kind: "CustomRun", name: "approve" }] } } };
    await harness.change(run("Unknown", "Running", named));
    await harness.change(run("False", "Failed", named));
    assert.deepEqual(asked, [listOf("taskruns"), listOf("customruns"), listOf("taskruns"), listOf("customruns")]);
    await harness.advance(2_000);
    assert.deepEqual([asked.slice(4), told], [[listOf("customruns")], ["lint Running", "lint Failed"]]);
  });

  it("somebody else's TaskRun is no child for having the label", async (t) => {
    const harness = start(t);
    const told = tasksIn(harness);
    unwatched(harness, [{ name: "lint", reason: "Failed" }, { name: "forged", reason: "Failed", owner: "another-run" }]);
    await harness.change(run("False", "Failed", naming("lint")));
    assert.deepEqual(told, ["lint Failed"]);
  });

  it("a list that fails is tried again, one that is refused is not: the message goes without the tasks", async (t) => {
    const failing = start(t);
    const told = tasksIn(failing);
    const asked = unwatched(failing, new KubeError("KubernetesRequestFailed", "busy", { status: 429 }), [{ name: "lint", reason: "Failed" }]);
    await failing.change(run("False", "Failed", naming("lint")));
    assert.deepEqual([asked.length, failing.sent], [1, []]);
    await failing.advance(30_000);
    assert.deepEqual([asked.length, told], [2, ["lint Failed"]]);

    const refused = start(t);
    const forbidden = new KubeError("KubernetesRequestFailed", "no", { status: 403 });
    const askedInVain = unwatched(refused, forbidden, forbidden);
    await refused.change(run("False", "Failed", naming("lint")));
    await refused.advance(2_000);
    assert.deepEqual([askedInVain.length, refused.sent], [2, ["Failed"]]);
    assert.equal(refused.log.filter(({ message }) => message === "the tasks of a run could not be listed; its messages go without them").length, 2);
  });

  it("of a run that has vanished what is still there is told, without a second try", async (t) => {
    const harness = start(t);
    const told = tasksIn(harness);
    const asked = unwatched(harness, new KubeError("KubernetesRequestFailed", "busy", { status: 500 }));
    await harness.vanish(run("False", "Failed", naming("lint")));
    assert.deepEqual([asked.length, harness.sent, told], [1, ["Failed"], [""]]);
  });
});
