import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startControllerHere } from "../support/controller-here.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import { leapingClock } from "../support/leaping-clock.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import { startCloudEventsSink, type ReceivedEvent } from "../support/receivers-cloudevents.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

const minute = 60_000;
const perMinute = 5;

/** A receiver that begins a run for each event that it is sent, as a Trigger does; `annotationsOf` says what it passes on. */
async function begin(world: World, t: TestContext, namespace: string, annotationsOf: (event: ReceivedEvent) => Record<string, string>) {
  const { plane, installation: { controller } } = world;
  const sink = await startCloudEventsSink();
  await world.createNamespace(namespace);
  const failures = notification(namespace, "failures", "events", { statuses: ["Failed"] });
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), { ...failures, spec: { ...(failures.spec as object), maxPerMinute: perMinute } });
  await controller.kill("SIGTERM");
  const clock = leapingClock();
  const here = await startControllerHere(world, t, { clock }, "--lease-duration", "10m");
  const fail = async (name: string, annotations: Record<string, string>): Promise<void> => {
    const run = await makeRun(plane.client, namespace, name, { annotations });
    await run.become("False", "Failed");
  };
  let triggered = 0;
  const stop = new AbortController();
  const triggering = (async () => {
    while (!stop.signal.aborted) {
      for (const event of sink.events().slice(triggered)) await fail(`triggered-${++triggered}`, annotationsOf(event));
      await sleep(10);
    }
  })();
  t.after(async () => {
    stop.abort();
    await triggering;
    await here.stop();
    await Promise.all([sink.close(), controller.start()]);
  });
  await fail("first", {});
  return { clock, sink, runs: () => 1 + triggered };
}

test("a receiver that begins a run for each event, and passes the loop on, is sent one event", async (world, t) => {
  const { sink, clock, runs } = await begin(world, t, "passes-on", ({ tektonloop }) => ({ "integrations.tekton.ornew.io/loop": String(tektonloop) }));
  await eventually("the second run is there", () => runs() === 2);
  await eventually("it is judged", async () => {
    await clock.leap(minute);
    const { status } = await world.plane.client.call<{ status?: { recent?: { run: string; why?: string }[] } }>("GET", "/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/passes-on/notifications/failures");
    return status?.recent?.some(({ run, why = "" }) => run === "PipelineRun/triggered-1" && why.includes("loop"));
  });
  assert.deepEqual([sink.received.length, runs()], [1, 2]);
  assert.equal(sink.events()[0]?.["tektonloop"], 1);
});

test("a receiver that drops the loop is bounded by maxPerMinute, and the Notification says that it is", async (world, t) => {
  const { sink, clock } = await begin(world, t, "drops", () => ({}));
  const counts: number[] = [];
  for (let minutes = 0; minutes < 4; minutes += 1) {
    const before = sink.received.length;
    await eventually("its messages of this minute are sent", () => sink.received.length - before >= perMinute);
    // Nothing more comes before the clock goes on.
    await sleep(300);
    counts.push(sink.received.length - before);
    const { status } = await world.plane.client.call<{ status?: { conditions?: { type: string; status: string }[] } }>("GET", "/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/drops/notifications/failures");
    if (minutes > 0) assert.equal(status?.conditions?.find(({ type }) => type === "Throttled")?.status, "True");
    await clock.leap(minute);
  }
  assert.deepEqual(counts, [perMinute, perMinute, perMinute, perMinute]);
});
