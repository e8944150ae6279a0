import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NotificationStatus } from "../../src/api/notification.ts";
import type { Route } from "../../src/controller/plan.ts";
import { createPrevious, followedRoutes, withPrevious, type Previous } from "../../src/controller/previous.ts";
import { createRoutes, type Routes } from "../../src/controller/route-index.ts";
import { makeRoute } from "../../src/controller/routes.ts";
import { createRunStore, type RunStore } from "../../src/controller/run-store.ts";
import type { TrimmedRun } from "../../src/controller/trim-run.ts";
import { cloudEventsProvider, gitHubProvider, notification } from "./objects.ts";
import { condition, trimmed } from "./runs.ts";

interface Setting {
  readonly runs: RunStore;
  readonly previous: Previous;
  readonly routes: Routes;
  /** Notifications whose series may be others, in order. */
  readonly told: string[];
  readonly put: (spec: Record<string, unknown>, more?: { readonly name?: string; readonly status?: NotificationStatus }) => Route;
  /** What the Notification sees of the run before. */
  readonly before: (route: Route, uid: string) => string | undefined;
}

const reading = { filter: { expression: 'has(previous.status) && previous.status == "Failed"' } };

const { metadata, spec: settings } = cloudEventsProvider();
const provider = { metadata, spec: { ...settings, runNamespaces: { any: true as const } } };

function setting(): Setting {
  const store = createRunStore(undefined);
  const previous = createPrevious(store);
  const runs = withPrevious(store, previous);
  const routes = followedRoutes(createRoutes(), previous);
  const told: string[] = [];
  previous.onChange((key) => told.push(key));
  return {
    runs,
    previous,
    routes,
    told,
    put: (spec, { name = "to-service", status } = {}) => {
      const made = makeRoute({ ...notification(spec, { name, uid: name }), ...(status !== undefined && { status }) }, provider, 0);
      routes.set(`ci/${name}`, made);
      return made;
    },
    before: (route, uid) => {
      const view = runs.view(uid);
      const event = view === undefined ? undefined : previous.fill(route, view).event;
      return event?.previous === undefined ? undefined : `${event.previous.name} ${event.previous.status} ${event.previous.completionTime ?? "-"}`;
    },
  };
}

const at = (minute: number): string => `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`;
const main = { "tekton.dev/pipeline": "shop" };

/** A run of the pipeline `shop`, created in one minute and finished in another. */
const run = (uid: string, from: number, to?: number, fields: Partial<TrimmedRun> = {}): TrimmedRun =>
  trimmed({
    uid,
    name: uid,
    labels: main,
    creationTimestamp: at(from),
    condition: to === undefined ? condition("Unknown", "Running") : condition("False", "Failed"),
    ...(to !== undefined && { completionTime: at(to) }),
    ...fields,
  });

describe("previous", () => {
  it("is the last run of the series that had ended when the run was created, whenever it became known", () => {
    const { runs, put, before } = setting();
    runs.upsert(run("a", 0, 5));
    const route = put(reading);
    runs.upsert(run("c", 10));
    assert.equal(before(route, "c"), `a Failed ${at(5)}`);
    runs.upsert(run("b", 1, 9));
    runs.upsert(run("late", 2, 11));
    assert.equal(before(route, "c"), `b Failed ${at(9)}`);
    runs.upsert(run("c", 10, 12));
    assert.equal(before(route, "c"), `b Failed ${at(9)}`, "never the run itself");
    assert.equal(before(route, "a"), undefined);
  });

  it("stays when the run before is pruned, and does not count a run that was deleted before it ended", () => {
    const { runs, put, before } = setting();
    const route = put(reading);
    runs.upsert(run("a", 0, 5));
    runs.vanish(run("a", 0, 5), "seen");
    runs.release("a");
    runs.vanish(run("deleted", 6), "seen");
    runs.upsert(run("b", 10));
    assert.equal(before(route, "b"), `a Failed ${at(5)}`);
  });

  it("is of the same namespace, kind, pipeline, repository and branch, and of no child", () => {
    const { runs, put, before } = setting();
    const route = put(reading);
    const built = (branch: string) => ({ annotations: { "pipelinesascode.tekton.dev/url-org": "example-org", "pipelinesascode.tekton.dev/url-repository": "shop", "pipelinesascode.tekton.dev/branch": branch } });
    runs.upsert(run("elsewhere", 0, 9, { namespace: "prod", ...built("main") }));
    runs.upsert(run("task", 0, 9, { kind: "TaskRun", ...built("main") }));
    runs.upsert(run("child", 0, 9, { ...built("main"), owner: { kind: "PipelineRun", name: "x", uid: "x" } }));
    runs.upsert(run("other-pipeline", 0, 9, { labels: { "tekton.dev/pipeline": "lint" }, ...built("main") }));
    runs.upsert(run("other-branch", 0, 9, built("release")));
    runs.upsert(run("no-branch", 0, 9));
    runs.upsert(run("next", 10, undefined, built("main")));
    assert.equal(before(route, "next"), undefined);
    runs.upsert(run("same", 0, 4, built("refs/heads/main")));
    assert.equal(before(route, "next"), `same Failed ${at(4)}`);
  });

  it("is known in every namespace that the Notification reaches, also of runs that are gone, and shown of its own alone", () => {
    const { runs, put, previous, before } = setting();
    const wide = put({ filter: { ...reading.filter, namespaceSelector: { any: true } } });
    const named = put({ filter: { ...reading.filter, namespaceSelector: { matchNames: ["prod"] } } }, { name: "named" });
    for (const namespace of ["ci", "prod", "test"]) {
      runs.upsert(run(`first-${namespace}`, 0, 5, { namespace }));
      runs.vanish(run(`first-${namespace}`, 0, 5, { namespace }), "seen");
      runs.release(`first-${namespace}`);
      runs.upsert(run(`next-${namespace}`, 10, undefined, { namespace }));
    }
    assert.deepEqual(["ci", "prod", "test"].map((namespace) => before(wide, `next-${namespace}`)), ["ci", "prod", "test"].map((namespace) => `first-${namespace} Failed ${at(5)}`));
    assert.deepEqual(["ci", "prod"].map((namespace) => before(named, `next-${namespace}`)), [undefined, `first-prod Failed ${at(5)}`]);
    assert.deepEqual([previous.latest("ci/to-service")?.map(({ name }) => name), previous.latest("ci/named")], [["first-ci"], undefined]);
    previous.unfollow("ci/to-service");
    assert.equal(before(wide, "next-test"), undefined);
  });

  it("of another namespace is known after a restart from the records of runs that are gone", () => {
    const spec = { filter: { ...reading.filter, namespaceSelector: { any: true } } };
    const first = setting();
    first.put(spec);
    first.runs.upsert(run("a", 0, 5, { namespace: "prod" }));
    const of = { uid: "a", namespace: "prod", name: "a" };
    const entry = first.previous.entry("ci/to-service", of);
    assert.deepEqual(entry, { key: "PipelineRun shop", status: "Failed", reason: "Failed", endedAt: at(5), completionTime: at(5) });
    assert.deepEqual([first.previous.entry("ci/to-service", { ...of, uid: "none" }), first.previous.entry("ci/other", of)], [undefined, undefined]);
    const second = setting();
    const route = second.put(spec);
    second.previous.restore("ci/to-service", of, entry);
    second.runs.upsert(run("b", 10, undefined, { namespace: "prod" }));
    assert.equal(second.before(route, "b"), `a Failed ${at(5)}`);
  });

  it("of a task of a pipeline is the same task", () => {
    const { runs, put, before } = setting();
    const route = put({ filter: { kinds: ["TaskRun"], ...reading.filter } });
    const task = (name: string) => ({ kind: "TaskRun" as const, owner: { kind: "PipelineRun" as const, name: "x", uid: "x" }, labels: { ...main, "tekton.dev/pipelineTask": name } });
    runs.upsert(run("lint", 0, 4, task("lint")));
    runs.upsert(run("test", 0, 3, task("test")));
    runs.upsert(run("next", 10, undefined, task("test")));
    assert.equal(before(route, "next"), `test Failed ${at(3)}`);
  });

  it("goes by the Notification's own template where it has one; an empty text is no series", () => {
    const { runs, put, before } = setting();
    const route = put({ ...reading, groupBy: '${labels["team"]}' });
    runs.upsert(run("a", 0, 5, { labels: { team: "x" } }));
    runs.upsert(run("b", 0, 6, { labels: { team: "y" } }));
    runs.upsert(run("none", 0, 7, { labels: {} }));
    runs.upsert(run("next", 10, undefined, { labels: { team: "x" } }));
    runs.upsert(run("alone", 10, undefined, { labels: {} }));
    assert.deepEqual([before(route, "next"), before(route, "alone")], [`a Failed ${at(5)}`, undefined]);
  });

  it("is known only where it is read: by the expression or a template, or where runs are grouped", () => {
    const { runs, put, before, previous } = setting();
    runs.upsert(run("a", 0, 5));
    runs.upsert(run("next", 10));
    const reads = (spec: Record<string, unknown>): boolean => before(put(spec), "next") !== undefined;
    assert.deepEqual([{}, { filter: { expression: "terminal" } }, reading, { cloudEvents: { subject: "${previous.name}" } }, { groupBy: "${pipeline}" }].map(reads), [false, false, true, true, true]);
    put({});
    assert.equal(previous.latest("ci/to-service"), undefined);
  });

  it("is the same after a restart, when runs were pruned meanwhile", () => {
    const before = setting();
    before.put(reading);
    for (const done of [run("a", 0, 5), run("c", 6, 8)]) before.runs.upsert(done);
    const series = before.previous.latest("ci/to-service") ?? assert.fail();
    assert.deepEqual(series.map(({ key, name, endedAt }) => [key, name, endedAt]), [["PipelineRun shop", "c", at(8)], ["PipelineRun shop", "a", at(5)]]);

    const after = setting();
    after.runs.upsert(run("b", 5));
    const route = after.put(reading, { status: { series } });
    assert.equal(after.before(route, "b"), `a Failed ${at(5)}`);
    assert.deepEqual(after.previous.latest("ci/to-service"), series);
  });

  it("believes runs that exist before what a status says of them", () => {
    const { runs, put, before } = setting();
    runs.upsert(run("a", 0, 5));
    runs.upsert(run("next", 10));
    const entry = { key: "PipelineRun shop", name: "a", uid: "a", status: "Succeeded", reason: "Succeeded", endedAt: at(5) } as const;
    assert.equal(before(put(reading, { status: { series: [entry] } }), "next"), `a Failed ${at(5)}`);
  });

  it("takes nothing from a status of another way of grouping", () => {
    const { put, previous } = setting();
    put({ groupBy: "${name}" });
    const entry = { key: "PipelineRun shop", name: "a", uid: "a", status: "Succeeded", reason: "Succeeded", endedAt: at(5) } as const;
    put({ groupBy: "${pipeline}" }, { status: { series: [entry] } });
    assert.deepEqual(previous.latest("ci/to-service"), []);
  });

  it("tells whose series changed, and nobody when a finished run is seen again", () => {
    const { runs, put, told, routes, previous } = setting();
    put(reading);
    put({ ...reading, groupBy: "${name}" }, { name: "other" });
    put({}, { name: "none" });
    told.length = 0;
    runs.upsert(run("a", 0));
    runs.upsert(run("a", 0, 5));
    runs.upsert(run("a", 0, 5, { labels: { ...main, "example.com/reviewed": "yes" } }));
    assert.deepEqual(told.toSorted(), ["ci/other", "ci/to-service"]);
    routes.delete("ci/other");
    assert.equal(previous.latest("ci/other"), undefined);
  });
});

describe("a route", () => {
  const needs = (spec: Record<string, unknown>, provider = cloudEventsProvider()) => makeRoute(notification(spec), provider, 0).tasks;

  it("knows whether its filter or its message is made of tasks", () => {
    const byTasks = { filter: { expression: 'tasks.exists(t, t.status == "Failed")' } };
    assert.deepEqual(needs({}), { judging: false, any: true });
    assert.deepEqual(needs({}, gitHubProvider()), { judging: false, any: false });
    assert.deepEqual(needs(byTasks, gitHubProvider()), { judging: true, any: true });
    assert.deepEqual(needs({ githubApp: { context: "${size(tasks)} tasks" } }, gitHubProvider()), { judging: false, any: true });
    assert.deepEqual(makeRoute(notification(), undefined, 0).tasks, { judging: false, any: true });
  });

  it("matches nothing, and says why, when its runs cannot be grouped", () => {
    const { matcher } = makeRoute(notification({ groupBy: "${nope}" }), cloudEventsProvider(), 0);
    assert.match(matcher.problems.join(), /^spec\.groupBy:1:3: .*nope/);
    const { runs } = setting();
    runs.upsert(run("a", 0));
    assert.deepEqual(matcher.match(runs.view("a")?.event ?? assert.fail()), { matched: false, why: "groupBy: is not valid", error: true });
  });
});
