import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { RunEvent } from "../../src/api/run-event.ts";
import { systemClock } from "../../src/telemetry/clock.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { startControllerHere } from "../support/controller-here.ts";
import { playedRuns } from "../support/expected-states.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import { collectionPath, type KubeObject, objectPath } from "../support/kube-client.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import { type CloudEventsSink, startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { replay } from "../support/replay.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

/** A minute is over in a second: how long a watch is kept that nobody needs. */
const clock = { ...systemClock, sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms === 60_000 ? 1_000 : ms, signal) };

interface Scene {
  readonly namespace: string;
  readonly sink: CloudEventsSink;
  readonly told: () => RunEvent[];
  readonly apply: (...objects: readonly KubeObject[]) => Promise<void>;
  /** Whether the controller watches the kind now, as its metrics say. */
  readonly watches: (resource: string) => Promise<boolean>;
  readonly isReady: () => Promise<boolean>;
}

/** A controller that has caught up, in the place of the installed one, and a Provider `events` in a namespace of its own. */
async function scene(world: World, t: TestContext, namespace: string): Promise<Scene> {
  const { installation: { controller }, plane: { client } } = world;
  await world.createNamespace(namespace);
  await controller.kill("SIGTERM");
  t.after(() => controller.start());
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  const { metricsUrl } = await startControllerHere(world, t, { clock });
  const apply: Scene["apply"] = async (...objects) => {
    for (const object of objects) await client.call("POST", collectionPath(object.apiVersion, object.kind, object.metadata.namespace), { body: object });
  };
  await apply(cloudEventsProvider(namespace, "events", sink.url));
  return {
    namespace,
    sink,
    apply,
    isReady: async () => (await fetch(`${metricsUrl}/readyz`)).status === 200,
    told: () => sink.events().map(({ data }) => data as RunEvent),
    watches: async (resource) => (await (await fetch(`${metricsUrl}/metrics`)).text()).includes(`watch_failing{resource="${resource}.tekton.dev"} 0`),
  };
}

/** Lists of TaskRuns in one namespace that the API server has answered. */
async function lists({ client }: ControlPlane): Promise<number> {
  const { body } = await client.send("GET", "/metrics", { accept: "text/plain" });
  const found = String(body).split("\n").filter((line) => line.startsWith("apiserver_request_total{") && ['verb="LIST"', 'resource="taskruns"', 'scope="namespace"', 'code="200"'].every((label) => line.includes(label)));
  return found.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

const recordings = ["failed-step", "parallel-tasks-with-finally", "matrix-of-four", "cancelled", "timed-out", "retried-task", "succeeded-with-results", "customrun-waits-then-fails"];

test("a message about the end of a run has all its tasks, from one request, and TaskRuns are not watched for it", async (world, t) => {
  const { plane } = world;
  const { namespace, apply, told, watches } = await scene(world, t, "listed");
  await apply(notification(namespace, "ends", "events", { expression: "terminal" }), notification(namespace, "failures", "events", { statuses: ["Failed"] }));
  const before = await lists(plane);
  const played = (await Promise.all(recordings.map(async (name) => playedRuns(name, await replay(plane.client, name, { namespace }))))).flat();
  const ended = played.filter(({ kind }) => kind === "PipelineRun");
  assert.equal(ended.length, recordings.length);
  await eventually("every end has arrived", () => ended.every(({ uid, end }) => told().filter((event) => event.uid === uid).length === (end.status === "Failed" ? 2 : 1)));
  for (const { uid, name } of ended) {
    const children = played.filter(({ labels }) => labels["tekton.dev/pipelineRun"] === name).map(({ labels, end }) => `${labels["tekton.dev/pipelineTask"]} ${end.status}`);
    for (const { tasks } of told().filter((event) => event.uid === uid)) assert.deepEqual(tasks.map((task) => `${task.name} ${task.status}`).sort(), children.sort(), name);
  }
  const asked = (await lists(plane)) - before;
  const early = ended.filter(({ end }) => end.status === "Cancelled" || end.status === "TimedOut").length;
  assert.ok(asked >= ended.length && asked <= ended.length + early, `${asked} lists for ${ended.length} runs, ${early} of which may end before their tasks`);
  assert.deepEqual(await Promise.all(["pipelineruns", "taskruns", "customruns"].map(watches)), [true, false, false]);
});

test("TaskRuns are watched from when a Notification asks about tasks until a while after the last one has gone; nothing is lost, and nothing old is told", async (world, t) => {
  const { namespace, apply, told, watches, isReady } = await scene(world, t, "on-demand");
  const { client } = world.plane;
  const withTask = async (name: string) => {
    const run = await makeRun(client, namespace, name);
    const task = await makeRun(client, namespace, `${name}-lint`, { kind: "TaskRun", parent: run, labels: { "tekton.dev/pipelineTask": "lint" } });
    await run.become("Unknown", "Running");
    return { run, task };
  };
  for (let index = 0; index < 10; index += 1) {
    const { run, task } = await withTask(`old-${index}`);
    await task.become("False", "Failed");
    await run.become("False", "Failed");
  }
  const early = await withTask("early");
  await early.task.become("False", "Failed");
  // Times of Kubernetes have whole seconds.
  await pause(1_100);
  assert.equal(await watches("taskruns"), false);

  const failing = notification(namespace, "failing", "events", { statuses: ["Running"], expression: "tasks.exists(t, t.status == 'Failed')" });
  const ofTasks = notification(namespace, "tasks", "events", { kinds: ["TaskRun"], statuses: ["Failed"] });
  await apply(failing, ofTasks);
  const late = await withTask("late");
  await late.task.become("False", "Failed");
  const wanted = ["PipelineRun early Running", "PipelineRun late Running", "TaskRun late-lint Failed"];
  const states = (): string[] => told().map(({ kind, name, status }) => `${kind} ${name} ${status}`).sort();
  await eventually("what happens is told", () => wanted.every((state) => states().includes(state)));
  await eventually("metrics have the watches", async () => (await watches("taskruns")) && watches("customruns"));
  assert.equal(await isReady(), true);

  await client.call("DELETE", objectPath(failing));
  await eventually("CustomRuns are left", async () => !(await watches("customruns")));
  assert.equal(await watches("taskruns"), true, "the other one still selects them");
  await client.call("DELETE", objectPath(ofTasks));
  await eventually("TaskRuns are left", async () => !(await watches("taskruns")));
  assert.equal(await isReady(), true);
  const unseen = await withTask("unseen");
  await unseen.task.become("False", "Failed");
  await pause(1_100);
  const again = { ...ofTasks, metadata: { ...ofTasks.metadata, name: "again" } };
  await apply(again);
  const last = await withTask("last");
  await last.task.become("False", "Failed");
  await eventually("they are watched again", () => states().includes("TaskRun last-lint Failed"));
  await pause(500);
  assert.deepEqual(states(), [...wanted, "TaskRun last-lint Failed"].sort());
});
