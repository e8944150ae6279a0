import type { Delivery } from "../api/delivery.ts";
import type { Notification } from "../api/notification.ts";
import type { Provider } from "../api/provider.ts";
import type { RunEvent, RunKind } from "../api/run-event.ts";
import { createStatusWriter } from "../kube/apply.ts";
import { backoffDelay } from "../kube/backoff.ts";
import type { Kube } from "../kube/client.ts";
import { createEventRecorder } from "../kube/events.ts";
import type { Reflector } from "../kube/reflector-options.ts";
import { reflect } from "../kube/reflector.ts";
import { customRuns, deliveries, notifications, pipelineRuns, providers, taskRuns, type KubeObject, type Resource } from "../kube/resources.ts";
import { createWorkQueue, type Requeue, type WorkQueue } from "../kube/work-queue.ts";
import type { Http } from "../providers/http.ts";
import type { ReadinessCheck } from "../telemetry/health.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { createConnections } from "./connections.ts";
import { createDeliverer, type Gate, type Outcome } from "./deliver.ts";
import { createLedger, deliveryName, fieldManager, isGenuine, type Pair } from "./ledger.ts";
import { activeSinceOf, notificationStatus, type NotificationUse } from "./notification-status.ts";
import { providerStatus, type ProviderUse } from "./provider-status.ts";
import { createRoutes, inUse, makeRoute, mayConcern, pairOf, providerKeyOf } from "./routes.ts";
import { createRunStore } from "./run-store.ts";
import type { StepObserver } from "./steps.ts";
import { trimRun, type TrimmedRun } from "./trim-run.ts";
import { createUses, notificationUseAfter, providerUseAfter } from "./uses.ts";

export interface ControllerOptions {
  readonly kube: Kube;
  readonly http: Http;
  readonly telemetry: Telemetry;
  readonly observe: StepObserver;
  readonly urlTemplate: string | undefined;
  readonly deadlineMs: number;
  /** Which process this is, for Events: the Pod's name. */
  readonly instance: string;
}

export interface Controller {
  readonly check: ReadinessCheck;
  /** Runs until the signal aborts, and ends what it has begun. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** A Secret in use is read again this often, so that a rotated one takes effect. */
const secretEveryMs = 60_000;

const keyOf = ({ metadata }: { readonly metadata: { readonly namespace: string; readonly name: string } }): string => `${metadata.namespace}/${metadata.name}`;

/** Objects of our kinds have passed their schema in the API server. */
const typed = <Value>(object: KubeObject): Value => object as unknown as Value;

/** The controller: watches runs, Notifications, Providers and Deliveries, and sends what is owed. */
export function createController(options: ControllerOptions): Controller {
  const { kube, telemetry } = options;
  const { clock, log, metrics } = telemetry;
  let missing: string | undefined = "the first list is not complete";

  const run = async (signal: AbortSignal): Promise<void> => {
    const runs = createRunStore(options.urlTemplate);
    const routes = createRoutes();
    const connections = createConnections({ kube, http: options.http, telemetry });
    const statuses = createStatusWriter(kube, fieldManager);
    const recorder = createEventRecorder(
      { kube, reportingController: "integrations.tekton.ornew.io/controller", reportingInstance: options.instance, clock, log },
      signal,
    );
    const failures = new Map<string, number>();
    let synced = false;

    const queueOf = (what: string): WorkQueue =>
      createWorkQueue({
        concurrency: 4,
        clock,
        backoff: { baseMs: 500, capMs: 60_000 },
        onFailure: (key, error) => {
          log.warn("an object could not be looked after; trying again", { kind: what, key, error });
        },
      });
    const providerQueue = queueOf("Provider");
    const notificationQueue = queueOf("Notification");

    const notificationUses = createUses<NotificationUse>(clock, (key) => {
      const status = notificationOf(key)?.status;
      return { delivered: status?.delivered ?? 0, ...(status?.lastDelivery !== undefined && { lastDelivery: status.lastDelivery }) };
    });
    const providerUses = createUses<ProviderUse>(clock, (key) => {
      const status = providerOf(key)?.status;
      return { ...(status?.lastDelivery !== undefined && { lastDelivery: status.lastDelivery }), ...(status?.lastError !== undefined && { lastError: status.lastError }) };
    });

    const watch = <Value>(resource: Resource, transform: (object: KubeObject) => Value, handlers: { onUpsert?: (key: string, value: Value, previous: Value | undefined) => void; onDelete?: (key: string, value: Value) => void }): Reflector<Value> =>
      reflect({ kube, resource, transform, handlers, log, metrics, clock }, signal);

    const notificationCache = watch<Notification>(notifications, typed, {
      onUpsert: (key) => {
        notificationQueue.add(key);
      },
      onDelete: (key) => {
        notificationQueue.add(key);
      },
    });
    const providerCache = watch<Provider>(providers, typed, {
      onUpsert: (key, value, previous) => {
        // Our own status writes come back as changes; they are no reason to look again.
        if (previous === undefined || value.metadata.generation !== previous.metadata.generation || value.metadata.deletionTimestamp !== undefined) providerQueue.add(key);
      },
      onDelete: (key) => {
        providerQueue.add(key);
      },
    });
    const deliveryCache = watch<Delivery>(deliveries, typed, {
      onUpsert: (key) => {
        ledger.known(key);
      },
      onDelete: (key) => {
        ledger.forget(key);
      },
    });
    const onRun = (trimmed: TrimmedRun): void => {
      runs.upsert(trimmed);
      if (synced) touchRun(trimmed);
    };
    const onRunGone = (trimmed: TrimmedRun): void => {
      runs.vanish(trimmed);
      if (synced) deliverer.runVanished(trimmed.uid, touchRun(trimmed));
    };
    const runCaches = ([[pipelineRuns, "PipelineRun"], [taskRuns, "TaskRun"], [customRuns, "CustomRun"]] as const).map(([resource, kind]: readonly [Resource, RunKind]) =>
      watch<TrimmedRun>(resource, (object) => trimRun(object, kind), {
        onUpsert: (_, value) => {
          onRun(value);
        },
        onDelete: (_, value) => {
          onRunGone(value);
        },
      }),
    );

    const split = (key: string): [string, string] => [key.slice(0, key.indexOf("/")), key.slice(key.indexOf("/") + 1)];
    const notificationOf = (key: string): Notification | undefined => notificationCache.get(...split(key));
    const providerOf = (key: string): Provider | undefined => providerCache.get(...split(key));
    const recordOf = (pair: Pair): Delivery | undefined => {
      const record = deliveryCache.get(pair.notification.namespace, deliveryName(pair));
      return record !== undefined && isGenuine(record) ? record : undefined;
    };

    const gateOf = (notification: Notification): Gate => {
      const key = providerKeyOf(notification);
      const provider = inUse(providerOf(key));
      if (provider === undefined) return { ready: false, code: "ProviderNotFound", message: `the Provider ${notification.spec.providerRef.name} does not exist` };
      if (provider.spec.suspend === true) return { ready: false, code: "ProviderSuspended", message: "the Provider is suspended" };
      return connections.current(key) ?? { ready: "soon" };
    };

    const onOutcome = (outcome: Outcome): void => {
      const { notificationKey, event, error } = outcome;
      const notification = notificationOf(notificationKey);
      if (notification === undefined) return;
      const before = notificationUses.current(notificationKey).routeError?.code;
      notificationUses.update(notificationKey, (use) => notificationUseAfter(use, outcome, clock.now()));
      providerUses.update(providerKeyOf(notification), (use) => providerUseAfter(use, outcome, clock.now()));
      notificationQueue.add(notificationKey);
      providerQueue.add(providerKeyOf(notification));
      const { namespace, name, uid } = notification.metadata;
      const about = `${event.kind} ${event.name} (${event.status})`;
      if (outcome.outcome === "DeadLetter") {
        recorder.publish({ resource: notifications, namespace, name, uid }, { type: "Warning", reason: "DeadLetter", action: "Deliver", note: `${about} was given up: ${error?.code ?? ""}: ${error?.message ?? ""}` });
      } else if (error?.class === "route" && before !== error.code) {
        recorder.publish({ resource: notifications, namespace, name, uid }, { type: "Warning", reason: error.code, action: "Deliver", note: error.message });
      }
    };

    const ledger = createLedger(kube, (pair) => notificationOf(`${pair.notification.namespace}/${pair.notification.name}`));
    const deliverer = createDeliverer({
      runs,
      ledger,
      telemetry,
      deadlineMs: options.deadlineMs,
      observe: options.observe,
      routeOf: (key) => routes.get(key),
      recordOf: (pair) => recordOf(pair)?.status?.destinations ?? [],
      gateOf: (route) => gateOf(route.notification),
      onCredentialsRefused: (route, error) => {
        const key = providerKeyOf(route.notification);
        connections.refused(key, error);
        providerQueue.add(key);
      },
      onOutcome,
    });

    /** Offers a run to every Notification that may select it, and says to which. */
    const touchRun = (trimmed: TrimmedRun): Pair[] => {
      const touched: Pair[] = [];
      for (const key of routes.selecting(trimmed.namespace)) {
        const route = routes.get(key);
        if (route === undefined) continue;
        const pair = pairOf(route, trimmed.uid);
        if (!mayConcern(route, trimmed, recordOf(pair) !== undefined)) continue;
        deliverer.touch(key, pair);
        touched.push(pair);
      }
      return touched;
    };

    /** Offers every run that is known to one Notification. */
    const touchAll = (key: string): void => {
      const route = routes.get(key);
      if (route === undefined) return;
      for (const uid of runs.inNamespace(route.notification.metadata.namespace)) {
        const trimmed = runs.run(uid);
        const pair = pairOf(route, uid);
        if (trimmed === undefined || mayConcern(route, trimmed, recordOf(pair) !== undefined)) deliverer.touch(key, pair);
      }
    };

    const reconcileProvider = async (key: string): Promise<Requeue | undefined> => {
      const provider = inUse(providerOf(key));
      const dependants = routes.through(key);
      if (provider === undefined) {
        connections.drop(key);
        providerUses.forget(key);
        for (const dependant of dependants) notificationQueue.add(dependant);
        return undefined;
      }
      const before = connections.current(key);
      const connection = await connections.refresh(key, provider, signal);
      const changed = before?.ready !== connection.ready || (before.ready && connection.ready && before.sender !== connection.sender);
      const { use, againInMs } = providerUses.toPublish(key);
      const status = providerStatus(provider, connection, use, clock.now());
      await statuses.write(providers, provider.metadata, status, signal);
      if (changed && !connection.ready) {
        const { namespace, name, uid } = provider.metadata;
        recorder.publish({ resource: providers, namespace, name, uid }, { type: "Warning", reason: connection.code, action: "Connect", note: connection.message });
      }
      // Every look at a Provider may have changed what its Notifications can do: type, suspend, credentials.
      for (const dependant of dependants) notificationQueue.add(dependant);
      if (changed) for (const dependant of dependants) deliverer.touchNotification(dependant);
      const attempt = connection.ready ? 0 : (failures.get(key) ?? 0) + 1;
      failures.set(key, attempt);
      const again = connection.ready ? secretEveryMs : Math.min(secretEveryMs, 500 + backoffDelay(attempt, { baseMs: 500, capMs: secretEveryMs }));
      return { afterMs: Math.min(again, againInMs ?? Infinity) };
    };

    const reconcileNotification = async (key: string): Promise<Requeue | undefined> => {
      const notification = inUse(notificationOf(key));
      if (notification === undefined) {
        routes.delete(key);
        notificationUses.forget(key);
        deliverer.touchNotification(key);
        return undefined;
      }
      const provider = inUse(providerOf(providerKeyOf(notification)));
      const activeSince = activeSinceOf(notification, clock.now());
      const route = makeRoute(notification, provider, activeSince ?? Infinity);
      const { use, againInMs } = notificationUses.toPublish(key);
      const routeError = notificationUses.current(key).routeError;
      const view = {
        matcher: route.matcher,
        definition: route.destination?.definition,
        gate: gateOf(notification),
        use: { delivered: use.delivered, ...(use.lastDelivery !== undefined && { lastDelivery: use.lastDelivery }), ...(routeError !== undefined && { routeError }) },
        activeSince,
      };
      // `activeSince` is on record before any run is judged under it.
      await statuses.write(notifications, notification.metadata, notificationStatus(notification, view, clock.now()), signal);
      const before = routes.get(key);
      routes.set(key, route);
      const sameProvider = before?.destination?.definition === route.destination?.definition && JSON.stringify(before?.destination?.providerSection) === JSON.stringify(route.destination?.providerSection);
      const sameSpec = before?.notification.metadata.uid === notification.metadata.uid && before.notification.metadata.generation === notification.metadata.generation;
      if (!sameSpec || !sameProvider) {
        touchAll(key);
        deliverer.touchNotification(key);
      }
      return againInMs === undefined ? undefined : { afterMs: againInMs };
    };

    const caches: readonly Reflector<unknown>[] = [notificationCache, providerCache, deliveryCache, ...runCaches];
    // A kind of Tekton's that is not installed has no runs; its watch goes on looking for it.
    const settledCache = (cache: Reflector<unknown>): boolean => cache.isSynced || cache.health().state === "absent";
    while (!caches.every(settledCache)) await clock.sleep(20, signal);

    /** What was still owed for runs that vanished while nobody watched. */
    const vanished = new Map<string, Pair[]>();
    for (const record of deliveryCache.values()) {
      const owed = record.status?.owed as RunEvent | undefined;
      if (owed === undefined || !isGenuine(record) || runs.has(record.spec.runRef.uid)) continue;
      runs.restore(restored(owed));
      const { notificationRef, runRef } = record.spec;
      const pair = { notification: { namespace: record.metadata.namespace, ...notificationRef }, runUid: runRef.uid };
      vanished.set(runRef.uid, [...(vanished.get(runRef.uid) ?? []), pair]);
    }
    for (const [uid, pairs] of vanished) deliverer.runVanished(uid, pairs);
    synced = true;
    missing = undefined;
    log.info("caught up", { runs: runCaches.reduce((sum, cache) => sum + cache.health().objects, 0), notifications: notificationCache.health().objects });

    const gauge = async (): Promise<void> => {
      while (!signal.aborted) {
        metrics.set("deliveries_owed", {}, deliverer.owedCount());
        await clock.sleep(5_000, signal).catch(() => undefined);
      }
    };
    await Promise.all([providerQueue.run(reconcileProvider, signal), notificationQueue.run(reconcileNotification, signal), deliverer.run(signal), gauge(), ...caches.map(({ done }) => done)]);
    await recorder.flush();
    await connections.close();
  };

  return { check: { name: "controller", missing: () => missing }, run };
}

/** A RunEvent from a record, with what was left out for size put back empty. */
function restored(owed: RunEvent): RunEvent {
  return { ...owed, labels: owed.labels ?? {}, annotations: owed.annotations ?? {}, params: owed.params ?? {}, results: owed.results ?? {}, tasks: owed.tasks ?? [], commit: owed.commit ?? {}, run: owed.run ?? {} };
}
