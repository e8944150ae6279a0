import type { Clock } from "../../src/telemetry/clock.ts";

/** A clock that goes as clocks do, and can be put forward: whoever sleeps until a time that is left out wakes at once. */
export interface LeapingClock extends Clock {
  /** Puts both times forward by `ms`. */
  readonly leap: (ms: number) => void;
}

interface Sleeper {
  readonly wakeAt: number;
  readonly wake: () => void;
}

export function leapingClock(): LeapingClock {
  let ahead = 0;
  const sleepers = new Set<Sleeper>();
  const monotonic = (): number => performance.now() + ahead;
  return {
    now: () => Date.now() + ahead,
    monotonic,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason as Error);
          return;
        }
        const over = (): void => {
          clearTimeout(timer);
          sleepers.delete(sleeper);
          signal?.removeEventListener("abort", onAbort);
        };
        const sleeper: Sleeper = {
          wakeAt: monotonic() + ms,
          wake: () => {
            over();
            resolve();
          },
        };
        const onAbort = (): void => {
          over();
          reject(signal?.reason as Error);
        };
        const timer = setTimeout(sleeper.wake, ms);
        signal?.addEventListener("abort", onAbort, { once: true });
        sleepers.add(sleeper);
      }),
    leap: (ms) => {
      ahead += ms;
      const due = [...sleepers].filter(({ wakeAt }) => wakeAt <= monotonic()).sort((a, b) => a.wakeAt - b.wakeAt);
      for (const { wake } of due) wake();
    },
  };
}
