import type { Clock } from "../telemetry/clock.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Kube } from "./kube.ts";
import { startDeadline } from "./deadline.ts";
import { isConflict } from "./kube-error.ts";
import { newLease, readLease, writeLease, type LeaseRecord } from "./lease.ts";

export interface ElectionOptions {
  readonly kube: Kube;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the Lease. */
  readonly namespace: string;
  readonly name: string;
  /** Who this process is; no other may ever have the same. */
  readonly identity: string;
  /** How long others wait, after the last change of the Lease that they saw, before they take it. */
  readonly leaseDurationMs: number;
  /** This process began or ceased to lead. */
  readonly onChange: (leads: boolean) => void;
}

/** The time during which this process leads. */
export interface Term {
  /** Aborts when the lease is lost: everything under way is to be dropped at once. */
  readonly lost: AbortSignal;
  /**
   * Whether a request may still be begun: by the monotonic clock, nobody else can have taken the lease yet. To be asked right
   * before each request, since a process that was frozen learns of it only then.
   */
  readonly holds: () => boolean;
}

/** A leader stops this long after it last began a successful renewal, as a part of the duration: before anybody else can begin. */
const deadlinePart = 2 / 3;
const renewEveryPart = 2 / 15;
const requestPart = 1 / 3;
const releaseMs = 2_000;

export interface Won {
  readonly lease: LeaseRecord;
  /** `Clock.monotonic()` from before the Lease was asked for. */
  readonly since: number;
}

/** Renews the Lease while `lead` runs; lets it go afterwards, unless it was lost. */
export async function holdLease(options: ElectionOptions, won: Won, lead: (term: Term) => Promise<void>): Promise<void> {
  const { clock, leaseDurationMs } = options;
  const lost = new AbortController();
  const over = new AbortController();
  const underWay = (): boolean => !over.signal.aborted && !lost.signal.aborted;
  let held = won.lease;
  let deadline = won.since + leaseDurationMs * deadlinePart;
  const holds = (): boolean => !lost.signal.aborted && clock.monotonic() < deadline;
  const lose = (): void => {
    lost.abort(new Error("the lease was lost"));
  };

  /** Ends the term at the deadline, however long a renewal hangs. */
  const watchDeadline = async (): Promise<void> => {
    while (underWay()) {
      const left = deadline - clock.monotonic();
      if (left <= 0) lose();
      else await clock.sleep(left, over.signal).catch(() => undefined);
    }
  };
  const renew = async (): Promise<void> => {
    while (underWay()) {
      await clock.sleep(leaseDurationMs * renewEveryPart, over.signal).catch(() => undefined);
      if (!underWay() || !holds()) continue;
      const beganAt = clock.monotonic();
      const renewed = await renewOnce(options, held, lost.signal);
      if (renewed === "taken") lose();
      if (typeof renewed !== "object") continue;
      held = renewed;
      deadline = beganAt + leaseDurationMs * deadlinePart;
    }
  };

  const upkeep = Promise.all([renew(), watchDeadline()]);
  try {
    await lead({ lost: lost.signal, holds });
  } finally {
    over.abort();
    await upkeep;
    const ours = holds();
    lose();
    if (ours) await release(options, held);
  }
}

const leaseBy = (options: ElectionOptions, before: LeaseRecord): Parameters<typeof writeLease>[1] =>
  newLease({ ...options, durationMs: options.leaseDurationMs, now: options.clock.now() }, before);

/** Renews the Lease; `taken`: somebody else has it; `failed`: it may be tried again. */
async function renewOnce(options: ElectionOptions, held: LeaseRecord, signal: AbortSignal): Promise<LeaseRecord | "taken" | "failed"> {
  const { kube, clock, log, identity, leaseDurationMs } = options;
  const deadline = startDeadline(leaseDurationMs * requestPart, () => new Error("the API server did not answer in time"), clock, signal);
  try {
    return await writeLease(kube, leaseBy(options, held), deadline.signal);
  } catch (error) {
    if (signal.aborted) return "failed";
    log.warn("the Lease could not be renewed; trying again", { lease: options.name, error });
    if (!isConflict(error)) return "failed";
    // Somebody wrote it, perhaps this process: of a renewal that timed out nobody knows whether it was taken.
    const current = await readLease(kube, options, deadline.signal).catch(() => undefined);
    if (current === undefined) return "failed";
    return current.holder === identity ? await writeLease(kube, leaseBy(options, current), deadline.signal).catch(() => "failed") : "taken";
  } finally {
    deadline.dispose();
  }
}

/** Lets the Lease go, so that nobody has to wait for its end. */
async function release(options: ElectionOptions, held: LeaseRecord): Promise<void> {
  const { kube, clock, log } = options;
  const deadline = startDeadline(releaseMs, () => new Error("the API server did not answer in time"), clock, new AbortController().signal);
  try {
    await writeLease(kube, newLease({ ...options, identity: "", durationMs: 1_000, now: clock.now() }, held), deadline.signal);
  } catch (error) {
    log.warn("the Lease could not be let go; others wait for its end", { lease: options.name, error });
  } finally {
    deadline.dispose();
  }
}
