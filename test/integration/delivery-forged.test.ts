import assert from "node:assert/strict";
import { join } from "node:path";
import { bothServices } from "../support/both-services.ts";
import { installedTests } from "../support/installed-tests.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { makeRun } from "../support/made-runs.ts";
import { notification, toldBy } from "../support/manifests.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

const group = "/apis/integrations.tekton.ornew.io/v1alpha1";
const sha = "0f98b1f7eda33a4e9cfaab09506aa8094044085f";
const annotations = { "integrations.tekton.ornew.io/github-owner": "example-org", "integrations.tekton.ornew.io/github-repo": "shop-api", "integrations.tekton.ornew.io/github-sha": sha };

test("Deliveries that somebody forged or edited, past the policy that refuses it, send nothing that contradicts Notification or run", async (world, t) => {
  const { plane, installation: { controller } } = world;
  const namespace = "forged";
  const { sink, github } = await bothServices(world, t, namespace, ["example-org", "victim"], notification(namespace, "github", "github"), notification(namespace, "events", "events", { statuses: ["Running", "Failed"] }));
  const run = await makeRun(plane.client, namespace, "real", { annotations });
  await run.become("Unknown", "Running");
  await eventually("it is reported", () => sink.events().length === 1 && github.statuses.some(({ state }) => state === "pending"));
  const deliveries = async (): Promise<KubeObject[]> => (await plane.client.call<{ items: KubeObject[] }>("GET", `${group}/namespaces/${namespace}/deliveries`)).items;
  await eventually("both are on record", async () => (await deliveries()).filter(({ status }) => status !== undefined).length === 2);
  await controller.kill("SIGTERM");

  const [anyRecord] = await deliveries();
  const forge = () => plane.client.send("POST", `${group}/namespaces/${namespace}/deliveries?dryRun=All`, { body: { ...anyRecord, metadata: { name: "forged", namespace } } });
  assert.equal((await forge()).status, 403, "the API server refuses it");
  // As in an installation without the policy.
  await plane.kubectl(["delete", "validatingadmissionpolicybindings", "tekton-integrations-deliveries"]);
  await eventually("the policy is not in force any more", async () => (await forge()).status === 201);
  t.after(() => plane.kubectl(["apply", "-f", join(import.meta.dirname, "../../deploy/base/delivery-policy.yaml")]));
  const write = async (object: KubeObject): Promise<void> => {
    const path = `${group}/namespaces/${object.metadata.namespace ?? ""}/deliveries`;
    const { status, ...rest } = object;
    const stored = await plane.client.send("POST", path, { body: { ...rest, metadata: { name: object.metadata.name, namespace: object.metadata.namespace } } });
    assert.ok([201, 409].includes(stored.status), JSON.stringify(stored.body));
    const current = await plane.client.call("GET", `${path}/${object.metadata.name}`);
    await plane.client.call("PUT", `${path}/${object.metadata.name}/status`, { body: { ...current, status } });
  };
  const event = { kind: "PipelineRun", namespace, labels: {}, annotations, params: {}, results: {}, terminal: true, status: "Failed", reason: "Forged", message: "forged", pipeline: "", commit: {}, tasks: [], deleted: false, run: {} };
  const [ofGitHub, ofEvents] = ["github", "events"].map((name) => (record: KubeObject): boolean => (record.spec as { notificationRef: { name: string } }).notificationRef.name === name);
  const records = await deliveries();
  const github1 = records.find(ofGitHub ?? (() => false));
  const events1 = records.find(ofEvents ?? (() => false));
  assert.ok(github1 !== undefined && events1 !== undefined);
  // The record of a run that exists says that another state is owed, and another place.
  await write({ ...events1, status: { state: "Retrying", destinations: [{ key: "event", state: "Retrying" }], owed: { ...event, name: "real", uid: run.uid } } });
  await write({ ...github1, status: { state: "Delivered", destinations: [{ key: "status", state: "Delivered", sentStatus: "Running", sentCount: 1, target: { owner: "victim", repo: "secrets", sha, context: "ci" } }] } });
  // A name that does not follow from what it is about.
  await write({ ...events1, metadata: { name: "by-hand", namespace }, status: { state: "Retrying", destinations: [], owed: { ...event, name: "by-hand", uid: "11111111-1111-4111-8111-111111111111" } } });
  // About a run of a namespace that a record in this one never is about.
  const elsewhere = { ...events1, metadata: { ...events1.metadata, namespace: "forged-elsewhere" } };
  await world.createNamespace("forged-elsewhere");
  await write({ ...elsewhere, status: { state: "Retrying", destinations: [{ key: "event", state: "Retrying" }], owed: { ...event, name: "real", uid: run.uid } } });

  await controller.start();
  const marker = await makeRun(plane.client, namespace, "marker");
  await marker.become("False", "Failed");
  await eventually("what comes later is reported", () => sink.events().map(toldBy).some(({ uid }) => uid === marker.uid));
  await run.remove();
  await eventually("the run is ended where it was begun", () => github.statuses.filter(({ state }) => state === "error").length === 1);
  const told = sink.events().map(toldBy);
  assert.deepEqual(told.filter(({ reason }) => reason === "Forged"), []);
  assert.deepEqual(new Set(told.map(({ uid }) => uid)), new Set([run.uid, marker.uid]));
  assert.deepEqual(new Set(github.statuses.map(({ owner, repo }) => `${owner}/${repo}`)), new Set(["example-org/shop-api"]));
  assert.ok(controller.lines().some(({ message }) => message === "a Delivery contradicts what it is about; it is ignored"), "it is reported");
});
