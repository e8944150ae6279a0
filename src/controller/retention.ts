import type { Delivery } from "../api/delivery.ts";
import { isOver } from "./pair-state.ts";

const hourMs = 3_600_000;

/** Dead letters are kept for people to look at. */
const deadLetterMs = 7 * 24 * hourMs;

export interface RetentionInput {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Up to when nothing is owed for the Notification that is not on record, milliseconds since the epoch; as its status says. */
  readonly caughtUpAt: number;
  /** How long a message is tried. */
  readonly deadlineMs: number;
}

/** The last moment that the record tells of. */
function lastChange({ metadata, status }: Delivery): number {
  const times = (status?.destinations ?? []).flatMap(({ sentAt, firstAttemptAt }) => [sentAt, firstAttemptAt]);
  return Math.max(...[metadata.creationTimestamp, ...times].flatMap((time) => (time === undefined ? [] : [Date.parse(time)])));
}

/**
 * Whether a Delivery may be removed: nothing is owed, nothing that was begun is unfinished, and its run ended so long ago
 * that without a record it owes nothing either. The run itself may still exist.
 */
export function mayBeRemoved(delivery: Delivery, { now, caughtUpAt, deadlineMs }: RetentionInput): boolean {
  const { destinations = [] } = delivery.status ?? {};
  if (destinations.length === 0 || !destinations.every(isOver)) return false;
  const last = lastChange(delivery);
  const dead = destinations.some(({ state }) => state === "DeadLetter");
  const keptMs = dead ? Math.max(deadLetterMs, deadlineMs + hourMs) : deadlineMs + hourMs;
  return now - last >= keptMs && caughtUpAt - last > deadlineMs + hourMs;
}
