import assert from "node:assert/strict";
import { installedTests } from "../support/installed-tests.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { replay } from "../support/replay.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

interface Data {
  readonly pipelineRun?: { readonly metadata: { readonly name: string; readonly uid: string }; readonly spec: Readonly<Record<string, unknown>>; readonly status: Readonly<Record<string, unknown>> };
}

const pipelineSpec = { tasks: [{ name: "hello", taskSpec: { steps: [{ name: "say", image: "registry.example.com/echo", computeResources: { limits: { cpu: "1" } } }] } }] };

test("events in Tekton's format hold the whole run, also one that was there before anybody asked for it", async (world, t) => {
  const namespace = "tekton-format";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  const run = { apiVersion: "tekton.dev/v1", kind: "PipelineRun", metadata: { name: "early", namespace }, spec: { pipelineSpec, taskRunTemplate: { serviceAccountName: "builder" } } };
  await world.apply(run);
  await world.apply(cloudEventsProvider(namespace, "tekton", sink.url, { cloudEvents: { url: `${sink.url}/el`, format: "Tekton" } }), notification(namespace, "tekton", "tekton"));
  const about = (name: string) => sink.events().filter(({ subject }) => subject === name);
  const [queued] = await eventually("the event of the early run", () => (about("early").length > 0 ? about("early") : undefined));
  const { pipelineRun } = queued?.data as Data;
  assert.equal(queued?.type, "dev.tekton.event.pipelinerun.queued.v1");
  assert.deepEqual(pipelineRun?.spec["serviceAccountName"], "builder");
  const [task] = (pipelineRun.spec["pipelineSpec"] as { tasks: [{ taskSpec: { steps: unknown[] } }] }).tasks;
  assert.deepEqual(task.taskSpec.steps, [{ name: "say", image: "registry.example.com/echo", resources: { limits: { cpu: "1" } } }]);

  await replay(world.plane.client, "succeeded-with-results", { namespace });
  const types = ["queued", "running", "successful"].map((state) => `dev.tekton.event.pipelinerun.${state}.v1`);
  const events = await eventually("the end of the recorded run", () => {
    const others = sink.events().filter(({ subject }) => subject !== "early");
    return others.some(({ type }) => type === types[2]) ? others : undefined;
  });
  assert.deepEqual(events.map(({ type }) => type), types.filter((type) => events.some((event) => event.type === type)));
  const end = (events.at(-1)?.data as Data).pipelineRun;
  assert.ok(Array.isArray(end?.status["pipelineResults"]) && end.status["pipelineSpec"] !== undefined);
  assert.deepEqual(sink.violations, []);
});
