import type { Clock } from "../../src/telemetry/clock.ts";

/** A clock that stands still until it is told to move. Both times advance together. */
export interface ManualClock extends Clock {
  /** Moves on by `ms`, waking every sleeper that is due, in order. */
  advance(ms: number): void;
  /** Resolves with the time left as soon as somebody sleeps for what `wanted` accepts. */
  sleeping(wanted: (ms: number) => boolean): Promise<number>;
  /** Times left of all who sleep now. */
  readonly sleepers: number[];
}

interface Sleeper {
  readonly wakeAt: number;
  wake(): void;
}

export function manualClock(startAt = Date.UTC(2026, 0, 1)): ManualClock {
  let elapsed = 0;
  const sleepers = new Set<Sleeper>();
  const watchers = new Set<() => void>();
  return {
    now: () => startAt + elapsed,
    monotonic: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const onAbort = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason as Error);
        };
        const sleeper: Sleeper = {
          wakeAt: elapsed + ms,
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener("abort", onAbort);
            resolve();
          },
        };
        if (signal?.aborted === true) {
          onAbort();
          return;
        }
        signal?.addEventListener("abort", onAbort, { once: true });
        sleepers.add(sleeper);
        for (const watcher of watchers) watcher();
      }),
    advance: (ms) => {
      elapsed += ms;
      const due = [...sleepers].filter((sleeper) => sleeper.wakeAt <= elapsed).sort((a, b) => a.wakeAt - b.wakeAt);
      for (const sleeper of due) sleeper.wake();
    },
    sleeping: (wanted) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = [...sleepers].map((sleeper) => sleeper.wakeAt - elapsed).find(wanted);
          if (found === undefined) return;
          watchers.delete(look);
          resolve(found);
        };
        watchers.add(look);
        look();
      }),
    get sleepers() {
      return [...sleepers].map((sleeper) => sleeper.wakeAt - elapsed);
    },
  };
}
