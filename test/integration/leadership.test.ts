import assert from "node:assert/strict";
import { join } from "node:path";
import { freePort } from "../support/control-plane/components.ts";
import { supervise, type Supervisor } from "../support/control-plane/supervise.ts";
import { startControllerHere } from "../support/controller-here.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import { ownNamespace } from "../support/installation.ts";
import { leapingClock } from "../support/leaping-clock.ts";
import { makeRun, type MadeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification, toldBy } from "../support/manifests.ts";
import { startCloudEventsSink, type CloudEventsSink } from "../support/receivers-cloudevents.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

const leaseSeconds = 4;

interface Lease {
  readonly spec: { readonly holderIdentity: string; readonly leaseTransitions: number };
}

const holder = async ({ plane }: World): Promise<string> =>
  (await plane.client.call<Lease>("GET", `/apis/coordination.k8s.io/v1/namespaces/${ownNamespace}/leases/tekton-integrations-controller`)).spec.holderIdentity.replace(/_.*/, "");

/** Replicas of the controller beside each other, in the place of the installed one. */
async function replicas(world: World, names: readonly string[], leaseDuration = `${leaseSeconds}s`) {
  const { installation: { controller } } = world;
  await controller.kill("SIGTERM");
  const supervisor: Supervisor = await supervise();
  const ports = new Map<string, number>();
  const start = async (name: string): Promise<void> => {
    const port = ports.get(name) ?? (await freePort());
    ports.set(name, port);
    const flags = ["--controller", "--kubeconfig", controller.kubeconfig, "--namespace", ownNamespace, "--bind-address", "127.0.0.1", "--metrics-port", String(port), "--development", "--instance", name, "--lease-duration", leaseDuration];
    await supervisor.start(name, process.execPath, [join(import.meta.dirname, "../../src/main.ts"), "serve", ...flags]);
    await eventually(`${name} is ready`, async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.status === 200);
  };
  for (const name of names) await start(name);
  return {
    start,
    leader: (except?: string) =>
      eventually("somebody else leads", async () => {
        const held = await holder(world);
        return held !== "" && held !== except ? held : undefined;
      }),
    signal: (name: string, signal: NodeJS.Signals) => process.kill(supervisor.processes.get(name) ?? 0, signal),
    kill: (name: string, signal: NodeJS.Signals) => supervisor.kill(name, signal),
    stop: async () => {
      for (const name of supervisor.processes.keys()) await supervisor.kill(name, "SIGKILL");
      await supervisor.stop();
      await controller.start();
    },
  };
}

async function scene(world: World, namespace: string): Promise<{ sink: CloudEventsSink; told: () => ReturnType<typeof toldBy>[] }> {
  const sink = await startCloudEventsSink();
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events"));
  return { sink, told: () => sink.events().map(toldBy) };
}

const endedOf = (told: readonly { uid: string; status: string }[]): Set<string> => new Set(told.flatMap(({ uid, status }) => (status === "Failed" ? [uid] : [])));

async function makeRuns({ plane }: World, namespace: string, count: number, prefix: string): Promise<MadeRun[]> {
  const runs: MadeRun[] = [];
  for (let index = 0; index < count; index += 1) runs.push(await makeRun(plane.client, namespace, `${prefix}-${index}`));
  return runs;
}

test("one of two controllers sends; when it is told to stop the other goes on, and each message is sent once", async (world, t) => {
  const { sink, told } = await scene(world, "graceful");
  t.after(() => sink.close());
  const both = await replicas(world, ["a", "b"]);
  t.after(() => both.stop());
  const first = await both.leader();
  const runs = await makeRuns(world, "graceful", 10, "run");
  for (const run of runs) await run.become("Unknown", "Running");
  await eventually("all run", () => told().filter(({ status }) => status === "Running").length === 10);
  const handedOver = both.kill(first, "SIGTERM");
  for (const run of runs) await run.become("False", "Failed");
  await handedOver;
  const second = await both.leader(first);
  assert.notEqual(second, first);
  await eventually("all have ended", () => endedOf(told()).size === 10);
  const repeats = told().length - new Set(told().map(({ uid, status }) => `${uid} ${status}`)).size;
  assert.equal(repeats, 0);
});

test("a run that vanished while its leader was dead is told of by the one that saw it", async (world, t) => {
  const { plane } = world;
  const { sink, told } = await scene(world, "vanished");
  t.after(() => sink.close());
  const both = await replicas(world, ["a", "b"]);
  t.after(() => both.stop());
  const first = await both.leader();
  const runs = await makeRuns(world, "vanished", 5, "run");
  for (const run of runs) await run.become("Unknown", "Running");
  await eventually("all run", () => told().filter(({ status }) => status === "Running").length === 5);
  await both.kill(first, "SIGKILL");
  for (const run of runs) {
    await run.become("False", "Failed");
    await run.remove();
  }
  const unknown = await makeRun(plane.client, "vanished", "short");
  await unknown.become("False", "Failed");
  await unknown.remove();
  await both.leader(first);
  await eventually("all have ended", () => endedOf(told()).size === 6);
  assert.deepEqual(told().filter(({ status }) => !["Pending", "Running", "Failed"].includes(status)), []);
});

test("a leader that is frozen past its lease, with requests under way, sends nothing after the new one has begun", async (world, t) => {
  const { plane } = world;
  const { sink, told } = await scene(world, "frozen");
  t.after(() => sink.close());
  const both = await replicas(world, ["a", "b"]);
  t.after(() => both.stop());
  const first = await both.leader();
  const runs = await makeRuns(world, "frozen", 20, "run");
  for (const run of runs) await run.become("Unknown", "Running");
  await eventually("all run", () => told().filter(({ status }) => status === "Running").length === 20);
  sink.misbehave({ delayMs: 300 });
  await Promise.all(runs.map((run) => run.become("False", "Failed")));
  both.signal(first, "SIGSTOP");
  const frozenAt = Date.now();
  const late = await makeRuns(world, "frozen", 5, "late");
  for (const run of late) await run.become("False", "Failed");
  const second = await both.leader(first);
  await eventually("all have ended", () => endedOf(told()).size === 25);
  const before = sink.received.length;
  both.signal(first, "SIGCONT");
  const after = await makeRun(plane.client, "frozen", "after");
  await after.become("False", "Failed");
  await eventually("the last one has ended", () => endedOf(told()).has(after.uid));
  assert.equal(await holder(world), second);
  // A request that had begun before the freeze may end after it; nobody could call it back.
  const begun = sink.received.slice(before).filter(({ beganAt }) => beganAt > frozenAt);
  const repeated = begun.map(({ json }) => (json as { subject?: string }).subject);
  assert.deepEqual(new Set(repeated), new Set(["after"]));
});

for (const { how, signal, withinMs } of [
  { how: "was killed", signal: "SIGKILL", withinMs: 20_000 },
  { how: "was told to stop", signal: "SIGTERM", withinMs: 2_000 },
] as const) {
  test(`after a leader ${how} the next one sends within ${withinMs / 1000} s of its own clock`, async (world, t) => {
    const namespace = how.replaceAll(" ", "-");
    const { sink, told } = await scene(world, namespace);
    t.after(() => sink.close());
    const first = await replicas(world, ["first"], "15s");
    t.after(() => first.stop());
    // The dead of the tests before hold the Lease for a while yet.
    await eventually("the first leads", async () => ((await holder(world)) === "first" ? true : undefined));
    const clock = leapingClock();
    await startControllerHere(world, t, { clock }, "--instance", "second", "--lease-duration", "15s");
    const run = await makeRun(world.plane.client, namespace, "run");
    await run.become("Unknown", "Running");
    await eventually("it is told by the first", () => told().some(({ status }) => status === "Running"));
    await first.kill("first", signal);
    const since = clock.monotonic();
    await run.become("False", "Failed");
    await eventually("its end is told", async () => {
      if (endedOf(told()).has(run.uid)) return true;
      // Little, since it is part of what is measured.
      await clock.leap(100);
      return false;
    });
    const tookMs = clock.monotonic() - since;
    assert.ok(tookMs < withinMs, `${Math.round(tookMs)} ms`);
    assert.equal(await holder(world), "second");
  });
}
