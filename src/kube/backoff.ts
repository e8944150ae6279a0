export interface BackoffOptions {
  /** The upper bound of the first delay, in milliseconds. */
  readonly baseMs: number;
  /** No delay is longer than this. */
  readonly capMs: number;
  /** 0 <= random() < 1. */
  readonly random?: () => number;
}

/** The bound that doubles with every attempt: base, 2 base, 4 base ... cap. `attempt` counts from 0. */
export const backoffCeiling = (attempt: number, options: BackoffOptions): number =>
  Math.min(options.capMs, options.baseMs * 2 ** Math.min(attempt, 52));

/** Exponential back-off with full jitter: evenly spread between 0 and {@link backoffCeiling}. */
export const backoffDelay = (attempt: number, options: BackoffOptions): number =>
  (options.random ?? Math.random)() * backoffCeiling(attempt, options);

/** A back-off that counts its own attempts. */
export interface Backoff {
  readonly attempts: number;
  /** The next delay in milliseconds. */
  next(): number;
  /** After a success: the next delay is a first one again. */
  reset(): void;
}

export function createBackoff(options: BackoffOptions): Backoff {
  let attempts = 0;
  return {
    get attempts() {
      return attempts;
    },
    next: () => backoffDelay(attempts++, options),
    reset: () => {
      attempts = 0;
    },
  };
}
