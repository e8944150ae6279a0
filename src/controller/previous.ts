import type { DeliverySeries } from "../api/delivery.ts";
import { maxSeries, type NotificationSeries } from "../api/notification.ts";
import type { RunEvent } from "../api/run-event.ts";
import { shorten } from "../api/text.ts";
import type { Template } from "../filter/index.ts";
import { isoSeconds } from "./iso-seconds.ts";
import { addTo, removeFrom } from "./multi-map.ts";
import { endedAt } from "./normalise-run.ts";
import type { Route } from "./plan.ts";
import { includes } from "./reach.ts";
import { isTerminal, runStatus } from "./run-status.ts";
import type { RunStore, RunView } from "./run-store.ts";
import type { Routes } from "./route-index.ts";
import { createSeries, type FinishedRun, type Series } from "./series.ts";
import { ownSeriesKey, usualSeriesKey } from "./series-key.ts";
import type { SettledRun } from "./settled-run.ts";
import type { TrimmedRun } from "./trim-run.ts";

/** The runs before runs, for the Notifications that read `previous`; for all others nothing is kept. */
export interface Previous {
  /** The Notification is as in this route now. What its status says of runs that are gone is taken in. */
  readonly follow: (notificationKey: string, route: Route) => void;
  readonly unfollow: (notificationKey: string) => void;
  /** The run is in this state now. */
  readonly take: (run: TrimmedRun) => void;
  /** The state with `previous`, where the Notification reads it and there is one. */
  readonly fill: (route: Route, view: RunView) => RunView;
  /** How a run ended, in its series, for a record of it; undefined: it has not, or the Notification does not read `previous`. */
  readonly entry: (notificationKey: string, run: { readonly uid: string; readonly namespace: string }) => DeliverySeries | undefined;
  /** Takes in what a record says of a run, which may be gone. */
  readonly restore: (notificationKey: string, run: { readonly uid: string; readonly namespace: string; readonly name: string }, entry: DeliverySeries) => void;
  /** What the Notification's status is to say; undefined: it does not read `previous`. */
  readonly latest: (notificationKey: string) => NotificationSeries | undefined;
  /** Tells when {@link latest} may be another one. The result ends that. */
  readonly onChange: (listener: (notificationKey: string) => void) => () => void;
}

/** In one namespace, by one way of grouping. */
const maxKept = 1000;

const maxReason = 256;

/** Runs of one namespace, grouped in one way. */
interface Group {
  readonly series: Series;
  readonly keyOf: (run: TrimmedRun | SettledRun) => string | undefined;
  readonly followers: Set<string>;
  version: number;
  /** As of a version. */
  latest: { readonly version: number; readonly entries: NotificationSeries };
}

/** A Notification that reads `previous`. */
interface Following {
  readonly route: Route;
  /** Those whose group was asked for. */
  readonly namespaces: Set<string>;
}

const usualKey = (run: TrimmedRun | SettledRun): string | undefined => ("series" in run ? run.series : usualSeriesKey(run));

function finishedRun(run: TrimmedRun | SettledRun): FinishedRun | undefined {
  const end = isTerminal(run) ? endedAt(run) : undefined;
  if (end === undefined) return undefined;
  const { uid, name, completionTime } = run;
  return { uid, name, status: runStatus(run), reason: run.condition?.reason ?? "", endedAt: end, ...(completionTime !== undefined && { completionTime }) };
}

/** A run that was written by hand may say only when it started. */
const createdAt = ({ creationTimestamp, startTime = "" }: TrimmedRun): number => Date.parse(creationTimestamp === "" ? startTime : creationTimestamp);

const previousOf = ({ status, reason, name, completionTime }: FinishedRun): NonNullable<RunEvent["previous"]> => ({
  status,
  reason,
  name,
  ...(completionTime !== undefined && { completionTime }),
});

const entryOf = ([key, { uid, name, status, reason, endedAt: end, completionTime }]: readonly [string, FinishedRun]): NotificationSeries[number] => ({
  key,
  name,
  uid,
  status,
  reason: shorten(reason, maxReason),
  endedAt: isoSeconds(end),
  ...(completionTime !== undefined && { completionTime }),
});

export function createPrevious(runs: Pick<RunStore, "view" | "run" | "settled" | "has" | "inNamespace">): Previous {
  /** By namespace and template. */
  const groups = new Map<string, Group>();
  const byNamespace = new Map<string, Set<Group>>();
  /** By key of the Notification. */
  const following = new Map<string, Following>();
  /** Keys of those that reach other namespaces. */
  const elsewhere = new Set<string>();
  const listeners = new Set<(notificationKey: string) => void>();
  const filled = new WeakMap<RunView, Map<Group, { readonly version: number; readonly view: RunView }>>();

  const tell = (notificationKey: string): void => {
    for (const listener of listeners) listener(notificationKey);
  };

  const add = (group: Group, run: TrimmedRun | SettledRun): boolean => {
    const finished = finishedRun(run);
    const key = finished === undefined ? undefined : group.keyOf(run);
    if (finished === undefined || key === undefined || !group.series.add(key, finished)) return false;
    group.version += 1;
    return true;
  };

  const keyByTemplate = ({ uid }: TrimmedRun | SettledRun, template: Template): string | undefined => {
    const event = runs.view(uid)?.event;
    return event === undefined ? undefined : ownSeriesKey(event, template);
  };

  const sourceOf = ({ series }: Route): string => series?.groupBy?.source ?? "";

  const create = ({ series }: Route, namespace: string): Group => {
    const template = series?.groupBy;
    const group: Group = {
      series: createSeries(maxKept),
      keyOf: template === undefined ? usualKey : (run) => keyByTemplate(run, template),
      followers: new Set(),
      version: 0,
      latest: { version: -1, entries: [] },
    };
    for (const uid of runs.inNamespace(namespace)) {
      const run = runs.settled(uid) ?? runs.run(uid);
      if (run !== undefined) add(group, run);
    }
    return group;
  };

  /** Runs that still exist speak for themselves. */
  const restore = (group: Group, entries: NotificationSeries): void => {
    for (const { key, endedAt: end, ...run } of entries) {
      if (!runs.has(run.uid) && group.series.add(key, { ...run, endedAt: Date.parse(end) })) group.version += 1;
    }
  };

  /** The group of the namespace that the Notification reads, where it reads any: made when it is first asked for. */
  const groupFor = (notificationKey: string, namespace: string): Group | undefined => {
    const { route, namespaces } = following.get(notificationKey) ?? {};
    if (route?.series === undefined || namespaces === undefined || !includes(route.reach.served, namespace)) return undefined;
    const groupKey = `${namespace}/${sourceOf(route)}`;
    const group = groups.get(groupKey) ?? create(route, namespace);
    if (!namespaces.has(namespace)) {
      groups.set(groupKey, group);
      addTo(byNamespace, namespace, group);
      group.followers.add(notificationKey);
      namespaces.add(namespace);
    }
    return group;
  };

  const unfollow = (notificationKey: string): void => {
    const known = following.get(notificationKey);
    if (known === undefined) return;
    following.delete(notificationKey);
    elsewhere.delete(notificationKey);
    for (const namespace of known.namespaces) {
      const groupKey = `${namespace}/${sourceOf(known.route)}`;
      const group = groups.get(groupKey);
      group?.followers.delete(notificationKey);
      if (group?.followers.size !== 0) continue;
      groups.delete(groupKey);
      removeFrom(byNamespace, namespace, group);
    }
  };

  /** Whether what is followed stays as it is. */
  const isSame = (known: Following | undefined, route: Route): known is Following =>
    known !== undefined && sourceOf(known.route) === sourceOf(route) && known.route.reach.digest === route.reach.digest;

  const begin = (notificationKey: string, route: Route, isNew: boolean): void => {
    const { namespace } = route.notification.metadata;
    following.set(notificationKey, { route, namespaces: new Set() });
    if (route.reach.digest !== "") elsewhere.add(notificationKey);
    const own = groupFor(notificationKey, namespace);
    // Another template's series say nothing here.
    if (own !== undefined && isNew) restore(own, route.notification.status?.series ?? []);
  };

  return {
    follow: (notificationKey, route) => {
      const known = following.get(notificationKey);
      if (route.series !== undefined && isSame(known, route)) return;
      unfollow(notificationKey);
      if (route.series !== undefined) begin(notificationKey, route, known === undefined);
      tell(notificationKey);
    },
    unfollow,
    take: (run) => {
      for (const notificationKey of elsewhere) groupFor(notificationKey, run.namespace);
      for (const group of byNamespace.get(run.namespace) ?? []) if (add(group, run)) for (const follower of group.followers) tell(follower);
    },
    fill: (route, view) => {
      if (route.series === undefined || view.restored) return view;
      const { namespace, name } = route.notification.metadata;
      const group = groupFor(`${namespace}/${name}`, view.event.namespace);
      const run = group === undefined ? undefined : runs.run(view.event.uid);
      if (group === undefined || run === undefined) return view;
      const known = filled.get(view)?.get(group);
      if (known?.version === group.version) return known.view;
      const key = group.keyOf(run);
      const before = key === undefined ? undefined : group.series.before(key, { uid: run.uid, createdAt: createdAt(run) });
      const made = before === undefined ? view : { ...view, event: { ...view.event, previous: previousOf(before) } };
      filled.set(view, (filled.get(view) ?? new Map<Group, { version: number; view: RunView }>()).set(group, { version: group.version, view: made }));
      return made;
    },
    entry: (notificationKey, { uid, namespace }) => {
      const run = runs.settled(uid) ?? runs.run(uid);
      const finished = run === undefined ? undefined : finishedRun(run);
      const key = run === undefined ? undefined : groupFor(notificationKey, namespace)?.keyOf(run);
      if (finished === undefined || key === undefined) return undefined;
      const { name: _, uid: __, ...entry } = entryOf([key, finished]);
      return entry;
    },
    restore: (notificationKey, { uid, namespace, name }, entry) => {
      const group = groupFor(notificationKey, namespace);
      if (group !== undefined) restore(group, [{ ...entry, uid, name }]);
    },
    latest: (notificationKey) => {
      // Of runs of other namespaces nothing is shown.
      const group = groupFor(notificationKey, notificationKey.slice(0, notificationKey.indexOf("/")));
      if (group !== undefined && group.latest.version !== group.version) group.latest = { version: group.version, entries: group.series.latest(maxSeries).map(entryOf) };
      return group?.latest.entries;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

/** The store, with every run that comes into it known to the runs after it. */
export function withPrevious(runs: RunStore, previous: Pick<Previous, "take">): RunStore {
  return {
    ...runs,
    upsert: (run) => {
      runs.upsert(run);
      previous.take(run);
    },
    vanish: (run, how) => {
      runs.vanish(run, how);
      previous.take(run);
    },
  };
}

/** The routes, with those that read `previous` followed. */
export function followedRoutes(routes: Routes, previous: Pick<Previous, "follow" | "unfollow">): Routes {
  return {
    ...routes,
    set: (key, route) => {
      routes.set(key, route);
      previous.follow(key, route);
    },
    delete: (key) => {
      routes.delete(key);
      previous.unfollow(key);
    },
  };
}
