import type { DeliveryDestination, DeliveryStatus } from "../api/delivery.ts";
import type { RunEvent, RunStatus } from "../api/run-event.ts";
import { shorten } from "../api/text.ts";
import { errorCatalogue } from "../errors.ts";
import { backoffDelay } from "../kube/backoff.ts";
import type { DeliveryError } from "../providers/delivery-error.ts";
import type { Accepted, Message } from "../providers/provider.ts";
import { isoSeconds } from "./iso-seconds.ts";
import { isTerminalStatus, type Recorded } from "./owed.ts";

/** Between two tries at something that a user must mend, when nothing changes meanwhile. */
const patientMs = 600_000;

const retryBackoff = { baseMs: 1_000, capMs: 300_000 };

/** What the record says to {@link decideOwed}. A status that became a dead letter is settled like one that was sent. */
export function recordedOf(destinations: Iterable<DeliveryDestination>): Map<string, Recorded> {
  const recorded = new Map<string, Recorded>();
  for (const { key, state, sentStatus, refusedStatus, sentCount, externalRef, target } of destinations) {
    const settled = state === "DeadLetter" ? (refusedStatus ?? sentStatus) : sentStatus;
    recorded.set(key, {
      ...(settled !== undefined && { sentStatus: settled }),
      sentCount: sentCount ?? 0,
      ...(externalRef !== undefined && { externalRef }),
      ...(target !== undefined && { target }),
    });
  }
  return recorded;
}

/** The destination after the service accepted a message. */
export function afterAcceptance(before: DeliveryDestination | undefined, message: Message, accepted: Accepted, status: RunStatus, now: number): DeliveryDestination {
  const externalRef = accepted.externalRef ?? before?.externalRef;
  return {
    key: message.key,
    state: "Delivered",
    sentStatus: status,
    sentAt: isoSeconds(now),
    sentCount: (before?.sentCount ?? 0) + 1,
    ...(externalRef !== undefined && { externalRef }),
    target: { ...message.target },
  };
}

/** What was accepted before stays on record, whatever becomes of the next message. */
function history(before: DeliveryDestination | undefined): Pick<DeliveryDestination, "sentStatus" | "sentAt" | "sentCount" | "externalRef"> {
  const { sentStatus, sentAt, sentCount, externalRef } = before ?? {};
  return Object.fromEntries(Object.entries({ sentStatus, sentAt, sentCount, externalRef }).filter(([, value]) => value !== undefined));
}

export interface FailedAttempt {
  readonly message: Message;
  readonly status: RunStatus;
  readonly error: DeliveryError;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The destination after a failed attempt, and how long to wait until the next; `waitMs` undefined: never again. */
export function afterFailure(
  before: DeliveryDestination | undefined,
  { message, status, error, now }: FailedAttempt,
  deadlineMs: number,
): { readonly destination: DeliveryDestination; readonly waitMs: number | undefined } {
  const attempts = (before?.attempts ?? 0) + 1;
  const firstAttemptAt = before?.firstAttemptAt ?? isoSeconds(now);
  const errorClass = errorCatalogue[error.code].class;
  const late = errorClass !== "permanent" && now - Date.parse(firstAttemptAt) >= deadlineMs;
  // Whole seconds, rounded up: what the record says is never earlier than what the service asked for.
  const nextAttemptAt = late || errorClass === "permanent" ? undefined : Math.ceil((now + waitOf(errorClass, attempts, error.retryAfterMs)) / 1000) * 1000;
  const said = late ? `gave up after ${attempts} attempts; last: ${error.message}` : error.message;
  return {
    waitMs: nextAttemptAt === undefined ? undefined : nextAttemptAt - now,
    destination: {
      key: message.key,
      ...history(before),
      ...(nextAttemptAt === undefined ? { state: "DeadLetter", refusedStatus: status } : { state: "Retrying", nextAttemptAt: isoSeconds(nextAttemptAt) }),
      attempts,
      firstAttemptAt,
      lastError: { code: late ? "DeadlinePassed" : error.code, message: shorten(said, 1024) },
      target: { ...message.target },
    },
  };
}

/** The destination when another state than the one last tried is owed: its attempts and its deadline begin anew. */
export function forAnotherState(before: DeliveryDestination): DeliveryDestination {
  const { attempts, firstAttemptAt, ...rest } = before;
  return rest;
}

/** What is left of a destination to which nothing is owed any more: what was accepted or given up before, if anything was. */
export function whenNothingIsOwed(before: DeliveryDestination): DeliveryDestination | undefined {
  const { key, state, sentStatus, target } = before;
  if (state === "Delivered" || state === "DeadLetter") return before;
  return sentStatus === undefined ? undefined : { key, state: "Delivered", ...history(before), ...(target !== undefined && { target }) };
}

function waitOf(errorClass: string, attempts: number, retryAfterMs: number | undefined): number {
  const own = errorClass === "retryable" ? backoffDelay(attempts - 1, retryBackoff) : patientMs;
  return Math.max(own, retryAfterMs ?? 0);
}

/** What people decided, not what failed: the deadline stands still meanwhile. */
const waits: ReadonlySet<string> = new Set(["ProviderSuspended", "MessagesThrottled"]);

/** The destination while nothing can be sent through the Provider: no attempt was made. `now`: milliseconds since the epoch. */
export function whileHeld(before: DeliveryDestination | undefined, message: Message, hold: { readonly code: string; readonly message: string }, now: number): DeliveryDestination {
  const resumed = before === undefined || waits.has(hold.code) ? before : whenResumed(before, now);
  return {
    ...resumed,
    key: message.key,
    state: waits.has(hold.code) ? "Pending" : "Retrying",
    ...(waits.has(hold.code) && { heldSince: before?.heldSince ?? isoSeconds(now) }),
    lastError: { code: hold.code, message: shorten(hold.message, 1024) },
    target: { ...message.target },
  };
}

/** The destination when it is held back no longer: the time that it was does not count towards the deadline. */
export function whenResumed(before: DeliveryDestination, now: number): DeliveryDestination {
  const { heldSince, ...rest } = before;
  if (heldSince === undefined || rest.firstAttemptAt === undefined) return rest;
  return { ...rest, firstAttemptAt: isoSeconds(Date.parse(rest.firstAttemptAt) + Math.max(0, now - Date.parse(heldSince))) };
}

/** The destination when somebody asked to send again what was sent or given up: as if it had not been. */
export function whenRedelivered({ key, sentCount, externalRef, target }: DeliveryDestination): DeliveryDestination {
  return { key, state: "Pending", ...history({ key, state: "Pending", ...(sentCount !== undefined && { sentCount }), ...(externalRef !== undefined && { externalRef }) }), ...(target !== undefined && { target }) };
}

/** Whether a destination has been told the end of its run, or was given up. */
export const isOver = ({ state, sentStatus }: DeliveryDestination): boolean => state === "DeadLetter" || (state === "Delivered" && isTerminalStatus(sentStatus));

/** The state that a record says is still to be sent. Dead letters keep theirs too, for a redelivery. */
export const stillOwed = ({ state, owed }: Partial<DeliveryStatus> = {}): RunEvent | undefined =>
  state === "Delivered" || state === "DeadLetter" ? undefined : (owed as RunEvent | undefined);
