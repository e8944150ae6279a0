import type { Delivery } from "../api/delivery.ts";
import { annotations } from "../api/group.ts";
import type { Kube } from "../kube/kube.ts";
import { resourceOfRun } from "../kube/resources.ts";
import { createWorkQueue } from "../kube/work-queue.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Logger } from "../telemetry/log.ts";
import type { RunStore } from "./run-store.ts";
import { trimRun } from "./trim-run.ts";

export interface ReadAgainOptions {
  readonly kube: Pick<Kube, "get">;
  readonly runs: Pick<RunStore, "run" | "settled" | "upsert">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Reads runs again from the API server, for whoever needs more of them than is kept. */
export interface ReadAgain {
  /** Calls `then` when the run is whole again; not at all when it is gone. */
  readonly read: (runUid: string, then: () => void) => void;
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export function createReadAgain({ kube, runs, clock, log }: ReadAgainOptions): ReadAgain {
  const waiting = new Map<string, (() => void)[]>();
  const queue = createWorkQueue({
    concurrency: 4,
    clock,
    backoff: { baseMs: 500, capMs: 60_000 },
    onFailure: (uid, error) => {
      log.warn("a run could not be read again; trying again", { run: uid, error });
    },
  });

  const readOne = async (uid: string, signal: AbortSignal): Promise<void> => {
    const known = runs.settled(uid) ?? runs.run(uid);
    if (known !== undefined) {
      const { kind, namespace, name } = known;
      const object = await kube.get(resourceOfRun[kind], { namespace, name }, signal);
      // Of one that is gone, or has a successor, the watch tells.
      if (object?.metadata.uid !== uid) waiting.delete(uid);
      else runs.upsert(trimRun(object, kind, true));
    }
    const then = waiting.get(uid) ?? [];
    waiting.delete(uid);
    for (const each of then) each();
  };

  return {
    read: (runUid, then) => {
      waiting.set(runUid, [...(waiting.get(runUid) ?? []), then]);
      queue.add(runUid);
    },
    run: (signal) =>
      queue.run(async (uid) => {
        await readOne(uid, signal).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
        return undefined;
      }, signal),
  };
}

/** Looks at records; a redelivery of a settled run waits until the run is whole. */
export const wholeForRedelivery =
  (look: (record: Delivery) => void, runs: Pick<RunStore, "settled">, again: Pick<ReadAgain, "read">) =>
  (record: Delivery): void => {
    const { uid } = record.spec.runRef;
    const then = (): void => {
      look(record);
    };
    if (record.metadata.annotations?.[annotations.redeliver] === undefined || runs.settled(uid) === undefined) then();
    else again.read(uid, then);
  };
