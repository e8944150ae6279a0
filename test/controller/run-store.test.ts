import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Delivery } from "../../src/api/delivery.ts";
import { deliveryName, type Pair } from "../../src/controller/ledger.ts";
import { restoreFromRecords } from "../../src/controller/restore.ts";
import { createRunStore, type RunStore } from "../../src/controller/run-store.ts";
import { condition, ended, runEvent, runUid, trimmed } from "./runs.ts";

const child = trimmed({ kind: "TaskRun", name: "build-1-lint", uid: "child", owner: { kind: "PipelineRun", name: "build-1", uid: runUid } });

describe("the run store", () => {
  it("shows a run with its children as they are now, whichever came first", () => {
    const runs = createRunStore("https://x.example.com/{name}");
    runs.upsert(child);
    runs.upsert(trimmed());
    runs.upsert({ ...child, condition: condition("True", "Succeeded") });
    const view = runs.view(runUid);
    assert.deepEqual(view?.event.tasks.map(({ name, status }) => `${name} ${status}`), ["build-1-lint Succeeded"]);
    assert.equal(view.event.url, "https://x.example.com/build-1");
    assert.deepEqual([view.vanished, view.restored, view.unseen], [false, false, false]);
    runs.release("child");
    assert.deepEqual(runs.view(runUid)?.event.tasks, []);
  });

  it("keeps what it knows of the children of a run that has ended or is kept, when they are pruned first", () => {
    const runs = createRunStore(undefined);
    const finished = trimmed({ condition: condition("True", "Succeeded"), completionTime: "2026-01-01T00:10:00Z" });
    const done = { ...child, condition: condition("True", "Succeeded") };
    runs.upsert(finished);
    runs.upsert(done);
    const { version } = runs.view(runUid) ?? assert.fail();
    runs.vanish(done, "seen");
    runs.release("child");
    runs.vanish(finished, "seen");
    const view = runs.view(runUid) ?? assert.fail();
    assert.deepEqual([view.event.tasks.map(({ name }) => name), view.version > version, runs.has("child")], [["build-1-lint"], true, false]);
    runs.release(runUid);
    runs.upsert(finished);
    assert.deepEqual(runs.view(runUid)?.event.tasks, [], "nothing is left of them when the run is let go");
  });

  it("knows runs by uid and by namespace, until they are released", () => {
    const runs = createRunStore(undefined);
    runs.upsert(trimmed());
    runs.upsert(trimmed({ uid: "same-name-again" }));
    runs.upsert(trimmed({ uid: "elsewhere", namespace: "prod" }));
    assert.deepEqual([[...runs.inNamespace("ci")], [...runs.inNamespace("prod")], [...runs.inNamespace("none")]], [[runUid, "same-name-again"], ["elsewhere"], []]);
    runs.release(runUid);
    runs.release("never-there");
    assert.deepEqual([[...runs.inNamespace("ci")], runs.has(runUid), runs.view(runUid), runs.run(runUid)], [["same-name-again"], false, undefined, undefined]);
  });

  it("shows children that were listed beside those that are followed, and knows which have not ended", () => {
    const runs = createRunStore(undefined);
    const running = condition("Unknown", "Running");
    const named = { object: { status: { childReferences: ["TaskRun", "CustomRun", "PipelineRun"].map((kind) => ({ kind, name: `child-${kind}` })) } } };
    runs.upsert(trimmed({ ...named, condition: running }));
    assert.deepEqual([runs.view(runUid)?.unended, runs.view(runUid)?.listings], [["PipelineRun", "TaskRun", "CustomRun"], 0]);
    const { version } = runs.view(runUid) ?? assert.fail();
    const owner = { kind: "PipelineRun", name: "build-1", uid: runUid } as const;
    const listed = trimmed({ kind: "TaskRun", name: "child-TaskRun", uid: "t", owner, condition: running });
    runs.adopt(runUid, [listed, { ...listed, name: "forged", owner: { ...owner, uid: "another" } }]);
    runs.upsert({ ...child, kind: "PipelineRun", name: "child-PipelineRun", condition: condition("True", "Succeeded") });
    const now = runs.view(runUid) ?? assert.fail();
    assert.deepEqual([now.event.tasks.map(({ name, status }) => `${name} ${status}`), now.unended, now.listings], [["child-PipelineRun Succeeded", "child-TaskRun Running"], ["TaskRun", "CustomRun"], 1]);
    assert.notEqual(now.version, version, "a child that is followed makes it another state");

    runs.adopt(runUid, [{ ...listed, condition: condition("True", "Succeeded") }]);
    const again = runs.view(runUid) ?? assert.fail();
    assert.deepEqual([again.version, again.event.tasks.at(1)?.status, again.listings], [now.version, "Succeeded", 2], "the same state, of which more is known");
    runs.upsert(trimmed({ ...named, condition: condition("False", "Failed"), completionTime: "2026-01-01T00:10:00Z" }));
    assert.deepEqual([runs.view(runUid)?.listings, runs.view(runUid)?.unended], [0, ["CustomRun"]], "in another state they are to be listed again");
  });

  it("knows nothing more of a kind that is forgotten, but of its runs that are kept", () => {
    const runs = createRunStore(undefined);
    runs.upsert(trimmed());
    runs.upsert(child);
    runs.upsert({ ...child, uid: "packed", condition: condition("True", "Succeeded"), completionTime: "2026-01-01T00:10:00Z" });
    runs.pack("packed");
    runs.vanish({ ...child, uid: "kept", name: "kept" }, "seen");
    assert.deepEqual(runs.forget("TaskRun"), ["child", "packed"]);
    assert.deepEqual([[...runs.inNamespace("ci")], [...runs.finished()], runs.has("child")], [[runUid, "kept"], [], false]);
    assert.deepEqual(runs.view(runUid)?.event.tasks.map(({ name }) => name), ["kept"]);
  });

  it("tells a deletion that was seen from one that was missed", () => {
    const runs = createRunStore(undefined);
    const seen = (how: "seen" | "missed"): unknown => {
      runs.vanish(trimmed({ condition: condition("Unknown", "Running") }), how);
      const { event, unseen, vanished } = runs.view(runUid) ?? assert.fail();
      return [event.status, event.reason, event.deleted, unseen, vanished, event.message];
    };
    assert.deepEqual(seen("seen"), ["Cancelled", "Deleted", true, false, true, "The run was deleted before it ended."]);
    assert.deepEqual(seen("missed"), ["Cancelled", "Deleted", true, true, true, "The run vanished while nobody watched; its result was not seen."]);
  });

  it("says when a run ended only of one that has: its condition changes before that too", () => {
    const runs = createRunStore(undefined);
    const changed = { ...condition("Unknown", "Running"), lastTransitionTime: "2026-01-01T00:01:00Z" };
    runs.upsert(trimmed({ condition: changed }));
    assert.equal(runs.view(runUid)?.endedAt, undefined);
    runs.upsert(trimmed({ condition: { ...changed, status: "False" } }));
    assert.equal(runs.view(runUid)?.endedAt, Date.UTC(2026, 0, 1, 0, 1));
  });

  it("does not call a finished run deleted, however it vanished", () => {
    const runs = createRunStore(undefined);
    runs.vanish(trimmed({ condition: condition("False", "Failed"), completionTime: "2026-01-01T00:10:00Z" }), "missed");
    const view = runs.view(runUid);
    assert.deepEqual([view?.event.status, view?.event.deleted, view?.unseen, view?.endedAt], ["Failed", false, false, Date.UTC(2026, 0, 1, 0, 10)]);
  });

  it("believes the record that saw a run's end before one that did not", () => {
    for (const order of [[runEvent(), ended("Failed")], [ended("Failed"), runEvent()]]) {
      const runs = createRunStore(undefined);
      for (const event of order) runs.restore(event);
      const view = runs.view(runUid);
      assert.deepEqual([view?.event.status, view?.restored, view?.unseen], ["Failed", true, false]);
    }
  });
});

describe("a view", () => {
  /** Counts how often the view is made anew: each RunEvent is another object. */
  const madeFor = (runs: RunStore, change: () => void): readonly [boolean, boolean] => {
    const before = runs.view(runUid);
    change();
    const after = runs.view(runUid);
    return [before?.event !== after?.event, before?.version !== after?.version];
  };
  const same = [false, false] as const;
  const anew = [true, true] as const;

  it("is made once for a state of the run", () => {
    const runs = createRunStore(undefined);
    runs.upsert(trimmed());
    assert.deepEqual(madeFor(runs, () => undefined), same);
    assert.deepEqual(madeFor(runs, () => { runs.upsert(trimmed({ uid: "other" })); }), same);
    assert.deepEqual(madeFor(runs, () => { runs.upsert(trimmed()); }), anew);
    assert.deepEqual(madeFor(runs, () => { runs.vanish(trimmed(), "seen"); }), anew);
  });

  it("is made anew when a child comes, changes, vanishes or is let go", () => {
    const runs = createRunStore(undefined);
    runs.upsert(trimmed());
    const changes = [
      () => { runs.upsert(child); },
      () => { runs.upsert({ ...child, condition: condition("True", "Succeeded") }); },
      () => { runs.vanish(child, "seen"); },
      () => { runs.release("child"); },
    ];
    assert.deepEqual(changes.map((change) => madeFor(runs, change)), changes.map(() => anew));
  });

  it("of a run that was restored is another one when the run is restored anew", () => {
    const runs = createRunStore(undefined);
    runs.restore(runEvent());
    assert.deepEqual(madeFor(runs, () => { runs.restore(ended("Failed")); }), anew);
  });

  it("is kept for a bounded number of runs; made anew, it is still of the same state", () => {
    const runs = createRunStore(undefined);
    const others = Array.from({ length: 127 }, (_, index) => `other-${index}`);
    for (const uid of [runUid, ...others, "one-more"]) runs.upsert(trimmed({ uid }));
    const look = (uids: readonly string[]) => () => { for (const uid of uids) runs.view(uid); };
    assert.deepEqual(madeFor(runs, look(others)), same);
    assert.deepEqual(madeFor(runs, look(["one-more", ...others])), [true, false]);
  });
});

describe("restoring from records", () => {
  const pair = (name: string): Pair => ({ notification: { namespace: "ci", name, uid: `uid-${name}` }, runUid, runNamespace: "ci" });
  const record = (name: string, status: Delivery["status"], fields: Partial<Delivery["metadata"]> = {}): Delivery => ({
    metadata: { namespace: "ci", name: deliveryName(pair(name)), uid: "d", creationTimestamp: "2026-01-01T00:00:00Z", ...fields },
    spec: { notificationRef: { name, uid: `uid-${name}` }, runRef: { apiVersion: "tekton.dev/v1", kind: "PipelineRun", namespace: "ci", name: "build-1", uid: runUid } },
    ...(status !== undefined && { status }),
  });
  const begun = { destinations: [{ key: "status", state: "Delivered", sentStatus: "Running" }] } as const;
  const restored = (records: readonly Delivery[], options: { runs?: RunStore; watched?: boolean } = {}): { runs: RunStore; kept: string[] } => {
    const runs = options.runs ?? createRunStore(undefined);
    const kept: string[] = [];
    const runVanished = (uid: string, pairs: readonly Pair[]): void => {
      kept.push(`${uid === runUid ? "run" : uid}: ${pairs.map(({ notification: { name } }) => name).join(" ")}`);
    };
    restoreFromRecords({ records, ownNamespace: "tekton-integrations", isWatched: () => options.watched ?? true, runs, deliverer: { runVanished } });
    return { runs, kept };
  };
  const owed = { destinations: [], owed: { ...ended("Failed") } };

  it("takes up what is owed for a run that is gone, for every Notification that owes it", () => {
    const { runs, kept } = restored([record("a", owed), record("b", owed)]);
    assert.deepEqual([kept, runs.view(runUid)?.event.status], [["run: a b"], "Failed"]);
  });

  it("takes up what was begun and not ended", () => {
    const { runs, kept } = restored([record("a", { ...begun, destinations: [...begun.destinations] })]);
    const view = runs.view(runUid);
    assert.deepEqual([kept, view?.event.status, view?.unseen], [["run: a"], "Cancelled", true]);
  });

  it("leaves alone what is settled, whose run exists or is of a kind that is not watched, and what is forged", () => {
    const existing = createRunStore(undefined);
    existing.upsert(trimmed());
    const settled = { destinations: [{ key: "status", state: "Delivered", sentStatus: "Failed" }] } as const;
    assert.deepEqual(restored([record("a", { ...settled, destinations: [...settled.destinations] }), record("b", undefined)]).kept, []);
    assert.deepEqual(restored([record("a", owed)], { runs: existing }).kept, []);
    assert.deepEqual(restored([record("a", { ...begun, destinations: [...begun.destinations] })], { watched: false }).kept, []);
    assert.deepEqual(restored([record("a", owed, { name: "a-0000000000000000" })]).kept, []);
  });
});
