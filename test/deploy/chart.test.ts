import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { parseAllDocuments } from "yaml";
import { environmentName, readConfig } from "../../src/config.ts";
import { openFlags } from "../../src/generate/chart-values.ts";
import { installManifest } from "../../src/generate/manifests.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { codeBlocks } from "../docs/pages.ts";
import { helm } from "../support/helm.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { lacking, requireControlPlane } from "../support/require.ts";
import { eventually } from "../support/wait.ts";

const project = join(import.meta.dirname, "../..");
const chart = join(project, "deploy/chart");
const own = "tekton-integrations";

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
}

interface PodSpec {
  readonly containers: readonly [Container];
}

/** Members without a value are as if they were not there. */
const withoutNulls = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_, member: unknown) => member ?? undefined));

const objectsOf = (yaml: string): KubeObject[] => parseAllDocuments(yaml).map((document) => withoutNulls(document.toJS() ?? {}) as KubeObject).filter((object) => "kind" in object);

/** By kind, namespace and name. */
const byKey = (objects: readonly KubeObject[]): Record<string, KubeObject> =>
  Object.fromEntries(objects.map((object) => [`${object.kind} ${object.metadata.namespace ?? ""}/${object.metadata.name}`, object]));

const template = async (...args: readonly string[]): Promise<Record<string, KubeObject>> => {
  const { code, stdout, stderr } = await helm(["template", own, chart, "--namespace", own, ...args]);
  assert.equal(code, 0, stderr);
  return byKey(objectsOf(stdout));
};

const containerOf = (objects: Record<string, KubeObject>, role: string): Container => {
  const { template: pod } = objects[`Deployment ${own}/${own}-${role}`]?.spec as { template: { spec: PodSpec } };
  return pod.spec.containers[0];
};

/** Skips where Helm cannot be built. */
async function hasHelm(t: TestContext): Promise<boolean> {
  const failure = await helm(["version"]).then(() => undefined, (error: unknown) => String(error));
  if (failure !== undefined) lacking(t, `Helm cannot be had: ${failure}`);
  return failure === undefined;
}

test("the overlay in docs/install.md names the image", async (t) => {
  const plane = await requireControlPlane(t, { tekton: false });
  if (plane === undefined) return;
  const [overlay = ""] = codeBlocks({ path: "docs/install.md", text: readFileSync(join(project, "docs/install.md"), "utf8") }, "yaml");
  const folder = mkdtempSync(join(tmpdir(), "tekton-integrations-overlay-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  for (const name of ["deploy", "crds"]) cpSync(join(project, name), join(folder, name), { recursive: true });
  writeFileSync(join(folder, "kustomization.yaml"), overlay);
  const objects = byKey(objectsOf((await plane.kubectl(["kustomize", folder])).stdout));
  assert.deepEqual(["webhook", "controller"].map((role) => containerOf(objects, role).image), Array.from({ length: 2 }, () => "registry.example.com/tekton-integrations:0.1.0"));
});

test("the chart, install.yaml and deploy/ hold the same objects", async (t) => {
  if (!(await hasHelm(t))) return;
  const plane = await requireControlPlane(t, { tekton: false });
  if (plane === undefined) return;
  const kustomized = byKey(objectsOf((await plane.kubectl(["kustomize", join(project, "deploy")])).stdout));
  assert.deepEqual(byKey(objectsOf(installManifest(join(project, "deploy/base"), "0.1.0"))), kustomized);
  const { [`Namespace /${own}`]: namespace, ...others } = kustomized;
  assert.notEqual(namespace, undefined);
  const templated = await template("--set", "crds.keep=false");
  assert.deepEqual(templated, others);
});

test("helm finds nothing wrong with the chart, and says which value is not one of its", async (t) => {
  if (!(await hasHelm(t))) return;
  const linted = await helm(["lint", "--strict", chart]);
  assert.equal(linted.code, 0, linted.stdout);
  for (const [value, complaint] of [
    ["flags.log-levle=debug", "additional properties 'log-levle' not allowed"],
    ["webhook.replicas=0", "/webhook/replicas"],
    ["certificates=letsencrypt", "/certificates"],
    ["image.repository=", "/image/repository"],
  ] as const) {
    const { code, stderr } = await helm(["template", own, chart, "--set", value]);
    assert.notEqual(code, 0, value);
    assert.ok(stderr.includes(complaint), `${value}: ${stderr}`);
  }
});

test("every open flag of serve is a value, and reaches both roles as the program reads it", async (t) => {
  if (!(await hasHelm(t))) return;
  const flags = {
    "watch-namespace": ["team-a", "team-b"],
    "log-level": "debug",
    "run-url-template": "https://dashboard.example.com/{namespace}/{name}",
    "lease-duration": "20s",
    "delivery-deadline": "12h",
    "ambient-credentials-namespaces": ["team-a"],
    "require-secret-opt-in": true,
    "egress-allow-hosts": ["events.platform.svc", "*.corp.example.com"],
    "egress-allow-http": true,
    "egress-deny-cidrs": ["10.0.0.0/8", "192.168.0.0/16"],
    "cluster-domain": "corp.local",
  };
  assert.deepEqual(openFlags.map(({ name }) => name).sort(), Object.keys(flags).sort());
  const objects = await template("--set-json", JSON.stringify({ flags }));
  const variables = (role: string): Record<string, string> => Object.fromEntries((containerOf(objects, role).env ?? []).map(({ name, value }) => [name, value]));
  assert.deepEqual(variables("webhook"), variables("controller"));
  assert.deepEqual(Object.keys(variables("controller")).sort(), openFlags.map(({ name }) => environmentName(name)).sort());
  const config = readConfig(containerOf(objects, "controller").args.slice(1), variables("controller"));
  assert.deepEqual(
    [config.watchNamespaces, config.logLevel, config.runUrlTemplate, config.leaseDurationMs, config.deliveryDeadlineMs, config.ambientCredentialsNamespaces, config.requireSecretOptIn, config.egressAllowHosts, config.egressAllowHttp, config.egressDenyCidrs, config.clusterDomain],
    [["team-a", "team-b"], "debug", flags["run-url-template"], 20_000, 43_200_000, ["team-a"], true, ["events.platform.svc", "*.corp.example.com"], true, ["10.0.0.0/8", "192.168.0.0/16"], "corp.local"],
  );
});

test("the chart narrows rights to namespaces as the overlays do, and leaves certificates to cert-manager", async (t) => {
  if (!(await hasHelm(t))) return;
  const plane = await requireControlPlane(t, { tekton: false });
  if (plane === undefined) return;
  const bindings = (objects: Record<string, KubeObject>): Record<string, unknown> => Object.fromEntries(Object.entries(objects).filter(([key]) => /^(?:Cluster)?RoleBinding /.test(key)));
  const kustomized = async (folder: string) => byKey(objectsOf((await plane.kubectl(["kustomize", join(project, folder)])).stdout));
  const spaces = "{team-a,team-b}";
  assert.deepEqual(bindings(await template("--set", `flags.watch-namespace=${spaces}`)), bindings(await kustomized("deploy/overlays/watch-namespace")));
  assert.deepEqual(bindings(await template("--set", `secretNamespaces=${spaces}`)), bindings(await kustomized("deploy/overlays/strict")));
  const { [`Namespace /${own}`]: _, ...withCertManager } = await kustomized("certs/cert-manager");
  assert.deepEqual(await template("--set", "certificates=cert-manager", "--set", "crds.keep=false"), withCertManager);
  const elsewhere = JSON.stringify(await helm(["template", own, chart, "--namespace", "elsewhere"]).then(({ stdout }) => objectsOf(stdout)));
  assert.deepEqual([...elsewhere.matchAll(/"namespace":"([^"]+)"|serviceaccount:([^:]+):/g)].map(([, namespace, account]) => namespace ?? account).filter((name) => name !== "elsewhere"), []);
});

const release = ["--namespace", own, "--create-namespace"];

async function run(plane: ControlPlane, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await helm([...args, "--kubeconfig", plane.kubeconfig]);
  assert.equal(code, 0, stderr);
}

/** Names of objects of all kinds that carry our label or are in our group. */
async function left(plane: ControlPlane): Promise<string[]> {
  const kinds = "clusterroles,clusterrolebindings,roles,rolebindings,deployments,services,serviceaccounts,networkpolicies,poddisruptionbudgets,validatingwebhookconfigurations,mutatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings,customresourcedefinitions";
  const { stdout } = await plane.kubectl(["get", kinds, "--all-namespaces", "-o", "name"]);
  return stdout.split("\n").filter((line) => line.includes("tekton-integrations") || line.includes("integrations.tekton.ornew.io"));
}

test("helm installs, upgrades and uninstalls; what users made stays unless they say otherwise", async (t) => {
  if (!(await hasHelm(t))) return;
  const plane = await requireControlPlane(t, { tekton: false });
  if (plane === undefined) return;
  await run(plane, "install", own, chart, ...release);
  const webhooks = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"];
  const failurePolicy = async (value: string): Promise<void> => {
    for (const kind of webhooks) await plane.kubectl(["patch", kind, own, "--type=json", "-p", JSON.stringify([{ op: "replace", path: "/webhooks/0/failurePolicy", value }])]);
  };
  // Nothing runs in these Deployments here: the webhook is not asked.
  await failurePolicy("Ignore");
  const provider = { apiVersion: "integrations.tekton.ornew.io/v1alpha1", kind: "Provider", metadata: { name: "events", namespace: "default" }, spec: { type: "CloudEvents", cloudEvents: { url: "https://events.example.com" } } };
  await eventually("the kinds are served", async () => (await plane.kubectl(["apply", "-f", "-"], { input: JSON.stringify(provider), allowFailure: true })).code === 0);
  await run(plane, "upgrade", own, chart, ...release, "--set", "controller.replicas=3", "--force-conflicts");
  const { spec } = await plane.client.call<{ spec: { replicas: number } }>("GET", `/apis/apps/v1/namespaces/${own}/deployments/${own}-controller`);
  assert.equal(spec.replicas, 3);
  await run(plane, "uninstall", own, "--namespace", own);
  assert.deepEqual((await left(plane)).map((name) => name.split("/")[1]).sort(), ["deliveries", "notifications", "providers"].map((plural) => `${plural}.integrations.tekton.ornew.io`));
  const { stdout } = await plane.kubectl(["get", "providers", "-n", "default", "-o", "name"]);
  assert.equal(stdout.trim(), "provider.integrations.tekton.ornew.io/events");
});

test("uninstalled as it was installed, nothing is left of it", async (t) => {
  const plane = await requireControlPlane(t, { tekton: false });
  if (plane === undefined) return;
  await plane.kubectl(["apply", "-k", join(project, "deploy")]);
  assert.ok((await left(plane)).length > 20);
  const kinds = "providers,notifications,deliveries";
  await eventually("the kinds are served", async () => (await plane.kubectl(["get", kinds, "--all-namespaces"], { allowFailure: true })).code === 0);
  await plane.kubectl(["delete", "-k", join(project, "deploy"), "--wait=true", "--timeout=60s"]);
  assert.deepEqual(await left(plane), []);
  assert.equal((await plane.client.send("GET", `/api/v1/namespaces/${own}`)).status, 404);
});
