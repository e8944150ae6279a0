import type { Clock } from "../../src/telemetry/clock.ts";
import { eventually } from "./wait.ts";

/** A clock that goes as clocks do, and can be put forward: whoever sleeps until a time that is left out wakes at once. */
export interface LeapingClock extends Clock {
  /** Puts both times forward by `ms`, as soon as no request is under way: however slow the machine is, none times out by it. */
  readonly leap: (ms: number) => Promise<void>;
  /** Resolves as soon as no request is under way by this clock. */
  readonly allAnswered: () => Promise<void>;
}

interface Sleeper {
  readonly wakeAt: number;
  readonly wake: () => void;
  readonly isTimeout: boolean;
}

/** Whether it is the time-out of a request that sleeps: told from who called. A watch has one too, which lasts as long as it does. */
function timesOut(): boolean {
  const [, , , caller = "", its = ""] = new Error("who calls").stack?.split("\n") ?? [];
  return caller.includes("startDeadline") && !its.includes("reflector.ts");
}

export function leapingClock(): LeapingClock {
  let ahead = 0;
  const sleepers = new Set<Sleeper>();
  const monotonic = (): number => performance.now() + ahead;
  const allAnswered = async (): Promise<void> => {
    const answered = (): boolean => [...sleepers].every(({ isTimeout }) => !isTimeout);
    if (!answered()) await eventually("every request is answered", answered);
  };
  return {
    now: () => Date.now() + ahead,
    monotonic,
    sleep: (ms, signal) => {
      const isTimeout = timesOut();
      return new Promise((resolve, reject) => {
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
          isTimeout,
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
      });
    },
    allAnswered,
    leap: async (ms) => {
      await allAnswered();
      ahead += ms;
      const due = [...sleepers].filter(({ wakeAt }) => wakeAt <= monotonic()).sort((a, b) => a.wakeAt - b.wakeAt);
      for (const { wake } of due) wake();
    },
  };
}
