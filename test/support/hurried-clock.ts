import type { Clock } from "../../src/telemetry/clock.ts";
import { manualClock } from "./manual-clock.ts";

/** A clock on which nobody has to wait: as soon as somebody sleeps, the time has passed. */
export interface HurriedClock extends Clock {
  /** How long was slept, in order. */
  readonly slept: readonly number[];
}

export function hurriedClock(startAt = Date.now()): HurriedClock {
  const clock = manualClock(startAt);
  const slept: number[] = [];
  return {
    slept,
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: (ms) => {
      slept.push(ms);
      clock.advance(ms);
      return Promise.resolve();
    },
  };
}
