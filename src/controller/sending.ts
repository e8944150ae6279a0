import type { RunEvent } from "../api/run-event.ts";
import type { Message } from "../providers/provider.ts";
import { createAttempts, type AttemptOptions } from "./attempt.ts";
import type { Connection } from "./connections.ts";
import { createLanes, type Rate, type Turn } from "./lanes.ts";
import { isTerminalStatus } from "./owed.ts";
import type { PairState } from "./pairs.ts";
import { whileHeld } from "./pair-state.ts";
import type { Route } from "./plan.ts";
import type { RunView } from "./run-store.ts";
import type { Throttle } from "./throttle.ts";

/** Where deliveries stand with a Provider. */
export type Gate = Connection | { readonly ready: "soon" };

/** What bounds the requests of a Notification. */
export interface Bounds {
  /** Key of its Provider, `namespace/name`. */
  readonly provider: string;
  /** The Provider's own. */
  readonly rate: Rate | undefined;
  /** Of the Notification's messages. */
  readonly perMinute: number;
}

export interface SendingOptions extends AttemptOptions {
  readonly throttle: Throttle;
  readonly boundsOf: (route: Route) => Bounds;
  /** The Notification's messages begin to wait, being too many. */
  readonly onThrottled: (notificationKey: string) => void;
}

/** Requests under way at one time. */
const perProvider = 16;
const perLane = 8;

/** A request's turn that was waited for. */
export interface Held {
  readonly turn: Turn;
  readonly giveBack: () => void;
}

/** What one look at a pair led to. */
export type Step =
  | { readonly kind: "gone" }
  /** More is known of the run's tasks now: it is to be looked at again. */
  | { readonly kind: "listed" }
  | { readonly kind: "rest"; readonly state: PairState; readonly event: RunEvent; readonly asked: string | undefined }
  /** Nothing can be sent; `afterMs`: it may then. */
  | { readonly kind: "held"; readonly state: PairState; readonly event: RunEvent; readonly again: boolean; readonly afterMs?: number }
  /** A request waits for its turn. */
  | { readonly kind: "wait"; readonly state: PairState; readonly turn: Turn; readonly rate: Rate | undefined }
  | { readonly kind: "sent"; readonly state: PairState; readonly event: RunEvent; readonly asked: string | undefined; readonly waits: readonly number[] };

export interface Looked {
  readonly state: PairState;
  /** The redelivery that was asked for then. */
  readonly asked: string | undefined;
  readonly route: Route;
  readonly view: RunView;
  readonly messages: readonly Message[] | undefined;
}

const sameTurn = (a: Turn, b: Turn): boolean => a.provider === b.provider && a.lane === b.lane;

/** Sends the messages of one look, each in its turn. */
export interface Sending {
  /** Nothing can be sent now: the destinations say why. */
  readonly hold: (looked: Looked, messages: readonly Message[], why: { readonly code: string; readonly message: string }, afterMs?: number) => Step;
  /** Sends what may go at once; what has to wait for its turn is left to the next look, so that little waits in memory. */
  readonly send: (looked: Looked, messages: readonly Message[], connection: Connection & { readonly ready: true }, held: Held | undefined, signal: AbortSignal) => Promise<Step>;
  /** Waits for a turn; undefined when the run vanished meanwhile: it is to be looked at at once, and put on record. */
  readonly waitForTurn: (step: Extract<Step, { kind: "wait" }>, signal: AbortSignal) => Promise<Held | undefined>;
}

export function createSending(options: SendingOptions): Sending {
  const { throttle, telemetry: { clock } } = options;
  const attempt = createAttempts(options);
  const lanes = createLanes({ clock, perProvider, perLane });

  const hold = ({ state, view }: Looked, messages: readonly Message[], why: { readonly code: string; readonly message: string }, afterMs?: number): Step => {
    const now = clock.now();
    const newly = messages.some(({ key }) => state.destinations.get(key)?.lastError?.code !== why.code);
    for (const message of messages) state.destinations.set(message.key, whileHeld(state.destinations.get(message.key), message, why, now));
    return { kind: "held", state, event: view.event, again: newly, ...(afterMs !== undefined && { afterMs }) };
  };

  const send = async (looked: Looked, messages: readonly Message[], connection: Connection & { readonly ready: true }, held: Held | undefined, signal: AbortSignal): Promise<Step> => {
    const { state, route, view: { event } } = looked;
    const { provider, rate, perMinute } = options.boundsOf(route);
    const { namespace } = route.notification.metadata;
    const waits: number[] = [];
    let blocked: Turn | undefined;
    for (const message of messages) {
      const { nextAttemptAt, attempts } = state.destinations.get(message.key) ?? {};
      const early = nextAttemptAt === undefined ? 0 : Date.parse(nextAttemptAt) - clock.now();
      if (early > 0) {
        waits.push(early);
        continue;
      }
      const turn: Turn = { provider, lane: message.lane ?? "", namespace, terminal: isTerminalStatus(event.status) };
      const giveBack = held !== undefined && sameTurn(held.turn, turn) ? held.giveBack : lanes.tryTake(turn, rate);
      if (giveBack === undefined) {
        blocked ??= turn;
        continue;
      }
      try {
        const afterMs = attempts === undefined ? throttle.admit(state.notificationKey, perMinute) : 0;
        if (afterMs > 0) {
          options.onThrottled(state.notificationKey);
          return hold(looked, messages, { code: "MessagesThrottled", message: `more than ${perMinute} messages a minute` }, afterMs);
        }
        state.dirty = true;
        const attempted = await attempt({ state, route, event, message, ...connection }, signal);
        if (!attempted.again) continue;
        waits.push(attempted.waitMs);
        if (attempted.pauseMs > 0) lanes.pause(turn, attempted.pauseMs);
      } finally {
        giveBack();
      }
    }
    if (blocked === undefined) return { kind: "sent", state, event, asked: looked.asked, waits };
    return { kind: "wait", state, turn: blocked, rate };
  };

  const waitForTurn = async ({ state, turn, rate }: Extract<Step, { kind: "wait" }>, signal: AbortSignal): Promise<Held | undefined> => {
    const wake = new AbortController();
    const onAbort = (): void => {
      wake.abort(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    state.wake = wake;
    try {
      return { turn, giveBack: await lanes.take(turn, rate, wake.signal) };
    } catch (error) {
      if (signal.aborted) throw error;
      return undefined;
    } finally {
      state.wake = undefined;
      signal.removeEventListener("abort", onAbort);
    }
  };

  return { hold, send, waitForTurn };
}
