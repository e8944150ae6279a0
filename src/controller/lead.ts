import type { Delivery } from "../api/delivery.ts";
import { defaultPerMinute, type Notification } from "../api/notification.ts";
import type { Provider } from "../api/provider.ts";
import { createStatusWriter } from "../kube/apply.ts";
import { createEventRecorder } from "../kube/events.ts";
import { fencedKube } from "../kube/fenced.ts";
import type { Term } from "../kube/term.ts";
import { keyOf } from "../kube/resources.ts";
import type { Outbound } from "../providers/outbound.ts";
import type { CacheHandlers, Caches } from "./caches.ts";
import { createBookkeeping } from "./bookkeeping.ts";
import { createChildren } from "./children.ts";
import { createConnections, rateOf } from "./connections.ts";
import { createCredentialChecks } from "./credential-checks.ts";
import { untilCachesHoldRecords } from "./consistent.ts";
import type { ControllerOptions } from "./controller-options.ts";
import { createDeliverer } from "./deliver.ts";
import { abortAfter, abortWithAny, together } from "./ending.ts";
import { createFirstLooks } from "./first-looks.ts";
import { createGates } from "./gates.ts";
import { createJudge } from "./judge.ts";
import { createLedger, fieldManager, isElsewhere, notificationKeyOf, pairOfRecord, recordNamespaces } from "./ledger.ts";
import { careForNotification, careForProviders, careQueue } from "./look-after.ts";
import { createOffers } from "./offers.ts";
import { keepOwedGauge } from "./owed-gauge.ts";
import { holderOf } from "./pairs.ts";
import { followedRoutes, type Previous } from "./previous.ts";
import { createPlaces } from "./places.ts";
import { createRecordUpkeep } from "./record-upkeep.ts";
import { restoreFromRecords, restorePlaces } from "./restore.ts";
import { createRoutes } from "./route-index.ts";
import { inUse, providerKeyOf } from "./routes.ts";
import { createReadAgain, wholeForRedelivery } from "./read-again.ts";
import type { RunStore } from "./run-store.ts";
import { createThrottle } from "./throttle.ts";
import { createTurns } from "./turns.ts";
import type { Unrecorded } from "./unrecorded.ts";
import { createViews } from "./views.ts";

/** A change takes less than this from the API server to here, and clocks differ by less. */
const watchLagMs = 10_000;

/** After the signal to stop, requests and records under way may take this long; a message that is cut off is sent again. */
const graceMs = 10_000;

export interface LeadOptions extends Omit<ControllerOptions, "outbound" | "leaseDurationMs" | "whileLeading"> {
  readonly outbound: Outbound;
  readonly caches: Caches;
  /** What an earlier term of this process could not put on record. */
  readonly unrecorded: Unrecorded;
  readonly runs: RunStore;
  readonly previous: Previous;
}

const keyOfObject = ({ metadata: { namespace, name } }: Delivery | Notification | Provider): string => keyOf(namespace, name);

/** One term of leading: all that is decided, sent and written. */
export interface Lead {
  /** To be told of every change while it runs. */
  readonly handlers: CacheHandlers;
  /** Takes up what is owed, and goes on until the term is lost or `stop` aborts; ends what it has begun. */
  readonly run: (stop: AbortSignal) => Promise<void>;
}

/** Prepares a term. Of an earlier one only what could not be put on record is used again: another process may have led in between. */
export function createLead(options: LeadOptions, term: Term): Lead {
  const { telemetry, caches, runs, previous } = options;
  const { clock, log, metrics } = telemetry;
  const kube = fencedKube(options.kube, term.holds);
  const routes = followedRoutes(createRoutes(), previous);
  const views = createViews({ runs, previous, isWatched: caches.isWatched, monotonic: () => clock.monotonic() });
  const turns = createTurns({
    clock,
    onFailure: (lane, name, error) => {
      log.error("runs could not be offered to Notifications", { namespace: lane, name, error });
    },
  });
  const connections = createConnections({ kube, outbound: options.outbound, ownIdentityNamespaces: options.ownIdentityNamespaces, requireSecretOptIn: options.requireSecretOptIn === true, telemetry });
  const recorder = createEventRecorder({ kube, reportingController: "integrations.tekton.ornew.io/controller", reportingInstance: options.instance, clock, log }, term.lost);
  const providerQueue = careQueue("Provider", telemetry);
  const notificationQueue = careQueue("Notification", telemetry);
  /** Notifications that cannot be asked about runs yet: what vanishes meanwhile is kept until they can. */
  const unseen = new Set<string>();
  const vanishedMeanwhile = new Set<string>();
  /** Before {@link takeUp} it is not known who can be asked. */
  let takenUp = false;
  const ledger = createLedger(kube, options.namespace, (pair) => caches.notification(notificationKeyOf(pair)));
  const gates = createGates(caches, connections);

  /** Aborts what nobody waits for. */
  const over = new AbortController();
  const credentialChecks = createCredentialChecks({
    telemetry,
    signal: over.signal,
    onFinding: (key) => {
      providerQueue.add(key);
    },
    onRefused: (key, error, sender) => {
      providerCare.refused(key, error, sender);
    },
  });

  const throttle = createThrottle(clock);

  const books = createBookkeeping({ clock, caches, previous, recorder, notificationQueue, providerQueue, onAccepted: credentialChecks.accepted });
  const places = createPlaces();
  const judge = createJudge({ places, metrics, onJudged: books.onJudged, onFault: books.onFault });
  const again = createReadAgain({ kube, runs, clock, log });
  const deliverer = createDeliverer({
    runs,
    views,
    children: createChildren({ kube, runs, log }),
    judge,
    turns,
    readAgain: again.read,
    ledger,
    telemetry,
    deadlineMs: options.deadlineMs,
    observe: options.observe,
    routeOf: routes.get,
    // In the Notification's status are those of its own namespace.
    seriesOf: ({ notificationKey, pair }) => (isElsewhere(pair) ? (previous.entry(notificationKey, { uid: pair.runUid, namespace: pair.runNamespace }) ?? caches.record(pair)?.status?.series) : undefined),
    recordOf: (pair) => caches.record(pair)?.status,
    unrecorded: options.unrecorded,
    gateOf: ({ notification }, { runNamespace }) => gates.forRun(notification, runNamespace),
    throttle,
    places,
    boundsOf: ({ notification }) => {
      const provider = providerKeyOf(notification);
      return { provider, rate: rateOf(caches.provider(provider)), perMinute: notification.spec.maxPerMinute ?? defaultPerMinute };
    },
    onThrottled: (key) => {
      notificationQueue.add(key);
    },
    onCredentialsRefused: ({ notification }, error, sender) => {
      providerCare.refused(providerKeyOf(notification), error, sender);
    },
    onOutcome: books.onOutcome,
  });
  const offers = createOffers({ clock, log, runs, views, routes, judge, turns, deliverer, recordsOf: caches.recordsOf, readAgain: again.read });

  const firstLooks = createFirstLooks(offers.notificationChanged);

  const upkeep = createRecordUpkeep({ kube, caches, runs, deliverer, recorder, clock, log, ownNamespace: options.namespace, watchNamespaces: options.watchNamespaces, deadlineMs: options.deadlineMs });
  const lookAtRecord = wholeForRedelivery(upkeep.look, runs, again);

  const care = {
    clock,
    statuses: createStatusWriter(kube, fieldManager),
    recorder,
    connections,
    credentialChecks,
    routes,
    providerUses: books.providerUses,
    notificationUses: books.notificationUses,
    providerQueue,
    notificationQueue,
    deliverer,
    providerOf: caches.provider,
    providerFor: caches.providerFor,
    notificationOf: caches.notification,
    gateOf: gates.of,
    isFollowed: caches.isFollowed,
    reachOf: caches.reachOf,
    watchNamespaces: options.watchNamespaces,
    onRouteChanged: firstLooks.then,
    deadlineMs: options.deadlineMs,
    caughtUpAt: (key: string) => caughtUpAt(key),
    isThrottled: ({ metadata: { namespace, name }, spec }: Notification) => throttle.isFull(`${namespace}/${name}`, spec.maxPerMinute ?? defaultPerMinute),
  };
  const providerCare = careForProviders(care);
  const notificationCare = careForNotification(care);

  /** Offers what vanished, once every Notification can be asked. */
  const offerVanished = (): void => {
    if (!takenUp || unseen.size > 0) return;
    for (const uid of vanishedMeanwhile) offers.runVanished(uid);
    vanishedMeanwhile.clear();
  };

  const lookAtNotification = async (key: string, signal: AbortSignal): ReturnType<typeof notificationCare> => {
    try {
      const requeue = await notificationCare(key, signal);
      const canBeAsked = routes.get(key) !== undefined || inUse(caches.notification(key)) === undefined;
      if (canBeAsked && unseen.delete(key)) offerVanished();
      return requeue;
    } finally {
      firstLooks.looked(key);
    }
  };

  /** All that was seen until shortly before now is sent or on record, unless something still waits to be judged, sent or written. */
  const caughtUpAt = (key: string): number | undefined => {
    const settled = unseen.size === 0 && caches.isFollowing() && !turns.isBusy(holderOf(key)) && deliverer.isSettled(key);
    return settled ? clock.now() - watchLagMs : undefined;
  };

  /** Everything that is known already, as if it had come now. */
  const takeUp = (): void => {
    for (const uid of runs.vanished()) vanishedMeanwhile.add(uid);
    restoreFromRecords({ records: caches.records(), ownNamespace: options.namespace, isWatched: caches.isWatched, runs, deliverer });
    restorePlaces(caches, runs, places);
    for (const record of caches.records()) {
      ledger.known(keyOfObject(record));
      lookAtRecord(record);
    }
    for (const provider of caches.providers()) providerQueue.add(keyOfObject(provider));
    for (const notification of caches.notifications()) {
      unseen.add(keyOfObject(notification));
      firstLooks.expect(keyOfObject(notification));
      notificationQueue.add(keyOfObject(notification));
    }
    takenUp = true;
    offerVanished();
  };

  return {
    handlers: {
      onNotification: (key) => {
        if (caches.notification(key) === undefined) upkeep.notificationGone(key);
        else if (routes.get(key) === undefined) unseen.add(key);
        notificationQueue.add(key);
      },
      onProvider: (key) => {
        providerQueue.add(key);
      },
      onDelivery: (key, exists, record) => {
        if (exists) ledger.known(key);
        else ledger.forget(key);
        if (exists) lookAtRecord(record);
        else deliverer.forget(pairOfRecord(record));
      },
      onRun: (run) => {
        runs.upsert(run);
        offers.runChanged(run.uid);
      },
      onRunGone: (run, how) => {
        runs.vanish(run, how);
        vanishedMeanwhile.add(run.uid);
        offerVanished();
      },
      onFollowed: (keys) => {
        for (const key of keys) {
          notificationQueue.add(key);
          firstLooks.then(key);
        }
      },
      onForgotten: (uids) => {
        for (const uid of uids) for (const { notificationKey, pair } of deliverer.ofRun(uid)) deliverer.touch(notificationKey, pair);
      },
    },
    run: async (stop) => {
      const ending = abortWithAny(stop, term.lost);
      const grace = abortAfter(stop, graceMs, clock);
      const lastCall = abortWithAny(grace.signal, term.lost);
      ending.signal.addEventListener("abort", turns.stop, { once: true });
      const untold = previous.onChange(books.onSeries);
      try {
        // What another process sent before is on record: nothing is sent before all of it is known here.
        await untilCachesHoldRecords({ kube, caches, clock, log, namespaces: recordNamespaces(options.watchNamespaces, options.namespace) }, ending.signal);
        // Which may ask for runs that nobody asked for before.
        await caches.caughtUp(ending.signal);
        takeUp();
        await together(
          ending.signal,
          (until) => providerQueue.run((key) => providerCare.look(key, until), until),
          (until) => notificationQueue.run((key) => lookAtNotification(key, until), until),
          (until) => deliverer.run(until, lastCall.signal),
          (until) => keepOwedGauge(deliverer, telemetry, until),
          upkeep.run,
          again.run,
        );
      } catch (error) {
        if (!ending.signal.aborted) throw error;
      } finally {
        untold();
        grace.dispose();
        ending.dispose();
        lastCall.dispose();
        over.abort();
        await recorder.flush();
        await connections.close();
      }
    },
  };
}
