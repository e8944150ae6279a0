import { startDeadline } from "./deadline.ts";
import { newLease, readLease, writeLease, type LeaseRecord } from "./lease.ts";
import { holdLease, type ElectionOptions, type Term } from "./term.ts";

/** A process that is to end waits no longer to learn whether it has the Lease. */
const takeWithinMs = 2_000;

/** How often one who waits looks at the Lease; oftener where leases are short. */
const lookEveryMs = 1_000;

/** What one who waits has seen of the Lease, and since when it has not changed, by its own clock. */
interface Observation {
  readonly content: string;
  readonly at: number;
}

/**
 * Runs `lead` while this process holds the Lease, again and again, until the signal aborts; `lead` is then waited for, and the
 * Lease is let go. No two processes' clocks are compared: whoever waits counts from the last change that it saw itself.
 * Rejects with what `lead` throws.
 */
export async function runElection(options: ElectionOptions, lead: (term: Term) => Promise<void>, signal: AbortSignal): Promise<void> {
  const { clock, log, name: lease, identity } = options;
  let seen: Observation | undefined;
  const stopped = (): boolean => signal.aborted;
  while (!stopped()) {
    const beganAt = clock.monotonic();
    const look = await lookAtLease(options, seen, signal).catch((error: unknown) => {
      if (!signal.aborted) log.warn("the Lease could not be read or taken; trying again", { lease, error });
      return { held: undefined, seen };
    });
    seen = look.seen;
    if (look.held !== undefined) {
      seen = undefined;
      log.info("leading", { lease, identity });
      options.onChange(true);
      try {
        await holdLease(options, { lease: look.held, since: beganAt }, stopped() ? () => Promise.resolve() : lead);
      } finally {
        options.onChange(false);
        log.info("no longer leading", { lease, identity });
      }
    }
    await clock.sleep(Math.min(lookEveryMs, options.leaseDurationMs / 5), signal).catch(() => undefined);
  }
}

/** One look at the Lease; takes it when nobody holds it, or nobody has renewed it for its whole duration. */
async function lookAtLease(options: ElectionOptions, before: Observation | undefined, signal: AbortSignal): Promise<{ held: LeaseRecord | undefined; seen: Observation | undefined }> {
  const { kube, clock, identity } = options;
  const current = await readLease(kube, options, signal);
  // Not cut off by the signal: nobody would know whether the Lease was taken, and it would be held by a process that is gone.
  const take = async (): Promise<LeaseRecord> => {
    const deadline = startDeadline(takeWithinMs, () => new Error("the API server did not answer in time"), clock, new AbortController().signal);
    try {
      return await writeLease(kube, newLease({ ...options, durationMs: options.leaseDurationMs, now: clock.now() }, current), deadline.signal);
    } finally {
      deadline.dispose();
    }
  };
  if (current === undefined) return { held: await take(), seen: undefined };
  const content = JSON.stringify(current.spec);
  const now = clock.monotonic();
  const seen = before?.content === content ? before : { content, at: now };
  const free = current.holder === "" || current.holder === identity || now - seen.at >= current.durationMs;
  return { held: free ? await take() : undefined, seen };
}
