import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { connect } from "../../src/kube/client.ts";
import { reflectNamespaces } from "../../src/kube/reflect-namespaces.ts";
import { pipelineRuns } from "../../src/kube/resources.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { manualClock } from "../support/manual-clock.ts";
import { isWatch, json, type Reply, run, startScriptedApiServer, status } from "../support/scripted-api-server.ts";
import { eventually } from "../support/wait.ts";

/** A run `a` in each namespace; what is said of one namespace is said otherwise. */
const lists = (others: Readonly<Record<string, Reply>> = {}): Reply => (response, seen) => {
  const namespace = seen.path.split("/").at(-2) ?? "";
  const item = run({ name: "a", version: 3 });
  const found = json({ kind: "PipelineRunList", metadata: { resourceVersion: "10" }, items: [{ ...item, metadata: { ...(item["metadata"] as object), namespace } }] });
  (others[namespace] ?? found)(response, seen);
};

async function setting(t: TestContext, namespaces: readonly string[], replies: readonly Reply[]) {
  const server = await startScriptedApiServer();
  server.lists.push(...replies);
  const clock = manualClock();
  const kube = await connect({ kubeconfig: server.kubeconfig, clock });
  const stop = new AbortController();
  const told: string[] = [];
  const handlers = { onUpsert: (key: string) => told.push(key) };
  const reflector = reflectNamespaces({ kube, resource: pipelineRuns, transform: (object) => object.metadata.namespace, handlers, log: silentLogger, clock, random: () => 0.5, settings: { initialState: "pages" } }, namespaces, stop.signal);
  t.after(async () => {
    stop.abort(new Error("the test is over"));
    await reflector.done;
    await kube.close();
    await server.close();
  });
  return { server, clock, reflector, told };
}

describe("a kind in some namespaces", () => {
  it("is listed and watched in each of these, and nowhere else", async (t) => {
    const { server, reflector, told } = await setting(t, ["ci", "prod"], [lists(), lists()]);
    await reflector.synced;
    await server.received(2, isWatch);
    assert.deepEqual(new Set(server.requests.map(({ path }) => path)), new Set(["ci", "prod"].map((namespace) => `/apis/tekton.dev/v1/namespaces/${namespace}/pipelineruns`)));
    assert.deepEqual([told.sort(), [...reflector.values()].sort()], [["ci/a", "prod/a"], ["ci", "prod"]]);
    assert.deepEqual([reflector.get("ci", "a"), reflector.get("prod", "a"), reflector.get("other", "a"), reflector.get(undefined, "a")], ["ci", "prod", undefined, undefined]);
    await eventually("both are followed", () => reflector.health().state === "watching");
    const { objects, lastEventAt } = reflector.health();
    assert.deepEqual([objects, lastEventAt], [2, undefined]);
  });

  it("is known when it is known in all of them, and fails as long as it fails in one", async (t) => {
    const { server, clock, reflector } = await setting(t, ["ci", "prod"], [lists({ prod: status(403, "Forbidden") }), lists({ prod: status(403, "Forbidden") }), lists()]);
    await server.received(1, isWatch);
    const wait = await clock.sleeping((ms) => ms === 250);
    assert.deepEqual([reflector.isSynced, reflector.health().state, reflector.health().objects], [false, "failing", 1]);
    clock.advance(wait);
    await reflector.synced;
    await server.received(2, isWatch);
    assert.deepEqual([reflector.isSynced, reflector.health().objects, reflector.health().errors], [true, 2, 1]);
  });

  it("without names is that kind in all of the cluster", async (t) => {
    const { server } = await setting(t, [], []);
    const [watch] = await server.received(1, isWatch);
    assert.equal(watch?.path, "/apis/tekton.dev/v1/pipelineruns");
  });
});
