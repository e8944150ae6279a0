import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test as nodeTest } from "node:test";
import { parse } from "yaml";
import { gitOpsVerdicts } from "../support/gitops.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import { objectPath, type KubeObject } from "../support/kube-client.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();
const { data } = parse(readFileSync(join(import.meta.dirname, "../../deploy/argocd/argocd-cm.yaml"), "utf8")) as { data: Record<string, string> };
const healthOf = (kind: string): string => data[`resource.customizations.health.integrations.tekton.ornew.io_${kind}`] ?? assert.fail(kind);

const stored = ({ plane }: World, object: KubeObject): Promise<KubeObject> => plane.client.call("GET", objectPath(object));

/** What Flux and Argo CD make of an object as it is now. */
async function judged(world: World, object: KubeObject): Promise<string> {
  const [verdicts] = await gitOpsVerdicts([await stored(world, object)], healthOf(object.kind));
  return `${verdicts?.kstatus.status ?? ""}, ${verdicts?.argocd.status ?? ""}`;
}

const becomes = (world: World, object: KubeObject, expected: string): Promise<boolean> =>
  eventually(`${object.kind} ${object.metadata.name} is ${expected}`, async () => (await judged(world, object)) === expected);

test("Flux and Argo CD wait for what is being looked at, are content with what works, and say what somebody has to mend", async (world, t) => {
  const { installation: { controller } } = world;
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  const namespace = "gitops";
  await world.createNamespace(namespace);
  const provider = cloudEventsProvider(namespace, "events", sink.url);
  const authentication = { type: "Bearer", secretRef: { name: "missing" } };
  const without = cloudEventsProvider(namespace, "without", sink.url, { cloudEvents: { url: sink.url, authentication } });
  const runs = notification(namespace, "runs", "events");
  const lost = notification(namespace, "lost", "nowhere");
  const all = [provider, without, runs, lost];

  await controller.kill("SIGTERM");
  await world.apply(...all);
  for (const object of all) assert.equal(await judged(world, object), "InProgress, Progressing", object.metadata.name);
  await controller.start();
  for (const object of [provider, runs]) await becomes(world, object, "Current, Healthy");
  for (const object of [without, lost]) await becomes(world, object, "Failed, Degraded");

  await controller.kill("SIGTERM");
  const edited = notification(namespace, "runs", "events", { statuses: ["Failed"] });
  await world.apply(edited);
  assert.equal(await judged(world, edited), "InProgress, Progressing", "what is known is of the spec before");
  await controller.start();
  await becomes(world, edited, "Current, Healthy");

  const suspended = { ...provider, spec: { ...(provider.spec as object), suspend: true } };
  await world.apply(suspended);
  await becomes(world, suspended, "InProgress, Suspended");
});

nodeTest("Deliveries are left out of what Argo CD looks at", () => {
  const [exclusion] = parse(data["resource.exclusions"] ?? "") as { apiGroups: string[]; kinds: string[] }[];
  assert.deepEqual([exclusion?.apiGroups, exclusion?.kinds], [["integrations.tekton.ornew.io"], ["Delivery"]]);
});
