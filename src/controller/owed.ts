import type { RunEvent, RunStatus } from "../api/run-event.ts";
import type { Match } from "./match.ts";

/** What is on record for one destination of a (Notification, run). */
export interface Recorded {
  /** The status that the service last accepted. */
  readonly sentStatus?: RunStatus;
  readonly sentCount: number;
  readonly externalRef?: string;
  /** The place that the service accepted it for. */
  readonly target?: Readonly<Record<string, string>>;
}

export interface OwedInput {
  readonly event: RunEvent;
  /** When a terminal run ended, milliseconds since the epoch; undefined when it never said. */
  readonly endedAt: number | undefined;
  readonly match: Match;
  /** The run vanished while nobody watched: only what was begun is ended. */
  readonly unseen: boolean;
  /** Runs that ended before this moment are not reported, milliseconds since the epoch. */
  readonly activeSince: number;
  /** What is on record for each destination, by key. */
  readonly recorded: ReadonlyMap<string, Recorded>;
  /** The service shows one current state, which must not be left unfinished. */
  readonly keepsState: boolean;
  readonly serviceState: (status: RunStatus) => string;
}

/** Whether a state of a run is owed, and to which destinations it still is. */
export type Owed =
  | { readonly owed: false; readonly why: string }
  | { readonly owed: true; readonly closing: boolean; readonly to: (key: string) => boolean };

const terminalStatuses: ReadonlySet<RunStatus> = new Set(["Succeeded", "Failed", "Cancelled", "TimedOut"]);

/** Whether a status is the last of a run. */
export const isTerminalStatus = (status: RunStatus | undefined): boolean => status !== undefined && terminalStatuses.has(status);

const isUnfinished = ({ sentStatus }: Recorded): boolean => sentStatus !== undefined && !isTerminalStatus(sentStatus);

/** Whether a service was told the beginning of something, and not its end. */
export const hasUnfinished = (recorded: ReadonlyMap<string, Recorded>): boolean => [...recorded.values()].some(isUnfinished);

const wholeSeconds = (ms: number): number => Math.floor(ms / 1000);

/**
 * What is owed, as a pure function of run, record and Notification, so that it is the same after a restart. The rules are
 * those of docs/delivery.md:
 * - a terminal state: the filter matches, it is not on record, and the run did not end before `activeSince` (times of
 *   Kubernetes have whole seconds: the same second counts as after);
 * - a non-terminal state: the run is in it now, the filter matches, and the service does not show it already;
 * - nothing after a terminal state;
 * - a service that keeps state is always told the end of what it was told the beginning of, filter or not;
 * - a run whose end was not seen is ended wherever it was begun, and nowhere else.
 */
export function decideOwed(input: OwedInput): Owed {
  const { event, match, recorded, serviceState } = input;
  const unfinished = (key: string): boolean => isUnfinished(recorded.get(key) ?? { sentCount: 0 });
  const open = (key: string): boolean => {
    const sent = recorded.get(key)?.sentStatus;
    return sent === undefined || (!isTerminalStatus(sent) && serviceState(sent) !== serviceState(event.status));
  };
  if (!match.matched || input.unseen) {
    const closing = event.terminal && (input.keepsState || input.unseen) && hasUnfinished(recorded);
    if (!closing) return { owed: false, why: match.matched ? "unseen: the run vanished while nobody watched, and nothing had been reported of it" : match.why };
    return { owed: true, closing: true, to: unfinished };
  }
  if (event.terminal && !event.deleted && recorded.size === 0 && input.endedAt !== undefined && wholeSeconds(input.endedAt) < wholeSeconds(input.activeSince)) {
    return { owed: false, why: "activeSince: the run ended before the Notification was active" };
  }
  return { owed: true, closing: false, to: open };
}
