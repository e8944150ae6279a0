import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { compactEtcd } from "../support/compact-etcd.ts";
import { startControllerHere } from "../support/controller-here.ts";
import { startCuttingProxy, type CuttingProxyOptions } from "../support/cutting-proxy.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification, toldBy } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

/** A controller that reaches the API server through a proxy, and a sink that is told of all runs of the namespace. */
async function behindProxy(world: World, t: TestContext, namespace: string, options: CuttingProxyOptions = {}) {
  const { plane, installation: { controller } } = world;
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events"));
  await controller.kill("SIGTERM");
  t.after(() => controller.start());
  const proxy = await startCuttingProxy(new URL(plane.server), options);
  t.after(() => proxy.close());
  const folder = mkdtempSync(join(tmpdir(), "proxied-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, readFileSync(controller.kubeconfig, "utf8").replaceAll(plane.server, proxy.url));
  const here = await startControllerHere(world, t, { kubeconfig }, "--lease-duration", "3s");
  const told = () => sink.events().map(toldBy);
  return { proxy, here, told, inState: (status: string): Set<string> => new Set(told().flatMap((each) => (each.status === status ? [each.uid] : []))) };
}

const pipelineRuns = '"pipelineruns';

test("a controller that was cut off while etcd was compacted and the API server restarted lists once more, and loses nothing", async (world, t) => {
  const { plane } = world;
  const { proxy, here, told, inState } = await behindProxy(world, t, "compacted");
  const runs = await Promise.all(Array.from({ length: 20 }, (_, index) => makeRun(plane.client, "compacted", `run-${index}`)));
  for (const run of runs) await run.become("Unknown", "Running");
  await eventually("all run", () => inState("Running").size === runs.length);
  const [gone, ...kept] = runs;
  assert.ok(gone !== undefined);
  const before = await here.metric("watch_relists_total", pipelineRuns);

  await proxy.goAway();
  for (const run of runs) await run.become("False", "Failed");
  await gone.remove();
  await compactEtcd(plane);
  await plane.restartApiServer();
  await proxy.comeBack();

  await eventually("all have ended", () => inState("Failed").size + inState("Cancelled").size === runs.length, 60_000);
  assert.deepEqual([...inState("Failed")].sort(), kept.map(({ uid }) => uid).sort());
  // Its end and its deletion were both missed.
  assert.deepEqual([...inState("Cancelled")], [gone.uid]);
  assert.equal(told().length, new Set(told().map(({ uid, status }) => `${uid} ${status}`)).size, "nothing is told twice");
  const lists = (await here.metric("watch_relists_total", pipelineRuns)) - before;
  assert.ok(lists >= 1 && lists <= 3, `${lists} lists`);
});

test("connections that are cut again and again, in the middle of what they carry, lose nothing and are resumed without lists", async (world, t) => {
  const { plane } = world;
  const { proxy, here, inState } = await behindProxy(world, t, "cut", { cutAfterBytes: 100_000 });
  const listed = await here.metric("watch_relists_total", pipelineRuns);
  const padding = { "example.com/padding": "x".repeat(20_000) };
  const runs = await Promise.all(Array.from({ length: 30 }, (_, index) => makeRun(plane.client, "cut", `run-${index}`, { annotations: padding })));
  for (const run of runs) await run.become("Unknown", "Running");
  for (const run of runs) await run.become("False", "Failed");
  for (const run of runs) await run.remove();
  await eventually("all have ended", () => inState("Failed").size === runs.length, 60_000);
  assert.ok(proxy.cuts() >= 10, `${proxy.cuts()} cuts`);
  assert.equal(await here.metric("watch_relists_total", pipelineRuns), listed);
  assert.ok((await here.metric("watch_resumes_total", pipelineRuns)) >= 10);
});
