import type { Clock } from "../../telemetry/clock.ts";
import { DeliveryError } from "../delivery-error.ts";

/** Slack takes about one message a second in a channel. */
const everyMs = 1000;

/** Who would wait longer is told when to come back, rather than to hold a place with a request's deadline running. */
const longestWaitMs = 8000;

/** Channels of the past are forgotten beyond this number. */
const maxChannelsKnown = 1000;

/** One message a second for each channel. */
export interface Pace {
  /** Resolves when the channel's turn has come. Throws RateLimited, without a place being kept, where that would take long. */
  readonly turn: (channel: string, signal: AbortSignal) => Promise<void>;
  /** Slack asked for a pause. */
  readonly pause: (channel: string, ms: number) => void;
}

export function createPace(clock: Clock): Pace {
  /** `Clock.monotonic()` of when the next message may go. */
  const next = new Map<string, number>();

  const forgetPast = (now: number): void => {
    if (next.size < maxChannelsKnown) return;
    for (const [channel, at] of next) if (at <= now) next.delete(channel);
  };

  return {
    turn: async (channel, signal) => {
      const now = clock.monotonic();
      forgetPast(now);
      const at = Math.max(now, next.get(channel) ?? 0);
      const tooLong = (): DeliveryError => new DeliveryError("RateLimited", "waits for its turn: Slack takes one message a second in a channel", { retryAfterMs: at - now });
      if (at - now > longestWaitMs) throw tooLong();
      next.set(channel, at + everyMs);
      if (at === now) return;
      try {
        await clock.sleep(at - now, signal);
      } catch {
        throw tooLong();
      }
    },
    pause: (channel, ms) => {
      next.set(channel, Math.max(next.get(channel) ?? 0, clock.monotonic() + ms));
    },
  };
}
