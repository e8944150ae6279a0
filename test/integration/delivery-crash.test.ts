import assert from "node:assert/strict";
import { allEnded, judge, type PlayedRun, playedRuns } from "../support/expected-states.ts";
import { startGitHub } from "../support/github-double.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import { cloudEventsProvider, gitHubProvider, notification, privateKeySecret, toldBy } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { readRecording, recordingNames } from "../support/replay-recording.ts";
import { replay } from "../support/replay.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

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
  const sink = await startCloudEventsSink();
  const github = await startGitHub({ installations: [{ id: 1, owner: "example-org" }, { id: 2, owner: "harbour-works" }] });
  t.after(() => Promise.all([sink.close(), github.close()]));
  await world.createNamespace(namespace);
  await world.apply(
    privateKeySecret(namespace, github.privateKey),
    gitHubProvider(namespace, "github", github),
    cloudEventsProvider(namespace, "events", sink.url),
    notification(namespace, "events", "events", { kinds, children: true }),
    notification(namespace, "github", "github"),
  );
  // A run that is pruned while no controller runs, its end unseen, is the one documented limit.
  const names = recordingNames().filter((name) => !["deleted-while-running", "finished-then-edited-and-pruned"].includes(name));
  assert.equal(names.length, 11);
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
