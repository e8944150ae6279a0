import type { Notification } from "../api/notification.ts";
import { createStatusWriter } from "../kube/apply.ts";
import type { Kube } from "../kube/client.ts";
import { createEventRecorder, type EventRecorder } from "../kube/events.ts";
import { notifications } from "../kube/resources.ts";
import { createWorkQueue, type WorkQueue } from "../kube/work-queue.ts";
import type { Http } from "../providers/http.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { ReadinessCheck } from "../telemetry/health.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { createCaches } from "./caches.ts";
import { createConnections } from "./connections.ts";
import { createDeliverer, type Gate, type Outcome } from "./deliver.ts";
import { createJudge } from "./judge.ts";
import { createLedger, fieldManager } from "./ledger.ts";
import { careForNotification, careForProviders } from "./look-after.ts";
import type { NotificationUse } from "./notification-status.ts";
import { createOffers } from "./offers.ts";
import { holderOf } from "./pairs.ts";
import type { ProviderUse } from "./provider-status.ts";
import { restoreFromRecords } from "./restore.ts";
import { createRoutes } from "./route-index.ts";
import { inUse, providerKeyOf } from "./routes.ts";
import { createRunStore } from "./run-store.ts";
import type { StepObserver } from "./steps.ts";
import { createTurns } from "./turns.ts";
import { createUses, notificationUseAfter, notificationUseAfterFault, notificationUseOf, providerUseAfter } from "./uses.ts";

export interface ControllerOptions {
  readonly kube: Kube;
  readonly http: Http;
  readonly telemetry: Telemetry;
  readonly observe: StepObserver;
  readonly urlTemplate: string | undefined;
  /** How long a message is tried, in milliseconds. */
  readonly deadlineMs: number;
  /** Which process this is, for Events: the Pod's name. */
  readonly instance: string;
}

export interface Controller {
  readonly check: ReadinessCheck;
  /** Runs until the signal aborts, and ends what it has begun. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

const owedGaugeEveryMs = 5_000;

/** After the signal to stop, requests and records under way may take this long; a message that is cut off is sent again. */
const graceMs = 10_000;

/** The controller: watches runs, Notifications, Providers and Deliveries, and sends what is owed. */
export function createController(options: ControllerOptions): Controller {
  let missing: string | undefined = "the first lists are not complete";
  return {
    check: { name: "controller", missing: () => missing },
    run: (signal) =>
      runController(options, signal, () => {
        missing = undefined;
      }),
  };
}

async function runController(options: ControllerOptions, signal: AbortSignal, onCaughtUp: () => void): Promise<void> {
  const { kube, telemetry } = options;
  const { clock, log, metrics } = telemetry;
  const runs = createRunStore(options.urlTemplate);
  const routes = createRoutes();
  const turns = createTurns({
    clock,
    onFailure: (lane, name, error) => {
      log.error("runs could not be offered to Notifications", { namespace: lane, name, error });
    },
  });
  const connections = createConnections({ kube, http: options.http, telemetry });
  const recorder = createEventRecorder({ kube, reportingController: "integrations.tekton.ornew.io/controller", reportingInstance: options.instance, clock, log }, signal);
  const providerQueue = careQueue("Provider", telemetry);
  const notificationQueue = careQueue("Notification", telemetry);
  let following = false;

  const caches = createCaches(
    kube,
    telemetry,
    {
      onNotification: (key) => {
        notificationQueue.add(key);
      },
      onProvider: (key) => {
        providerQueue.add(key);
      },
      onDelivery: (key, exists) => {
        if (exists) ledger.known(key);
        else ledger.forget(key);
      },
      onRun: (run) => {
        runs.upsert(run);
        if (following) offers.runChanged(run.uid);
      },
      onRunGone: (run, how) => {
        runs.vanish(run, how);
        if (following) offers.runVanished(run.uid);
        else deliverer.runVanished(run.uid, []);
      },
    },
    signal,
  );
  const ledger = createLedger(kube, ({ notification }) => caches.notification(`${notification.namespace}/${notification.name}`));
  const notificationUses = createUses<NotificationUse>(clock, (key) => notificationUseOf(caches.notification(key)));
  const providerUses = createUses<ProviderUse>(clock, (key) => {
    const { lastDelivery, lastError } = caches.provider(key)?.status ?? {};
    return { ...(lastDelivery !== undefined && { lastDelivery }), ...(lastError !== undefined && { lastError }) };
  });

  const gateOf = (notification: Notification): Gate => {
    const key = providerKeyOf(notification);
    const provider = inUse(caches.provider(key));
    if (provider === undefined) return { ready: false, code: "ProviderNotFound", message: `the Provider ${notification.spec.providerRef.name} does not exist` };
    if (provider.spec.suspend === true) return { ready: false, code: "ProviderSuspended", message: "the Provider is suspended" };
    return connections.current(key) ?? { ready: "soon" };
  };

  const onOutcome = (outcome: Outcome): void => {
    const notification = caches.notification(outcome.notificationKey);
    if (notification === undefined) return;
    const providerKey = providerKeyOf(notification);
    const before = notificationUses.current(outcome.notificationKey).routeError?.code;
    notificationUses.update(outcome.notificationKey, (use) => notificationUseAfter(use, outcome, clock.now()));
    providerUses.update(providerKey, (use) => providerUseAfter(use, outcome, clock.now()));
    notificationQueue.add(outcome.notificationKey);
    providerQueue.add(providerKey);
    tell(recorder, notification, outcome, before);
  };

  const judge = createJudge({
    metrics,
    onFault: (key, fault) => {
      notificationUses.update(key, (use) => notificationUseAfterFault(use, fault, clock.now()));
      notificationQueue.add(key);
    },
  });
  const deliverer = createDeliverer({
    runs,
    judge,
    turns,
    ledger,
    telemetry,
    deadlineMs: options.deadlineMs,
    observe: options.observe,
    routeOf: routes.get,
    recordOf: (pair) => caches.record(pair)?.status,
    gateOf: ({ notification }) => gateOf(notification),
    onCredentialsRefused: ({ notification }, error, sender) => {
      providerCare.refused(providerKeyOf(notification), error, sender);
    },
    onOutcome,
  });
  const offers = createOffers({ clock, log, runs, routes, judge, turns, deliverer, recordsOf: caches.recordsOf });

  const care = {
    clock,
    statuses: createStatusWriter(kube, fieldManager),
    recorder,
    connections,
    routes,
    providerUses,
    notificationUses,
    providerQueue,
    notificationQueue,
    deliverer,
    providerOf: caches.provider,
    notificationOf: caches.notification,
    gateOf,
    onRouteChanged: offers.notificationChanged,
  };
  const providerCare = careForProviders(care);
  const notificationCare = careForNotification(care);

  await caches.caughtUp(signal);
  restoreFromRecords({ records: caches.records(), isWatched: caches.isWatched, runs, deliverer });
  following = true;
  onCaughtUp();
  log.info("caught up", caches.sizes());

  const showOwed = async (): Promise<void> => {
    while (!signal.aborted) {
      metrics.set("deliveries_owed", {}, deliverer.owedCount());
      await clock.sleep(owedGaugeEveryMs, signal).catch(() => undefined);
    }
  };
  const lastCall = abortAfter(signal, graceMs, clock);
  signal.addEventListener("abort", turns.stop, { once: true });
  await Promise.all([
    providerQueue.run((key) => providerCare.look(key, signal), signal),
    notificationQueue.run((key) => notificationCare(key, signal), signal),
    deliverer.run(signal, lastCall.signal),
    showOwed(),
    caches.done,
  ]);
  lastCall.dispose();
  await recorder.flush();
  await connections.close();
}

/** A signal that aborts when another one did so long ago; `dispose` lets go of the time. */
function abortAfter(signal: AbortSignal, ms: number, clock: Clock): { readonly signal: AbortSignal; readonly dispose: () => void } {
  const late = new AbortController();
  const timer = new AbortController();
  const wait = (): void => {
    clock.sleep(ms, timer.signal).then(
      () => {
        late.abort(signal.reason);
      },
      () => undefined,
    );
  };
  if (signal.aborted) wait();
  else signal.addEventListener("abort", wait, { once: true });
  return {
    signal: late.signal,
    dispose: () => {
      timer.abort();
    },
  };
}

function careQueue(kind: string, { clock, log }: Telemetry): WorkQueue {
  return createWorkQueue({
    concurrency: 4,
    clock,
    backoff: { baseMs: 500, capMs: 60_000 },
    laneOf: holderOf,
    onFailure: (key, error) => {
      log.warn("an object could not be looked after; trying again", { kind, key, error });
    },
  });
}

/** Tells of an outcome that somebody should look at: a dead letter, or a destination that began to refuse. */
function tell(recorder: EventRecorder, { metadata }: Notification, { outcome, event, error }: Outcome, routeErrorBefore: string | undefined): void {
  const regarding = { resource: notifications, namespace: metadata.namespace, name: metadata.name, uid: metadata.uid };
  if (outcome === "DeadLetter") {
    const note = `${event.kind} ${event.name} (${event.status}) was given up: ${error?.code ?? ""}: ${error?.message ?? ""}`;
    recorder.publish(regarding, { type: "Warning", reason: "DeadLetter", action: "Deliver", note });
  } else if (error?.class === "route" && routeErrorBefore !== error.code) {
    recorder.publish(regarding, { type: "Warning", reason: error.code, action: "Deliver", note: error.message });
  }
}
