import type { ReflectorHealth } from "../kube/reflector-options.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** A watch that has not been able to go on for so long is told of in the readiness. */
const failingForMs = 120_000;
const sampleEveryMs = 5_000;

/** A watch, as far as its health is looked at. */
export interface Watched {
  /** As metrics name it, such as `pipelineruns.tekton.dev`. */
  readonly resource: string;
  readonly health: () => Pick<ReflectorHealth, "state" | "lastEventAt">;
}

export interface WatchHealthOptions {
  readonly watches: () => Iterable<Watched>;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** How the watches fare, for metrics and readiness. */
export interface WatchHealth {
  readonly sample: () => void;
  /** Which watches have been failing for long, in words; undefined: none. As of the last sample. */
  readonly trouble: () => string | undefined;
  /** Samples every 5 s until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export function createWatchHealth({ watches, clock, metrics }: WatchHealthOptions): WatchHealth {
  /** `Clock.monotonic()` of when a watch was first seen failing. */
  const failingSince = new Map<string, number>();
  let trouble: string | undefined;
  let shown: ReadonlySet<string> = new Set();

  /** Nobody needs them any more. */
  const clear = (gone: Iterable<string>): void => {
    for (const resource of gone) {
      failingSince.delete(resource);
      metrics.clear("watch_failing", { resource });
      metrics.clear("watch_last_event_age_seconds", { resource });
    }
  };

  const sample = (): void => {
    const now = clock.monotonic();
    const before = shown;
    shown = new Set([...watches()].map(({ resource }) => resource));
    clear([...before].filter((resource) => !shown.has(resource)));
    for (const { resource, health } of watches()) {
      const { state, lastEventAt } = health();
      metrics.set("watch_failing", { resource }, state === "failing" ? 1 : 0);
      if (lastEventAt !== undefined) metrics.set("watch_last_event_age_seconds", { resource }, (now - lastEventAt) / 1000);
      if (state !== "failing") failingSince.delete(resource);
      else if (!failingSince.has(resource)) failingSince.set(resource, now);
    }
    const failing = [...failingSince].filter(([, since]) => now - since >= failingForMs).map(([resource]) => resource);
    trouble = failing.length === 0 ? undefined : `watching fails for ${failing.join(", ")}`;
  };

  return {
    sample,
    trouble: () => trouble,
    run: async (signal) => {
      while (!signal.aborted) {
        sample();
        await clock.sleep(sampleEveryMs, signal).catch(() => undefined);
      }
    },
  };
}
