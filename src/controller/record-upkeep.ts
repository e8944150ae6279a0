import type { Delivery } from "../api/delivery.ts";
import type { RunEvent } from "../api/run-event.ts";
import type { Kube } from "../kube/client.ts";
import type { EventRecorder } from "../kube/events.ts";
import { deliveries } from "../kube/resources.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Caches } from "./caches.ts";
import type { Deliverer } from "./deliver.ts";
import { redeliveryAsked } from "./demand.ts";
import { isGenuine, pairOfRecord } from "./ledger.ts";
import { mayBeRemoved } from "./retention.ts";
import type { RunStore } from "./run-store.ts";

export interface RecordUpkeepOptions {
  readonly kube: Kube;
  readonly caches: Pick<Caches, "records" | "notification" | "isSettled">;
  readonly runs: Pick<RunStore, "has" | "restore">;
  readonly deliverer: Pick<Deliverer, "redeliver" | "runVanished">;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a message is tried. */
  readonly deadlineMs: number;
}

/** Does to Deliveries what their tenants ask for, and removes those that have served their time. */
export interface RecordUpkeep {
  /** The Delivery is there, or has changed: sends again where its annotation asks for it with a word that is new. A forged one is reported. */
  readonly look: (record: Delivery) => void;
  /** Removes records until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

const tidyEveryMs = 600_000;

export function createRecordUpkeep({ kube, caches, runs, deliverer, recorder, clock, log, deadlineMs }: RecordUpkeepOptions): RecordUpkeep {
  /** Those that were told of. */
  const forged = new Set<string>();
  const tidy = async (record: Delivery, signal: AbortSignal): Promise<void> => {
    const { namespace, name, uid } = record.metadata;
    const { caughtUpAt } = caches.notification(`${namespace}/${record.spec.notificationRef.name}`)?.status ?? {};
    if (caughtUpAt === undefined || !mayBeRemoved(record, { now: clock.now(), caughtUpAt: Date.parse(caughtUpAt), deadlineMs })) return;
    try {
      await kube.delete(deliveries, { namespace, name }, { uid }, signal);
    } catch (error) {
      if (!signal.aborted) log.warn("a Delivery that has served its time could not be removed; trying again", { delivery: `${namespace}/${name}`, error });
    }
  };

  const tellForged = ({ metadata: { namespace, name, uid } }: Delivery): void => {
    if (forged.has(uid)) return;
    forged.add(uid);
    log.warn("a Delivery contradicts what it is about; it is ignored", { delivery: `${namespace}/${name}` });
    const note = "its name or its namespace does not follow from its Notification and its run; nothing is sent for it";
    recorder.publish({ resource: deliveries, namespace, name, uid }, { type: "Warning", reason: "DeliveryIgnored", action: "Read", note });
  };

  return {
    look: (record) => {
      if (!isGenuine(record)) {
        tellForged(record);
        return;
      }
      const word = redeliveryAsked(record);
      // Of a kind that is not followed nobody can say that a run is gone; it will be followed, and this record looked at again.
      if (word === undefined || !caches.isSettled(record.spec.runRef.kind)) return;
      const pair = pairOfRecord(record);
      const owed = record.status?.owed as RunEvent | undefined;
      if (!runs.has(pair.runUid) && owed !== undefined) {
        runs.restore(owed);
        deliverer.runVanished(pair.runUid, [pair]);
      }
      const { namespace, name } = pair.notification;
      if (runs.has(pair.runUid)) {
        deliverer.redeliver(`${namespace}/${name}`, pair, word);
        return;
      }
      const regarding = { resource: deliveries, namespace, name: record.metadata.name, uid: record.metadata.uid };
      recorder.publish(regarding, { type: "Warning", reason: "RunGone", action: "Redeliver", note: "the run is gone, and this Delivery does not hold its state" });
    },
    run: async (signal) => {
      for (;;) {
        await clock.sleep(tidyEveryMs, signal).catch(() => undefined);
        for (const record of [...caches.records()]) if (!signal.aborted) await tidy(record, signal);
        if (signal.aborted) return;
      }
    },
  };
}
