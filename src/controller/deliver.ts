import type { DeliveryStatus } from "../api/delivery.ts";
import type { RunEvent } from "../api/run-event.ts";
import { createWorkQueue, type Requeue, type WorkQueue } from "../kube/work-queue.ts";
import type { Children } from "./children.ts";
import type { Judge } from "./judge.ts";
import type { Ledger, Pair } from "./ledger.ts";
import { createPairRecords, type PairRecordsOptions } from "./pair-records.ts";
import { createPairs, holderOf, stateOf, type Pairs, type PairState, type Selected } from "./pairs.ts";
import { forAnotherState, whenNothingIsOwed, whenRedelivered } from "./pair-state.ts";
import type { Route } from "./plan.ts";
import type { RunStore } from "./run-store.ts";
import { createSending, type Gate, type Held, type Looked, type SendingOptions, type Step } from "./sending.ts";
import { aboutOf } from "./steps.ts";
import type { Turns } from "./turns.ts";
import type { Unrecorded } from "./unrecorded.ts";
import type { Views } from "./views.ts";

export interface DelivererOptions extends SendingOptions, Pick<PairRecordsOptions, "seriesOf"> {
  readonly runs: RunStore;
  readonly views: Views;
  readonly children: Children;
  readonly ledger: Ledger;
  readonly routeOf: (notificationKey: string) => Route | undefined;
  /** What is on record for a pair. */
  readonly recordOf: (pair: Pair) => DeliveryStatus | undefined;
  readonly unrecorded: Unrecorded;
  readonly gateOf: (route: Route, pair: Pair) => Gate;
  readonly judge: Judge;
  readonly turns: Turns;
  /** See `ReadAgain.read`: of some runs too little is kept to make a message of them. */
  readonly readAgain: (runUid: string, then: () => void) => void;
}

/** What is known already when a pair is to be looked at. */
export interface Touch {
  /** `Clock.monotonic()` of when the state was first seen; absent: now. */
  readonly seenAt?: number;
  /** The filter has been asked, and selects this state. */
  readonly selected?: Selected;
}

/** Whether the message is made of the run's object, which is not kept although the run is there. */
const lacksObject = ({ route, view }: Looked): boolean => route.object && view.object === undefined && !view.vanished;

/** The one place that sends, retries and records. */
export interface Deliverer {
  /** Looks at the pair again: its run, its Notification or its Provider changed. */
  readonly touch: (notificationKey: string, pair: Pair, known?: Touch) => void;
  /** Looks again at every pair of the Notification that is known here. */
  readonly touchNotification: (notificationKey: string) => void;
  /** Sends the run's state again, which somebody asked for with this word. */
  readonly redeliver: (notificationKey: string, pair: Pair, word: string) => void;
  /** The pair's record was deleted: unless something is owed, nothing is known of it any more. */
  readonly forget: (pair: Pair) => void;
  /** Whether all that was seen for the Notification is sent, or on record as owed. */
  readonly isSettled: (notificationKey: string) => boolean;
  /** The pairs of a run that are known here, by key of the Notification. */
  readonly ofRun: (runUid: string) => readonly Pick<PairState, "notificationKey" | "pair">[];
  /** See {@link Pairs.keepRun}: the run vanished, and these may still owe something for it. */
  readonly runVanished: Pairs["keepRun"];
  readonly letGo: Pairs["letGo"];
  /** Pairs with a message that is not yet accepted. */
  readonly owedCount: () => number;
  /** Begins nothing new once `signal` aborts; what is under way may end until `lastCall` aborts. */
  readonly run: (signal: AbortSignal, lastCall: AbortSignal) => Promise<void>;
}

export function createDeliverer(options: DelivererOptions): Deliverer {
  const { runs, telemetry, routeOf } = options;
  const { clock, log } = telemetry;
  const records = createPairRecords(options);
  const sending = createSending(options);
  const queue: WorkQueue = createWorkQueue({
    // What waits for its turn waits in the lanes.
    concurrency: Infinity,
    clock,
    backoff: { baseMs: 200, capMs: 30_000 },
    laneOf: holderOf,
    onFailure: (key, error) => {
      log.error("a delivery could not be worked on; trying again", { pair: key, error });
    },
  });

  const pairs = createPairs({
    recordOf: (pair) => options.unrecorded.addTo(pair, options.recordOf(pair)),
    monotonic: () => clock.monotonic(),
    onRelease: runs.release,
    onDrop: (key) => {
      queue.forget(key);
    },
  });

  /** Another state than the one last tried gets its full deadline, whatever became of the one before. */
  const beginState = (state: PairState, event: RunEvent): void => {
    if (state.attempted !== stateOf(event)) {
      for (const [key, destination] of state.destinations) state.destinations.set(key, forAnotherState(destination));
    }
    state.attempted = stateOf(event);
  };

  /** A run that vanished is let go only by a look that finds nothing owed: its end may have come while this message was under way. */
  const lookAgain = (state: PairState): Requeue | undefined => (pairs.isKept(state.pair.runUid) ? { afterMs: 0 } : undefined);

  /** Nothing is to be sent: only a record that lags behind, or that says otherwise, is still to be written. */
  const rest = async (state: PairState, event: RunEvent, signal: AbortSignal): Promise<Requeue | undefined> => {
    if (state.owedOnRecord !== undefined) {
      const left = [...state.destinations.values()].map(whenNothingIsOwed).filter((destination) => destination !== undefined);
      state.destinations.clear();
      for (const destination of left) state.destinations.set(destination.key, destination);
    }
    if (state.dirty || state.owedOnRecord !== undefined) return (await records.write(state, event, false, signal)) ?? lookAgain(state);
    pairs.throughWith(state);
    // What is on record can be read there again.
    if ((state.destinations.size === 0 || (!state.written && state.asked === undefined)) && pairs.get(state.key) !== undefined) pairs.drop(state);
    return undefined;
  };

  /** What is owed for a pair now; undefined when there is no such pair any more. */
  const look = (key: string): Looked | undefined => {
    const state = pairs.get(key);
    if (state === undefined) return undefined;
    const route = routeOf(state.notificationKey);
    const view = route === undefined ? undefined : options.views.of(route, state.pair.runUid);
    if (view === undefined || route?.notification.metadata.uid !== state.pair.notification.uid) {
      pairs.drop(state);
      return undefined;
    }
    const messages = options.judge.owed(state, route, view);
    state.owes = messages === undefined ? undefined : stateOf(view.event);
    state.looked = true;
    return { state, asked: state.asked, route, view, messages };
  };

  /** How long the state is to be waited for before it is looked at. */
  const waitMs = (key: string): number => {
    const state = pairs.get(key);
    const route = state === undefined ? undefined : routeOf(state.notificationKey);
    return state === undefined || route === undefined ? 0 : options.views.waitMs(route, state.pair.runUid, "any");
  };

  const step = async (key: string, held: Held | undefined, onSend: (looked: Looked) => void, signal: AbortSignal): Promise<Step> => {
    const looked = await options.turns.once(holderOf(key), () => look(key));
    if (looked === undefined) return { kind: "gone" };
    const { state, route, view: { event, vanished }, messages } = looked;
    if (messages === undefined) return { kind: "rest", state, event, asked: looked.asked };
    if (lacksObject(looked)) {
      options.readAgain(state.pair.runUid, () => {
        queue.add(key);
      });
      return { kind: "gone" };
    }
    if (held === undefined) await options.observe("matched", aboutOf(state, event));
    const gate = options.gateOf(route, state.pair);
    if (gate.ready === "soon") return { kind: "gone" };
    const unlisted = options.views.unlisted(route, event.uid);
    if (unlisted.length > 0) {
      await options.children.list(looked.view, unlisted, signal);
      return { kind: "listed" };
    }
    beginState(state, event);
    if (!gate.ready) return sending.hold(looked, messages, gate);
    // Nobody could tell a restarted controller of a run that is gone.
    if (vanished) await records.writeOwed(state, event, signal);
    onSend(looked);
    const sent = await sending.send(looked, messages, gate, held, signal);
    // The wait for a turn can be long: what was sent so far is on record meanwhile.
    if (sent.kind === "wait" && state.dirty) await records.write(state, event, true, signal);
    return sent;
  };

  /** The state that was judged, for as long as the run is in it. */
  const judgedState = ({ state, route, view: { version } }: Looked) => {
    const { runUid } = state.pair;
    return (): RunEvent | undefined => {
      const view = options.views.of(route, runUid);
      return view?.version === version ? view.event : undefined;
    };
  };

  /** What was asked for before the look is done; what has been asked for since is not. */
  const answered = (state: PairState, asked: string | undefined): void => {
    if (asked === undefined || state.asked !== asked) return;
    state.redelivered = asked;
    state.asked = undefined;
    state.dirty = true;
  };

  const afterSending = async ({ state, event, waits, asked }: Extract<Step, { kind: "sent" }>, signal: AbortSignal): Promise<Requeue | undefined> => {
    if (waits.length > 0) {
      state.owes = stateOf(event);
      const written = await records.writeOwed(state, event, signal);
      return { afterMs: Math.min(...waits, written?.afterMs ?? Infinity) };
    }
    state.owes = undefined;
    answered(state, asked);
    const written = await records.write(state, event, false, signal);
    state.seenAt = clock.monotonic();
    return written ?? lookAgain(state);
  };

  const conclude = async (last: Exclude<Step, { kind: "wait" | "listed" }>, signal: AbortSignal): Promise<Requeue | undefined> => {
    switch (last.kind) {
      case "gone": return undefined;
      case "rest": {
        answered(last.state, last.asked);
        return rest(last.state, last.event, signal);
      }
      case "held": {
        const written = last.again ? await records.write(last.state, last.event, true, signal) : await records.writeOwed(last.state, last.event, signal);
        return last.afterMs === undefined ? written : { afterMs: Math.min(last.afterMs, written?.afterMs ?? Infinity) };
      }
      case "sent": return afterSending(last, signal);
    }
  };

  const settle = async (key: string, signal: AbortSignal): Promise<Requeue | undefined> => {
    const afterMs = waitMs(key);
    if (afterMs > 0) return { afterMs };
    let endOfSlowness: (() => Promise<void>) | undefined;
    let held: Held | undefined;
    try {
      for (;;) {
        const last = await step(key, held, (looked) => {
          endOfSlowness ??= records.whenSlow(looked.state, judgedState(looked), signal);
        }, signal);
        held?.giveBack();
        held = undefined;
        if (last.kind === "wait") {
          held = await sending.waitForTurn(last, signal);
          continue;
        }
        if (last.kind === "listed") {
          const untilEnded = waitMs(key);
          if (untilEnded > 0) return { afterMs: untilEnded };
          continue;
        }
        await endOfSlowness?.();
        return await conclude(last, signal);
      }
    } finally {
      held?.giveBack();
      await endOfSlowness?.();
    }
  };

  const wakeIfVanished = (state: PairState): void => {
    if (state.wake !== undefined && runs.view(state.pair.runUid)?.vanished === true) state.wake.abort(new Error("the run vanished"));
  };

  return {
    touch: (notificationKey, pair, { seenAt = clock.monotonic(), selected } = {}) => {
      const state = pairs.stateFor(notificationKey, pair);
      if (state.owes === undefined) state.seenAt = seenAt;
      state.looked = false;
      if (selected !== undefined) state.selected = selected;
      queue.add(state.key);
      wakeIfVanished(state);
    },
    touchNotification: (notificationKey) => {
      for (const state of pairs.ofNotification(notificationKey)) {
        // What had to wait for a change may go on now.
        for (const destination of state.destinations.values()) {
          if (destination.state !== "Retrying" || destination.lastError?.code === "RateLimited") continue;
          const { nextAttemptAt, ...left } = destination;
          state.destinations.set(destination.key, left);
        }
        queue.forget(state.key);
        queue.add(state.key);
      }
    },
    redeliver: (notificationKey, pair, word) => {
      const state = pairs.stateFor(notificationKey, pair);
      if (state.redelivered === word || state.asked === word) return;
      state.asked = word;
      for (const [key, destination] of state.destinations) state.destinations.set(key, whenRedelivered(destination));
      queue.add(state.key);
    },
    forget: (pair) => {
      const state = pairs.of(pair);
      if (state !== undefined && state.owes === undefined && !state.dirty && !queue.isBusy(state.key)) pairs.drop(state);
    },
    isSettled: (notificationKey) => pairs.ofNotification(notificationKey).every(({ looked, owes, owedOnRecord, dirty }) => looked && (owes === undefined ? !dirty : owes === owedOnRecord)),
    ofRun: pairs.ofRun,
    runVanished: pairs.keepRun,
    letGo: pairs.letGo,
    owedCount: () => [...pairs.all()].filter(({ owes }) => owes !== undefined).length,
    run: async (signal, lastCall) => {
      await queue.run(
        (key) =>
          settle(key, lastCall).catch((error: unknown) => {
            // What the end of the process cut off has not failed: the next one takes it up.
            if (lastCall.aborted) return undefined;
            throw error;
          }),
        signal,
      );
      for (const { dirty, pair, destinations } of pairs.all()) if (dirty) options.unrecorded.keep(pair, [...destinations.values()]);
    },
  };
}
