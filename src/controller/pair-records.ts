import type { DeliverySeries } from "../api/delivery.ts";
import type { RunEvent } from "../api/run-event.ts";
import { backoffDelay } from "../kube/backoff.ts";
import type { Requeue } from "../kube/work-queue.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Ledger } from "./ledger.ts";
import { stateOf, type PairState } from "./pairs.ts";
import { aboutOf, type StepObserver } from "./steps.ts";

export interface PairRecordsOptions {
  readonly ledger: Ledger;
  /** What the record says of the run for runs after it; see `Previous.entry`. */
  readonly seriesOf: (state: PairState) => DeliverySeries | undefined;
  readonly telemetry: Telemetry;
  readonly observe: StepObserver;
}

/** Keeps the record of a pair in step with what happened. None of them fails: a write that did is to be tried again. */
export interface PairRecords {
  /** Writes what happened, and with `owed` what is still to be sent. Resolves with when to try again, where that failed. */
  readonly write: (state: PairState, event: RunEvent, owed: boolean, signal: AbortSignal) => Promise<Requeue | undefined>;
  /** Puts on record what is owed, so that neither a restart nor a pruner can lose it. Once for each state. */
  readonly writeOwed: (state: PairState, event: RunEvent, signal: AbortSignal) => Promise<Requeue | undefined>;
  /**
   * Puts a state on record as owed when it takes long to deliver. What it gives ends that, and waits for a write that has begun.
   * @param current the state that is owed still; undefined: another one is, which has not been judged
   */
  readonly whenSlow: (state: PairState, current: () => RunEvent | undefined, signal: AbortSignal) => () => Promise<void>;
}

const writeBackoff = { baseMs: 500, capMs: 30_000 };

/** A state that is not accepted after so long is put on record as owed, even while its first attempt is under way. */
const slowMs = 5_000;

export function createPairRecords({ ledger, seriesOf, telemetry, observe }: PairRecordsOptions): PairRecords {
  const { clock, log, metrics } = telemetry;

  const write: PairRecords["write"] = async (state, event, owed, signal) => {
    state.dirty = true;
    state.written = true;
    const about = aboutOf(state, event);
    await observe("before-record", about);
    try {
      await ledger.write(state.pair, event, { destinations: [...state.destinations.values()], owed, redelivered: state.redelivered, series: seriesOf(state) }, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      metrics.add("record_writes_total", { result: "failed" });
      log.warn("a Delivery could not be written; trying again", { notification: state.notificationKey, error });
      return { afterMs: backoffDelay(state.writeFailures++, writeBackoff) };
    }
    metrics.add("record_writes_total", { result: "ok" });
    state.dirty = false;
    state.writeFailures = 0;
    state.owedOnRecord = owed ? stateOf(event) : undefined;
    await observe("recorded", about);
    return undefined;
  };

  const writeOwed: PairRecords["writeOwed"] = async (state, event, signal) => (state.owedOnRecord === stateOf(event) ? undefined : write(state, event, true, signal));

  return {
    write,
    writeOwed,
    whenSlow: (state, current, signal) => {
      const timer = new AbortController();
      const elapsed = clock.sleep(slowMs, timer.signal).then(
        () => true,
        () => false,
      );
      const writing = elapsed.then(async (slow) => {
        const event = slow ? current() : undefined;
        if (event !== undefined) await writeOwed(state, event, signal);
      });
      return async () => {
        timer.abort();
        await writing;
      };
    },
  };
}
