import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Delivery, DeliveryStatus } from "../../src/api/delivery.ts";
import type { Notification, NotificationStatus } from "../../src/api/notification.ts";
import type { Pair } from "../../src/controller/ledger.ts";
import { createReadAgain, wholeForRedelivery } from "../../src/controller/read-again.ts";
import { createPrevious } from "../../src/controller/previous.ts";
import { makeRoute } from "../../src/controller/routes.ts";
import { createRunStore } from "../../src/controller/run-store.ts";
import { PackedRun } from "../../src/controller/settled-run.ts";
import { createSettlement } from "../../src/controller/settlement.ts";
import { isTerminal } from "../../src/controller/run-status.ts";
import type { TrimmedRun } from "../../src/controller/trim-run.ts";
import type { KubeObject } from "../../src/kube/resources.ts";
import { manualClock } from "../support/manual-clock.ts";
import { recordingLogger } from "../kube/reflector-harness.ts";
import { cloudEventsProvider, notification } from "./objects.ts";
import { condition, recorded, runUid, trimmed } from "./runs.ts";

const hourMs = 3_600_000;
const day = (of: number, hour = 0): number => Date.UTC(2026, 0, of, hour);
const iso = (ms: number): string => new Date(ms).toISOString();

const failed = (uid: string, end: number, fields: Partial<TrimmedRun> = {}): TrimmedRun =>
  trimmed({ uid, name: uid, condition: condition("False", "Failed"), completionTime: iso(end), ...fields });

const pairOfRun = (runUidOf: string): Pair => ({ notification: { namespace: "ci", name: "to-service", uid: "n-1" }, runUid: runUidOf, runNamespace: "ci" });

/** Noon of 10 January, with a deadline of a day. */
function setting(notifications: readonly Notification[], records: ReadonlyMap<string, DeliveryStatus> = new Map()) {
  const clock = manualClock(day(10, 12));
  const runs = createRunStore(undefined, () => clock.monotonic());
  const settlement = createSettlement({
    runs,
    clock,
    deadlineMs: 24 * hourMs,
    caches: {
      notifications: () => notifications,
      records: () => [],
      recordsOf: (uid) => (records.has(uid) ? [pairOfRun(uid)] : []),
      record: ({ runUid: uid }) => ({ status: records.get(uid) }) as unknown as Delivery,
    },
  });
  const kept = (uid: string): string => (runs.settled(uid) !== undefined ? "settled" : ([...runs.finished()].find((run) => run.uid === uid)?.packed === true ? "packed" : "whole"));
  return { clock, runs, settlement, kept };
}

const watching = (status: NotificationStatus, spec = {}): Notification => ({ ...notification(spec), status });

describe("a finished run", () => {
  const caughtUp = watching({ activeSince: iso(day(1)), caughtUpAt: iso(day(10, 11)) });

  it("is settled when it ended more than the delivery deadline before all was settled, and packed until then", () => {
    const { runs, settlement, kept, clock } = setting([caughtUp]);
    runs.upsert(failed("old", day(9, 10)));
    runs.upsert(failed("new", day(9, 12)));
    runs.upsert(trimmed({ uid: "running", condition: condition("Unknown", "Running") }));
    settlement.sweep();
    assert.deepEqual([kept("old"), kept("new")], ["settled", "whole"]);
    clock.advance(60_000);
    settlement.sweep();
    assert.deepEqual([kept("new"), runs.run("running")?.uid], ["packed", "running"]);
  });

  it("is not settled while a Notification of its namespace may owe something for it", () => {
    for (const [why, notifications, expected] of [
      ["no Notification is there", [], "settled"],
      ["it ended before it was active", [watching({ activeSince: iso(day(9, 12)) })], "settled"],
      ["it ended since it is active, and nothing says that all was settled", [watching({ activeSince: iso(day(1)) })], "packed"],
      ["nothing was settled for two days", [watching({ activeSince: iso(day(1)), caughtUpAt: iso(day(8)) })], "packed"],
      ["one of two may", [caughtUp, watching({ activeSince: iso(day(1)) })], "packed"],
      ["it is suspended", [watching({ activeSince: iso(day(1)) }, { suspend: true })], "settled"],
      ["it is new, and has no status", [notification()], "packed"],
      ["another namespace's selects it by name", [{ ...watching({ activeSince: iso(day(1)) }, { filter: { namespaceSelector: { matchNames: ["ci"] } } }), metadata: notification({}, { namespace: "prod" }).metadata }], "packed"],
      ["another namespace's may select any", [{ ...watching({ activeSince: iso(day(1)) }, { filter: { namespaceSelector: { matchLabels: { a: "b" } } } }), metadata: notification({}, { namespace: "prod" }).metadata }], "packed"],
      ["another namespace's selects others", [{ ...watching({ activeSince: iso(day(1)) }, { filter: { namespaceSelector: { matchNames: ["test"] } } }), metadata: notification({}, { namespace: "prod" }).metadata }], "settled"],
      ["it is of another namespace", [{ ...notification({}, { namespace: "prod" }) }], "settled"],
    ] as const) {
      const { runs, settlement, kept } = setting(notifications);
      runs.upsert(failed("run", day(9)));
      settlement.sweep(true);
      assert.equal(kept("run"), expected, why);
    }
  });

  it("is not settled while its record says that something is owed, or begun and not ended", () => {
    const destination = { key: "event", state: "Delivered", sentStatus: "Failed" } as const;
    const cases: readonly (readonly [DeliveryStatus, string])[] = [
      [{ state: "Delivered", destinations: [destination] }, "settled"],
      [{ state: "DeadLetter", destinations: [{ ...destination, state: "DeadLetter" }] }, "settled"],
      [{ state: "Delivered", destinations: [{ ...destination, sentStatus: "Running" }] }, "packed"],
      [{ state: "Retrying", destinations: [{ ...destination, state: "Retrying" }] }, "packed"],
      [{ state: "Delivered", destinations: [destination], owed: {} }, "packed"],
    ];
    for (const [status, expected] of cases) {
      const { runs, settlement, kept } = setting([caughtUp], new Map([["run", status]]));
      runs.upsert(failed("run", day(5)));
      settlement.sweep(true);
      assert.equal(kept("run"), expected, JSON.stringify(status));
    }
  });

  it("is not settled right after its end, for a Notification that is still on its way here", () => {
    const { runs, settlement, kept, clock } = setting([]);
    runs.upsert(failed("run", day(10, 12) - 60_000));
    settlement.sweep(true);
    assert.equal(kept("run"), "packed");
    clock.advance(11 * 60_000);
    settlement.sweep(true);
    assert.equal(kept("run"), "settled");
  });

  it("is whole again when it changes, and is not made small when it has vanished", () => {
    const { runs, settlement, kept } = setting([]);
    runs.upsert(failed("run", day(1)));
    settlement.sweep();
    runs.upsert(failed("run", day(1), { labels: { reviewed: "yes" } }));
    assert.deepEqual([kept("run"), runs.view("run")?.event.labels["reviewed"]], ["whole", "yes"]);
    runs.vanish(failed("run", day(1)), "seen");
    settlement.sweep(true);
    assert.deepEqual([kept("run"), runs.view("run")?.event.status], ["whole", "Failed"]);
  });
});

describe("what is kept", () => {
  it("of a packed run is all of it, for every recorded run that ended", () => {
    let compared = 0;
    for (const { run, where } of recorded()) {
      if (!isTerminal(run)) continue;
      const unpacked = new PackedRun(run).unpack();
      assert.deepEqual(unpacked, run, where);
      assert.equal(Object.getPrototypeOf(unpacked.labels), null);
      compared += 1;
    }
    assert.ok(compared > 50, String(compared));
  });

  it("of a settled run is what its parent shows, what series need, and that it is there", () => {
    const { runs, settlement } = setting([]);
    const owner = { kind: "PipelineRun", name: "build-1", uid: runUid } as const;
    const labels = { "tekton.dev/pipelineTask": "lint", "tekton.dev/pipeline": "shop" };
    runs.upsert(failed("task", day(1, 1), { kind: "TaskRun", owner, labels, startTime: iso(day(1)), condition: condition("False", "StepFailed", "exit 1") }));
    runs.upsert(failed("before", day(1), { labels: { "tekton.dev/pipeline": "shop" } }));
    settlement.sweep();
    assert.deepEqual([runs.has("task"), runs.view("task"), runs.run("task")], [true, undefined, undefined]);
    runs.upsert(trimmed({ condition: condition("Unknown", "Running"), creationTimestamp: iso(day(2)), labels: { "tekton.dev/pipeline": "shop" } }));
    const view = runs.view(runUid) ?? assert.fail();
    assert.deepEqual(view.event.tasks, [{ name: "lint", kind: "TaskRun", status: "Failed", reason: "StepFailed", message: "exit 1", duration: "3600s", ignored: false }]);

    const previous = createPrevious(runs);
    const route = makeRoute(notification({ filter: { expression: "has(previous.status)" } }), cloudEventsProvider(), 0);
    previous.follow("ci/to-service", route);
    assert.equal(previous.fill(route, view).event.previous?.name, "before");
    runs.release("task");
    assert.deepEqual([runs.has("task"), runs.view(runUid)?.event.tasks], [false, []]);
  });
});

describe("a settled run that is needed again", () => {
  it("is read before its redelivery; other records are looked at at once", () => {
    const { runs, settlement } = setting([]);
    runs.upsert(failed("run", day(1)));
    settlement.sweep();
    const order: string[] = [];
    const look = wholeForRedelivery((record) => order.push(`look ${record.metadata.name}`), runs, {
      read: (uid, then) => {
        order.push(`read ${uid}`);
        then();
      },
    });
    const record = (name: string, uid: string, annotations: Record<string, string> = {}) => ({ metadata: { name, annotations }, spec: { runRef: { uid } } }) as unknown as Delivery;
    look(record("plain", "run"));
    look(record("asked", "run", { "integrations.tekton.ornew.io/redeliver": "1" }));
    look(record("gone", "none", { "integrations.tekton.ornew.io/redeliver": "1" }));
    assert.deepEqual(order, ["look plain", "read run", "look asked", "look gone"]);
  });

  it("is read from the API server, once for all who ask; of one that is gone or has a successor nothing is told", async () => {
    const { runs, settlement, clock, kept } = setting([]);
    for (const uid of ["a", "gone", "replaced"]) runs.upsert(failed(uid, day(1)));
    settlement.sweep();
    const asked: string[] = [];
    const object = (name: string, uid: string): KubeObject => ({ apiVersion: "tekton.dev/v1", kind: "PipelineRun", metadata: { name, namespace: "ci", uid, labels: { team: "shop" } }, status: { completionTime: iso(day(1)), conditions: [{ type: "Succeeded", status: "False", reason: "Failed" }] } });
    const stored = new Map([["a", object("a", "a")], ["replaced", object("replaced", "another")]]);
    const again = createReadAgain({
      kube: {
        get: (resource, { namespace = "", name }) => {
          asked.push(`${resource.plural} ${namespace}/${name}`);
          return Promise.resolve(stored.get(name));
        },
      },
      runs,
      clock,
      log: recordingLogger([]),
    });
    const told: string[] = [];
    for (const uid of ["a", "a", "gone", "replaced"]) again.read(uid, () => told.push(uid));
    const stop = new AbortController();
    const ended = again.run(stop.signal);
    await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    await ended;
    assert.deepEqual([asked, told], [["pipelineruns ci/a", "pipelineruns ci/gone", "pipelineruns ci/replaced"], ["a", "a"]]);
    assert.deepEqual([kept("a"), runs.view("a")?.event.labels["team"], kept("gone")], ["whole", "shop", "settled"]);
  });
});
