import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { describe, it, type TestContext } from "node:test";
import type { Delivery, DeliveryStatus } from "../../src/api/delivery.ts";
import { deliveryName } from "../../src/controller/ledger.ts";
import { createRecordUpkeep } from "../../src/controller/record-upkeep.ts";
import type { Kube } from "../../src/kube/kube.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { manualClock } from "../support/manual-clock.ts";
import { notification } from "./objects.ts";
import { ended, runUid } from "./runs.ts";

const day = 86_400_000;
const pair = { notification: { namespace: "ci", name: "to-service", uid: "n-1" }, runUid, runNamespace: "ci" };
const annotation = "integrations.tekton.ornew.io/redeliver";

/** A run of another namespace. */
const elsewhere = { ...pair, runNamespace: "prod" };
const recordElsewhere = (uid: string, of = "ci"): Delivery =>
  ({
    metadata: { namespace: "tekton-integrations", name: deliveryName({ ...elsewhere, notification: { ...elsewhere.notification, namespace: of, uid } }), uid: `d-${uid}`, creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { notificationRef: { name: "to-service", namespace: of, uid }, runRef: { kind: "PipelineRun", name: "build-1", namespace: "prod", uid: runUid } },
    status: { state: "Retrying", owed: ended("Failed", { namespace: "prod" }) },
  }) as unknown as Delivery;

const record = (status: Partial<DeliveryStatus>, annotations: Record<string, string> = {}, name = deliveryName(pair)): Delivery =>
  ({
    metadata: { namespace: "ci", name, uid: "d-1", creationTimestamp: "2026-01-01T00:00:00Z", annotations },
    spec: { notificationRef: { name: "to-service", uid: "n-1" }, runRef: { kind: "PipelineRun", name: "build-1", namespace: "ci", uid: runUid } },
    status: { state: "Delivered", ...status },
  }) as unknown as Delivery;

function setting(t: TestContext, options: { known?: boolean; caughtUpAt?: string; settled?: boolean; watched?: readonly string[] } = {}) {
  const clock = manualClock();
  const happened: string[] = [];
  const records: Delivery[] = [];
  let known = options.known ?? true;
  const stop = new AbortController();
  const kube = {
    delete: (_: unknown, { name }: { name: string }, { uid }: { uid?: string }) => {
      happened.push(`delete ${name} ${uid ?? ""}`);
      return Promise.resolve(true);
    },
  } as unknown as Kube;
  const upkeep = createRecordUpkeep({
    kube,
    clock,
    log: silentLogger,
    deadlineMs: day,
    ownNamespace: "tekton-integrations",
    watchNamespaces: options.watched ?? [],
    caches: { isSettled: () => options.settled ?? true, records: () => records, notification: () => ({ ...notification({}), status: { caughtUpAt: options.caughtUpAt ?? "2027-01-01T00:00:00Z" } }) },
    runs: {
      has: () => known,
      restore: ({ status }) => {
        known = true;
        happened.push(`restore ${status}`);
      },
    },
    deliverer: {
      redeliver: (key, _, word) => happened.push(`redeliver ${key} ${word}`),
      runVanished: (uid) => happened.push(`keep ${uid === runUid ? "the run" : uid}`),
    },
    recorder: { publish: (_, { reason }) => happened.push(`event ${reason}`), flush: () => Promise.resolve() },
  });
  const running = upkeep.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
  });
  return { clock, happened, records, ...upkeep };
}

describe("the annotation redeliver", () => {
  it("has the run's state sent again, once for each word", (t) => {
    const { look, happened } = setting(t);
    look(record({}, { [annotation]: "please" }));
    look(record({ redelivered: "please" }, { [annotation]: "please" }));
    look(record({ redelivered: "please" }));
    look(record({ redelivered: "please" }, { [annotation]: "once more" }));
    assert.deepEqual(happened, ["redeliver ci/to-service please", "redeliver ci/to-service once more"]);
  });

  it("takes the state of a run that is gone from the record", (t) => {
    const { look, happened } = setting(t, { known: false });
    look(record({ owed: ended("Failed") }, { [annotation]: "please" }));
    assert.deepEqual(happened, ["restore Failed", "keep the run", "redeliver ci/to-service please"]);
  });

  it("says so where neither run nor record has the state", (t) => {
    const { look, happened } = setting(t, { known: false });
    look(record({}, { [annotation]: "please" }));
    assert.deepEqual(happened, ["event RunGone"]);
  });

  it("waits until runs of its kind are followed: only then it can be said that one is gone", (t) => {
    const { look, happened } = setting(t, { known: false, settled: false });
    look(record({ owed: ended("Failed") }, { [annotation]: "please" }));
    assert.deepEqual(happened, []);
  });

  it("on a record that is not ours does nothing, but to tell once that it is ignored", (t) => {
    const { look, happened } = setting(t);
    const forged = record({}, { [annotation]: "please" }, "forged");
    look(forged);
    look(forged);
    const elsewhere = record({}, { [annotation]: "please" });
    look({ ...elsewhere, metadata: { ...elsewhere.metadata, uid: "d-2", namespace: "other" } });
    assert.deepEqual(happened, ["event DeliveryIgnored", "event DeliveryIgnored"]);
  });

  it("on a record that is not ours is told of once for as long as the record is there, and then forgotten", async (t) => {
    const { look, happened, records, clock } = setting(t);
    const forged = record({}, {}, "forged");
    records.push(forged);
    look(forged);
    clock.advance(600_000);
    await turn();
    look(forged);
    assert.deepEqual(happened, ["event DeliveryIgnored"]);
    records.pop();
    clock.advance(600_000);
    await turn();
    look(forged);
    assert.deepEqual(happened, ["event DeliveryIgnored", "event DeliveryIgnored"]);
  });
});

describe("records that have served their time", () => {
  const destinations = [{ key: "event", state: "Delivered", sentStatus: "Failed", sentAt: "2026-01-01T00:00:00Z", sentCount: 1 }] as const;

  it("are removed, and only as what they were when that was decided", async (t) => {
    const { clock, happened, records } = setting(t);
    records.push(record({ destinations: [...destinations] }), record({ destinations: [{ ...destinations[0], sentStatus: "Running" }] }, {}, "running"));
    clock.advance(600_000);
    await turn();
    assert.deepEqual(happened, []);
    clock.advance(2 * day);
    await turn();
    await turn();
    assert.deepEqual(happened, [`delete ${deliveryName(pair)} d-1`]);
  });

  it("stay while their Notification has not caught up", async (t) => {
    const { clock, happened, records } = setting(t, { caughtUpAt: "2026-01-01T12:00:00Z" });
    records.push(record({ destinations: [...destinations] }));
    clock.advance(2 * day);
    await turn();
    await turn();
    assert.deepEqual(happened, []);
  });
});

describe("records in the controller's own namespace", () => {
  it("go at once when their Notification is gone, and stay while it is there", async (t) => {
    const { happened, records, notificationGone } = setting(t);
    records.push(recordElsewhere("n-1"), recordElsewhere("n-0"));
    notificationGone("ci/another");
    await turn();
    assert.deepEqual(happened, []);
    notificationGone("ci/to-service");
    await turn();
    assert.deepEqual(happened, [`delete ${records[1]?.metadata.name ?? ""} d-n-0`]);
  });

  it("stay while the Notification's namespace is not watched: nobody can say that it is gone", async (t) => {
    const { clock, happened, records } = setting(t, { watched: ["ci"] });
    records.push(recordElsewhere("n-0", "prod"), recordElsewhere("n-0"));
    clock.advance(600_000);
    await turn();
    await turn();
    assert.deepEqual(happened, [`delete ${records[1]?.metadata.name ?? ""} d-n-0`]);
  });
});
