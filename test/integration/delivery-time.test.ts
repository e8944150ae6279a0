import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startControllerHere } from "../support/controller-here.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import { leapingClock, type LeapingClock } from "../support/leaping-clock.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification, toldBy } from "../support/manifests.ts";
import { startCloudEventsSink, type CloudEventsSink } from "../support/receivers-cloudevents.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

const minute = 60_000;
const hour = 60 * minute;

interface Scene {
  readonly clock: LeapingClock;
  readonly sink: CloudEventsSink;
  readonly told: () => ReturnType<typeof toldBy>[];
  /** So many runs are made to run, and then to fail. */
  readonly playRuns: (count: number) => Promise<string[]>;
}

/** A controller whose clock the test plays, in the place of the installed one. Its Lease outlasts leaps of some minutes. */
async function scene(world: World, t: TestContext, namespace: string): Promise<Scene & { readonly begin: () => ReturnType<typeof startControllerHere> }> {
  const { installation: { controller }, plane } = world;
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events"));
  await controller.kill("SIGTERM");
  t.after(() => controller.start());
  const clock = leapingClock();
  return {
    clock,
    sink,
    told: () => sink.events().map(toldBy),
    playRuns: async (count) => {
      const runs = await Promise.all(Array.from({ length: count }, (_, index) => makeRun(plane.client, namespace, `run-${index}`)));
      for (const run of runs) await run.become("Unknown", "Running");
      for (const run of runs) await run.become("False", "Failed");
      return runs.map(({ uid }) => uid);
    },
    begin: () => startControllerHere(world, t, { clock }, "--lease-duration", "10m"),
  };
}

/** Lets so much time pass, in steps in which what is due can be done. */
async function pass({ clock }: Scene, ms: number, stepMs: number, untilThen: () => boolean = () => false): Promise<void> {
  for (let passed = 0; passed < ms && !untilThen(); passed += stepMs) {
    await clock.leap(stepMs);
    await sleep(40);
  }
}

test("a receiver that is down for half an hour, then asks to wait, then is slow, gets every end, in order, and no more requests than the back-off allows", async (world, t) => {
  const here = await scene(world, t, "half-an-hour");
  const { sink, told, clock, playRuns } = here;
  await here.begin();
  sink.misbehave({ reset: true });
  const uids = await playRuns(10);
  await pass(here, 30 * minute, minute / 2);
  assert.deepEqual(told(), []);
  // A message has about twenty attempts in half an hour: 1 s, 2 s ... 300 s, each a half of that on average.
  assert.ok(sink.received.length >= 10 * 5 && sink.received.length <= 10 * 40, `${sink.received.length} requests while it was down`);
  sink.behave();
  const limitedFrom = sink.received.length;
  sink.misbehave({ answer: { status: 429, headers: { "retry-after": "120" } } });
  await eventually("it was asked", async () => {
    await pass(here, minute, 2_000, () => sink.received.length > limitedFrom);
    return sink.received.length > limitedFrom;
  });
  await clock.allAnswered();
  // One answer speaks for all messages of its lane: nothing is asked for until its time is over.
  const asked = sink.received.length;
  const perLane = 8;
  assert.ok(asked - limitedFrom <= perLane, `${asked - limitedFrom} requests`);
  await pass(here, 1.5 * minute, 10_000);
  assert.equal(sink.received.length, asked);
  sink.behave();
  sink.misbehave({ delayMs: 50 });
  const ends = (): Set<string> => new Set(told().flatMap(({ uid, status }) => (status === "Failed" ? [uid] : [])));
  await eventually("every end has arrived", async () => {
    await pass(here, 5 * minute, 2_000, () => ends().size === uids.length);
    return ends().size === uids.length;
  });
  assert.deepEqual(told().map(({ uid, status }) => `${uid} ${status}`).sort(), uids.map((uid) => `${uid} Failed`).sort(), "what a run was before its end is not told any more");
  assert.ok(clock.now() > Date.now() + 30 * minute);
});

test("what falls due while a Provider is suspended for two days is sent on resume, whatever the deadline", async (world, t) => {
  const here = await scene(world, t, "suspended");
  const { sink, told, clock, playRuns } = here;
  await here.begin();
  const provider = (suspend: boolean) => world.apply(cloudEventsProvider("suspended", "events", sink.url, { suspend }));
  await provider(true);
  const uids = await playRuns(5);
  await eventually("all are on record as owed", async () => {
    const { items } = await world.plane.client.call<{ items: { status?: { owed?: { status?: string } } }[] }>("GET", "/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/suspended/deliveries");
    return items.filter(({ status }) => status?.owed?.status === "Failed").length === uids.length;
  });
  // The Lease runs out meanwhile, as on a machine that slept.
  await clock.leap(48 * hour);
  assert.deepEqual(sink.received.length, 0);
  await provider(false);
  await eventually("every end has arrived", async () => {
    await pass(here, minute, 2_000, () => told().length >= uids.length);
    return told().length >= uids.length;
  });
  assert.deepEqual(told().map(({ uid, status }) => `${uid} ${status}`).sort(), uids.map((uid) => `${uid} Failed`).sort());
});

test("what ended while no controller ran for two days is sent after the restart", async (world, t) => {
  const here = await scene(world, t, "two-days");
  const { sink, told, clock, playRuns } = here;
  await (await here.begin()).stop();
  const uids = await playRuns(5);
  await clock.leap(48 * hour);
  await here.begin();
  await eventually("every end has arrived", () => told().length >= uids.length);
  assert.deepEqual(told().map(({ uid, status }) => `${uid} ${status}`).sort(), uids.map((uid) => `${uid} Failed`).sort());
  assert.equal(sink.received.length, uids.length);
});
