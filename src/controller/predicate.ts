import type { Fault } from "../api/fault.ts";
import type { RunEvent } from "../api/run-event.ts";

/** Why a part of a filter does not hold, without run data other than what the part itself names. */
export interface Failure {
  readonly why: string;
  /** The part could not be asked: not a plain non-match. Counted. */
  readonly error?: boolean;
  /** What failed on this run, where that is not known from the filter alone. Counted, and shown in the Notification's status. */
  readonly fault?: Fault;
}

/** One part of a filter. */
export interface Predicate {
  /** The field of `spec.filter`; the reason for a non-match begins with it. */
  readonly name: string;
  /** Undefined when the part holds for the event. */
  readonly test: (event: RunEvent) => Failure | undefined;
}

/** An entry of a map that comes from outside: labels may be called `constructor`. */
export const own = <Value>(map: Readonly<Record<string, Value>>, key: string): Value | undefined => (Object.hasOwn(map, key) ? map[key] : undefined);
