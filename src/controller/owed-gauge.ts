import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Deliverer } from "./deliver.ts";

const everyMs = 5_000;

/** Keeps the gauge of what is owed up to date until the signal aborts. */
export async function keepOwedGauge(deliverer: Pick<Deliverer, "owedCount">, { metrics, clock }: Pick<Telemetry, "metrics" | "clock">, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    metrics.set("deliveries_owed", {}, deliverer.owedCount());
    await clock.sleep(everyMs, signal).catch(() => undefined);
  }
}
