import assert from "node:assert/strict";
import { bothServices } from "../support/both-services.ts";
import { allEnded, judge, type PlayedRun, playedRuns } from "../support/expected-states.ts";
import { installedTests, shortLease, type World } from "../support/installed-tests.ts";
import { cloudEventsProvider, notification, toldBy } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { readRecording, recordingNames } from "../support/replay-recording.ts";
import { replay } from "../support/replay.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests(shortLease);

/** A point at which all parties wait for each other, and then for it to be opened. */
function barrier(parties: number) {
  const full = Promise.withResolvers<undefined>();
  const gate = Promise.withResolvers<undefined>();
  let waiting = 0;
  return {
    full: full.promise,
    open: () => {
      gate.resolve(undefined);
    },
    pass: async () => {
      waiting += 1;
      if (waiting === parties) full.resolve(undefined);
      await gate.promise;
    },
  };
}

/** A run that is pruned while nobody can watch it, its end unseen, is the one documented limit. */
const keptRuns = recordingNames().filter((name) => !["deleted-while-running", "finished-then-edited-and-pruned"].includes(name));

const kinds = ["PipelineRun", "TaskRun", "CustomRun"];

interface StoredDelivery {
  readonly spec: { readonly runRef: { readonly uid: string } };
  readonly status?: { readonly state: string; readonly owed?: { readonly status: string } };
}

async function deliveries({ plane }: World, namespace: string): Promise<StoredDelivery[]> {
  const { items } = await plane.client.call<{ items: StoredDelivery[] }>("GET", `/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/${namespace}/deliveries`);
  return items;
}

test("a controller killed twice between two states loses nothing and tells nothing out of order", async (world, t) => {
  const { plane, installation: { controller } } = world;
  const namespace = "killed";
  const { sink, github } = await bothServices(world, t, namespace, ["example-org", "harbour-works"], notification(namespace, "events", "events", { kinds, children: true }), notification(namespace, "github", "github"));
  const names = keptRuns;
  const told = () => sink.events().map(toldBy);
  const [first, second] = [barrier(names.length), barrier(names.length)];
  const playing = Promise.all(names.map(async (name) => {
    const lines = readRecording(name).length;
    const played = await replay(plane.client, name, {
      namespace,
      before: async (_, done) => {
        if (done.length === Math.floor(lines / 3)) await first.pass();
        if (done.length === Math.floor((2 * lines) / 3)) await second.pass();
      },
    });
    return playedRuns(name, played);
  }));

  await first.full;
  await eventually("something has been told", () => told().length > 0);
  await controller.kill("SIGKILL");
  const toldBefore = told().length;
  first.open();
  await second.full;
  assert.equal(told().length, toldBefore, "nobody tells anything while the controller is dead");
  await controller.start();
  second.open();
  const runs = (await playing).flat();
  await controller.kill("SIGKILL");
  await controller.start();

  assert.equal(runs.length, 45);
  await eventually("every end has arrived", () => allEnded(runs, told())).catch(() => undefined);
  assert.deepEqual(judge(runs, told()).faults, []);
  assert.deepEqual(sink.violations, []);
  assert.equal(controller.lines().filter(({ message }) => message === "started").length, 3);

  const commits = runs.filter(({ kind, parent }) => kind === "PipelineRun" && parent === undefined);
  assert.equal(commits.length, 9);
  const ends = () => new Map(github.statuses.map(({ sha, context, state }) => [`${sha} ${context}`, state]));
  await eventually("every commit status has ended", () => ends().size === commits.length && ![...ends().values()].includes("pending")).catch(() => undefined);
  assert.deepEqual([...ends().values()].sort(), ["error", "failure", "failure", "failure", "failure", "success", "success", "success", "success"]);
  for (const key of ends().keys()) {
    const states = github.statuses.filter(({ sha, context }) => `${sha} ${context}` === key).map(({ state }) => state);
    const end = states.findIndex((state) => state !== "pending");
    assert.ok(states.slice(end).every((state) => state === states[end]), `${key}: [${states.join(", ")}]`);
  }
  assert.deepEqual(github.violations, []);
});

test("what was owed when the controller died is told from the record alone, the runs being gone", async (world, t) => {
  const { plane, installation: { controller } } = world;
  const namespace = "pruned";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events", { kinds, children: true }));
  await sink.goAway();
  const names = ["failed-step", "deleted-while-running", "customrun-waits-then-fails", "standalone-taskrun-succeeded"];
  const runs: PlayedRun[] = [];
  for (const name of names) runs.push(...playedRuns(name, await replay(plane.client, name, { namespace })));
  const owed = async (): Promise<Map<string, string | undefined>> => new Map((await deliveries(world, namespace)).map(({ spec, status }) => [spec.runRef.uid, status?.owed?.status]));
  await eventually("every end is on record as owed", async () => {
    const recorded = await owed();
    return runs.every(({ uid, end }) => recorded.get(uid) === end.status);
  });

  await controller.kill("SIGKILL");
  for (const plural of ["pipelineruns", "taskruns", "customruns"]) await plane.kubectl(["delete", `${plural}.tekton.dev`, "--all", "--namespace", namespace]);
  await sink.comeBack();
  await controller.start();

  const told = () => sink.events().map(toldBy);
  await eventually("every end has arrived", () => allEnded(runs, told())).catch(() => undefined);
  assert.equal(runs.length, 12);
  assert.deepEqual(judge(runs, told()).faults, []);
  await eventually("nothing is owed any more", async () => (await deliveries(world, namespace)).every(({ status }) => status?.state === "Delivered" && status.owed === undefined));
});

test("a controller that is told to stop ends what it has begun, and its successor goes on", async (world, t) => {
  const { plane, installation: { controller } } = world;
  const namespace = "stopped";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events", { kinds, children: true }));
  const playing = replay(plane.client, "parallel-tasks-with-finally", { namespace, speed: 40 });
  await eventually("something has been told", () => sink.events().length > 3);
  const before = controller.lines().length;
  await controller.kill("SIGTERM");
  assert.equal(controller.lines().slice(before).at(-1)?.message, "stopping");
  await controller.start();
  const runs = playedRuns("parallel-tasks-with-finally", await playing);
  const told = () => sink.events().map(toldBy);
  await eventually("every end has arrived", () => allEnded(runs, told())).catch(() => undefined);
  assert.deepEqual(judge(runs, told()), { faults: [], repeats: 0 });
});

test("a new Notification tells nothing of runs that ended before it, and goes on with those that are under way", async (world, t) => {
  const { plane } = world;
  const namespace = "newcomer";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  const shift = Math.floor((Date.now() - 60_000 - Date.parse(readRecording("failed-step").at(-1)?.receivedAt ?? "")) / 1000) * 1000;
  await replay(plane.client, "failed-step", { namespace, shift });
  const half = barrier(1);
  const lines = readRecording("succeeded-with-results").length;
  const before = async (_: unknown, done: readonly unknown[]): Promise<void> => {
    if (done.length === Math.floor(lines / 2)) await half.pass();
  };
  const playing = replay(plane.client, "succeeded-with-results", { namespace, before });
  await half.full;
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events"));
  await eventually("the run under way is told", () => sink.events().length > 0);
  half.open();
  const runs = playedRuns("succeeded-with-results", await playing).filter(({ kind }) => kind === "PipelineRun");
  const told = () => sink.events().map(toldBy);
  await eventually("its end has arrived", () => allEnded(runs, told())).catch(() => undefined);
  assert.deepEqual(judge(runs, told()), { faults: [], repeats: 0 });
  assert.equal(told()[0]?.status, "Running");
});

test("an API server that dies and comes back between two states loses nothing", async (world, t) => {
  const { plane } = world;
  const namespace = "api-server";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events", { kinds, children: true }));
  const names = keptRuns;
  const half = barrier(names.length);
  const playing = Promise.all(names.map(async (name) => {
    const lines = readRecording(name).length;
    const before = async (_: unknown, done: readonly unknown[]): Promise<void> => {
      if (done.length === Math.floor(lines / 2)) await half.pass();
    };
    return playedRuns(name, await replay(plane.client, name, { namespace, before }));
  }));
  await half.full;
  await plane.restartApiServer();
  half.open();
  const runs = (await playing).flat();
  const told = () => sink.events().map(toldBy);
  await eventually("every end has arrived", () => allEnded(runs, told())).catch(() => undefined);
  assert.equal(runs.length, 45);
  assert.deepEqual(judge(runs, told()), { faults: [], repeats: 0 });
});

test("a record that cannot be written is written later, and nothing is sent twice for it", async (world, t) => {
  const { plane } = world;
  const namespace = "record";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events", { kinds, statuses: ["Succeeded"] }));
  await plane.kubectl(["wait", "--for=condition=Ready", "notification", "events", "--namespace", namespace, "--timeout=20s"]);
  sink.misbehave({ delayMs: 1_500 });
  const runs = playedRuns("standalone-taskrun-succeeded", await replay(plane.client, "standalone-taskrun-succeeded", { namespace }));
  await eventually("the message is under way", () => sink.received.length === 1);
  await plane.stopApiServer();
  await eventually("the message is accepted", () => sink.accepted().length === 1);
  await plane.startApiServer();
  await eventually("the record is written", async () => (await deliveries(world, namespace)).some(({ status }) => status?.state === "Delivered"));
  assert.equal(sink.received.length, 1);
  assert.deepEqual(sink.events().map(toldBy).map(({ uid, status }) => [uid, status]), [[runs[0]?.uid, "Succeeded"]]);
});
