import { createHash } from "node:crypto";
import type { Notification, NotificationStatus } from "../api/notification.ts";
import { unseen } from "../api/schema.ts";

/** Fields of the spec that neither select runs nor say where messages go. */
const others = new Set(["suspend", "message", "groupBy", "maxPerMinute"]);

/** JSON with sorted keys: the same for equal values. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}

/** A digest of what selects runs and routes their messages: another one is another question to every run. `reach`: see `Reach.digest`. */
export function selectionOf({ spec }: Notification, reach = ""): string {
  const parts = Object.fromEntries(Object.entries(spec).filter(([field]) => !others.has(field)));
  return createHash("sha256").update(`${canonical(parts)}${reach}`).digest("hex").slice(0, 16);
}

export interface Activity {
  /** Runs that ended before this moment are not reported, milliseconds since the epoch; undefined while suspended. */
  readonly activeSince: number | undefined;
  readonly selection: string;
  /** What happened to the Notification since its status was written. */
  readonly change: "created" | "suspended" | "resumed" | "edited" | "none";
}

export interface ActivityInput {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Up to when all that was owed is sent or on record, as far as this process knows; undefined: as the status says. */
  readonly caughtUpAt: number | undefined;
  /** See `Reach.digest`; undefined: not known yet, and taken to be as it was. */
  readonly reach: string | undefined;
}

/** The status as the controller wrote it; before it did there is only what the schema fills in. */
export const writtenStatus = ({ status }: Notification): NotificationStatus | undefined =>
  status?.observedGeneration === undefined || status.observedGeneration === unseen.observedGeneration ? undefined : status;

/**
 * Since when a Notification reports: its creation; after a resume, the moment the resume is first seen; after an edit of what
 * it selects or where that goes, the moment up to which everything had been settled under the spec before. A status
 * without `activeSince` is that of a suspended Notification.
 * The namespaces that it reaches are part of what it selects, whether it was edited or their labels were.
 */
export function activityOf(notification: Notification, { now, caughtUpAt, reach }: ActivityInput): Activity {
  const { metadata, spec } = notification;
  const status = writtenStatus(notification);
  const selection = reach === undefined ? (status?.selection ?? selectionOf(notification)) : selectionOf(notification, reach);
  if (spec.suspend === true) return { activeSince: undefined, selection, change: status === undefined || status.activeSince !== undefined ? "suspended" : "none" };
  if (status === undefined) return { activeSince: Date.parse(metadata.creationTimestamp), selection, change: "created" };
  if (status.activeSince === undefined) return { activeSince: now, selection, change: "resumed" };
  const before = Date.parse(status.activeSince);
  if (status.selection === undefined || status.selection === selection) return { activeSince: before, selection, change: "none" };
  const settled = caughtUpAt ?? (status.caughtUpAt === undefined ? before : Date.parse(status.caughtUpAt));
  return { activeSince: Math.max(before, settled), selection, change: "edited" };
}

const hourMs = 3_600_000;

/**
 * Runs that ended before this moment, milliseconds since the epoch, owe the Notification nothing without a record: what ended
 * more than the delivery deadline before all was settled last has been settled, and its record may be gone. Moves by whole
 * hours, as routes are made anew for it.
 */
export function settledBefore({ status }: Notification, deadlineMs: number): number {
  const caughtUpAt = status?.caughtUpAt === undefined ? -Infinity : Date.parse(status.caughtUpAt);
  return Math.floor((caughtUpAt - deadlineMs) / hourMs) * hourMs;
}
