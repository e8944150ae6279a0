import assert from "node:assert/strict";
import { join } from "node:path";
import { serveFlags } from "../../src/config.ts";
import type { ControlPlane, Identity } from "../support/control-plane.ts";
import { kubeClient, type KubeObject, objectPath } from "../support/kube-client.ts";
import { controlPlaneTests } from "../support/require.ts";
import { eventually } from "../support/wait.ts";

const folder = join(import.meta.dirname, "../../deploy");
const own = "tekton-integrations";
const test = controlPlaneTests();

let installed: Promise<string> | undefined;
/** `kubectl apply -k deploy/`, once for all tests of this file. */
function install(plane: ControlPlane): Promise<string> {
  installed ??= plane.kubectl(["apply", "-k", folder]).then(({ stdout }) => stdout);
  return installed;
}

/** What `kubectl auth can-i --list` shows of the resources in a namespace, as `resource[name] -> verbs`. */
async function listed(plane: ControlPlane, identity: Identity, namespace: string): Promise<Map<string, string>> {
  const kubeconfig = await plane.kubeconfigFor(identity);
  const { stdout } = await plane.kubectl(["auth", "can-i", "--list", "--namespace", namespace], { kubeconfig });
  const [header = "", ...lines] = stdout.trimEnd().split("\n");
  const [names, verbs] = [header.indexOf("Resource Names"), header.indexOf("Verbs")];
  const rows = lines.filter((line) => !line.startsWith(" ")).map((line): [string, string] => {
    const resource = line.slice(0, line.indexOf(" "));
    const name = line.slice(names, verbs).trim();
    return [name === "[]" ? resource : `${resource}${name}`, line.slice(verbs).trim()];
  });
  assert.equal(new Set(rows.map(([resource]) => resource)).size, rows.length, "every resource is listed once");
  return new Map(rows);
}

/** The rights of one of our ServiceAccounts, without those that Kubernetes itself gives to every ServiceAccount. */
async function rights(plane: ControlPlane, account: string, namespace: string): Promise<Record<string, string>> {
  const nobody = { namespace: "default", name: "nobody" };
  await plane.client.send("POST", "/api/v1/namespaces/default/serviceaccounts", { body: { apiVersion: "v1", kind: "ServiceAccount", metadata: nobody } });
  const everybody = await listed(plane, { serviceAccount: nobody }, namespace);
  const given = await listed(plane, { serviceAccount: { namespace: own, name: account } }, namespace);
  for (const [resource, verbs] of everybody) assert.equal(given.get(resource), verbs, resource);
  return Object.fromEntries([...given].filter(([resource]) => !everybody.has(resource)));
}

const webhookEverywhere = { "subjectaccessreviews.authorization.k8s.io": "[create]", "providers.integrations.tekton.ornew.io": "[get]", namespaces: "[get]" };

const controllerEverywhere = {
  "pipelineruns.tekton.dev": "[get list watch]",
  "taskruns.tekton.dev": "[get list watch]",
  "customruns.tekton.dev": "[get list watch]",
  "providers.integrations.tekton.ornew.io": "[list watch]",
  "notifications.integrations.tekton.ornew.io": "[list watch]",
  "deliveries.integrations.tekton.ornew.io": "[get list watch create delete]",
  "providers.integrations.tekton.ornew.io/status": "[patch]",
  "notifications.integrations.tekton.ornew.io/status": "[patch]",
  "deliveries.integrations.tekton.ornew.io/status": "[patch]",
  "events.events.k8s.io": "[create]",
  "validatingwebhookconfigurations.admissionregistration.k8s.io[tekton-integrations]": "[get patch]",
  "mutatingwebhookconfigurations.admissionregistration.k8s.io[tekton-integrations]": "[get patch]",
  "servicecidrs.networking.k8s.io": "[list]",
  namespaces: "[list watch]",
  secrets: "[get]",
};

/** What the controller may do in its own namespace alone. */
const ownOnly = {
  secrets: "[create]",
  "leases.coordination.k8s.io": "[create]",
  "leases.coordination.k8s.io[tekton-integrations-controller]": "[get update]",
  "secrets[tekton-integrations-webhook-ca]": "[get update]",
  "secrets[tekton-integrations-webhook-tls]": "[get update]",
};

test("deploy/ applies with kubectl alone, and a second time changes nothing", async (plane) => {
  const first = (await install(plane)).trim().split("\n");
  assert.ok(first.length >= 20);
  assert.deepEqual(first.filter((line) => !line.endsWith(" created")), []);
  const second = (await plane.kubectl(["apply", "-k", folder])).stdout.trim().split("\n");
  // kubectl replaces this selector as a whole, and says so every time.
  const replaced = ["webhook", "controller"].map((role) => `poddisruptionbudget.policy/tekton-integrations-${role} configured`);
  assert.deepEqual(second.filter((line) => !line.endsWith(" unchanged") && !replaced.includes(line)), []);
  assert.equal(second.length, first.length);
});

test("outside its own namespace the controller reads runs, Secrets and the ranges of Services and writes nothing but its own kinds and Events", async (plane) => {
  await install(plane);
  assert.deepEqual(await rights(plane, `${own}-controller`, "default"), controllerEverywhere);
});

test("in its own namespace the controller may also create Secrets and update the two of the certificate", async (plane) => {
  await install(plane);
  assert.deepEqual(await rights(plane, `${own}-controller`, own), { ...controllerEverywhere, ...ownOnly, secrets: "[get create]" });
});

test("the webhook may read its certificate, Providers and Namespaces, and ask for SubjectAccessReviews, and nothing else anywhere", async (plane) => {
  await install(plane);
  assert.deepEqual(await rights(plane, `${own}-webhook`, "default"), webhookEverywhere);
  assert.deepEqual(await rights(plane, `${own}-webhook`, own), { ...webhookEverywhere, "secrets[tekton-integrations-webhook-tls]": "[get]" });
});

/** A tenant with the role `edit` in a namespace of its own. */
async function tenant(plane: ControlPlane, namespace: string): Promise<string> {
  await plane.kubectl(["create", "namespace", namespace]);
  await plane.kubectl(["create", "serviceaccount", "tenant", "--namespace", namespace]);
  await plane.kubectl(["create", "rolebinding", "tenant", "--clusterrole=edit", `--serviceaccount=${namespace}:tenant`, "--namespace", namespace]);
  const kubeconfig = await plane.kubeconfigFor({ serviceAccount: { namespace, name: "tenant" } });
  // kube-controller-manager fills the aggregated role in its own time.
  await eventually("a tenant may write Notifications", async () =>
    (await plane.kubectl(["auth", "can-i", "create", "notifications.integrations.tekton.ornew.io", "--namespace", namespace], { kubeconfig, allowFailure: true })).code === 0);
  return kubeconfig;
}

function delivery(namespace: string): KubeObject {
  const notificationRef = { name: "to-github", uid: "8f9f3c46-6a3b-4c0e-9a55-8d0f3f0f6d0a" };
  const runRef = { apiVersion: "tekton.dev/v1", kind: "PipelineRun", namespace, name: "build", uid: "0b0e7c5e-13c2-4b8f-8f3c-5f9d1c9b7a11" };
  return { apiVersion: "integrations.tekton.ornew.io/v1alpha1", kind: "Delivery", metadata: { name: "to-github-1", namespace }, spec: { notificationRef, runRef } };
}

/** Calls the API server as the controller does. */
async function asController(plane: ControlPlane, method: string, path: string, options: { readonly body: unknown; readonly contentType?: string }): Promise<number> {
  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
  const account = `/api/v1/namespaces/${own}/serviceaccounts/${own}-controller/token`;
  const { status } = await plane.client.call<{ status: { token: string } }>("POST", account, { body: request });
  const client = kubeClient(plane.server, plane.caFile, status.token);
  try {
    return (await client.send(method, path, options)).status;
  } finally {
    await client.close();
  }
}

test("only the controller creates Deliveries and writes their status; tenants may annotate and delete them", async (plane) => {
  await install(plane);
  const namespace = "team-a";
  const kubeconfig = await tenant(plane, namespace);
  const object = delivery(namespace);
  const input = JSON.stringify(object);
  const create = (flags: readonly string[]) => plane.kubectl(["create", ...flags, "-f", "-"], { input, allowFailure: true });
  // A policy takes effect a moment after it was applied.
  await eventually("the policy is in force", async () => (await create(["--dry-run=server"])).code === 1);
  const created = await create([]);
  assert.equal(created.code, 1);
  assert.match(created.stderr, /only the controller of Tekton Integrations creates Deliveries/);
  assert.equal(await asController(plane, "POST", objectPath(object).replace(/\/[^/]+$/, ""), { body: object }), 201);

  const status = { ...object, status: { state: "Delivered" } };
  const patch = ["patch", "delivery", "to-github-1", "--namespace", namespace, "--subresource=status", "--type=merge", "--patch", '{"status":{"state":"Delivered"}}'];
  const patched = await plane.kubectl(patch, { allowFailure: true });
  assert.equal(patched.code, 1);
  assert.match(patched.stderr, /only the controller of Tekton Integrations writes the status/);
  const apply = { body: status, contentType: "application/apply-patch+yaml" };
  assert.equal(await asController(plane, "PATCH", `${objectPath(object)}/status?fieldManager=controller`, apply), 200);

  await plane.kubectl(["annotate", "delivery", "to-github-1", "--namespace", namespace, "integrations.tekton.ornew.io/redeliver=now"], { kubeconfig });
  const seen = await plane.kubectl(["get", "delivery", "to-github-1", "--namespace", namespace, "-o", "jsonpath={.status.state} {.metadata.annotations}"], { kubeconfig });
  assert.equal(seen.stdout, 'Delivered {"integrations.tekton.ornew.io/redeliver":"now"}');
  await plane.kubectl(["delete", "delivery", "to-github-1", "--namespace", namespace], { kubeconfig });
});

test("overlays/watch-namespace gives the controller rights in the namespaces that it names, and keeps none elsewhere but for what belongs to no namespace", async (plane, t) => {
  await install(plane);
  const watched = ["team-a", "team-b"];
  for (const namespace of watched) await plane.client.send("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } } });
  const { stdout } = await plane.kubectl(["apply", "-k", join(folder, "overlays/watch-namespace")]);
  assert.deepEqual(stdout.trim().split("\n").filter((line) => line.endsWith(" created")), watched.flatMap(() => ["", "-secrets"].map((suffix) => `rolebinding.rbac.authorization.k8s.io/tekton-integrations-controller${suffix} created`)));
  // kubectl takes away nothing that an installation before this one had.
  await plane.kubectl(["delete", "clusterrolebinding", `${own}-controller`, `${own}-controller-secrets`]);
  t.after(() => plane.kubectl(["apply", "-k", folder]));
  const ofTheCluster = Object.fromEntries(Object.entries(controllerEverywhere).filter(([resource]) => /webhookconfigurations|servicecidrs/.test(resource)));
  assert.deepEqual(await rights(plane, `${own}-controller`, "default"), ofTheCluster);
  for (const namespace of watched) assert.deepEqual(await rights(plane, `${own}-controller`, namespace), controllerEverywhere);
  // Records of runs that are of another namespace than their Notification.
  const records = Object.fromEntries(Object.entries(controllerEverywhere).filter(([resource]) => /^deliveries|^events/.test(resource)));
  assert.deepEqual(await rights(plane, `${own}-controller`, own), { ...ofTheCluster, ...ownOnly, ...records });
});

test("overlays/strict lets the controller read Secrets only where it was bound to", async (plane, t) => {
  await install(plane);
  const bound = ["team-a", "team-b"];
  for (const namespace of bound) await plane.client.send("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } } });
  await plane.kubectl(["apply", "-k", join(folder, "overlays/strict")]);
  await plane.kubectl(["delete", "clusterrolebinding", `${own}-controller-secrets`]);
  t.after(() => plane.kubectl(["apply", "-k", folder]));
  const { secrets: _, ...others } = controllerEverywhere;
  assert.deepEqual(await rights(plane, `${own}-controller`, "default"), others);
  for (const namespace of bound) assert.deepEqual(await rights(plane, `${own}-controller`, namespace), controllerEverywhere);
});

interface PodTemplate {
  readonly template: { readonly spec: { readonly containers: readonly { readonly args: readonly string[]; readonly ports: readonly { name: string; containerPort: number }[] }[] } };
}

test("the Deployments start the program with flags that it has", async (plane) => {
  await install(plane);
  const flags = new Set<string>(serveFlags.map(({ name }) => `--${name}`));
  const { items } = await plane.client.call<{ items: { metadata: { name: string }; spec: PodTemplate }[] }>("GET", `/apis/apps/v1/namespaces/${own}/deployments`);
  assert.deepEqual(items.map(({ metadata }) => metadata.name).sort(), [`${own}-controller`, `${own}-webhook`]);
  for (const { spec } of items) {
    const [container] = spec.template.spec.containers;
    const [command, ...given] = container?.args ?? [];
    assert.equal(command, "serve");
    assert.deepEqual(given.filter((argument) => !flags.has(argument.split("=")[0] ?? "")), []);
    const ports = new Map(container?.ports.map(({ name, containerPort }) => [name, containerPort]));
    assert.ok(given.includes(`--metrics-port=${ports.get("metrics")}`));
    assert.equal(given.includes(`--webhook-port=${ports.get("https")}`), given.includes("--webhook"));
  }
});
