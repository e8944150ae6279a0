import type { Delivery } from "../api/delivery.ts";
import type { RunEvent } from "../api/run-event.ts";
import type { Kube } from "../kube/kube.ts";
import type { EventRecorder } from "../kube/events.ts";
import { deliveries } from "../kube/resources.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Caches } from "./caches.ts";
import type { Deliverer } from "./deliver.ts";
import { redeliveryAsked } from "./demand.ts";
import { abortWithAny } from "./ending.ts";
import { isElsewhere, isGenuine, notificationKeyOf, pairOfRecord } from "./ledger.ts";
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
  /** The controller's. */
  readonly ownNamespace: string;
  /** Where Notifications are watched; none: everywhere. */
  readonly watchNamespaces: readonly string[];
  /** How long a message is tried. */
  readonly deadlineMs: number;
}

/** Does to Deliveries what their tenants ask for, and removes those that have served their time. */
export interface RecordUpkeep {
  /** The Delivery is there, or has changed: sends again where its annotation asks for it with a word that is new. A forged one is reported. */
  readonly look: (record: Delivery) => void;
  /** With the Notification go its records in the controller's own namespace, which have no owner. */
  readonly notificationGone: (key: string) => void;
  /** Removes records until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

const tidyEveryMs = 600_000;

export function createRecordUpkeep({ kube, caches, runs, deliverer, recorder, clock, log, ownNamespace, watchNamespaces, deadlineMs }: RecordUpkeepOptions): RecordUpkeep {
  /** Those that were told of, until they are gone. */
  const forged = new Set<string>();
  /** Ends the pause between two rounds. */
  let hurry = new AbortController();

  /** Whether the garbage collector does not know whose it was. Of a namespace that is not watched nobody can say that a Notification is gone. */
  const isOrphan = (record: Delivery): boolean => {
    const pair = pairOfRecord(record);
    if (!isElsewhere(pair) || !isGenuine(record, ownNamespace)) return false;
    const { namespace, uid } = pair.notification;
    const isWatched = watchNamespaces.length === 0 || watchNamespaces.includes(namespace);
    return isWatched && caches.notification(notificationKeyOf(pair))?.metadata.uid !== uid;
  };

  const hasServed = (record: Delivery): boolean => {
    const { caughtUpAt } = caches.notification(notificationKeyOf(pairOfRecord(record)))?.status ?? {};
    return caughtUpAt !== undefined && mayBeRemoved(record, { now: clock.now(), caughtUpAt: Date.parse(caughtUpAt), deadlineMs });
  };

  const tidy = async (record: Delivery, signal: AbortSignal): Promise<void> => {
    if (!isOrphan(record) && !hasServed(record)) return;
    const { namespace, name, uid } = record.metadata;
    try {
      await kube.delete(deliveries, { namespace, name }, { uid }, signal);
    } catch (error) {
      if (!signal.aborted) log.warn("a Delivery that has served its time could not be removed; trying again", { delivery: `${namespace}/${name}`, error });
    }
  };

  const pause = async (signal: AbortSignal): Promise<void> => {
    const ending = abortWithAny(signal, hurry.signal);
    await clock.sleep(tidyEveryMs, ending.signal).catch(() => undefined);
    ending.dispose();
    hurry = new AbortController();
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
      if (!isGenuine(record, ownNamespace)) {
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
      if (runs.has(pair.runUid)) {
        deliverer.redeliver(notificationKeyOf(pair), pair, word);
        return;
      }
      const { namespace, name, uid } = record.metadata;
      const regarding = { resource: deliveries, namespace, name, uid };
      recorder.publish(regarding, { type: "Warning", reason: "RunGone", action: "Redeliver", note: "the run is gone, and this Delivery does not hold its state" });
    },
    notificationGone: (key) => {
      for (const record of caches.records()) {
        if (notificationKeyOf(pairOfRecord(record)) !== key || !isOrphan(record)) continue;
        hurry.abort();
        return;
      }
    },
    run: async (signal) => {
      for (;;) {
        await pause(signal);
        const records = [...caches.records()];
        const there = new Set(records.map(({ metadata }) => metadata.uid));
        for (const uid of forged) if (!there.has(uid)) forged.delete(uid);
        for (const record of records) if (!signal.aborted) await tidy(record, signal);
        if (signal.aborted) return;
      }
    },
  };
}
