import type { DeliveryDestination, DeliveryStatus } from "../api/delivery.ts";
import type { RunEvent } from "../api/run-event.ts";
import type { Pair } from "./ledger.ts";

/** What is known about one (Notification, run) while this process lives. */
export interface PairState {
  readonly key: string;
  readonly pair: Pair;
  readonly notificationKey: string;
  readonly destinations: Map<string, DeliveryDestination>;
  /** `Clock.monotonic()` of when the state that is owed was first seen. */
  seenAt: number;
  owes: boolean;
  /** The state that was last tried, as {@link stateOf} names it; "" when that is not known. */
  attempted: string;
  /** The record lags behind what happened. */
  dirty: boolean;
  /** Which state is on record as owed, as {@link stateOf} names it. */
  owedOnRecord: string | undefined;
  writeFailures: number;
}

export interface PairsOptions {
  /** What is on record for a pair from before this process; asked once per pair. */
  readonly recordOf: (pair: Pair) => DeliveryStatus | undefined;
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
  readonly ofNotification: (notificationKey: string) => readonly PairState[];
  readonly all: () => Iterable<PairState>;
  readonly drop: (state: PairState) => void;
  /** Keeps a vanished run until each of these pairs is through with it; at once when there are none. */
  readonly keepRun: (runUid: string, pairs: readonly Pair[]) => void;
  /** Whether the run has vanished and is kept. */
  readonly isKept: (runUid: string) => boolean;
  /** Nothing more is to be done for the pair now. */
  readonly throughWith: (state: PairState) => void;
}

/** A state of a run, as far as messages are told apart by it. */
export const stateOf = ({ status, reason }: RunEvent): string => `${status}/${reason}`;

const pairKey = ({ notification, runUid }: Pair): string => `${notification.uid}/${runUid}`;

export function createPairs(options: PairsOptions): Pairs {
  const states = new Map<string, PairState>();
  const byNotification = new Map<string, Set<PairState>>();
  const byRun = new Map<string, Set<PairState>>();
  /** Keys of the pairs that a vanished run is kept for. */
  const keptFor = new Map<string, Set<string>>();

  const index = (into: Map<string, Set<PairState>>, name: string, state: PairState): void => {
    const known = into.get(name);
    if (known === undefined) into.set(name, new Set([state]));
    else known.add(state);
  };
  const unindex = (from: Map<string, Set<PairState>>, name: string, state: PairState): void => {
    const known = from.get(name);
    known?.delete(state);
    if (known?.size === 0) from.delete(name);
  };

  const forget = (state: PairState): void => {
    states.delete(state.key);
    unindex(byNotification, state.notificationKey, state);
    unindex(byRun, state.pair.runUid, state);
    options.onDrop(state.key);
  };

  const release = (runUid: string): void => {
    keptFor.delete(runUid);
    for (const state of [...(byRun.get(runUid) ?? [])]) forget(state);
    options.onRelease(runUid);
  };

  const throughWith = ({ key, pair }: PairState): void => {
    const waiting = keptFor.get(pair.runUid);
    waiting?.delete(key);
    if (waiting?.size === 0) release(pair.runUid);
  };

  return {
    get: (key) => states.get(key),
    stateFor: (notificationKey, pair) => {
      const key = pairKey(pair);
      const known = states.get(key);
      if (known !== undefined) return known;
      const { destinations = [], owed } = options.recordOf(pair) ?? {};
      const owedState = owed === undefined ? undefined : stateOf(owed as RunEvent);
      const state: PairState = {
        key,
        pair,
        notificationKey,
        destinations: new Map(destinations.map((destination) => [destination.key, destination])),
        seenAt: options.monotonic(),
        owes: false,
        attempted: owedState ?? "",
        dirty: false,
        owedOnRecord: owedState,
        writeFailures: 0,
      };
      states.set(key, state);
      index(byNotification, notificationKey, state);
      index(byRun, pair.runUid, state);
      return state;
    },
    ofNotification: (notificationKey) => [...(byNotification.get(notificationKey) ?? [])],
    all: () => states.values(),
    drop: (state) => {
      forget(state);
      throughWith(state);
    },
    keepRun: (runUid, pairs) => {
      if (pairs.length === 0) release(runUid);
      else keptFor.set(runUid, new Set(pairs.map(pairKey)));
    },
    isKept: (runUid) => keptFor.has(runUid),
    throughWith,
  };
}
