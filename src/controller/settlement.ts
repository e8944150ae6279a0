import type { Notification } from "../api/notification.ts";
import type { Clock } from "../telemetry/clock.ts";
import { settledBefore } from "./activity.ts";
import type { Caches } from "./caches.ts";
import { isOpen } from "./demand.ts";
import { selectableNamespaces } from "./reach.ts";
import type { FinishedEntry, RunStore } from "./run-store.ts";

const sweepEveryMs = 60_000;

/** A run is packed when its messages have had this long to go. */
const packAfterMs = 60_000;

/** Notifications come by another watch than runs do: nothing is settled before they have had this long. */
const marginMs = 10 * 60_000;

/** No name of a namespace. */
const everywhere = "*";

export interface SettlementOptions {
  readonly caches: Pick<Caches, "notifications" | "records" | "recordsOf" | "record">;
  readonly runs: Pick<RunStore, "finished" | "pack" | "settle">;
  readonly clock: Clock;
  /** How long a message is tried. */
  readonly deadlineMs: number;
}

/** Makes finished runs small: packed after a while, settled when no Notification can owe anything for them. */
export interface Settlement {
  /** Looks at all finished runs. `packAll`: however short their end is ago. */
  readonly sweep: (packAll?: boolean) => void;
  /** Sweeps now and then until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/**
 * From when on ends of runs may be owed by a Notification without a record of them: since it is active; and what ended more
 * than the delivery deadline before all was settled last owes nothing (docs/delivery.md). A suspended one selects nothing, and
 * on resume only what happens from then on.
 */
function owesFrom(notification: Notification, deadlineMs: number): number {
  const { metadata, spec, status } = notification;
  if (spec.suspend === true) return Infinity;
  return Math.max(Date.parse(status?.activeSince ?? metadata.creationTimestamp), settledBefore(notification, deadlineMs));
}

export function createSettlement({ caches, runs, clock, deadlineMs }: SettlementOptions): Settlement {
  /** By namespace of the runs; under {@link everywhere} for those that any namespace's may be owed. */
  const bounds = (): ReadonlyMap<string, number> => {
    const found = new Map<string, number>();
    for (const notification of caches.notifications()) {
      const from = owesFrom(notification, deadlineMs);
      for (const namespace of selectableNamespaces(notification) ?? [everywhere]) found.set(namespace, Math.min(found.get(namespace) ?? Infinity, from));
    }
    return found;
  };

  const hasOpenRecord = (uid: string): boolean =>
    [...caches.recordsOf(uid)].some((pair) => {
      const record = caches.record(pair);
      return record !== undefined && isOpen(record);
    });

  const isSettled = ({ uid, namespace, endedAt }: FinishedEntry, from: ReadonlyMap<string, number>): boolean => {
    const bound = Math.min(from.get(namespace) ?? Infinity, from.get(everywhere) ?? Infinity, clock.now() - marginMs);
    // Kubernetes' times have whole seconds.
    return endedAt !== undefined && endedAt + 1000 < bound && !hasOpenRecord(uid);
  };

  const sweep = (packAll = false): void => {
    const from = bounds();
    for (const run of runs.finished()) {
      if (isSettled(run, from)) runs.settle(run.uid);
      else if (!run.packed && (packAll || clock.monotonic() - run.since >= packAfterMs)) runs.pack(run.uid);
    }
  };

  return {
    sweep,
    run: async (signal) => {
      while (!signal.aborted) {
        sweep();
        await clock.sleep(sweepEveryMs, signal).catch(() => undefined);
      }
    },
  };
}
