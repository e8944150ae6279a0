import { randomBytes } from "node:crypto";
import { runElection } from "../kube/election.ts";
import type { Term } from "../kube/term.ts";
import type { ReadinessCheck } from "../telemetry/health.ts";
import { createCaches, type CacheHandlers, type Caches } from "./caches.ts";
import { abortWithAny, together } from "./ending.ts";
import type { ControllerOptions } from "./controller-options.ts";
import { createLead } from "./lead.ts";
import { notificationKeyOf, pairOfRecord } from "./ledger.ts";
import { createPrevious, withPrevious } from "./previous.ts";
import { createRunStore } from "./run-store.ts";
import { makeRoute } from "./routes.ts";
import { createSettlement } from "./settlement.ts";
import { createWatchHealth } from "./watch-health.ts";
import { createStandby, type Standby } from "./standby.ts";
import type { TrimmedRun } from "./trim-run.ts";
import { createUnrecorded } from "./unrecorded.ts";
import { createWholeRuns } from "./whole-runs.ts";

export interface Controller {
  readonly check: ReadinessCheck;
  /** Runs until the signal aborts, and ends what it has begun. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** Name of the Lease that the controllers of one installation share. */
export const leaseName = "tekton-integrations-controller";

/** The controller: watches runs, Notifications, Providers and Deliveries, and sends what is owed while it leads. */
export function createController(options: ControllerOptions): Controller {
  let missing = (): string | undefined => "the first lists are not complete";
  return {
    check: { name: "controller", missing: () => missing() },
    run: (signal) =>
      runController(options, signal, (trouble) => {
        missing = trouble;
      }),
  };
}

/** So many runs are listed before those that are over are made small. */
const listedAtOnce = 1_000;

async function runController(options: ControllerOptions, signal: AbortSignal, onCaughtUp: (trouble: () => string | undefined) => void): Promise<void> {
  const { kube, telemetry } = options;
  const { clock, log, metrics } = telemetry;
  const store = createRunStore(options.urlTemplate, () => clock.monotonic());
  const previous = createPrevious(store);
  const runs = withPrevious(store, previous);
  const unrecorded = createUnrecorded();
  let current: Term | undefined;
  const outbound = options.outbound(() => current?.holds() === true);
  let handlers: CacheHandlers | undefined;
  const over = new AbortController();
  const watching = abortWithAny(signal, over.signal);
  let listed = 0;
  const takeListed = (run: TrimmedRun): void => {
    runs.upsert(run);
    listed += 1;
    if (listed % listedAtOnce === 0) settlement.sweep(true);
  };
  const caches: Caches = createCaches({ kube, telemetry, namespaces: options.watchNamespaces, ownNamespace: options.namespace }, {
    onNotification: (key) => {
      whole.changed();
      handlers?.onNotification(key);
    },
    onProvider: (key) => {
      whole.changed();
      handlers?.onProvider(key);
    },
    keepsWhole: (namespace) => whole.wanted(namespace),
    onDelivery: (key, exists, record) => handlers?.onDelivery(key, exists, record),
    beforeRuns: () => {
      // Of runs that are over little is kept: what series need of them is taken as they come.
      for (const notification of caches.notifications()) {
        const { namespace, name } = notification.metadata;
        const provider = caches.providerFor(notification);
        previous.follow(`${namespace}/${name}`, makeRoute(notification, provider, 0, caches.reachOf(notification, provider)));
      }
      for (const record of caches.records()) {
        const pair = pairOfRecord(record);
        const { series } = record.status ?? {};
        if (series !== undefined && caches.record(pair) === record) previous.restore(notificationKeyOf(pair), record.spec.runRef, series);
      }
    },
    onRunListed: takeListed,
    onRun: (run) => {
      if (handlers === undefined) takeListed(run);
      else handlers.onRun(run);
    },
    onFollowed: (keys) => handlers?.onFollowed(keys),
    onLeft: (kind) => {
      const forgotten = runs.forget(kind);
      log.info("runs are watched no longer: nobody needs them", { kind, runs: forgotten.length });
      handlers?.onForgotten(forgotten);
    },
    onRunMissed: (uid) => {
      const run = runs.run(uid);
      if (run === undefined) runs.release(uid);
      else if (handlers === undefined) runs.vanish(run, "missed");
      else handlers.onRunGone(run, "missed");
    },
    onRunGone: (run, how) => {
      if (handlers === undefined) runs.vanish(run, how);
      else handlers.onRunGone(run, how);
    },
  }, watching.signal);
  const whole = createWholeRuns(caches);
  const health = createWatchHealth({ watches: caches.watches, clock, metrics });
  const settlement = createSettlement({ caches, runs, clock, deadlineMs: options.deadlineMs });
  /** Set once the lists are complete; a run that vanished before is kept as well. */
  let standby: Standby | undefined;
  const standBy = (): void => {
    standby = createStandby({ telemetry, caches, runs, previous });
    handlers = standby.handlers;
  };

  const lead = async (term: Term, stop: AbortSignal): Promise<void> => {
    current = term;
    const led = createLead({ ...options, outbound, caches, runs, previous, unrecorded }, term);
    standby?.stop();
    handlers = led.handlers;
    const besides = async (ending: AbortSignal): Promise<void> => {
      const { signal: over, dispose } = abortWithAny(ending, term.lost);
      await options.whileLeading(over).finally(dispose);
    };
    try {
      await together(stop, led.run, besides);
    } finally {
      current = undefined;
      standBy();
    }
  };

  const election = {
    kube, clock, log,
    namespace: options.namespace,
    name: leaseName,
    // Another one after each start: a controller that comes back must not take the Lease before one that saw what happened meanwhile.
    identity: `${options.instance}_${randomBytes(4).toString("hex")}`,
    leaseDurationMs: options.leaseDurationMs,
    onChange: (leads: boolean) => {
      metrics.set("leader", {}, leads ? 1 : 0);
    },
  };

  try {
    await caches.caughtUp(signal);
    settlement.sweep(true);
    standBy();
    onCaughtUp(health.trouble);
    log.info("caught up", caches.sizes());
    await together(signal, (stop) => runElection(election, (term) => lead(term, stop), stop), settlement.run, health.run);
  } finally {
    standby?.stop();
    over.abort();
    await caches.done;
    watching.dispose();
    await outbound.close();
  }
}
