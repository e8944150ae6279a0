import { setImmediate as nextTurn } from "node:timers/promises";
import type { Judge } from "../../src/controller/judge.ts";
import type { Pair } from "../../src/controller/ledger.ts";
import { createOffers, type Offers, type OffersOptions } from "../../src/controller/offers.ts";
import { createRoutes, type Routes } from "../../src/controller/route-index.ts";
import { makeRoute } from "../../src/controller/routes.ts";
import { createPrevious } from "../../src/controller/previous.ts";
import { createRunStore, type RunStore } from "../../src/controller/run-store.ts";
import { createViews } from "../../src/controller/views.ts";
import { createTurns, type Turns } from "../../src/controller/turns.ts";
import type { TrimmedRun } from "../../src/controller/trim-run.ts";
import { recordingLogger, type LogLine } from "../kube/reflector-harness.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";
import { cloudEventsProvider, notification } from "./objects.ts";
import { condition, trimmed } from "./runs.ts";

export interface Setting {
  readonly clock: ManualClock;
  readonly runs: RunStore;
  readonly routes: Routes;
  readonly turns: Turns;
  readonly offers: Offers;
  /** `Notification run`, in the order in which filters were asked. */
  readonly asked: string[];
  /** `Notification run` of the pairs that are to be looked at, `!` where the filter was asked before. */
  readonly touched: string[];
  readonly log: LogLine[];
  /** What the deliverer was told of vanished runs. */
  readonly kept: string[];
  readonly records: Map<string, Pair[]>;
  readonly known: Map<string, Pair[]>;
  /** How long a filter takes, in milliseconds, and whom it selects. */
  evaluationMs: (key: string) => number;
  selects: Judge["selects"];
  readonly put: (key: string, spec?: Parameters<typeof notification>[0], activeSince?: number) => Pair["notification"];
  readonly change: (run: TrimmedRun) => void;
  readonly quiet: () => Promise<void>;
}

export function setting(): Setting {
  const clock = manualClock();
  const runs = createRunStore(undefined, () => clock.monotonic());
  const routes = createRoutes();
  const log: LogLine[] = [];
  const turns = createTurns({
    clock,
    onFailure: (_, __, error) => {
      throw error;
    },
  });
  const judge: Judge = {
    selects: (key, route, view) => {
      self.asked.push(`${key} ${view.event.name}`);
      clock.advance(self.evaluationMs(key));
      return self.selects(key, route, view);
    },
    owed: () => undefined,
  };
  const deliverer: OffersOptions["deliverer"] = {
    touch: (key, { runUid }, known = {}) => self.touched.push(`${key} ${runs.view(runUid)?.event.name ?? runUid}${known.selected === undefined ? "" : "!"}`),
    ofRun: (uid) => (self.known.get(uid) ?? []).map((pair) => ({ pair, notificationKey: `${pair.notification.namespace}/${pair.notification.name}` })),
    runVanished: (uid, pairs, holders = []) => self.kept.push(`keep ${uid} for ${[...pairs.map(({ notification: { name } }) => name), ...holders].join(" ")}`),
    letGo: (uid, holder) => self.kept.push(`let ${uid} go from ${holder}`),
  };
  const self: Setting = {
    clock,
    runs,
    routes,
    turns,
    offers: createOffers({ clock, log: recordingLogger(log), runs, views: createViews({ runs, previous: createPrevious(runs), isWatched: () => true, monotonic: () => clock.monotonic() }), routes, judge, turns, deliverer, recordsOf: (uid) => self.records.get(uid) ?? [], readAgain: (uid, then) => {
      self.kept.push(`read ${uid} again`);
      runs.upsert(run("ci", uid, failed));
      then();
    } }),
    asked: [],
    touched: [],
    log,
    kept: [],
    records: new Map(),
    known: new Map(),
    evaluationMs: () => 0,
    selects: (_, route, view) => route.matcher.match(view.event).matched,
    put: (key, spec = {}, activeSince = 0) => {
      const [namespace = "", name = ""] = key.split("/");
      const metadata = { namespace, name, uid: `uid-${key}` };
      const { metadata: of, spec: settings } = cloudEventsProvider();
      routes.set(key, makeRoute(notification(spec, metadata), { metadata: of, spec: { ...settings, runNamespaces: { any: true } } }, activeSince));
      return metadata;
    },
    change: (run) => {
      runs.upsert(run);
      self.offers.runChanged(run.uid);
    },
    quiet: async () => {
      while (turns.length() > 0) await nextTurn();
    },
  };
  return self;
}

export const run = (namespace: string, name: string, fields: Partial<TrimmedRun> = {}): TrimmedRun => trimmed({ namespace, name, uid: name, ...fields });
export const running = { condition: condition("Unknown", "Running") };
export const failed = { condition: condition("False", "Failed"), completionTime: "2026-01-01T00:10:00Z" };
