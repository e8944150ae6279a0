import type { TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { DeliveryDestination, DeliveryStatus } from "../../src/api/delivery.ts";
import { faultText } from "../../src/api/fault.ts";
import type { Notification } from "../../src/api/notification.ts";
import type { Provider } from "../../src/api/provider.ts";
import type { RunEvent } from "../../src/api/run-event.ts";
import type { Outcome } from "../../src/controller/attempt.ts";
import { createChildren } from "../../src/controller/children.ts";
import { createDeliverer, type Deliverer } from "../../src/controller/deliver.ts";
import type { Gate } from "../../src/controller/sending.ts";
import { createThrottle } from "../../src/controller/throttle.ts";
import type { Rate } from "../../src/controller/lanes.ts";
import { createJudge } from "../../src/controller/judge.ts";
import type { Pair } from "../../src/controller/ledger.ts";
import type { Route } from "../../src/controller/plan.ts";
import { createPlaces } from "../../src/controller/places.ts";
import { pairOf, makeRoute } from "../../src/controller/routes.ts";
import { createPrevious } from "../../src/controller/previous.ts";
import { createRunStore, type RunStore } from "../../src/controller/run-store.ts";
import { createViews } from "../../src/controller/views.ts";
import { createUnrecorded } from "../../src/controller/unrecorded.ts";
import { createTurns } from "../../src/controller/turns.ts";
import type { TrimmedRun } from "../../src/controller/trim-run.ts";
import type { ListPage } from "../../src/kube/objects.ts";
import type { DeliveryError } from "../../src/providers/delivery-error.ts";
import type { Accepted, Message, Sender } from "../../src/providers/provider.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import { createRedactor } from "../../src/telemetry/redact.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";
import { recordingLogger, type LogLine } from "../kube/reflector-harness.ts";
import { cloudEventsProvider, notification } from "./objects.ts";
import { condition, runUid, sha, trimmed } from "./runs.ts";

/** What the service does with a message: accepts it, or throws. */
export type Service = (message: Message, signal: AbortSignal) => Accepted | Promise<Accepted>;

export interface Write {
  readonly status: string;
  readonly owed: boolean;
  readonly destinations: readonly DeliveryDestination[];
}

export interface Harness {
  readonly clock: ManualClock;
  readonly runs: RunStore;
  readonly deliverer: Deliverer;
  readonly metrics: Metrics;
  readonly log: LogLine[];
  /** The states that the service was asked to take, in order; GitHub's words or the run's status. */
  readonly sent: string[];
  readonly writes: Write[];
  readonly outcomes: Outcome[];
  /** States that were judged: name of the run, its status, whether it is selected, why not or why nothing is sent. */
  readonly judged: (readonly [string, string, boolean, string | undefined])[];
  /** Parts of Notifications that failed, in words. */
  readonly faults: string[];
  readonly steps: string[];
  readonly refused: { readonly error: DeliveryError; readonly sender: Sender }[];
  readonly sender: Sender;
  /** What may be changed while it runs. */
  service: Service;
  gate: Gate;
  /** The Provider's own limit, and the Notification's. */
  rate: Rate | undefined;
  perMinute: number;
  /** Notifications whose messages began to wait. */
  readonly throttled: string[];
  /** Runs that are to be read again, and what is done when they are. */
  readonly readAgain: { readonly uid: string; readonly then: () => void }[];
  /** Thrown by the next writes of the record. */
  failWrites: number;
  /** Whether TaskRuns and CustomRuns are watched; where not, what the API server lists of them. */
  watched: boolean;
  list: (plural: string, labelSelector: string) => Promise<ListPage>;
  notifications: Notification[];
  /** Routes that stand in for those made of the Notifications. */
  readonly routes: Map<string, Route>;
  record: DeliveryStatus | undefined;
  readonly pair: Pair;
  /** The run is in this state now, and every Notification hears of it. */
  readonly change: (run: TrimmedRun) => Promise<void>;
  /** The run is gone, and every Notification hears of it. */
  readonly vanish: (run: TrimmedRun) => Promise<void>;
  /** Lets everything happen that can happen now. */
  readonly quiet: () => Promise<void>;
  readonly advance: (ms: number) => Promise<void>;
  /** Begins nothing new any more. */
  readonly stop: () => void;
  /** Ends it. */
  readonly lastCall: () => Promise<void>;
}

export const deadlineMs = 3_600_000;
export const timeoutMs = 15_000;

const annotations = { "integrations.tekton.ornew.io/github-owner": "example-org", "integrations.tekton.ornew.io/github-repo": "shop-api", "integrations.tekton.ornew.io/github-sha": sha };

/** The run in a state, as the watch would give it. */
export const run = (status: "Unknown" | "True" | "False", reason: string, fields: Partial<TrimmedRun> = {}): TrimmedRun =>
  trimmed({ annotations, condition: condition(status, reason), ...(status !== "Unknown" && { completionTime: "2026-01-01T00:10:00Z" }), ...fields });

export const pending = run("Unknown", "PipelineRunPending");
export const running = run("Unknown", "Running");
export const succeeded = run("True", "Succeeded");
export const failed = run("False", "Failed");

const stateOf = ({ request: { body } }: Message): string => {
  const { state, data } = body as { state?: string; data?: { status: string } };
  return state ?? data?.status ?? "?";
};

/** A deliverer for `ci/to-service` with a service, a record and a clock that the test plays. */
export function start(t: TestContext, options: { readonly provider?: Provider; readonly spec?: Record<string, unknown>; readonly record?: DeliveryStatus } = {}): Harness {
  const clock = manualClock();
  const runs = createRunStore(undefined, () => clock.monotonic());
  const metrics = createMetrics();
  const log: LogLine[] = [];
  const provider = options.provider ?? cloudEventsProvider();
  const signals = { stop: new AbortController(), lastCall: new AbortController() };
  const sender: Sender = {
    send: async (message, signal) => {
      harness.sent.push(stateOf(message));
      return harness.service(message, signal);
    },
    close: () => Promise.resolve(),
  };
  const keyOf = ({ metadata }: Notification): string => `${metadata.namespace}/${metadata.name}`;
  const routeOf = (key: string): Route | undefined => {
    const fixed = harness.routes.get(key);
    if (fixed !== undefined) return fixed;
    const found = harness.notifications.find((candidate) => keyOf(candidate) === key);
    return found === undefined ? undefined : makeRoute(found, provider, 0);
  };
  const write = (event: RunEvent, destinations: readonly DeliveryDestination[], owed: boolean): Promise<void> => {
    if (harness.failWrites > 0) {
      harness.failWrites -= 1;
      return Promise.reject(new Error("no record today"));
    }
    harness.writes.push({ status: event.status, owed, destinations: structuredClone(destinations) });
    return Promise.resolve();
  };
  const places = createPlaces();
  const deliverer = createDeliverer({
    runs,
    views: createViews({ runs, previous: createPrevious(runs), isWatched: () => harness.watched, monotonic: () => clock.monotonic() }),
    children: createChildren({ kube: { list: (resource, { labelSelector = "" }) => harness.list(resource.plural, labelSelector) }, runs, log: recordingLogger(log) }),
    places,
    judge: createJudge({ metrics, places, onJudged: (_, event, { matched, why }) => harness.judged.push([event.name, event.status, matched, why]), onFault: (key, fault) => harness.faults.push(`${key} ${faultText(fault)}`) }),
    turns: createTurns({
      clock,
      onFailure: (_, __, error) => {
        throw error;
      },
    }),
    ledger: { write: (_, event, { destinations, owed }) => write(event, destinations, owed), known: () => undefined, forget: () => undefined },
    telemetry: { clock, metrics, log: recordingLogger(log), redactor: createRedactor() },
    deadlineMs,
    observe: (step, { status }) => {
      harness.steps.push(`${step} ${status}`);
    },
    routeOf,
    unrecorded: createUnrecorded(),
    seriesOf: () => undefined,
    readAgain: (uid, then) => harness.readAgain.push({ uid, then }),
    recordOf: ({ notification: { name } }) => (name === "to-service" ? harness.record : undefined),
    gateOf: () => harness.gate,
    throttle: createThrottle(clock),
    boundsOf: () => ({ provider: "ci/service", rate: harness.rate, perMinute: harness.perMinute }),
    onThrottled: (key) => harness.throttled.push(key),
    onCredentialsRefused: (_, error, of) => harness.refused.push({ error, sender: of }),
    onOutcome: (outcome) => harness.outcomes.push(outcome),
  });
  const quiet = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  };
  const touchAll = (uid: string): Pair[] =>
    harness.notifications.flatMap((of) => {
      const route = routeOf(keyOf(of));
      if (route === undefined) return [];
      const pair = pairOf(route, { uid, namespace: of.metadata.namespace });
      deliverer.touch(keyOf(of), pair);
      return [pair];
    });
  const harness: Harness = {
    clock,
    runs,
    deliverer,
    metrics,
    log,
    sent: [],
    writes: [],
    outcomes: [],
    judged: [],
    faults: [],
    steps: [],
    refused: [],
    sender,
    service: () => ({}),
    gate: { ready: true, sender, timeoutMs },
    rate: undefined,
    perMinute: 600,
    throttled: [],
    readAgain: [],
    failWrites: 0,
    watched: true,
    list: () => Promise.reject(new Error("nothing is to be listed")),
    notifications: [notification(options.spec ?? {})],
    routes: new Map(),
    record: options.record,
    pair: { notification: { namespace: "ci", name: "to-service", uid: "n-1" }, runUid, runNamespace: "ci" },
    change: (now) => {
      runs.upsert(now);
      touchAll(now.uid);
      return quiet();
    },
    vanish: (last) => {
      runs.vanish(last, "seen");
      deliverer.runVanished(last.uid, touchAll(last.uid));
      return quiet();
    },
    quiet,
    advance: (ms) => {
      clock.advance(ms);
      return quiet();
    },
    stop: () => {
      signals.stop.abort();
    },
    lastCall: async () => {
      signals.stop.abort();
      signals.lastCall.abort(new Error("the process ends"));
      await ended;
    },
  };
  const ended = deliverer.run(signals.stop.signal, signals.lastCall.signal);
  t.after(() => harness.lastCall());
  return harness;
}

/** A service that never answers: only the signal ends it. */
export const hang: Service = (_, signal) =>
  new Promise((__, reject) => {
    signal.addEventListener("abort", () => {
      reject(signal.reason as Error);
    });
  });

/** A promise that a test settles. */
export function deferred<Value>(): { readonly promise: Promise<Value>; readonly resolve: (value: Value) => void; readonly reject: (error: Error) => void } {
  return Promise.withResolvers<Value>();
}
