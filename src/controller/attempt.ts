import type { RunEvent } from "../api/run-event.ts";
import { startDeadline } from "../kube/deadline.ts";
import { DeliveryError } from "../providers/delivery-error.ts";
import type { Message, Sender } from "../providers/provider.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { PairState } from "./pairs.ts";
import { afterAcceptance, afterFailure, whenResumed } from "./pair-state.ts";
import type { Places } from "./places.ts";
import type { Route } from "./plan.ts";
import { aboutOf, type StepObserver } from "./steps.ts";

/** What came of a message, for the statuses of Notification and Provider. */
export interface Outcome {
  readonly notificationKey: string;
  /** Key of the destination. */
  readonly destination: string;
  readonly outcome: "Delivered" | "Retrying" | "DeadLetter";
  readonly event: RunEvent;
  readonly error?: DeliveryError;
}

export interface AttemptOptions {
  readonly telemetry: Telemetry;
  /** How long a message is tried. */
  readonly deadlineMs: number;
  readonly observe: StepObserver;
  readonly places: Pick<Places, "note">;
  /** The service refused the credentials that the sender was opened with. */
  readonly onCredentialsRefused: (route: Route, error: DeliveryError, sender: Sender) => void;
  readonly onOutcome: (outcome: Outcome) => void;
}

export interface Work {
  readonly state: PairState;
  readonly route: Route;
  readonly event: RunEvent;
  readonly message: Message;
  readonly sender: Sender;
  readonly timeoutMs: number;
}

/** What came of an attempt: nothing more to do; or how long to wait, and whether the service asked everybody to. */
export type Attempted = { readonly again: false } | { readonly again: true; readonly waitMs: number; readonly pauseMs: number };

/** Makes attempts: each is one request, after which the pair's destination says what came of it. */
export function createAttempts(options: AttemptOptions): (work: Work, signal: AbortSignal) => Promise<Attempted> {
  const { telemetry: { clock, log, metrics } } = options;

  const accepted = ({ state, event, route, message }: Work): void => {
    options.places.note(route, message, event);
    const labels = { provider_type: route.destination?.definition.type ?? "" };
    metrics.add("deliveries_total", { ...labels, result: "delivered" });
    metrics.add("delivery_attempts_total", { ...labels, error_class: "none" });
    metrics.observe("delivery_latency_seconds", labels, (clock.monotonic() - state.seenAt) / 1000);
    options.onOutcome({ notificationKey: state.notificationKey, destination: message.key, outcome: "Delivered", event });
  };

  const failed = ({ state, route, event, message, sender }: Work, error: DeliveryError, dead: boolean): void => {
    const labels = { provider_type: route.destination?.definition.type ?? "" };
    metrics.add("delivery_attempts_total", { ...labels, error_class: error.class });
    metrics.add("delivery_failures_total", { ...labels, code: error.code });
    if (dead) metrics.add("deliveries_total", { ...labels, result: "dead_letter" });
    log.warn(dead ? "a message was given up" : "a message could not be delivered; trying again", { ...aboutOf(state, event), error });
    if (error.class === "credentials") options.onCredentialsRefused(route, error, sender);
    options.onOutcome({ notificationKey: state.notificationKey, destination: message.key, outcome: dead ? "DeadLetter" : "Retrying", event, error });
  };

  const settleFailure = (work: Work, error: unknown): Attempted => {
    const { state, event, message } = work;
    const known = error instanceof DeliveryError ? error : new DeliveryError("ServiceFailed", "the provider's client failed in an unexpected way", { cause: error });
    const { destination, waitMs } = afterFailure(state.destinations.get(message.key), { message, status: event.status, error: known, now: clock.now() }, options.deadlineMs);
    state.destinations.set(message.key, destination);
    failed(work, known, waitMs === undefined);
    return waitMs === undefined ? { again: false } : { again: true, waitMs, pauseMs: known.retryAfterMs ?? 0 };
  };

  const counted = ({ state, route }: Work, tried: number): void => {
    const labels = { provider_type: route.destination?.definition.type ?? "" };
    if (tried > 0) metrics.add("delivery_retries_total", labels);
    else metrics.observe("delivery_queue_age_seconds", labels, (clock.monotonic() - state.seenAt) / 1000);
  };

  return async (work, signal) => {
    const { state, event, message, sender, timeoutMs } = work;
    const before = state.destinations.get(message.key);
    counted(work, before?.attempts ?? 0);
    if (before !== undefined) state.destinations.set(message.key, whenResumed(before, clock.now()));
    await options.observe("before-send", aboutOf(state, event));
    const deadline = startDeadline(timeoutMs, () => new DOMException("the service did not answer in time", "TimeoutError"), clock, signal);
    try {
      const answer = await sender.send(message, deadline.signal);
      await options.observe("accepted", aboutOf(state, event));
      state.destinations.set(message.key, afterAcceptance(before, message, answer, event.status, clock.now()));
      accepted(work);
      return { again: false };
    } catch (error) {
      // Nothing was tried, or nobody is left to try: the next leader sends it.
      if (signal.aborted || (error instanceof DeliveryError && error.code === "NotLeading")) throw error;
      return settleFailure(work, error);
    } finally {
      deadline.dispose();
    }
  };
}
