import { setImmediate as nextTurn } from "node:timers/promises";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { CacheHandlers, Caches } from "./caches.ts";
import { createJudge } from "./judge.ts";
import { pairKey, pairOfRecord, type Pair } from "./ledger.ts";
import { createOffers } from "./offers.ts";
import { createPairs, stateOf, type PairState } from "./pairs.ts";
import { followedRoutes, type Previous } from "./previous.ts";
import { createPlaces } from "./places.ts";
import { createRoutes } from "./route-index.ts";
import { inUse, makeRoute } from "./routes.ts";
import type { RunStore } from "./run-store.ts";
import { createTurns } from "./turns.ts";
import { createViews } from "./views.ts";

export interface StandbyOptions {
  readonly telemetry: Telemetry;
  readonly caches: Pick<Caches, "notifications" | "notification" | "providerFor" | "record" | "recordsOf" | "isWatched" | "isFollowed" | "reachOf">;
  readonly runs: RunStore;
  readonly previous: Previous;
}

/** The time between two terms: nothing is sent, and nothing that was seen is lost. */
export interface Standby {
  readonly handlers: CacheHandlers;
  readonly stop: () => void;
}

/** So many routes are made in one go. */
const routesAtOnce = 20;

/**
 * Keeps each run that vanishes until the records of the leader show that nothing more is owed for it: without them, it is
 * taken up by the next term, which may be this process's own.
 */
export function createStandby({ telemetry, caches, runs, previous }: StandbyOptions): Standby {
  const { clock, log, metrics } = telemetry;
  const routes = followedRoutes(createRoutes(), previous);
  const views = createViews({ runs, previous, isWatched: caches.isWatched, monotonic: () => clock.monotonic() });
  const turns = createTurns({
    clock,
    onFailure: (lane, name, error) => {
      log.error("a run that vanished could not be judged", { namespace: lane, name, error });
    },
  });
  const judge = createJudge({ metrics, places: createPlaces(), onJudged: () => undefined, onFault: () => undefined });
  /** Pairs that something is owed for, until a record shows otherwise. */
  const awaited = new Map<string, PairState>();
  let ready = false;
  let stopped = false;

  const pairs = createPairs({
    recordOf: (pair) => ({ status: caches.record(pair)?.status, added: false }),
    monotonic: () => clock.monotonic(),
    onRelease: runs.release,
    onDrop: () => undefined,
  });

  const isSettled = (state: PairState): boolean => {
    const route = routes.get(state.notificationKey);
    const view = route === undefined ? undefined : views.of(route, state.pair.runUid);
    if (route?.notification.metadata.uid !== state.pair.notification.uid || view === undefined) return true;
    // What is on record as owed is taken up from the record alone, if it is this state.
    return state.owedOnRecord === stateOf(view.event) || judge.owed(state, route, view) === undefined;
  };

  const look = (key: string): void => {
    const state = awaited.get(key);
    if (stopped || state === undefined || !isSettled(state)) return;
    awaited.delete(key);
    pairs.drop(state);
  };

  /** Looks at the pair later: whoever offers a run says only afterwards what it is to be kept for. */
  const awaitRecord = (notificationKey: string, pair: Pair): void => {
    const key = pairKey(pair);
    const known = awaited.get(key);
    // Its record has changed: what was read of it before is no longer so.
    if (known !== undefined) pairs.forget(known);
    awaited.set(key, pairs.stateFor(notificationKey, pair));
    setImmediate(look, key);
  };

  const offers = createOffers({
    clock,
    log,
    runs,
    views,
    routes,
    judge,
    turns,
    recordsOf: caches.recordsOf,
    readAgain: () => undefined,
    deliverer: {
      touch: awaitRecord,
      ofRun: pairs.ofRun,
      runVanished: pairs.keepRun,
      letGo: pairs.letGo,
    },
  });

  const follow = (key: string): void => {
    const notification = inUse(caches.notification(key));
    if (notification === undefined) {
      routes.delete(key);
      return;
    }
    const { metadata, status } = notification;
    // What would be judged by is not known yet.
    if (!caches.isFollowed(notification)) return;
    const provider = caches.providerFor(notification);
    routes.set(key, makeRoute(notification, provider, Date.parse(status?.activeSince ?? metadata.creationTimestamp), caches.reachOf(notification, provider)));
  };

  const begin = async (): Promise<void> => {
    for (const [index, { metadata: { namespace, name } }] of [...caches.notifications()].entries()) {
      if (index % routesAtOnce === 0) await nextTurn();
      if (stopped) return;
      follow(`${namespace}/${name}`);
    }
    ready = true;
    for (const uid of [...runs.vanished()]) {
      if (runs.run(uid) === undefined) runs.release(uid);
      else offers.runVanished(uid);
    }
  };
  begin().catch((error: unknown) => {
    log.error("runs that vanished are kept until this controller leads", { error });
  });

  return {
    handlers: {
      onNotification: follow,
      onProvider: (key) => {
        for (const dependant of [...routes.through(key)]) follow(dependant);
      },
      onDelivery: (_, __, record) => {
        const state = awaited.get(pairKey(pairOfRecord(record)));
        if (state !== undefined) awaitRecord(state.notificationKey, state.pair);
      },
      onRun: runs.upsert,
      onRunGone: (run, how) => {
        runs.vanish(run, how);
        if (ready) offers.runVanished(run.uid);
      },
      onFollowed: (keys) => {
        for (const key of keys) follow(key);
      },
      onForgotten: () => undefined,
    },
    stop: () => {
      stopped = true;
      turns.stop();
    },
  };
}
