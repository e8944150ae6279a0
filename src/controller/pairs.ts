import type { DeliveryDestination, DeliveryStatus } from "../api/delivery.ts";
import type { RunEvent } from "../api/run-event.ts";
import { pairKey, type Pair } from "./ledger.ts";
import { stillOwed } from "./pair-state.ts";
import { addTo, removeFrom } from "./multi-map.ts";
import type { Route } from "./plan.ts";

/** What is known about one (Notification, run) while this process lives. */
export interface PairState {
  readonly key: string;
  readonly pair: Pair;
  readonly notificationKey: string;
  readonly destinations: Map<string, DeliveryDestination>;
  /** `Clock.monotonic()` of when the state that is owed was first seen. */
  seenAt: number;
  /** Which state is owed, as {@link stateOf} names it; undefined when nothing is. */
  owes: string | undefined;
  /** Nothing has changed since that was found out. */
  looked: boolean;
  /** The state that was last tried, as {@link stateOf} names it; "" when that is not known. */
  attempted: string;
  /** The record lags behind what happened. */
  dirty: boolean;
  /** Which state is on record as owed, as {@link stateOf} names it. */
  owedOnRecord: string | undefined;
  /** The record was written here, so that the cache may lag behind what is known. */
  written: boolean;
  writeFailures: number;
  /** Ends the wait for a turn. */
  wake: AbortController | undefined;
  /** The word of the last redelivery that was done. */
  redelivered: string | undefined;
  /** The word of a redelivery that is asked for, and not done. */
  asked: string | undefined;
  /** The state that the filter selects, and under which route; undefined when the filter is to be asked. */
  selected: Selected | undefined;
}

/** A state of a run, by the version of its view, that a route's filter selects. */
export interface Selected {
  readonly version: number;
  readonly route: Route;
}

export interface PairsOptions {
  /** What is known of a pair from before this term, and whether that is more than is on record; asked once per pair. */
  readonly recordOf: (pair: Pair) => { readonly status: DeliveryStatus | undefined; readonly added: boolean };
  /** `Clock.monotonic()`. */
  readonly monotonic: () => number;
  /** A vanished run that nobody waits for any more. */
  readonly onRelease: (runUid: string) => void;
  /** The pair is forgotten. */
  readonly onDrop: (key: string) => void;
}

/** The pairs that are being looked after, and the vanished runs that some of them still need. */
export interface Pairs {
  readonly get: (key: string) => PairState | undefined;
  /** The pair's state, made from the record when it is not known yet. */
  readonly stateFor: (notificationKey: string, pair: Pair) => PairState;
  /** The pair's state, where it is known. */
  readonly of: (pair: Pair) => PairState | undefined;
  readonly ofNotification: (notificationKey: string) => readonly PairState[];
  readonly all: () => Iterable<PairState>;
  readonly drop: (state: PairState) => void;
  /** The pair's state is made anew when it is asked for next; a vanished run is still kept for it. */
  readonly forget: (state: PairState) => void;
  readonly ofRun: (runUid: string) => readonly PairState[];
  /**
   * Keeps a vanished run until each of these pairs, and each that joins them meanwhile, is through with it, and the
   * Notifications of each of the namespaces `holders` have been asked about it; lets it go at once when there are none.
   */
  readonly keepRun: (runUid: string, pairs: readonly Pair[], holders?: readonly string[]) => void;
  /** The Notifications of a namespace have been asked about the vanished run. */
  readonly letGo: (runUid: string, holder: string) => void;
  /** Whether the run has vanished and is kept. */
  readonly isKept: (runUid: string) => boolean;
  /** Nothing more is to be done for the pair now. */
  readonly throughWith: (state: PairState) => void;
}

/** A state of a run, as far as messages are told apart by it. */
export const stateOf = ({ status, reason }: RunEvent): string => `${status}/${reason}`;

/** The namespace that a key begins with: that of an object, or of the Notification of a pair. */
export const holderOf = (key: string): string => key.slice(0, key.indexOf("/"));

export function createPairs(options: PairsOptions): Pairs {
  const states = new Map<string, PairState>();
  const byNotification = new Map<string, Set<PairState>>();
  const byRun = new Map<string, Set<PairState>>();
  /** Keys of the pairs that a vanished run is kept for. */
  const keptFor = new Map<string, Set<string>>();

  const forget = (state: PairState): void => {
    states.delete(state.key);
    removeFrom(byNotification, state.notificationKey, state);
    removeFrom(byRun, state.pair.runUid, state);
    options.onDrop(state.key);
  };

  const release = (runUid: string): void => {
    keptFor.delete(runUid);
    for (const state of [...(byRun.get(runUid) ?? [])]) forget(state);
    options.onRelease(runUid);
  };

  const letGo = (runUid: string, who: string): void => {
    const waiting = keptFor.get(runUid);
    waiting?.delete(who);
    if (waiting?.size === 0) release(runUid);
  };

  const throughWith = ({ key, pair }: PairState): void => {
    letGo(pair.runUid, key);
  };

  return {
    get: (key) => states.get(key),
    stateFor: (notificationKey, pair) => {
      const key = pairKey(pair);
      keptFor.get(pair.runUid)?.add(key);
      const known = states.get(key);
      if (known !== undefined) return known;
      const { status: record, added } = options.recordOf(pair);
      const { destinations = [], redelivered } = record ?? {};
      const owed = stillOwed(record);
      const owedState = owed === undefined ? undefined : stateOf(owed);
      const state: PairState = {
        key,
        pair,
        notificationKey,
        destinations: new Map(destinations.map((destination) => [destination.key, destination])),
        seenAt: options.monotonic(),
        owes: undefined,
        looked: false,
        attempted: owedState ?? "",
        dirty: added,
        owedOnRecord: owedState,
        written: false,
        writeFailures: 0,
        wake: undefined,
        redelivered,
        asked: undefined,
        selected: undefined,
      };
      states.set(key, state);
      addTo(byNotification, notificationKey, state);
      addTo(byRun, pair.runUid, state);
      return state;
    },
    of: (pair) => states.get(pairKey(pair)),
    ofNotification: (notificationKey) => [...(byNotification.get(notificationKey) ?? [])],
    ofRun: (runUid) => [...(byRun.get(runUid) ?? [])],
    all: () => states.values(),
    forget,
    drop: (state) => {
      forget(state);
      throughWith(state);
    },
    keepRun: (runUid, pairs, holders = []) => {
      const waiting = new Set([...pairs.map(pairKey), ...holders]);
      if (waiting.size === 0) release(runUid);
      else keptFor.set(runUid, waiting);
    },
    letGo,
    isKept: (runUid) => keptFor.has(runUid),
    throughWith,
  };
}
