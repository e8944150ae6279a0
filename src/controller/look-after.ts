import type { Notification, NotificationStatus } from "../api/notification.ts";
import type { Provider } from "../api/provider.ts";
import type { StatusWriter } from "../kube/apply.ts";
import { backoffDelay } from "../kube/backoff.ts";
import type { EventRecorder } from "../kube/events.ts";
import { notifications, providers } from "../kube/resources.ts";
import { createWorkQueue, type Requeue, type WorkQueue } from "../kube/work-queue.ts";
import type { DeliveryError } from "../providers/delivery-error.ts";
import type { Sender } from "../providers/provider.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { activityOf, settledBefore, writtenStatus, type Activity } from "./activity.ts";
import { secretEveryMs, type Connection, type Connections } from "./connections.ts";
import type { CredentialChecks } from "./credential-checks.ts";
import type { Deliverer } from "./deliver.ts";
import type { Gate } from "./sending.ts";
import { isoSeconds } from "./iso-seconds.ts";
import { notificationStatus, type NotificationUse, type NotificationView } from "./notification-status.ts";
import { holderOf } from "./pairs.ts";
import type { Route } from "./plan.ts";
import { providerStatus, type ProviderUse } from "./provider-status.ts";
import { nowhere, type Reach } from "./reach.ts";
import type { Routes } from "./route-index.ts";
import { inUse, remakeRoute, sameDestination, sameReach, sameSelection } from "./routes.ts";
import { notificationUseAfterEdit, type Uses } from "./uses.ts";

/** What looking after Providers and Notifications needs to know and to touch. */
export interface CareOptions {
  readonly clock: Clock;
  readonly statuses: StatusWriter;
  readonly recorder: EventRecorder;
  readonly connections: Connections;
  readonly credentialChecks: CredentialChecks;
  readonly routes: Routes;
  readonly providerUses: Uses<ProviderUse>;
  readonly notificationUses: Uses<NotificationUse>;
  readonly providerQueue: WorkQueue;
  readonly notificationQueue: WorkQueue;
  readonly deliverer: Deliverer;
  readonly providerOf: (key: string) => Provider | undefined;
  /** See `Caches.providerFor`. */
  readonly providerFor: (notification: Notification) => Provider | undefined;
  readonly notificationOf: (key: string) => Notification | undefined;
  readonly gateOf: (notification: Notification) => Gate;
  /** Where runs are watched; none: everywhere. */
  readonly watchNamespaces: readonly string[];
  /** How long a message is tried. */
  readonly deadlineMs: number;
  /** Up to when all that was owed for a Notification is sent or on record, milliseconds since the epoch; undefined: not known. */
  readonly caughtUpAt: (key: string) => number | undefined;
  /** Whether messages of the Notification have to wait, being too many. */
  readonly isThrottled: (notification: Notification) => boolean;
  /** The namespaces that the Notification reports through the Provider; undefined: not known yet, as {@link isFollowed} says too. */
  readonly reachOf: (notification: Notification, provider: Provider | undefined) => Reach | undefined;
  /** Whether all is known that the Notification judges by. When that becomes so, the Notification is to be looked at again. */
  readonly isFollowed: (notification: Notification) => boolean;
  /** The Notification selects other runs than before, or leads to another place. */
  readonly onRouteChanged: (key: string) => void;
}

/** When to look again at a Notification whose Provider is being connected. */
const soonMs = 250;
const minuteMs = 60_000;
const hourMs = 3_600_000;

const secretBackoff = { baseMs: 500, capMs: secretEveryMs };

/** Whether messages, or the statuses of Notifications, fare otherwise with one connection than with the other. */
function differs(before: Connection | undefined, after: Connection): boolean {
  if (before?.ready === true && after.ready) return before.sender !== after.sender;
  return before?.ready !== after.ready || (!before.ready && !after.ready && (before.code !== after.code || before.message !== after.message));
}

/** Looks after Providers, by key. */
export interface ProviderCare {
  /** Brings the Provider's connection and status up to date. */
  readonly look: (key: string, signal: AbortSignal) => Promise<Requeue | undefined>;
  /** The service refused the credentials that the sender was opened with. */
  readonly refused: (key: string, error: DeliveryError, sender: Sender) => void;
}

export function careForProviders(options: CareOptions): ProviderCare {
  const { connections, credentialChecks, providerUses, deliverer, routes } = options;
  const failures = new Map<string, number>();
  /** The spec that was last looked at, and whether the Provider was suspended then. */
  const looked = new Map<string, { readonly spec: string; readonly suspended: boolean }>();

  const tellNotifications = (key: string): void => {
    for (const dependant of routes.through(key)) options.notificationQueue.add(dependant);
  };

  const tellPeople = (key: string, connection: Connection): void => {
    const provider = options.providerOf(key);
    if (connection.ready || provider === undefined) return;
    const { namespace, name, uid } = provider.metadata;
    options.recorder.publish({ resource: providers, namespace, name, uid }, { type: "Warning", reason: connection.code, action: "Connect", note: connection.message });
  };

  /** Tells those who depend on the Provider, once and only what has changed; before anything that can fail. */
  const follow = (key: string, { metadata, spec }: Provider, before: Connection | undefined, after: Connection): void => {
    const known = looked.get(key);
    const now = { spec: `${metadata.uid}/${metadata.generation ?? ""}`, suspended: spec.suspend === true };
    looked.set(key, now);
    const changed = differs(before, after);
    if (changed) tellPeople(key, after);
    if (changed || known?.spec !== now.spec) tellNotifications(key);
    const resumed = known?.suspended === true && !now.suspended;
    if (changed || resumed) for (const dependant of routes.through(key)) deliverer.touchNotification(dependant);
  };

  const forget = (key: string): void => {
    connections.drop(key);
    credentialChecks.forget(key);
    providerUses.forget(key);
    failures.delete(key);
    looked.delete(key);
    options.statuses.forget(providers, key);
    tellNotifications(key);
  };

  return {
    look: async (key, signal) => {
      const provider = inUse(options.providerOf(key));
      if (provider === undefined) {
        forget(key);
        return undefined;
      }
      const before = connections.current(key);
      // Whoever resumes it wants a new beginning: a receiver that was gone for good may be back.
      if (looked.get(key)?.suspended === true && provider.spec.suspend !== true) connections.drop(key);
      const connection = await connections.refresh(key, provider, signal);
      follow(key, provider, before, connection);
      if (connection.ready && provider.spec.suspend !== true) credentialChecks.begin(key, connection);
      const { use, againInMs } = providerUses.toPublish(key);
      const credentials = connection.ready ? credentialChecks.finding(key, connection.sender) : undefined;
      await options.statuses.write(providers, provider, providerStatus(provider, { connection, use, credentials }, options.clock.now()), signal);
      const attempt = connection.ready ? 0 : (failures.get(key) ?? 0) + 1;
      failures.set(key, attempt);
      const again = connection.ready ? secretEveryMs : 500 + backoffDelay(attempt, secretBackoff);
      return { afterMs: Math.min(again, againInMs ?? Infinity) };
    },
    refused: (key, error, sender) => {
      // The next look finds the connection as the refusal left it: who is to know of it is told here.
      if (!connections.refused(key, error, sender)) return;
      credentialChecks.forget(key);
      tellPeople(key, { ready: false, code: error.code, message: error.message });
      tellNotifications(key);
      options.providerQueue.add(key);
    },
  };
}

/** Whether all that is decided of the Notification is in its status already, as after a restart. */
function isOnRecord(notification: Notification, { activeSince, selection }: Activity): boolean {
  const status = writtenStatus(notification);
  const since = activeSince === undefined ? undefined : isoSeconds(activeSince);
  return status?.observedGeneration === notification.metadata.generation && status?.selection === selection && status.activeSince === since;
}

/** Brings a Notification's route and status up to date, by key. */
export function careForNotification(options: CareOptions): (key: string, signal: AbortSignal) => Promise<Requeue | undefined> {
  const { routes, notificationUses, deliverer, clock } = options;
  /** What was decided here; the cache shows it only after it was written. By uid. */
  const decided = new Map<string, Pick<NotificationStatus, "activeSince" | "selection">>();

  const activityFor = (key: string, notification: Notification, reach: Reach | undefined): Activity => {
    const { uid, generation = 0 } = notification.metadata;
    const known = decided.get(uid);
    const { activeSince: _, ...status } = writtenStatus(notification) ?? {};
    const seen = known === undefined ? notification : { ...notification, status: { observedGeneration: generation, ...status, ...known } as NotificationStatus };
    const activity = activityOf(seen, { now: clock.now(), caughtUpAt: options.caughtUpAt(key), reach: reach?.digest });
    const { activeSince, selection } = activity;
    decided.set(uid, { selection, ...(activeSince !== undefined && { activeSince: isoSeconds(activeSince) }) });
    if (activity.change === "resumed") tellOfResume(notification);
    return activity;
  };

  const tellOfResume = ({ metadata: { namespace, name, uid } }: Notification): void => {
    const note = "from now on runs are reported again; what ended while the Notification was suspended is not";
    options.recorder.publish({ resource: notifications, namespace, name, uid }, { type: "Normal", reason: "Resumed", action: "Select", note });
  };

  const forget = (key: string): void => {
    decided.delete(routes.get(key)?.notification.metadata.uid ?? "");
    routes.delete(key);
    notificationUses.forget(key);
    options.statuses.forget(notifications, key);
    deliverer.touchNotification(key);
  };

  /** What the status is made of, and when there will be more to show. */
  const findings = (key: string, route: Route, { activeSince, selection }: Activity): { readonly view: NotificationView; readonly againInMs: number } => {
    const { use, againInMs } = notificationUses.toPublish(key);
    // Counters wait for their turn, an error that a user must mend does not.
    const { routeError, ...counted } = { ...use, routeError: notificationUses.current(key).routeError };
    const gate = options.gateOf(route.notification);
    const throttled = options.isThrottled(route.notification);
    return {
      againInMs: Math.min(gate.ready === "soon" ? soonMs : Infinity, throttled ? minuteMs : hourMs, againInMs ?? Infinity),
      view: {
        matcher: route.matcher,
        definition: route.destination?.definition,
        templateProblems: route.destination?.templates.problems ?? [],
        gate,
        use: routeError === undefined ? counted : { ...counted, routeError },
        activeSince,
        selection,
        throttled,
        followed: options.isFollowed(route.notification),
        reach: route.reach,
        watchNamespaces: options.watchNamespaces,
      },
    };
  };

  /** From now on runs are judged by the route. */
  const putInPlace = (key: string, before: Route | undefined, route: Route): void => {
    routes.set(key, route);
    if (sameSelection(before, route) && sameReach(before, route) && sameDestination(before, route)) return;
    options.onRouteChanged(key);
    deliverer.touchNotification(key);
  };

  return async (key, signal) => {
    const notification = inUse(options.notificationOf(key));
    if (notification === undefined) {
      forget(key);
      return undefined;
    }
    const provider = options.providerFor(notification);
    const reach = options.reachOf(notification, provider);
    const activity = activityFor(key, notification, reach);
    const { activeSince = Infinity } = activity;
    const before = routes.get(key);
    const route = remakeRoute(before, notification, provider, Math.max(activeSince, settledBefore(notification, options.deadlineMs)), reach ?? nowhere);
    if (before !== undefined && !sameSelection(before, route)) notificationUses.update(key, notificationUseAfterEdit);
    const caughtUpAt = options.caughtUpAt(key);
    if (caughtUpAt !== undefined) notificationUses.update(key, (use) => ({ ...use, caughtUpAt }));
    const { view, againInMs } = findings(key, route, activity);
    // `activeSince` is on record before any run is judged under it. Where it is already, runs do not wait for the status, which says what it said until more is known.
    const isNew = route !== before;
    const isLater = isOnRecord(notification, activity) && (view.gate.ready === "soon" || (isNew && view.followed));
    if (!isLater) await options.statuses.write(notifications, notification, notificationStatus(notification, view, clock.now()), signal);
    // Under the new spec nothing is judged before that.
    if (!isNew) return { afterMs: againInMs };
    if (!view.followed) return undefined;
    putInPlace(key, before, route);
    // What the Provider went through meanwhile was not told to a route that was not known yet.
    return { afterMs: 0 };
  };
}

/** A queue of objects of a kind that are to be looked after; namespaces take turns. */
export function careQueue(kind: string, { clock, log }: Telemetry): WorkQueue {
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
