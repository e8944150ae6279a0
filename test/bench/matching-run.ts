import type { Notification, NotificationFilter } from "../../src/api/notification.ts";
import { runKinds, type RunEvent, type RunStatus } from "../../src/api/run-event.ts";
import { createPlaces } from "../../src/controller/places.ts";
import { createJudge, type Judge } from "../../src/controller/judge.ts";
import { createOffers } from "../../src/controller/offers.ts";
import type { Route } from "../../src/controller/plan.ts";
import { createRoutes } from "../../src/controller/route-index.ts";
import { makeRoute } from "../../src/controller/routes.ts";
import { createPrevious } from "../../src/controller/previous.ts";
import { createRunStore } from "../../src/controller/run-store.ts";
import type { TrimmedRun } from "../../src/controller/trim-run.ts";
import type { Turns } from "../../src/controller/turns.ts";
import { systemClock } from "../../src/telemetry/clock.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { cloudEventsProvider, notification } from "../controller/objects.ts";
import { recorded } from "../controller/runs.ts";
import { createViews } from "../../src/controller/views.ts";

export interface MatchingOptions {
  readonly notifications: number;
  /** Namespaces that Notifications and runs are spread over. */
  readonly namespaces: number;
  /** How often the recorded runs are played, each time as other runs. */
  readonly rounds: number;
}

/** Of one event: what it took, in microseconds, and how many Notifications were asked and matched. */
export interface MatchedEvent {
  readonly micros: number;
  /** The same by asking every Notification, without an index. */
  readonly naiveMicros: number;
  readonly asked: number;
  readonly matched: number;
  /** Whether both ways found the same Notifications. */
  readonly equal: boolean;
}

const failures: RunStatus[] = ["Failed", "TimedOut"];
const ends: RunStatus[] = [...failures, "Succeeded", "Cancelled"];
/** Absent: all, as CloudEvents has it. */
const statusChoices: readonly (RunStatus[] | undefined)[] = [failures, failures, failures, failures, ends, ends, ["Failed"], ["Succeeded"], undefined, undefined];

/** Expressions as users write them, each with a value of its own; mostly cheap ones. */
const expressions: readonly ((index: number) => string)[] = [
  (index) => `commit.branch == "release-${index}"`,
  (index) => `pipeline == "pipeline-${index}" || name.startsWith("build-${index}")`,
  (index) => `terminal && duration > duration("${index % 600}s")`,
  (index) => `labels["app.example.com/service"] == "service-${index}"`,
  (index) => `has(previous.status) && previous.status != status && pipeline != "pipeline-${index}"`,
  (index) => `tasks.exists(t, t.status == "Failed" && t.name != "task-${index}")`,
  (index) => `name.matches("^[a-z]+-${index}-[a-z0-9]{5}$")`,
  (index) => `status == "Failed" && reason != "Reason${index}"`,
];

/** The filter of the Notification with this number: the same mix in every namespace, at every size. */
function filterOf(index: number, pipelines: readonly string[]): NotificationFilter {
  const mixed = Math.imul(index + 1, 0x9e3779b1) >>> 0;
  const part = (shift: number): number => (mixed >>> shift) % 10;
  const statuses = statusChoices[part(2)];
  const kinds = part(6);
  const labels = part(10);
  return {
    ...(kinds >= 7 && { kinds: kinds === 9 ? [...runKinds] : ["TaskRun"] }),
    ...(statuses !== undefined && { statuses }),
    ...(labels < 3 && { labelSelector: { matchLabels: { "tekton.dev/pipeline": pipelines[index % (2 * pipelines.length)] ?? `pipeline-${index}` } } }),
    ...(labels === 3 && { labelSelector: { matchExpressions: [{ key: "app.example.com/team", operator: "In", values: ["a", "b"] }] } }),
    ...(part(14) === 0 && { results: [{ name: "commit", matches: "^[0-9a-f]{40}$" }] }),
    ...(part(18) < 6 && { expression: expressions[index % expressions.length]?.(index) ?? "true" }),
  };
}

function notificationsOf({ notifications, namespaces }: MatchingOptions, pipelines: readonly string[]): Notification[] {
  return Array.from({ length: notifications }, (_, index) =>
    notification({ filter: filterOf(index, pipelines) }, { namespace: `team-${index % namespaces}`, name: `n-${index}`, uid: `uid-${index}` }),
  );
}

/** The recorded runs' states in order, as other runs in each round; each recording in a namespace of its own, as far as there are so many. */
function statesOf({ namespaces }: MatchingOptions, round: number): TrimmedRun[] {
  const places = new Map<string, number>();
  return recorded().map(({ where, run: { owner, ...run } }): TrimmedRun => {
    const [recording = ""] = where.split(":");
    const place = places.get(recording) ?? places.size;
    places.set(recording, place);
    return {
      ...run,
      ...(owner !== undefined && { owner: { ...owner, uid: `${owner.uid}-${round}` } }),
      uid: `${run.uid}-${round}`,
      namespace: `team-${(place + round) % namespaces}`,
    };
  });
}

/** What the value took to come about, in microseconds. */
function timed<Value>(work: () => Value): { readonly value: Value; readonly micros: number } {
  const start = process.hrtime.bigint();
  const value = work();
  return { value, micros: Number(process.hrtime.bigint() - start) / 1000 };
}

/** Without pauses: what is measured is the work. */
const atOnce: Turns = {
  once: (_, step) => Promise.resolve(step()),
  tour: (_, __, begin) => {
    const tour = begin();
    while (tour.next().done !== true);
  },
  isBusy: () => false,
  length: () => 0,
  stop: () => undefined,
};

/**
 * Plays the recorded runs to Notifications with a mix of filters, through the controller's own way from a changed run to the
 * Notifications that select it: the RunEvent is made, the index asked, every candidate's filter evaluated and counted. After
 * each round its events, which are there now, are matched the naive way.
 */
export function measureMatching(options: MatchingOptions): MatchedEvent[] {
  const rounds = Array.from({ length: options.rounds }, (_, round) => statesOf(options, round));
  const pipelines = [...new Set((rounds[0] ?? []).flatMap(({ labels }) => labels["tekton.dev/pipeline"] ?? []))];
  const routes = createRoutes();
  const all = notificationsOf(options, pipelines).map((each): readonly [string, Route] => [`${each.metadata.namespace}/${each.metadata.name}`, makeRoute(each, cloudEventsProvider(), 0)]);
  for (const [key, route] of all) routes.set(key, route);
  const runs = createRunStore(undefined);
  const judge = createJudge({ metrics: createMetrics(), places: createPlaces(), onJudged: () => undefined, onFault: () => undefined });
  /** The run that changes; its parent is offered too, to those that read its tasks. */
  let current = "";
  let asked = 0;
  let touched: string[] = [];
  const counting: Judge = {
    ...judge,
    selects: (key, route, view) => {
      if (view.event.uid === current) asked += 1;
      return judge.selects(key, route, view);
    },
  };
  const offers = createOffers({
    clock: systemClock,
    log: silentLogger,
    runs,
    // Children are not waited for: every state is judged as it comes.
    views: createViews({ runs, previous: createPrevious(runs), isWatched: () => true, monotonic: () => Infinity }),
    routes,
    judge: counting,
    turns: atOnce,
    deliverer: {
      touch: (key, { runUid }) => {
        if (runUid === current) touched.push(key);
      },
      ofRun: () => [],
      runVanished: () => undefined,
      letGo: () => undefined,
    },
    recordsOf: () => [],
    readAgain: () => undefined,
  });

  const play = (state: TrimmedRun) => {
    runs.upsert(state);
    current = state.uid;
    asked = 0;
    touched = [];
    const { micros } = timed(() => {
      offers.runChanged(state.uid);
    });
    const { event } = runs.view(state.uid) ?? {};
    if (event === undefined) throw new Error("the run is not there");
    return { event, micros, asked, touched };
  };
  const askAll = (event: RunEvent): string[] => all.filter(([, { matcher }]) => matcher.match(event).matched).map(([key]) => key);

  return rounds.flatMap((states) =>
    states.map(play).map(({ event, touched: found, ...counted }): MatchedEvent => {
      const { value: naive, micros: naiveMicros } = timed(() => askAll(event));
      return { micros: counted.micros, naiveMicros, asked: counted.asked, matched: found.length, equal: found.toSorted().join() === naive.toSorted().join() };
    }),
  );
}
