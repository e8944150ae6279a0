import type { Clock } from "../telemetry/clock.ts";

export interface IdleLimit {
  /** Something happened: the time begins anew. */
  touch(): void;
  stop(): void;
}

/** Calls `expired` once when nothing has been touched for `ms`. */
export function startIdleLimit(ms: number, expired: () => void, clock: Clock): IdleLimit {
  const stopped = new AbortController();
  let touchedAt = clock.monotonic();
  const wait = async (): Promise<void> => {
    for (let left = ms; left > 0; left = touchedAt + ms - clock.monotonic()) await clock.sleep(left, stopped.signal);
    expired();
  };
  // Rejects only because it was stopped.
  wait().catch(() => undefined);
  return {
    touch: () => {
      touchedAt = clock.monotonic();
    },
    stop: () => {
      stopped.abort();
    },
  };
}
