import assert from "node:assert/strict";
import { installedTests, shortLease, type World } from "../support/installed-tests.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification, toldBy } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests(shortLease);

interface StoredDelivery {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly runRef: { readonly name: string } };
  readonly status?: { readonly state: string; readonly redelivered?: string; readonly owed?: object; readonly destinations?: readonly { readonly sentCount?: number }[] };
}

async function deliveryOf({ plane }: World, namespace: string, run: string): Promise<StoredDelivery | undefined> {
  const { items } = await plane.client.call<{ items: StoredDelivery[] }>("GET", `/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/${namespace}/deliveries`);
  return items.find(({ spec }) => spec.runRef.name === run);
}

test("a dead letter is sent once more when its Delivery is annotated, also when its run is gone", async (world, t) => {
  const { plane } = world;
  const namespace = "redeliver";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events", { statuses: ["Failed"] }));
  sink.misbehave({ answer: { status: 400 } });
  const run = await makeRun(plane.client, namespace, "refused");
  await run.become("False", "Failed");
  const dead = await eventually("the message is given up", async () => {
    const found = await deliveryOf(world, namespace, "refused");
    return found?.status?.state === "DeadLetter" ? found : undefined;
  });
  sink.behave();
  await run.remove();
  const annotate = (word: string) => plane.kubectl(["annotate", "--overwrite", "deliveries.integrations.tekton.ornew.io", dead.metadata.name, `integrations.tekton.ornew.io/redeliver=${word}`, "--namespace", namespace]);
  await annotate("once");
  await eventually("it is on record", async () => (await deliveryOf(world, namespace, "refused"))?.status?.redelivered === "once");
  assert.deepEqual(sink.events().map(toldBy).map(({ uid, status }) => [uid, status]), [[run.uid, "Failed"]]);
  const { status } = (await deliveryOf(world, namespace, "refused")) ?? {};
  assert.deepEqual([status?.state, status?.owed, status?.destinations?.[0]?.sentCount], ["Delivered", undefined, 1]);
  await world.installation.controller.kill();
  await world.installation.controller.start();
  const other = await makeRun(plane.client, namespace, "other");
  await other.become("False", "Failed");
  await eventually("the other one has arrived", () => sink.events().length === 2);
  assert.deepEqual(sink.events().map(toldBy).map(({ uid }) => uid), [run.uid, other.uid], "the same word is not acted on twice");
});

test("a Notification that is edited while no controller runs tells nothing of what it had settled, and drops nothing that it owed", async (world, t) => {
  const { plane, installation: { controller } } = world;
  const namespace = "edited";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events", { statuses: ["Failed"] }));
  const settled = await Promise.all(Array.from({ length: 20 }, (_, index) => makeRun(plane.client, namespace, `succeeded-${index}`)));
  for (const run of settled) await run.become("True", "Succeeded");
  const told = await makeRun(plane.client, namespace, "told");
  await told.become("False", "Failed");
  await eventually("the failure has arrived", () => sink.events().length === 1);
  await sink.goAway();
  const owed = await makeRun(plane.client, namespace, "owed");
  await owed.become("False", "Failed");
  await eventually("the other one is on record as owed", async () => (await deliveryOf(world, namespace, "owed"))?.status?.owed !== undefined);
  const settledAt = Date.now();
  await eventually("the status says that all until now is settled", async () => {
    const { status } = await plane.client.call<{ status?: { caughtUpAt?: string } }>("GET", `/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/${namespace}/notifications/events`);
    return Date.parse(status?.caughtUpAt ?? "") > settledAt;
  }, 90_000);
  await controller.kill();
  await world.apply(notification(namespace, "events", "events", { statuses: ["Failed", "Succeeded"] }));
  await sink.comeBack();
  await controller.start();
  await eventually("what was owed has arrived", () => sink.events().some((event) => toldBy(event).uid === owed.uid));
  const later = await makeRun(plane.client, namespace, "later");
  await later.become("True", "Succeeded");
  await eventually("the edit takes effect", () => sink.events().some((event) => toldBy(event).uid === later.uid));
  assert.deepEqual(sink.events().map(toldBy).map(({ uid }) => uid), [told.uid, owed.uid, later.uid]);
});

test("fifty runs that finish and are pruned while the receiver is down arrive after a SIGKILL, a restart and its return", async (world, t) => {
  const { plane, installation: { controller } } = world;
  const namespace = "fifty";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events"));
  await sink.goAway();
  const runs = await Promise.all(Array.from({ length: 50 }, (_, index) => makeRun(plane.client, namespace, `run-${index}`)));
  for (const run of runs) await run.become("False", "Failed");
  for (const run of runs) await run.remove();
  await eventually("all are on record as owed", async () => {
    const { items } = await plane.client.call<{ items: StoredDelivery[] }>("GET", `/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/${namespace}/deliveries`);
    return items.filter(({ status }) => (status?.owed as { status?: string } | undefined)?.status === "Failed").length === 50;
  });
  await controller.kill();
  await controller.start();
  await sink.comeBack();
  const told = () => sink.events().map(toldBy);
  await eventually("all have arrived", () => new Set(told().map(({ uid }) => uid)).size === 50, 90_000);
  assert.deepEqual(new Set(told().map(({ status }) => status)), new Set(["Failed"]));
  assert.deepEqual(new Set(told().map(({ uid }) => uid)), new Set(runs.map(({ uid }) => uid)));
});

test("a run of a name that was there before is another run: each has its own Delivery and its own end", async (world, t) => {
  const { plane } = world;
  const namespace = "again";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events"));
  const first = await makeRun(plane.client, namespace, "same");
  await first.become("Unknown", "Running");
  await eventually("the first one runs", () => sink.events().some((event) => toldBy(event).status === "Running"));
  await first.remove();
  const second = await makeRun(plane.client, namespace, "same");
  await second.become("True", "Succeeded");
  await eventually("both have ended", () => sink.events().map(toldBy).filter(({ status }) => ["Cancelled", "Succeeded"].includes(status)).length === 2);
  const endOf = (uid: string) => sink.events().map(toldBy).filter((told) => told.uid === uid).at(-1)?.status;
  assert.deepEqual([endOf(first.uid), endOf(second.uid)], ["Cancelled", "Succeeded"]);
});

test("of two thousand runs that ended before a Notification exists, none is sent; what ends later is", async (world, t) => {
  const { plane } = world;
  const namespace = "two-thousand";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  const endedAt = new Date(Date.now() - 5_000).toISOString().replace(/\.\d+Z$/, "Z");
  const before = Array.from({ length: 2_000 }, (_, index) => `before-${index}`);
  const endOne = async (name: string): Promise<void> => {
    const run = await makeRun(plane.client, namespace, name);
    await run.become("False", "Failed", endedAt);
  };
  for (let at = 0; at < before.length; at += 100) await Promise.all(before.slice(at, at + 100).map(endOne));
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events"));
  const later = await makeRun(plane.client, namespace, "later");
  await later.become("False", "Failed");
  const ends = () => sink.events().map(toldBy).filter(({ status }) => status === "Failed").map(({ uid }) => uid);
  await eventually("the later one is told", () => ends().includes(later.uid));
  await world.installation.controller.kill();
  await world.installation.controller.start();
  const last = await makeRun(plane.client, namespace, "last");
  await last.become("False", "Failed");
  await eventually("the last one is told", () => ends().includes(last.uid));
  assert.deepEqual([...new Set(ends())], [later.uid, last.uid]);
  assert.deepEqual(new Set(sink.events().map((event) => toldBy(event).uid)), new Set([later.uid, last.uid]));
});
