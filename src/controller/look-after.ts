import type { Notification } from "../api/notification.ts";
import type { Provider } from "../api/provider.ts";
import type { StatusWriter } from "../kube/apply.ts";
import { backoffDelay } from "../kube/backoff.ts";
import type { EventRecorder } from "../kube/events.ts";
import { notifications, providers } from "../kube/resources.ts";
import type { Requeue, WorkQueue } from "../kube/work-queue.ts";
import type { Clock } from "../telemetry/clock.ts";
import { secretEveryMs, type Connection, type Connections } from "./connections.ts";
import type { Deliverer, Gate } from "./deliver.ts";
import { activeSinceOf, notificationStatus, type NotificationUse } from "./notification-status.ts";
import type { Route } from "./plan.ts";
import { providerStatus, type ProviderUse } from "./provider-status.ts";
import { inUse, makeRoute, providerKeyOf, type Routes } from "./routes.ts";
import type { Uses } from "./uses.ts";

/** What looking after Providers and Notifications needs to know and to touch. */
export interface CareOptions {
  readonly clock: Clock;
  readonly statuses: StatusWriter;
  readonly recorder: EventRecorder;
  readonly connections: Connections;
  readonly routes: Routes;
  readonly providerUses: Uses<ProviderUse>;
  readonly notificationUses: Uses<NotificationUse>;
  readonly notificationQueue: WorkQueue;
  readonly deliverer: Deliverer;
  readonly providerOf: (key: string) => Provider | undefined;
  readonly notificationOf: (key: string) => Notification | undefined;
  readonly gateOf: (notification: Notification) => Gate;
  /** Offers every known run to the Notification. */
  readonly touchAll: (key: string) => void;
}

/** When to look again at a Notification whose Provider is being connected. */
const soonMs = 250;

const secretBackoff = { baseMs: 500, capMs: secretEveryMs };

const changedBetween = (before: Connection | undefined, after: Connection): boolean =>
  before?.ready !== after.ready || (before.ready && after.ready && before.sender !== after.sender);

/** Brings a Provider's connection and status up to date, by key. */
export function careForProvider(options: CareOptions): (key: string, signal: AbortSignal) => Promise<Requeue | undefined> {
  const { connections, providerUses, deliverer } = options;
  const failures = new Map<string, number>();
  const suspended = new Set<string>();

  /** Whether the Provider was suspended when it was last looked at, and is no longer. */
  const resumed = (key: string, { spec }: Provider): boolean => {
    if (spec.suspend !== true) return suspended.delete(key);
    suspended.add(key);
    return false;
  };

  const tell = (provider: Provider, connection: Connection): void => {
    if (connection.ready) return;
    const { namespace, name, uid } = provider.metadata;
    options.recorder.publish({ resource: providers, namespace, name, uid }, { type: "Warning", reason: connection.code, action: "Connect", note: connection.message });
  };

  return async (key, signal) => {
    const provider = inUse(options.providerOf(key));
    if (provider === undefined) {
      connections.drop(key);
      providerUses.forget(key);
      failures.delete(key);
      suspended.delete(key);
      for (const dependant of options.routes.through(key)) options.notificationQueue.add(dependant);
      return undefined;
    }
    const before = connections.current(key);
    const connection = await connections.refresh(key, provider, signal);
    const { use, againInMs } = providerUses.toPublish(key);
    await options.statuses.write(providers, provider.metadata, providerStatus(provider, connection, use, options.clock.now()), signal);
    const changed = changedBetween(before, connection);
    const wake = resumed(key, provider) || changed;
    if (changed) tell(provider, connection);
    for (const dependant of options.routes.through(key)) {
      // Every look may have changed what its Notifications can do: type, suspend, credentials.
      options.notificationQueue.add(dependant);
      if (wake) deliverer.touchNotification(dependant);
    }
    const attempt = connection.ready ? 0 : (failures.get(key) ?? 0) + 1;
    failures.set(key, attempt);
    const again = connection.ready ? secretEveryMs : 500 + backoffDelay(attempt, secretBackoff);
    return { afterMs: Math.min(again, againInMs ?? Infinity) };
  };
}

const sameDestination = (before: Route | undefined, after: Route): boolean =>
  before?.destination?.definition === after.destination?.definition &&
  JSON.stringify(before?.destination?.providerSection) === JSON.stringify(after.destination?.providerSection);

const sameSpec = (before: Route | undefined, { metadata }: Notification): boolean =>
  before?.notification.metadata.uid === metadata.uid && before.notification.metadata.generation === metadata.generation;

/** Brings a Notification's route and status up to date, by key. */
export function careForNotification(options: CareOptions): (key: string, signal: AbortSignal) => Promise<Requeue | undefined> {
  const { routes, notificationUses, deliverer, clock } = options;
  /** What was decided here; the cache shows it only after it was written. By uid. */
  const decided = new Map<string, number>();

  const sinceOf = (notification: Notification): number | undefined => {
    const { uid } = notification.metadata;
    const since = notification.spec.suspend === true ? undefined : (decided.get(uid) ?? activeSinceOf(notification, clock.now()));
    if (since === undefined) decided.delete(uid);
    else decided.set(uid, since);
    return since;
  };

  return async (key, signal) => {
    const notification = inUse(options.notificationOf(key));
    if (notification === undefined) {
      decided.delete(routes.get(key)?.notification.metadata.uid ?? "");
      routes.delete(key);
      notificationUses.forget(key);
      deliverer.touchNotification(key);
      return undefined;
    }
    const activeSince = sinceOf(notification);
    const route = makeRoute(notification, inUse(options.providerOf(providerKeyOf(notification))), activeSince ?? Infinity);
    const { use, againInMs } = notificationUses.toPublish(key);
    // Counters wait for their turn, an error that a user must mend does not.
    const { routeError, ...counted } = { ...use, routeError: notificationUses.current(key).routeError };
    const view = {
      matcher: route.matcher,
      definition: route.destination?.definition,
      templateProblems: route.destination?.templates.problems ?? [],
      gate: options.gateOf(notification),
      use: routeError === undefined ? counted : { ...counted, routeError },
      activeSince,
    };
    // `activeSince` is on record before any run is judged under it.
    await options.statuses.write(notifications, notification.metadata, notificationStatus(notification, view, clock.now()), signal);
    const before = routes.get(key);
    routes.set(key, route);
    if (!sameSpec(before, notification) || !sameDestination(before, route)) {
      options.touchAll(key);
      deliverer.touchNotification(key);
    }
    // The Provider's first look may end before this route is known to it.
    const again = Math.min(view.gate.ready === "soon" ? soonMs : Infinity, againInMs ?? Infinity);
    return again === Infinity ? undefined : { afterMs: again };
  };
}
