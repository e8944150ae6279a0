import assert from "node:assert/strict";
import { installedTests, type World } from "../support/installed-tests.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { makeRun, type MadeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification, toldBy } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

const failures = { statuses: ["Failed"] };

/** A Notification that refers to a Provider of another namespace. */
function referring(namespace: string, name: string, to: { readonly name: string; readonly namespace: string }): KubeObject {
  const own = notification(namespace, name, to.name, failures);
  return { ...own, spec: { ...(own.spec as object), providerRef: to } };
}

interface Condition {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

async function resolved({ plane }: World, namespace: string, name: string): Promise<Condition | undefined> {
  const { status } = await plane.client.call<{ status?: { conditions?: (Condition & { type: string })[] } }>("GET", `/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/${namespace}/notifications/${name}`);
  return status?.conditions?.find(({ type }) => type === "ProviderResolved");
}

async function failed({ plane }: World, namespace: string, name: string): Promise<MadeRun> {
  const run = await makeRun(plane.client, namespace, name);
  await run.become("False", "Failed");
  return run;
}

test("a Provider is used by the namespaces that it is offered to, for as long as it is; what falls due meanwhile is kept", async (world, t) => {
  const { plane } = world;
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  for (const namespace of ["platform", "team-a", "team-b"]) await world.createNamespace(namespace);
  const offered = (allowedNamespaces?: object) => world.apply(cloudEventsProvider("platform", "shared", sink.url, allowedNamespaces === undefined ? {} : { allowedNamespaces }));
  await offered({ matchLabels: { notify: "yes" } });
  const shared = { name: "shared", namespace: "platform" };
  await plane.kubectl(["label", "namespace", "team-a", "notify=yes"]);
  await world.apply(referring("team-a", "failures", shared), referring("team-b", "failures", shared), referring("team-b", "nowhere", { ...shared, name: "none" }));

  await eventually("it is found where it is offered", async () => (await resolved(world, "team-a", "failures"))?.status === "True");
  const told = () => sink.events().map(toldBy).map(({ uid }) => uid);
  const [first, kept] = [await failed(world, "team-a", "first"), await failed(world, "team-b", "kept")];
  await eventually("the failure of the one team is told", () => told().includes(first.uid));
  // Whether it exists is not to be learnt: one that is not offered and one that is not there look alike.
  const [refused, missing] = await eventually("both are judged", async () => {
    const found = await Promise.all(["failures", "nowhere"].map((name) => resolved(world, "team-b", name)));
    return found.every((condition) => condition !== undefined) ? found : undefined;
  });
  assert.deepEqual([refused?.status, refused?.reason, refused?.message], ["False", missing?.reason, missing?.message.replace("none", "shared")]);
  assert.deepEqual(told(), [first.uid]);

  await plane.kubectl(["label", "namespace", "team-b", "notify=yes"]);
  await eventually("what was kept is told once it is offered", () => told().includes(kept.uid));
  await plane.kubectl(["label", "namespace", "team-a", "notify-"]);
  await eventually("it is taken back", async () => (await resolved(world, "team-a", "failures"))?.status === "False");
  const later = await failed(world, "team-a", "later");
  const marker = await failed(world, "team-b", "marker");
  await eventually("the other team's goes out", () => told().includes(marker.uid));
  assert.ok(!told().includes(later.uid));
  await offered({ matchNames: ["team-a"] });
  await eventually("it is offered by name", () => told().includes(later.uid));
  await offered();
  await eventually("it is offered to nobody", async () => (await resolved(world, "team-a", "failures"))?.status === "False");
  assert.deepEqual(told(), [first.uid, kept.uid, marker.uid, later.uid]);
});

test("a team that floods a shared Provider holds up no other: their messages go out in turns", async (world, t) => {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  for (const namespace of ["platform-2", "loud", "quiet"]) await world.createNamespace(namespace);
  const shared = { name: "shared", namespace: "platform-2" };
  const provider = (suspend: boolean) => cloudEventsProvider("platform-2", "shared", sink.url, { allowedNamespaces: { any: true }, suspend });
  await world.apply(provider(true), referring("loud", "failures", shared), referring("quiet", "failures", shared));
  await eventually("both may use it", async () => (await Promise.all(["loud", "quiet"].map((namespace) => resolved(world, namespace, "failures")))).every((condition) => condition?.status === "True"));
  // All are there before the first is sent, those of the loud team first, and each request takes a while.
  const many = 200;
  const loud: MadeRun[] = [];
  for (let at = 0; at < many; at += 50) loud.push(...(await Promise.all(Array.from({ length: 50 }, (_, index) => failed(world, "loud", `run-${at + index}`)))));
  const quiet = await Promise.all(Array.from({ length: 5 }, (_, index) => failed(world, "quiet", `run-${index}`)));
  const owed = async (namespace: string): Promise<number> => {
    const { items } = await world.plane.client.call<{ items: { status?: { owed?: { status?: string } } }[] }>("GET", `/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/${namespace}/deliveries`);
    return items.filter(({ status }) => status?.owed?.status === "Failed").length;
  };
  await eventually("all are on record as owed", async () => (await owed("loud")) === many && (await owed("quiet")) === quiet.length, 60_000);
  sink.misbehave({ delayMs: 50 });
  await world.apply(provider(false));
  const quietUids = new Set(quiet.map(({ uid }) => uid));
  const uids = () => sink.events().map(toldBy).map(({ uid }) => uid);
  await eventually("the quiet ones have arrived", () => uids().filter((uid) => quietUids.has(uid)).length === quiet.length, 60_000);
  const between = uids().slice(0, uids().findLastIndex((uid) => quietUids.has(uid))).filter((uid) => !quietUids.has(uid)).length;
  // Eight requests are under way in the lane when the turns begin; one after the other, all of the loud ones would go first.
  assert.ok(between <= 8 + 8 * quiet.length, `${between} of the loud ones' went before the last of the quiet ones'`);
  sink.behave();
  await eventually("all have arrived", () => new Set(uids()).size === loud.length + quiet.length, 60_000);
});
