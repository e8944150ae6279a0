import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as plainTest } from "node:test";
import { type ControlPlane } from "./control-plane.ts";
import { processStart } from "./control-plane/process-identity.ts";
import { collectionPath, type KubeObject } from "./kube-client.ts";
import { controlPlaneTests, lacking, requireControlPlane } from "./require.ts";
import { eventually } from "./wait.ts";

const crdFolder = mkdtempSync(join(tmpdir(), "control-plane-test-"));
const crd = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "boats.harbour.example.com" },
  spec: {
    group: "harbour.example.com",
    scope: "Namespaced",
    names: { plural: "boats", singular: "boat", kind: "Boat" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } } }],
  },
};
writeFileSync(join(crdFolder, "boat.yaml"), JSON.stringify(crd));

const test = controlPlaneTests({ crds: [crdFolder] });
plainTest.after(() => {
  rmSync(crdFolder, { recursive: true });
});

async function createNamespace({ kubectl }: ControlPlane, name: string): Promise<void> {
  await kubectl(["create", "namespace", name]);
}

test("kubectl and the API server are of the same version", async ({ kubectl, version }) => {
  const { stdout } = await kubectl(["version", "-o", "json"]);
  const { clientVersion, serverVersion } = JSON.parse(stdout) as Record<string, { gitVersion: string }>;
  assert.equal(serverVersion?.gitVersion, version);
  assert.equal(clientVersion?.gitVersion, version);
});

test("Tekton's kinds and the given CRDs are served", async ({ kubectl }) => {
  const { stdout } = await kubectl(["api-resources", "-o", "name"]);
  const resources = stdout.split("\n");
  for (const name of ["pipelineruns.tekton.dev", "taskruns.tekton.dev", "customruns.tekton.dev", "boats.harbour.example.com"]) {
    assert.ok(resources.includes(name), name);
  }
  // The API server publishes the schemas of new kinds some time after it serves them.
  const explained = await eventually("kubectl explains Tekton's kinds", async () => {
    const { code, stdout } = await kubectl(["explain", "pipelinerun.status.childReferences"], { allowFailure: true });
    return code === 0 && stdout;
  });
  assert.match(explained, /pipelineTaskName/);
});

test("a failed command rejects with kubectl's words, or is returned where that is allowed", async ({ kubectl }) => {
  await assert.rejects(kubectl(["get", "namespace", "nowhere"]), /namespaces "nowhere" not found/);
  const result = await kubectl(["get", "namespace", "nowhere"], { allowFailure: true });
  assert.equal(result.code, 1);
  assert.match(result.stderr, /not found/);
});

test("an object goes with its owner", async (plane) => {
  const { client, kubectl } = plane;
  await createNamespace(plane, "owners");
  const boats = collectionPath("harbour.example.com/v1", "Boat", "owners");
  const boat = (name: string, more: object = {}): KubeObject => ({ apiVersion: "harbour.example.com/v1", kind: "Boat", metadata: { name, ...more } });
  const owner = await client.call("POST", boats, { body: boat("owner") });
  const ownerReferences = [{ apiVersion: "harbour.example.com/v1", kind: "Boat", name: "owner", uid: owner.metadata.uid }];
  await client.call("POST", boats, { body: boat("owned", { ownerReferences }) });
  await client.call("POST", boats, { body: boat("free") });
  await kubectl(["delete", "boat", "owner", "-n", "owners"]);
  const names = async (): Promise<string> => (await kubectl(["get", "boats", "-n", "owners", "-o", "name"])).stdout.trim();
  await eventually("only the free boat is left", async () => (await names()) === "boat.harbour.example.com/free");
});

test("a namespace is deleted with what is in it", async (plane) => {
  await createNamespace(plane, "short-lived");
  await plane.kubectl(["create", "configmap", "something", "-n", "short-lived"]);
  await plane.kubectl(["delete", "namespace", "short-lived", "--timeout=60s"]);
  const { stderr } = await plane.kubectl(["get", "namespace", "short-lived"], { allowFailure: true });
  assert.match(stderr, /not found/);
});

test("an aggregated role takes up the rules of the roles it names", async ({ client, kubectl }) => {
  const role = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "boats-view", labels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } },
    rules: [{ apiGroups: ["harbour.example.com"], resources: ["boats"], verbs: ["get"] }],
  };
  await kubectl(["apply", "-f", "-"], { input: JSON.stringify(role) });
  await eventually("view can get boats", async () => {
    const view = await client.call<{ rules: { resources: string[] }[] }>("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/view");
    return view.rules.some(({ resources }) => resources.includes("boats"));
  });
});

test("a tenant may do nothing until a role says so", async (plane) => {
  await createNamespace(plane, "tenancy");
  const kubeconfig = await plane.kubeconfigFor({ user: "tenant-a" });
  const get = (): ReturnType<ControlPlane["kubectl"]> => plane.kubectl(["get", "secrets", "-n", "tenancy"], { kubeconfig, allowFailure: true });
  assert.match((await get()).stderr, /User "tenant-a" cannot list resource "secrets"/);
  await plane.kubectl(["create", "rolebinding", "a", "--clusterrole=admin", "--user=tenant-a", "-n", "tenancy"]);
  await eventually("the binding is known", async () => (await get()).code === 0);
});

test("a kubeconfig speaks for a ServiceAccount with its own token", async (plane) => {
  await createNamespace(plane, "accounts");
  await plane.kubectl(["create", "serviceaccount", "robot", "-n", "accounts"]);
  const kubeconfig = await plane.kubeconfigFor({ serviceAccount: { namespace: "accounts", name: "robot" } });
  const { stdout } = await plane.kubectl(["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"], { kubeconfig });
  assert.equal(stdout, "system:serviceaccount:accounts:robot");
});

test("a restarted API server has the same address and the same objects", async (plane) => {
  await createNamespace(plane, "before-restart");
  const before = plane.processes.get("kube-apiserver");
  await plane.restartApiServer();
  assert.notEqual(plane.processes.get("kube-apiserver"), before);
  const { stdout } = await plane.kubectl(["get", "namespace", "before-restart", "-o", "name"]);
  assert.equal(stdout.trim(), "namespace/before-restart");
});

test("kinds installed later are collected after kube-controller-manager has been started again", async (plane) => {
  const folder = mkdtempSync(join(crdFolder, "later-"));
  const later = { ...crd, metadata: { name: "piers.harbour.example.com" }, spec: { ...crd.spec, names: { plural: "piers", singular: "pier", kind: "Pier" } } };
  writeFileSync(join(folder, "pier.yaml"), JSON.stringify(later));
  await plane.applyCrds([folder]);
  await plane.restartControllerManager();
  await createNamespace(plane, "later");
  const ownerReferences = [{ apiVersion: "harbour.example.com/v1", kind: "Boat", name: "gone", uid: "00000000-0000-4000-8000-000000000000" }];
  const body = { apiVersion: "harbour.example.com/v1", kind: "Pier", metadata: { name: "orphan", ownerReferences } };
  await plane.client.call("POST", collectionPath("harbour.example.com/v1", "Pier", "later"), { body });
  await eventually("the orphan is gone", async () => (await plane.kubectl(["get", "piers", "-n", "later", "-o", "name"])).stdout === "");
});

test("a second control plane shares nothing with the first", async (plane, t) => {
  const other = await requireControlPlane(t, { tekton: false });
  if (other === undefined) return;
  assert.notEqual(other.server, plane.server);
  assert.notEqual(other.directory, plane.directory);
  await createNamespace(other, "only-here");
  assert.match((await plane.kubectl(["get", "namespace", "only-here"], { allowFailure: true })).stderr, /not found/);
  const { stdout } = await other.kubectl(["api-resources", "-o", "name"]);
  assert.equal(stdout.includes("tekton.dev"), false);

  const pids = [...other.processes.values()];
  assert.equal(pids.length, 4);
  await other.stop();
  await other.stop();
  assert.deepEqual(pids.filter((pid) => processStart(pid) !== undefined), []);
  assert.equal(existsSync(other.directory), false);
  assert.equal((await plane.kubectl(["get", "namespaces"])).code, 0);
});

plainTest("nothing is left of a control plane whose parent was killed", async (t) => {
  const program = `
    const { startControlPlane } = await import(${JSON.stringify(import.meta.resolve("./control-plane.ts"))});
    const plane = await startControlPlane({ tekton: false }).catch((error) => ({ error: error.message, processes: [] }));
    process.stdout.write(JSON.stringify({ error: plane.error, directory: plane.directory, pids: [...plane.processes].map(([, pid]) => pid) }));
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  const { error, directory, pids } = JSON.parse(chunk.toString("utf8")) as { error?: string; directory: string; pids: number[] };
  if (error !== undefined) {
    lacking(t, error);
    return;
  }
  assert.equal(pids.filter((pid) => processStart(pid) !== undefined).length, 4);
  child.kill("SIGKILL");
  await eventually("everything is gone", () => !existsSync(directory) && pids.every((pid) => processStart(pid) === undefined));
});
