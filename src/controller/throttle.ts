import type { Clock } from "../telemetry/clock.ts";

/** Holds messages back that would be more than so many a minute. */
export interface Throttle {
  /** 0: the message may go, and counts. Else the milliseconds until one may. */
  readonly admit: (key: string, perMinute: number) => number;
  /** Whether messages of the key have to wait now. */
  readonly isFull: (key: string, perMinute: number) => boolean;
  readonly forget: (key: string) => void;
}

const minuteMs = 60_000;

/** Counts in a sliding minute of the monotonic clock; a restart begins anew. */
export function createThrottle(clock: Clock): Throttle {
  /** Moments of the last messages, oldest first. */
  const sent = new Map<string, number[]>();
  const recentOf = (key: string): number[] => {
    const since = clock.monotonic() - minuteMs;
    const recent = (sent.get(key) ?? []).filter((moment) => moment > since);
    if (recent.length === 0) sent.delete(key);
    else sent.set(key, recent);
    return recent;
  };
  return {
    admit: (key, perMinute) => {
      const recent = recentOf(key);
      const blocking = recent[recent.length - perMinute];
      if (blocking !== undefined) return blocking + minuteMs - clock.monotonic();
      sent.set(key, [...recent, clock.monotonic()]);
      return 0;
    },
    isFull: (key, perMinute) => recentOf(key).length >= perMinute,
    forget: (key) => {
      sent.delete(key);
    },
  };
}
