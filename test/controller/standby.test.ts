import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Delivery, DeliveryStatus } from "../../src/api/delivery.ts";
import type { RunEvent } from "../../src/api/run-event.ts";
import { deliveryName } from "../../src/controller/ledger.ts";
import { createPrevious } from "../../src/controller/previous.ts";
import { reachOf } from "../../src/controller/reach.ts";
import { createRunStore, type RunStore } from "../../src/controller/run-store.ts";
import { createStandby, type Standby } from "../../src/controller/standby.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createRedactor } from "../../src/telemetry/redact.ts";
import { recordingLogger } from "../kube/reflector-harness.ts";
import { manualClock } from "../support/manual-clock.ts";
import { cloudEventsProvider, notification } from "./objects.ts";
import { condition, ended, runEvent, runUid, trimmed } from "./runs.ts";

interface Setting {
  readonly runs: RunStore;
  readonly standby: Standby;
  /** The leader writes the record. */
  readonly record: (status: DeliveryStatus) => Promise<void>;
  readonly quiet: () => Promise<void>;
}

const pair = { notification: { namespace: "ci", name: "to-service", uid: "n-1" }, runUid, runNamespace: "ci" };
const failed = trimmed({ condition: condition("False", "Failed"), completionTime: "2026-01-01T00:10:00Z" });
const delivered = (sentStatus: "Running" | "Failed", owed?: RunEvent): DeliveryStatus => ({
  state: owed === undefined ? "Delivered" : "Pending",
  destinations: [{ key: "event", state: "Delivered", sentStatus, sentAt: "2026-01-01T00:10:00Z", sentCount: 1 }],
  ...(owed !== undefined && { owed: { ...owed } }),
});

async function start(t: TestContext, status?: DeliveryStatus): Promise<Setting> {
  const clock = manualClock();
  const runs = createRunStore(undefined, () => clock.monotonic());
  let stored = status;
  const about = {
    metadata: { namespace: "ci", name: deliveryName(pair), uid: "d-1", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { notificationRef: { name: "to-service", uid: "n-1" }, runRef: { apiVersion: "tekton.dev/v1", kind: "PipelineRun", namespace: "ci", name: "build-1", uid: runUid } },
  } as const;
  const recordOf = (): Delivery | undefined => (stored === undefined ? undefined : { ...about, status: stored });
  const standby = createStandby({
    telemetry: { clock, metrics: createMetrics(), log: recordingLogger([]), redactor: createRedactor() },
    runs,
    previous: createPrevious(runs),
    caches: {
      isWatched: () => true,
      isFollowed: () => true,
      reachOf,
      notifications: () => [notification()],
      notification: () => notification(),
      providerFor: () => cloudEventsProvider(),
      record: recordOf,
      recordsOf: () => (stored === undefined ? [] : [pair]),
    },
  });
  t.after(standby.stop);
  const quiet = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  };
  await quiet();
  return {
    runs,
    standby,
    quiet,
    record: async (now) => {
      stored = now;
      standby.handlers.onDelivery(`ci/${deliveryName(pair)}`, true, recordOf() as Delivery);
      await quiet();
    },
  };
}

describe("a run that vanishes while another process leads", () => {
  it("is kept while nothing is on record of it", async (t) => {
    const { runs, standby, quiet } = await start(t);
    standby.handlers.onRunGone(failed, "seen");
    await quiet();
    assert.equal(runs.has(runUid), true);
  });

  it("is let go once its end is on record as sent", async (t) => {
    const { runs, standby, record } = await start(t);
    standby.handlers.onRunGone(failed, "seen");
    await record(delivered("Failed"));
    assert.equal(runs.has(runUid), false);
  });

  it("is let go once its end is on record as owed, also where an earlier state was sent", async (t) => {
    const { runs, standby, record } = await start(t, delivered("Running"));
    standby.handlers.onRunGone(failed, "seen");
    await record(delivered("Running", ended("Failed")));
    assert.equal(runs.has(runUid), false);
  });

  it("is kept while only an earlier state is on record as sent", async (t) => {
    const { runs, standby, quiet } = await start(t, delivered("Running"));
    standby.handlers.onRunGone(failed, "seen");
    await quiet();
    assert.equal(runs.has(runUid), true);
  });

  it("is kept while only an earlier state is on record as owed", async (t) => {
    const waiting: DeliveryStatus = { state: "Retrying", destinations: [{ key: "event", state: "Retrying", attempts: 1 }], owed: { ...runEvent() } };
    const { runs, standby, record } = await start(t, waiting);
    standby.handlers.onRunGone(failed, "seen");
    await record(waiting);
    assert.equal(runs.has(runUid), true);
  });

  it("is let go when no Notification selects it", async (t) => {
    const { runs, standby, quiet } = await start(t);
    standby.handlers.onRunGone({ ...failed, kind: "CustomRun", apiVersion: "tekton.dev/v1beta1" }, "seen");
    await quiet();
    assert.equal(runs.has(runUid), false);
  });
});
