import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NamespaceSelector } from "../../src/api/selectors.ts";
import { runKinds, runStatuses } from "../../src/api/run-event.ts";
import { createRoutes, type Routes } from "../../src/controller/route-index.ts";
import { reachOf } from "../../src/controller/reach.ts";
import { inUse, makeRoute, mayConcern, pairOf, providerKeyOf, remakeRoute } from "../../src/controller/routes.ts";
import { cloudEventsProvider, notification } from "./objects.ts";
import { condition, runEvent, trimmed } from "./runs.ts";

type Spec = Parameters<typeof notification>[0];

const route = (spec: Spec = {}, metadata: Parameters<typeof notification>[1] = {}, activeSince = Date.UTC(2026, 0, 1)) => makeRoute(notification(spec, metadata), cloudEventsProvider(), activeSince);

/** Puts a Notification `<namespace>/<name>` into the index. */
function put(routes: Routes, key: string, spec: Spec = {}): void {
  const [namespace = "", name = ""] = key.split("/");
  routes.set(key, route(spec, { namespace, name, uid: key }));
}

const candidates = (routes: Routes, state: Parameters<Routes["candidates"]>[1]): string[] =>
  [...routes.holders(state.namespace)].flatMap((holder) => [...routes.candidates(holder, state)].map(([key]) => key)).sort();

describe("the index of Notifications", () => {
  const failedRun = { namespace: "ci", kind: "PipelineRun", status: "Failed" } as const;

  it("finds those whose kinds and statuses a state is among, in the run's namespace", () => {
    const routes = createRoutes();
    put(routes, "ci/all");
    put(routes, "ci/failed", { filter: { statuses: ["Failed"] } });
    put(routes, "ci/succeeded", { filter: { statuses: ["Succeeded"] } });
    put(routes, "ci/tasks", { filter: { kinds: ["TaskRun"] } });
    put(routes, "prod/all");
    assert.deepEqual(candidates(routes, failedRun), ["ci/all", "ci/failed"]);
    assert.deepEqual(candidates(routes, { ...failedRun, status: "Running" }), ["ci/all"]);
    assert.deepEqual(candidates(routes, { ...failedRun, kind: "TaskRun" }), ["ci/tasks"]);
    assert.deepEqual(candidates(routes, { ...failedRun, namespace: "prod" }), ["prod/all"]);
    assert.deepEqual(candidates(routes, { ...failedRun, namespace: "none" }), []);
  });

  it("finds with 2,000 Notifications in 50 namespaces exactly those that can match, for every state", () => {
    const routes = createRoutes();
    const all = Array.from({ length: 2_000 }, (_, index) => {
      const namespace = `team-${index % 50}`;
      const kinds = runKinds.filter((_kind, bit) => ((index % 7) + 1) & (1 << bit));
      const statuses = runStatuses.filter((_status, bit) => ((index % 63) + 1) & (1 << bit));
      return { key: `${namespace}/n-${index}`, namespace, kinds, statuses };
    });
    for (const { key, kinds, statuses } of all) put(routes, key, { filter: { kinds, statuses } });
    const touched: number[] = [];
    for (const namespace of ["team-0", "team-49"]) {
      for (const kind of runKinds) {
        for (const status of runStatuses) {
          const found = candidates(routes, { namespace, kind, status });
          assert.deepEqual(found, all.filter((each) => each.namespace === namespace && each.kinds.includes(kind) && each.statuses.includes(status)).map(({ key }) => key).sort());
          touched.push(found.length);
        }
      }
    }
    assert.ok(touched.every((count) => count > 0 && count < 40), `of the 40 of a namespace: ${touched.join(" ")}`);
  });

  it("has a place for those that reach other namespaces, and for those that reach any", () => {
    const routes = createRoutes();
    const wide = (key: string, namespaceSelector: NamespaceSelector, names?: readonly string[]): void => {
      const of = notification({ filter: { namespaceSelector } }, { namespace: "ops", name: key });
      const served = names === undefined ? undefined : new Set(names);
      routes.set(`ops/${key}`, makeRoute(of, cloudEventsProvider(), 0, { selected: served, served, digest: key }));
    };
    put(routes, "ci/own");
    wide("named", { matchNames: ["ci", "prod"] }, ["ci", "prod"]);
    wide("any", { any: true });
    wide("labels", { matchLabels: { a: "b" } }, ["ops"]);
    assert.deepEqual(candidates(routes, failedRun), ["ci/own", "ops/any", "ops/named"]);
    assert.deepEqual(candidates(routes, { ...failedRun, namespace: "ops" }), ["ops/any", "ops/labels"]);
    assert.deepEqual([...routes.holders("ci")].sort(), ["ci", "ops"]);
    routes.delete("ops/any");
    wide("labels", { matchLabels: { a: "b" } }, ["none"]);
    assert.deepEqual([[...routes.holders("ci")].sort(), [...routes.holders("none")], [...routes.holders("ops")]], [["ci", "ops"], ["ops"], []]);
  });

  it("follows a Notification to where its new spec belongs", () => {
    const routes = createRoutes();
    put(routes, "ci/a", { filter: { statuses: ["Failed"] } });
    put(routes, "ci/a", { filter: { statuses: ["Succeeded"] }, providerRef: { name: "other" } });
    assert.deepEqual([candidates(routes, failedRun), candidates(routes, { ...failedRun, status: "Succeeded" })], [[], ["ci/a"]]);
    assert.deepEqual([[...routes.through("ci/service")], [...routes.through("ci/other")]], [[], ["ci/a"]]);
  });

  it("passes over those that are suspended, and forgets those that are deleted", () => {
    const routes = createRoutes();
    put(routes, "ci/a");
    put(routes, "ci/b", { suspend: true });
    assert.deepEqual(candidates(routes, failedRun), ["ci/a"]);
    assert.deepEqual([...routes.through("ci/service")], ["ci/a", "ci/b"], "they depend on their Provider all the same");
    routes.delete("ci/a");
    routes.delete("ci/b");
    routes.delete("ci/never-there");
    assert.deepEqual([candidates(routes, failedRun), [...routes.holders("ci")], routes.get("ci/a"), [...routes.through("ci/service")]], [[], [], undefined, []]);
  });

  it("may be changed while somebody goes through it", () => {
    const routes = createRoutes();
    for (const name of ["a", "b", "c"]) put(routes, `ci/${name}`);
    const seen: string[] = [];
    for (const [key] of routes.candidates("ci", failedRun)) {
      seen.push(key);
      if (key === "ci/a") {
        routes.delete("ci/b");
        put(routes, "ci/d");
      }
    }
    assert.deepEqual(seen, ["ci/a", "ci/c", "ci/d"]);
  });
});

describe("routes", () => {
  it("name their Provider, whose namespace is their own when it is left out", () => {
    assert.deepEqual([providerKeyOf(notification()), providerKeyOf(notification({ providerRef: { name: "p", namespace: "shared" } }))], ["ci/service", "shared/p"]);
    assert.deepEqual(pairOf(route(), { uid: "r", namespace: "ci" }), { notification: { namespace: "ci", name: "to-service", uid: "n-1" }, runUid: "r", runNamespace: "ci" });
  });

  it("rule no status out while there is no Provider", () => {
    const unresolved = makeRoute(notification(), undefined, 0);
    assert.deepEqual([unresolved.destination, unresolved.matcher.match(runEvent())], [undefined, { matched: true }]);
  });

  it("are not made of what is being deleted", () => {
    const going = notification({}, { deletionTimestamp: "2026-01-01T00:00:00Z" });
    assert.deepEqual([inUse(going), inUse(notification())?.metadata.name, inUse(undefined)], [undefined, "to-service", undefined]);
  });

  it("are made anew only where a spec, an object or the time from which on runs count has changed", () => {
    const before = makeRoute(notification(), cloudEventsProvider(), 0);
    const remade = (of = notification(), through: ReturnType<typeof cloudEventsProvider> | undefined = cloudEventsProvider(), since = 0): boolean => remakeRoute(before, of, through, since, reachOf(of, through)) !== before;
    assert.deepEqual([remade(), remade({ ...notification(), status: { delivered: 3 } })], [false, false]);
    assert.deepEqual(
      [remade(notification({}, { generation: 2 })), remade(notification({}, { uid: "n-2" })), remade(notification(), cloudEventsProvider({}, { generation: 2 })), remade(notification(), cloudEventsProvider(), 1), remakeRoute(before, notification(), undefined, 0, reachOf(notification(), undefined)) !== before],
      [true, true, true, true, true],
    );
  });

  it("are not concerned with runs that they cannot match by kind, status or time", () => {
    const old = trimmed({ condition: condition("True"), completionTime: "2025-12-31T23:59:59Z" });
    const table = [
      [{}, trimmed({ kind: "TaskRun" }), false],
      [{}, trimmed(), true],
      [{ suspend: true }, trimmed(), false],
      [{}, old, false],
      [{}, { ...old, completionTime: "2026-01-01T00:00:00Z" }, true],
      [{}, trimmed({ condition: condition("True") }), true],
      [{ filter: { statuses: ["Failed"] } }, trimmed({ condition: condition("True") }), false],
      [{ filter: { statuses: ["Failed"] } }, trimmed(), false],
      [{ filter: { statuses: ["Cancelled"] } }, trimmed(), true],
    ] as const;
    assert.deepEqual(table.map(([spec, run]) => mayConcern(route(spec as Spec), run)), table.map(([, , expected]) => expected));
  });
});
