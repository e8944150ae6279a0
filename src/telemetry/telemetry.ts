import type { Clock } from "./clock.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Redactor } from "./redact.ts";

/** What every long-running part is given to be seen by. */
export interface Telemetry {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly redactor: Redactor;
  readonly clock: Clock;
}
