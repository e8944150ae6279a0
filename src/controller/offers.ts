import type { Clock } from "../telemetry/clock.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Deliverer } from "./deliver.ts";
import type { Judge } from "./judge.ts";
import { notificationKeyOf, type Pair } from "./ledger.ts";
import { addTo } from "./multi-map.ts";
import type { Route } from "./plan.ts";
import { includes } from "./reach.ts";
import type { Routes } from "./route-index.ts";
import { endedBefore, mayConcern, pairOf } from "./routes.ts";
import type { RunStore } from "./run-store.ts";
import type { Turns } from "./turns.ts";
import type { Views } from "./views.ts";

export interface OffersOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly runs: RunStore;
  readonly views: Views;
  readonly routes: Routes;
  readonly judge: Judge;
  readonly turns: Turns;
  readonly deliverer: Pick<Deliverer, "touch" | "ofRun" | "runVanished" | "letGo">;
  /** The pairs of a run that have a record. */
  readonly recordsOf: (runUid: string) => Iterable<Pair>;
  /** See `ReadAgain.read`: of a settled run too little is kept to judge it. */
  readonly readAgain: (runUid: string, then: () => void) => void;
}

/**
 * Brings runs and Notifications together. A pair that was begun is looked at again at once, whatever its filter says now.
 * The others are asked one by one, in the turns of their Notifications' namespaces, and only those that can match by
 * namespace, kind and status; nothing is kept of a pair that does not match. What waits is a run or a Notification, never
 * a pair: the memory it takes grows with their sum.
 */
export interface Offers {
  /** The run is in another state. */
  readonly runChanged: (runUid: string) => void;
  /** The run vanished: it is kept until every Notification that can match has been asked, and is through with it. */
  readonly runVanished: (runUid: string) => void;
  /** The Notification selects other runs than before, or leads to another place. */
  readonly notificationChanged: (notificationKey: string) => void;
}

export function createOffers({ clock, log, runs, views, routes, judge, turns, deliverer, recordsOf, readAgain }: OffersOptions): Offers {
  /** The pairs of a run that were begun, by the Notification's uid. A record that says that the run is elsewhere than it is is not believed. */
  const begun = (runUid: string, namespace: string): ReadonlyMap<string, Pair> => {
    const onRecord = [...recordsOf(runUid)].filter(({ runNamespace }) => runNamespace === namespace);
    return new Map([...onRecord, ...deliverer.ofRun(runUid).map(({ pair }) => pair)].map((pair) => [pair.notification.uid, pair]));
  };

  /** Keys of the Notifications that are to be asked about all runs, by their namespace. */
  const changed = new Map<string, Set<string>>();

  /** Asks the Notification about a run of which it has nothing on record. */
  const ask = (key: string, route: Route, runUid: string, seenAt?: number): void => {
    const view = views.of(route, runUid);
    if (view === undefined || endedBefore(route, view)) return;
    const since = seenAt === undefined ? {} : { seenAt };
    if (views.waitMs(route, runUid, "judging") > 0) {
      // The deliverer asks once the children are known.
      deliverer.touch(key, pairOf(route, view.event), since);
      return;
    }
    try {
      if (judge.selects(key, route, view)) deliverer.touch(key, pairOf(route, view.event), { ...since, selected: { version: view.version, route } });
    } catch (error) {
      // The deliverer tries again until it can be judged.
      log.error("a run could not be judged; trying again", { notification: key, error });
      deliverer.touch(key, pairOf(route, view.event), since);
    }
  };

  function* throughNotifications(runUid: string, holder: string, seenAt: number, concerned?: (route: Route) => boolean): Generator<undefined, void> {
    const view = runs.view(runUid);
    if (view === undefined) return;
    const touched = begun(runUid, view.event.namespace);
    try {
      for (const [key, route] of routes.candidates(holder, view.event)) {
        if (concerned?.(route) === false) continue;
        if (touched.size === 0 || !touched.has(route.notification.metadata.uid)) ask(key, route, runUid, seenAt);
        yield;
      }
    } finally {
      if (view.vanished && concerned === undefined) deliverer.letGo(runUid, holder);
    }
  }

  /** The namespaces whose runs some of these Notifications report; their own, where something may have been begun before. */
  const reached = (holder: string, keys: readonly string[]): ReadonlySet<string> =>
    new Set([holder, ...keys.flatMap((key) => [...(routes.get(key)?.reach.served ?? runs.namespaces())])]);

  /** Runs on the outside: what is made of one to judge it serves all Notifications. */
  function* throughRuns(holder: string): Generator<undefined, void> {
    const keys = [...(changed.get(holder) ?? [])];
    changed.delete(holder);
    for (const namespace of reached(holder, keys)) yield* throughNamespace(keys, namespace);
  }

  function* throughNamespace(keys: readonly string[], namespace: string): Generator<undefined, void> {
    for (const runUid of runs.inNamespace(namespace)) {
      const settled = runs.settled(runUid);
      const outline = runs.outline(runUid);
      const touched = begun(runUid, namespace);
      for (const key of keys) {
        const route = routes.get(key);
        if (route === undefined) continue;
        const pair = touched.get(route.notification.metadata.uid);
        if (pair !== undefined && settled === undefined) deliverer.touch(key, pair);
        else if (!includes(route.reach.served, namespace) || (outline !== undefined && !mayConcern(route, outline))) continue;
        else if (settled === undefined) ask(key, route, runUid);
        else {
          // Whole again, it is offered to all.
          readAgain(runUid, () => offer(runUid));
          break;
        }
        yield;
      }
      yield;
    }
  }

  const offer = (runUid: string): { readonly pairs: readonly Pair[]; readonly holders: readonly string[] } => {
    const namespace = runs.outline(runUid)?.namespace ?? "";
    const pairs = [...begun(runUid, namespace).values()];
    const holders = [...routes.holders(namespace)];
    const seenAt = clock.monotonic();
    for (const pair of pairs) deliverer.touch(notificationKeyOf(pair), pair);
    for (const holder of holders) turns.tour(holder, `run ${runUid}`, () => throughNotifications(runUid, holder, seenAt));
    return { pairs, holders };
  };

  /** A child is in another state: to those that know its parent by its children, that one is too. */
  const offerParent = (runUid: string | undefined): void => {
    const parent = runUid === undefined ? undefined : runs.run(runUid);
    if (parent === undefined) return;
    for (const pair of begun(parent.uid, parent.namespace).values()) if (routes.get(notificationKeyOf(pair))?.tasks.any === true) deliverer.touch(notificationKeyOf(pair), pair);
    const seenAt = clock.monotonic();
    for (const holder of routes.holders(parent.namespace)) {
      turns.tour(holder, `children of ${parent.uid}`, () => throughNotifications(parent.uid, holder, seenAt, ({ tasks }) => tasks.judging));
    }
  };

  return {
    runChanged: (runUid) => {
      offer(runUid);
      offerParent(runs.run(runUid)?.owner?.uid);
    },
    runVanished: (runUid) => {
      const { pairs, holders } = offer(runUid);
      deliverer.runVanished(runUid, pairs, holders);
    },
    notificationChanged: (key) => {
      const holder = routes.get(key)?.notification.metadata.namespace;
      if (holder === undefined) return;
      addTo(changed, holder, key);
      turns.tour(holder, "notifications", () => throughRuns(holder));
    },
  };
}
