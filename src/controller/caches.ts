import type { Delivery } from "../api/delivery.ts";
import type { Labels } from "../api/fits-labels.ts";
import type { Notification } from "../api/notification.ts";
import type { Provider } from "../api/provider.ts";
import type { RunKind } from "../api/run-event.ts";
import type { NamespaceSelector } from "../api/selectors.ts";
import type { Kube } from "../kube/kube.ts";
import type { Reflector, ReflectorOptions } from "../kube/reflector-options.ts";
import type { ReflectorHandlers } from "../kube/reflector-store.ts";
import { reflectNamespaces } from "../kube/reflect-namespaces.ts";
import { deliveries, namespaces as namespaceObjects, notifications, providers, resourceName, resourceOfRun, type KubeObject, type Resource } from "../kube/resources.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { createDemand } from "./demand.ts";
import { keptRecord } from "./kept-record.ts";
import { deliveryName, isGenuine, pairOfRecord, recordNamespace, recordNamespaces, type Pair } from "./ledger.ts";
import { inUse, kindsFollowed, providerKeyOf } from "./routes.ts";
import { reachOf, readsNamespaceLabels, type KnownNamespaces, type Reach } from "./reach.ts";
import { createRunWatches } from "./run-watches.ts";
import { goesByLabels, isOffered } from "../api/sharing.ts";
import { withoutManagedFields } from "./trim-object.ts";
import { trimRun, type TrimmedRun } from "./trim-run.ts";
import type { Watched } from "./watch-health.ts";

/** Called for every change; must not wait. Keys are `namespace/name`. */
export interface CacheHandlers {
  readonly onNotification: (key: string) => void;
  readonly onProvider: (key: string) => void;
  readonly onDelivery: (key: string, exists: boolean, record: Delivery) => void;
  readonly onRun: (run: TrimmedRun) => void;
  /** `run` is the last state that was seen; `how`: whether that is the state it was deleted in. */
  readonly onRunGone: (run: TrimmedRun, how: "seen" | "missed") => void;
  /** All runs of a kind that these Notifications need are known from now on; until then they came without being told of one by one. */
  readonly onFollowed: (notificationKeys: readonly string[]) => void;
  /** Nothing is known of these runs any more, which is no sign that they are gone. */
  readonly onForgotten: (runUids: readonly string[]) => void;
}

/** What is told besides, whoever handles changes. */
export interface RunHandlers extends Omit<CacheHandlers, "onForgotten"> {
  /** Everything but runs is known, and runs are about to be listed. */
  readonly beforeRuns: () => void;
  /** Whether runs of the namespace are kept whole; see {@link TrimmedRun.whole}. */
  readonly keepsWhole: (namespace: string) => boolean;
  /** A run of which all others of its kind are not known yet. */
  readonly onRunListed: (run: TrimmedRun) => void;
  /** The run was deleted while nobody watched. */
  readonly onRunMissed: (uid: string) => void;
  /** The kind is followed no longer. */
  readonly onLeft: (kind: RunKind) => void;
}

/** Local copies of everything that the controller watches. */
export interface Caches {
  readonly notification: (key: string) => Notification | undefined;
  readonly provider: (key: string) => Provider | undefined;
  /** The Provider that a Notification refers to, where it may be used: it exists, is not being deleted, and is offered to the Notification's namespace. */
  readonly providerFor: (notification: Notification) => Provider | undefined;
  /** The record of a pair; one whose name does not follow from its contents is not ours and does not count. */
  readonly record: (pair: Pair) => Delivery | undefined;
  readonly records: () => Iterable<Delivery>;
  /** The version of the Delivery under a key that is known here. */
  readonly versionOfRecord: (key: string) => string | undefined;
  readonly notifications: () => Iterable<Notification>;
  readonly providers: () => Iterable<Provider>;
  /** The pairs of a run that have a record. */
  readonly recordsOf: (runUid: string) => Iterable<Pair>;
  /** Whether all runs of the kind are known. */
  readonly isWatched: (kind: RunKind) => boolean;
  /** Whether all runs of the kind are known that there are: there are none where the kind is not served. */
  readonly isSettled: (kind: RunKind) => boolean;
  /** Whether {@link isSettled} holds for all kinds that the Notification needs, and labels of Namespaces are known where it needs them. */
  readonly isFollowed: (notification: Notification) => boolean;
  /** See {@link reachOf}; undefined: labels of Namespaces decide it, and are not known yet. */
  readonly reachOf: (notification: Notification, provider: Provider | undefined) => Reach | undefined;
  /** The labels of a Namespace; undefined where they are not known. */
  readonly labelsOf: (namespace: string) => Labels | undefined;
  /** Whether all that is watched is followed now, as far as can be told. */
  readonly isFollowing: () => boolean;
  /** All watches, for their health. */
  readonly watches: () => Iterable<Watched>;
  /** How many runs and Notifications are known. */
  readonly sizes: () => { readonly runs: number; readonly notifications: number };
  /** Resolves once everything is known that existed when it began to be followed. */
  readonly caughtUp: (signal: AbortSignal) => Promise<void>;
  /** Resolves after the signal aborted. */
  readonly done: Promise<void>;
}

/** Objects of our own kinds have passed their schema in the API server. */
const asNotification = (object: KubeObject): Notification => withoutManagedFields(object) as unknown as Notification;
const asProvider = (object: KubeObject): Provider => withoutManagedFields(object) as unknown as Provider;

function lookUp<Value>(cache: Reflector<Value>, key: string): Value | undefined {
  const slash = key.indexOf("/");
  return cache.get(key.slice(0, slash), key.slice(slash + 1));
}

/** Our own status writes come back as changes; only a new spec, or a deletion that began, is one to act on. */
const specChanged = (now: Notification | Provider, before: Notification | Provider | undefined): boolean =>
  before === undefined || now.metadata.generation !== before.metadata.generation || now.metadata.deletionTimestamp !== before.metadata.deletionTimestamp;

/** A run is handed on, and kept elsewhere: its watch keeps its uid. */
type Handed = TrimmedRun | string;

export interface CachesOptions {
  readonly kube: Kube;
  readonly telemetry: Telemetry;
  /** Where to watch; none: everywhere. */
  readonly namespaces: readonly string[];
  /** The controller's own, where records are watched too. */
  readonly ownNamespace: string;
}

export function createCaches({ kube, telemetry, namespaces, ownNamespace }: CachesOptions, handlers: RunHandlers, signal: AbortSignal): Caches {
  const { log, metrics, clock } = telemetry;
  const watch = <Value>(
    resource: Resource,
    transform: (object: KubeObject) => Value,
    own: ReflectorHandlers<Value>,
    { until = signal, where = namespaces, ...more }: Pick<ReflectorOptions<Value>, "keep"> & { readonly until?: AbortSignal; readonly where?: readonly string[] } = {},
  ): Reflector<Value> & Watched => {
    const reflector = reflectNamespaces({ kube, resource, transform, handlers: own, log, metrics, clock, ...more }, where, until);
    return Object.assign(reflector, { resource: resourceName(resource) });
  };
  const demand = createDemand();
  let isBegun = false;
  const review = (): void => {
    if (isBegun) runs.review();
  };

  const onNotification = (key: string): void => {
    const notification = lookUp(notificationCache, key);
    followNamespaces(notification?.spec.filter?.namespaceSelector);
    demand.setNotification(key, notification);
    review();
    handlers.onNotification(key);
  };
  const notificationCache = watch(notifications, asNotification, {
    onUpsert: (key, value, previous) => {
      if (specChanged(value, previous)) onNotification(key);
    },
    onDelete: onNotification,
  });
  let labelsByNamespace: (Reflector<{ readonly name: string; readonly labels: Labels }> & Watched) | undefined;
  const knownNamespaces: KnownNamespaces = {
    names: function* () {
      for (const { name } of labelsByNamespace?.values() ?? []) yield name;
    },
    labelsOf: (name) => labelsByNamespace?.get(undefined, name)?.labels,
  };
  const labelsDecide = (notification: Notification): boolean => readsNamespaceLabels(notification, lookUp(providerCache, providerKeyOf(notification)));
  /** The labels of a namespace changed, or (undefined) all are known now. */
  const labelsChanged = (of: string | undefined): void => {
    if (labelsByNamespace?.isSynced !== true) return;
    for (const notification of notificationCache.values()) {
      const { metadata: { namespace, name }, spec: { providerRef } } = notification;
      const isOfferedByThem = (of === undefined || of === namespace) && (providerRef.namespace ?? namespace) !== namespace;
      if (isOfferedByThem || labelsDecide(notification)) handlers.onNotification(`${namespace}/${name}`);
    }
  };
  /** Needed only where a selector goes by labels; and nobody may read all Namespaces who sees only some. */
  const followNamespaces = (...selectors: readonly (NamespaceSelector | undefined)[]): void => {
    if (namespaces.length > 0 || labelsByNamespace !== undefined || !selectors.some(goesByLabels)) return;
    labelsByNamespace = watch(namespaceObjects, ({ metadata: { name, labels = {} } }) => ({ name, labels }), {
      onUpsert: (name, { labels }, previous) => {
        if (previous === undefined || JSON.stringify(labels) !== JSON.stringify(previous.labels)) labelsChanged(name);
      },
      onDelete: labelsChanged,
    });
    labelsByNamespace.synced.then(() => {
      labelsChanged(undefined);
    }, () => undefined);
  };
  const providerCache = watch(providers, asProvider, {
    onUpsert: (key, value, previous) => {
      followNamespaces(value.spec.allowedNamespaces, value.spec.runNamespaces);
      if (specChanged(value, previous)) handlers.onProvider(key);
    },
    onDelete: handlers.onProvider,
  });
  /** Keys of the records of a run. */
  const recorded = new Map<string, readonly string[]>();
  const deliveryCache = watch(deliveries, keptRecord, {
    onUpsert: (key, value) => {
      if (isGenuine(value, ownNamespace)) {
        const { uid } = value.spec.runRef;
        const known = recorded.get(uid) ?? [];
        if (!known.includes(key)) recorded.set(uid, [...known, key]);
        demand.setRecord(key, value);
        review();
      }
      handlers.onDelivery(key, true, value);
    },
    onDelete: (key, record) => {
      const { uid } = record.spec.runRef;
      const others = (recorded.get(uid) ?? []).filter((known) => known !== key);
      if (others.length === 0) recorded.delete(uid);
      else recorded.set(uid, others);
      demand.deleteRecord(key, record);
      review();
      handlers.onDelivery(key, false, record);
    },
  }, { where: recordNamespaces(namespaces, ownNamespace) });
  const first: readonly (Reflector<unknown> & Watched)[] = [notificationCache, providerCache, deliveryCache];

  const runHandlers: ReflectorHandlers<Handed> = {
    onUpsert: (_, run) => {
      if (typeof run === "string") return;
      if (runs.isWatched(run.kind)) handlers.onRun(run);
      else handlers.onRunListed(run);
    },
    onDelete: (_, run, how) => {
      if (typeof run === "string") handlers.onRunMissed(run);
      else handlers.onRunGone(run, how);
    },
  };
  const runs = createRunWatches({
    clock,
    follow: (kind, until) => {
      const trim = (object: KubeObject): Handed => trimRun(object, kind, handlers.keepsWhole(object.metadata.namespace ?? ""));
      return watch(resourceOfRun[kind], trim, runHandlers, { until, keep: (run) => (typeof run === "string" ? run : run.uid) });
    },
    wants: demand.wants,
    onFollowed: (kind) => {
      handlers.onFollowed(demand.notificationsFor(kind));
      // A redelivery may have been asked for while nothing was known of its run.
      for (const key of demand.recordsFor(kind)) {
        const record = lookUp(deliveryCache, key);
        if (record !== undefined) handlers.onDelivery(key, true, record);
      }
    },
    onLeft: handlers.onLeft,
  }, signal);

  // A kind of ours that is not installed has no objects; its watch goes on looking for it.
  const isSettled = (cache: Reflector<unknown>): boolean => cache.isSynced || cache.health().state === "absent";

  /** What is to be kept of a run depends on Notifications and records: they are known first. */
  const begin = async (): Promise<void> => {
    // Who may not list Namespaces waits for none.
    const areLabelsListed = (): boolean => labelsByNamespace?.isSynced !== false || labelsByNamespace.health().state === "failing";
    while (!first.every(isSettled) || !areLabelsListed()) await clock.sleep(20, signal);
    handlers.beforeRuns();
    isBegun = true;
    review();
  };
  const begun = begin().catch((error: unknown) => {
    if (!signal.aborted) log.error("runs are not watched", { error });
  });
  const all = (): readonly (Reflector<unknown> & Watched)[] => [...first, ...(labelsByNamespace === undefined ? [] : [labelsByNamespace]), ...runs.all()];

  const areNamespacesKnown = (notification: Notification): boolean => namespaces.length > 0 || !labelsDecide(notification) || labelsByNamespace?.isSynced === true;

  return {
    notification: (key) => lookUp(notificationCache, key),
    provider: (key) => lookUp(providerCache, key),
    providerFor: (notification) => {
      const provider = inUse(lookUp(providerCache, providerKeyOf(notification)));
      return provider !== undefined && isOffered(provider, notification.metadata.namespace, knownNamespaces.labelsOf) ? provider : undefined;
    },
    record: (pair) => {
      const record = deliveryCache.get(recordNamespace(pair, ownNamespace), deliveryName(pair));
      return record !== undefined && isGenuine(record, ownNamespace) ? record : undefined;
    },
    records: () => deliveryCache.values(),
    versionOfRecord: (key) => (lookUp(deliveryCache, key) as unknown as KubeObject | undefined)?.metadata.resourceVersion,
    notifications: () => notificationCache.values(),
    providers: () => providerCache.values(),
    recordsOf: (runUid) => (recorded.get(runUid) ?? []).flatMap((key) => {
      const record = lookUp(deliveryCache, key);
      return record === undefined ? [] : [pairOfRecord(record)];
    }),
    isWatched: runs.isWatched,
    isSettled: runs.isSettled,
    isFollowed: (notification) => kindsFollowed(notification).every(runs.isSettled) && areNamespacesKnown(notification),
    reachOf: (notification, provider) => (areNamespacesKnown(notification) ? reachOf(notification, provider, knownNamespaces) : undefined),
    labelsOf: knownNamespaces.labelsOf,
    isFollowing: () => isBegun && all().every((cache) => ["watching", "absent"].includes(cache.health().state)),
    watches: all,
    sizes: () => ({ runs: runs.all().reduce((sum, cache) => sum + cache.health().objects, 0), notifications: notificationCache.health().objects }),
    caughtUp: async () => {
      while (!isBegun || !first.every(isSettled) || !runs.isComplete()) await clock.sleep(20, signal);
    },
    done: begun.then(async () => {
      await Promise.all([...first.map(({ done }) => done), labelsByNamespace?.done, runs.done()]);
    }),
  };
}
