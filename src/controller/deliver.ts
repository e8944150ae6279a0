import type { DeliveryStatus } from "../api/delivery.ts";
import type { RunEvent } from "../api/run-event.ts";
import { backoffDelay } from "../kube/backoff.ts";
import { startDeadline } from "../kube/deadline.ts";
import { createWorkQueue, type Requeue, type WorkQueue } from "../kube/work-queue.ts";
import { DeliveryError } from "../providers/delivery-error.ts";
import type { Message, Sender } from "../providers/provider.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Connection } from "./connections.ts";
import type { Judge } from "./judge.ts";
import type { Ledger, Pair } from "./ledger.ts";
import { createPairs, holderOf, stateOf, type Pairs, type PairState, type Selected } from "./pairs.ts";
import { afterAcceptance, afterFailure, forAnotherState, whenNothingIsOwed, whileHeld } from "./pair-state.ts";
import type { Route } from "./plan.ts";
import type { RunStore, RunView } from "./run-store.ts";
import { aboutOf, type StepObserver } from "./steps.ts";
import type { Turns } from "./turns.ts";

/** What came of a message, for the statuses of Notification and Provider. */
export interface Outcome {
  readonly notificationKey: string;
  readonly outcome: "Delivered" | "Retrying" | "DeadLetter";
  readonly event: RunEvent;
  readonly error?: DeliveryError;
}

/** Where deliveries stand with a Provider. */
export type Gate = Connection | { readonly ready: "soon" };

export interface DelivererOptions {
  readonly runs: RunStore;
  readonly ledger: Ledger;
  readonly telemetry: Telemetry;
  readonly deadlineMs: number;
  readonly observe: StepObserver;
  readonly routeOf: (notificationKey: string) => Route | undefined;
  /** What is on record for a pair from before this process; asked once per pair. */
  readonly recordOf: (pair: Pair) => DeliveryStatus | undefined;
  readonly gateOf: (route: Route) => Gate;
  /** The service refused the credentials that the sender was opened with. */
  readonly onCredentialsRefused: (route: Route, error: DeliveryError, sender: Sender) => void;
  readonly onOutcome: (outcome: Outcome) => void;
  readonly judge: Judge;
  readonly turns: Turns;
}

/** What is known already when a pair is to be looked at. */
export interface Touch {
  /** `Clock.monotonic()` of when the state was first seen; absent: now. */
  readonly seenAt?: number;
  /** The filter has been asked, and selects this state. */
  readonly selected?: Selected;
}

/** The one place that sends, retries and records. */
export interface Deliverer {
  /** Looks at the pair again: its run, its Notification or its Provider changed. */
  readonly touch: (notificationKey: string, pair: Pair, known?: Touch) => void;
  /** Looks again at every pair of the Notification that is known here. */
  readonly touchNotification: (notificationKey: string) => void;
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

const concurrency = 64;
const writeBackoff = { baseMs: 500, capMs: 30_000 };

/** A state that is not accepted after so long is put on record as owed, even while its first attempt is under way. */
const slowMs = 5_000;

export function createDeliverer(options: DelivererOptions): Deliverer {
  const { runs, ledger, telemetry, routeOf } = options;
  const { clock, log, metrics } = telemetry;
  const queue: WorkQueue = createWorkQueue({
    concurrency,
    clock,
    backoff: { baseMs: 200, capMs: 30_000 },
    laneOf: holderOf,
    onFailure: (key, error) => {
      log.error("a delivery could not be worked on; trying again", { pair: key, error });
    },
  });

  const pairs = createPairs({
    recordOf: options.recordOf,
    monotonic: () => clock.monotonic(),
    onRelease: runs.release,
    onDrop: (key) => {
      queue.forget(key);
    },
  });

  const persist = async (state: PairState, event: RunEvent, owed: boolean, signal: AbortSignal): Promise<Requeue | undefined> => {
    state.dirty = true;
    const about = aboutOf(state, event);
    await options.observe("before-record", about);
    try {
      await ledger.write(state.pair, event, [...state.destinations.values()], owed, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      metrics.add("record_writes_total", { result: "failed" });
      log.warn("a Delivery could not be written; trying again", { notification: state.notificationKey, error });
      return { afterMs: backoffDelay(state.writeFailures++, writeBackoff) };
    }
    metrics.add("record_writes_total", { result: "ok" });
    state.dirty = false;
    state.writeFailures = 0;
    state.owedOnRecord = owed ? stateOf(event) : undefined;
    await options.observe("recorded", about);
    return undefined;
  };

  /** Puts on record what is owed, so that neither a restart nor a pruner can lose it. Once for each state. */
  const recordOwed = async (state: PairState, event: RunEvent, signal: AbortSignal): Promise<Requeue | undefined> =>
    state.owedOnRecord === stateOf(event) ? undefined : persist(state, event, true, signal);

  /** Puts a state on record as owed when it takes long to deliver. The result ends that, and waits for a write that has begun. */
  const recordWhenSlow = (state: PairState, event: RunEvent, signal: AbortSignal): (() => Promise<void>) => {
    const timer = new AbortController();
    const elapsed = clock.sleep(slowMs, timer.signal).then(
      () => true,
      () => false,
    );
    const writing = elapsed.then((slow) => (slow ? recordOwed(state, event, signal) : undefined));
    return async () => {
      timer.abort();
      await writing;
    };
  };

  const hold = async (state: PairState, view: RunView, messages: readonly Message[], why: { code: string; message: string }, signal: AbortSignal): Promise<Requeue | undefined> => {
    for (const message of messages) state.destinations.set(message.key, whileHeld(state.destinations.get(message.key), message, why));
    return recordOwed(state, view.event, signal);
  };

  const accepted = (state: PairState, event: RunEvent, providerType: string): void => {
    metrics.add("deliveries_total", { provider_type: providerType, result: "delivered" });
    metrics.add("delivery_attempts_total", { provider_type: providerType, error_class: "none" });
    metrics.observe("delivery_latency_seconds", { provider_type: providerType }, (clock.monotonic() - state.seenAt) / 1000);
    options.onOutcome({ notificationKey: state.notificationKey, outcome: "Delivered", event });
  };

  const failed = (state: PairState, route: Route, event: RunEvent, failure: { error: DeliveryError; dead: boolean; providerType: string; sender: Sender }): void => {
    const { error, dead, providerType, sender } = failure;
    metrics.add("delivery_attempts_total", { provider_type: providerType, error_class: error.class });
    if (dead) metrics.add("deliveries_total", { provider_type: providerType, result: "dead_letter" });
    log.warn(dead ? "a message was given up" : "a message could not be delivered; trying again", { ...aboutOf(state, event), error });
    if (error.class === "credentials") options.onCredentialsRefused(route, error, sender);
    options.onOutcome({ notificationKey: state.notificationKey, outcome: dead ? "DeadLetter" : "Retrying", event, error });
  };

  /** One attempt at one message. Resolves with how long to wait before the next; undefined when there is none to wait for. */
  const attempt = async (state: PairState, route: Route, work: { event: RunEvent; message: Message; sender: Sender; timeoutMs: number }, signal: AbortSignal): Promise<number | undefined> => {
    const { event, message, sender, timeoutMs } = work;
    const providerType = route.destination?.definition.type ?? "";
    const before = state.destinations.get(message.key);
    await options.observe("before-send", aboutOf(state, event));
    const deadline = startDeadline(timeoutMs, () => new DOMException("the service did not answer in time", "TimeoutError"), clock, signal);
    try {
      const answer = await sender.send(message, deadline.signal);
      await options.observe("accepted", aboutOf(state, event));
      state.destinations.set(message.key, afterAcceptance(before, message, answer, event.status, clock.now()));
      accepted(state, event, providerType);
      return undefined;
    } catch (error) {
      if (signal.aborted) throw error;
      // Nothing was tried: the next leader sends it.
      if (error instanceof DeliveryError && error.code === "NotLeading") throw error;
      const known = error instanceof DeliveryError ? error : new DeliveryError("ServiceFailed", "the provider's client failed in an unexpected way", { cause: error });
      const { destination, waitMs } = afterFailure(before, { message, status: event.status, error: known, now: clock.now() }, options.deadlineMs);
      state.destinations.set(message.key, destination);
      failed(state, route, event, { error: known, dead: waitMs === undefined, providerType, sender });
      return waitMs;
    } finally {
      deadline.dispose();
    }
  };

  /** Another state than the one last tried gets its full deadline, whatever became of the one before. */
  const beginState = (state: PairState, event: RunEvent): void => {
    if (state.attempted !== stateOf(event)) {
      for (const [key, destination] of state.destinations) state.destinations.set(key, forAnotherState(destination));
    }
    state.attempted = stateOf(event);
  };

  const sendAll = async (state: PairState, route: Route, work: { view: RunView; messages: readonly Message[]; connection: Connection & { ready: true } }, signal: AbortSignal): Promise<Requeue | undefined> => {
    const { view, messages, connection } = work;
    const waits: number[] = [];
    beginState(state, view.event);
    // Nobody could tell a restarted controller of a run that is gone.
    if (view.vanished) await recordOwed(state, view.event, signal);
    const endOfSlowness = recordWhenSlow(state, view.event, signal);
    try {
      for (const message of messages) {
        const { nextAttemptAt } = state.destinations.get(message.key) ?? {};
        const early = nextAttemptAt === undefined ? 0 : Date.parse(nextAttemptAt) - clock.now();
        const wait = early > 0 ? early : await attempt(state, route, { event: view.event, message, ...connection }, signal);
        if (wait !== undefined) waits.push(wait);
      }
    } finally {
      await endOfSlowness();
    }
    state.owes = waits.length > 0;
    const written = state.owes ? await recordOwed(state, view.event, signal) : await persist(state, view.event, false, signal);
    if (state.owes) return { afterMs: Math.min(...waits, written?.afterMs ?? Infinity) };
    state.seenAt = clock.monotonic();
    return written ?? lookAgain(state);
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
    if (state.dirty || state.owedOnRecord !== undefined) return (await persist(state, event, false, signal)) ?? lookAgain(state);
    pairs.throughWith(state);
    if (state.destinations.size === 0 && pairs.get(state.key) !== undefined) pairs.drop(state);
    return undefined;
  };

  /** What is owed for a pair now; undefined when there is no such pair any more. */
  const look = (key: string): { state: PairState; route: Route; view: RunView; messages: readonly Message[] | undefined } | undefined => {
    const state = pairs.get(key);
    if (state === undefined) return undefined;
    const route = routeOf(state.notificationKey);
    const view = runs.view(state.pair.runUid);
    if (view === undefined || route?.notification.metadata.uid !== state.pair.notification.uid) {
      pairs.drop(state);
      return undefined;
    }
    const messages = options.judge.owed(state, route, view);
    state.owes = messages !== undefined;
    return { state, route, view, messages };
  };

  const settle = async (key: string, signal: AbortSignal): Promise<Requeue | undefined> => {
    const looked = await options.turns.once(holderOf(key), () => look(key));
    if (looked === undefined) return undefined;
    const { state, route, view, messages } = looked;
    if (messages === undefined) return rest(state, view.event, signal);
    await options.observe("matched", aboutOf(state, view.event));
    const gate = options.gateOf(route);
    if (gate.ready === "soon") return undefined;
    if (!gate.ready) return hold(state, view, messages, gate, signal);
    return sendAll(state, route, { view, messages, connection: gate }, signal);
  };

  return {
    touch: (notificationKey, pair, { seenAt = clock.monotonic(), selected } = {}) => {
      const state = pairs.stateFor(notificationKey, pair);
      if (!state.owes) state.seenAt = seenAt;
      if (selected !== undefined) state.selected = selected;
      queue.add(state.key);
    },
    touchNotification: (notificationKey) => {
      for (const state of pairs.ofNotification(notificationKey)) {
        // What had to wait for a change may go on now.
        for (const destination of state.destinations.values()) {
          if (destination.state !== "Retrying" || destination.lastError?.code === "RateLimited") continue;
          const { nextAttemptAt, ...rest } = destination;
          state.destinations.set(destination.key, rest);
        }
        queue.forget(state.key);
        queue.add(state.key);
      }
    },
    ofRun: pairs.ofRun,
    runVanished: pairs.keepRun,
    letGo: pairs.letGo,
    owedCount: () => [...pairs.all()].filter((state) => state.owes).length,
    run: (signal, lastCall) =>
      queue.run(
        (key) =>
          settle(key, lastCall).catch((error: unknown) => {
            // What the end of the process cut off has not failed: the next one takes it up.
            if (lastCall.aborted) return undefined;
            throw error;
          }),
        signal,
      ),
  };
}
