import type { Delivery } from "../api/delivery.ts";
import type { Provider } from "../api/provider.ts";
import type { RunEvent, RunKind } from "../api/run-event.ts";
import { providerOfType } from "../providers/registry.ts";
import type { Caches } from "./caches.ts";
import type { Deliverer } from "./deliver.ts";
import { isGenuine, notificationKeyOf, pairOfRecord, type Pair } from "./ledger.ts";
import { hasUnfinished } from "./owed.ts";
import { recordedOf, stillOwed } from "./pair-state.ts";
import { secondsOf } from "./iso-seconds.ts";
import type { Places } from "./places.ts";
import { providerKeyOf } from "./routes.ts";
import type { RunStore } from "./run-store.ts";
import type { TrimmedRun } from "./trim-run.ts";

/** All that a record tells of a run that is gone: enough to end what was begun. */
function lastKnown({ spec: { runRef }, status }: Delivery): RunEvent {
  const [sent = "Running"] = (status?.destinations ?? []).flatMap(({ sentStatus }) => sentStatus ?? []);
  const { kind, name, namespace, uid } = runRef;
  return {
    kind,
    name,
    namespace,
    uid,
    labels: {},
    annotations: {},
    params: {},
    results: {},
    status: sent,
    reason: "",
    message: "",
    terminal: false,
    pipeline: "",
    commit: {},
    tasks: [],
    deleted: false,
    run: {},
  };
}

/** The state that a record says is owed, where it is one of the run that the record is about. */
function owedBy({ spec: { runRef }, status }: Delivery): RunEvent | undefined {
  const owed = stillOwed(status);
  return owed?.uid === runRef.uid && owed.namespace === runRef.namespace ? owed : undefined;
}

export interface Restoration {
  readonly records: Iterable<Delivery>;
  /** The controller's. */
  readonly ownNamespace: string;
  /** Whether runs of the kind are known: of a kind that is not served nobody can say that a run is gone. */
  readonly isWatched: (kind: RunKind) => boolean;
  readonly runs: RunStore;
  readonly deliverer: Pick<Deliverer, "runVanished">;
}

/**
 * Takes up, after the first lists, what records say of runs that vanished while nobody watched: what is still owed, and
 * what was begun at a service and not ended.
 */
export function restoreFromRecords({ records, ownNamespace, isWatched, runs, deliverer }: Restoration): void {
  const vanished = new Map<string, Pair[]>();
  for (const record of records) {
    const { runRef } = record.spec;
    const owed = owedBy(record);
    const begun = isWatched(runRef.kind) && hasUnfinished(recordedOf(record.status?.destinations ?? []));
    if ((owed === undefined && !begun) || !isGenuine(record, ownNamespace) || (runs.has(runRef.uid) && !vanished.has(runRef.uid))) continue;
    runs.restore(owed ?? lastKnown(record));
    vanished.set(runRef.uid, [...(vanished.get(runRef.uid) ?? []), pairOfRecord(record)]);
  }
  for (const [uid, pairs] of vanished) deliverer.runVanished(uid, pairs);
}

const mayKeepState = (provider: Provider | undefined): boolean => provider === undefined || providerOfType(provider.spec.type)?.keepsState === true;

const createdOf = (run: TrimmedRun | undefined): number | undefined => (run === undefined ? undefined : secondsOf(run.creationTimestamp));

/** Takes up which run was the newest to report to a place, as far as the runs still exist. */
export function restorePlaces(caches: Pick<Caches, "records" | "notification" | "providerFor">, runs: Pick<RunStore, "run" | "settled">, places: Pick<Places, "restore">): void {
  for (const record of caches.records()) {
    const { spec: { runRef }, status } = record;
    const notification = caches.notification(notificationKeyOf(pairOfRecord(record)));
    if (notification === undefined || !mayKeepState(caches.providerFor(notification))) continue;
    const created = runs.settled(runRef.uid)?.created ?? createdOf(runs.run(runRef.uid));
    if (created === undefined) continue;
    const accepted = (status?.destinations ?? []).flatMap(({ sentStatus, target }) => (sentStatus === undefined || target === undefined ? [] : [target]));
    places.restore(providerKeyOf(notification), accepted, { created, uid: runRef.uid });
  }
}
