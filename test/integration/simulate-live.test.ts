import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { main } from "../../src/cli/main.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import { controlPlaneTests } from "../support/require.ts";

const test = controlPlaneTests({ crds: [join(import.meta.dirname, "../../crds")] });
const marker = "MARKER-of-the-token";

interface Line {
  readonly notification: string;
  readonly run: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly status: string;
  readonly why?: string;
  readonly requests: readonly { readonly url: string; readonly headers: Readonly<Record<string, string>> }[];
}

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** `notification run status`, and the URL of the request or why there is none. */
  readonly told: string[];
}

async function simulate(kubeconfig: string, ...args: readonly string[]): Promise<Ended> {
  let out = "";
  let err = "";
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text), stdin: () => Promise.resolve("") };
  const code = await main(["simulate", "--live", "--kubeconfig", kubeconfig, "-o", "json", ...args], new AbortController().signal, io);
  const lines = out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Line);
  const told = lines.map(({ notification, run, status, why, requests }) => `${notification} ${run.kind}/${run.name} ${status}: ${requests.map(({ url }) => url).join() || String(why)}`);
  return { code, out, err, told };
}

const rule = (apiGroup: string, resources: readonly string[], verbs: readonly string[]): object => ({ apiGroups: [apiGroup], resources, verbs });

/** A ServiceAccount that has these rights in namespaces, and no others. */
async function restricted({ plane, name, rights }: { plane: ControlPlane; name: string; rights: Readonly<Record<string, readonly object[]>> }): Promise<string> {
  const objects = Object.entries(rights).flatMap(([namespace, rules]) => [
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { name, namespace }, rules },
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", metadata: { name, namespace }, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name }, subjects: [{ kind: "ServiceAccount", name, namespace: "default" }] },
  ]);
  await apply(plane, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "default" } }, ...objects);
  return plane.kubeconfigFor({ serviceAccount: { namespace: "default", name } });
}

const apply = (plane: ControlPlane, ...objects: readonly object[]): Promise<unknown> =>
  plane.kubectl(["apply", "-f", "-"], { input: objects.map((object) => JSON.stringify(object)).join("\n---\n") });

const named = (name: string): object => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });

/** Two namespaces: `ci-*` with runs and Notifications, `platform-*` with a Provider for it. */
async function world(plane: ControlPlane, t: TestContext): Promise<{ ci: string; platform: string }> {
  const suffix = t.name.replace(/\W+/g, "-").slice(0, 20).toLowerCase().replace(/-$/, "");
  const [ci, platform] = [`ci-${suffix}`, `platform-${suffix}`];
  const token = { type: "Bearer", secretRef: { name: "token" } };
  const own = cloudEventsProvider(ci, "own", "https://own.example.com/");
  const shared = cloudEventsProvider(platform, "shared", "https://shared.example.com/", { allowedNamespaces: { matchNames: [ci] } });
  const other: KubeObject = { ...notification(ci, "to-shared", "shared"), spec: { providerRef: { name: "shared", namespace: platform }, filter: { statuses: ["Failed"] } } };
  await apply(plane, named(ci), named(platform));
  const withToken = { ...own, spec: { type: "CloudEvents", cloudEvents: { url: "https://own.example.com/", authentication: token } } };
  await apply(plane, { apiVersion: "v1", kind: "Secret", metadata: { name: "token", namespace: ci }, stringData: { token: marker } }, withToken, shared, other, notification(ci, "to-own", "own", { kinds: ["PipelineRun", "TaskRun"] }));
  const good = await makeRun(plane.client, ci, "good");
  await good.become("Unknown", "Running");
  await good.become("True", "Succeeded");
  const bad = await makeRun(plane.client, ci, "bad");
  await bad.become("False", "Failed");
  const task = await makeRun(plane.client, ci, "bad-unit-tests", { kind: "TaskRun", parent: bad });
  await task.become("False", "Failed");
  return { ci, platform };
}

test("shows what would be sent for the runs of a cluster, with the user's rights, and without a Secret's contents", async (plane, t) => {
  const { ci } = await world(plane, t);
  const { code, told, err, out } = await simulate(plane.kubeconfig, "-n", ci);
  assert.deepEqual([code, err], [0, ""]);
  assert.deepEqual(told.toSorted(), [
    `${ci}/to-own PipelineRun/bad Failed: https://own.example.com/`,
    `${ci}/to-own PipelineRun/good Succeeded: https://own.example.com/`,
    `${ci}/to-own TaskRun/bad-unit-tests Failed: https://own.example.com/`,
    `${ci}/to-shared PipelineRun/bad Failed: https://shared.example.com/`,
    `${ci}/to-shared PipelineRun/good Succeeded: statuses: Succeeded is not in [Failed]`,
  ]);
  assert.match(out, /\[redacted\]/);
  for (const form of [marker, Buffer.from(marker).toString("base64")]) assert.ok(!out.includes(form));
});

test("says what may not be read, and shows the rest", async (plane, t) => {
  const { ci, platform } = await world(plane, t);
  const ours = "integrations.tekton.ornew.io";
  const kubeconfig = await restricted({ plane, name: "developer", rights: { [ci]: [rule(ours, ["notifications", "providers"], ["get", "list"]), rule("tekton.dev", ["pipelineruns"], ["list"])] } });
  const { code, told, err } = await simulate(kubeconfig, "-n", ci, "-n", platform);
  assert.equal(code, 0);
  assert.deepEqual(err.split("\n"), [
    `simulate: you may not list notifications.${ours} in namespace ${platform}: its Notifications are missing`,
    `simulate: you may not get providers.${ours} in namespace ${platform}: the Provider ${platform}/shared counts as missing, so what would be sent through it is not shown`,
    `simulate: you may not list taskruns.tekton.dev in namespace ${ci}: those runs, and the tasks of PipelineRuns, are missing`,
    `simulate: you may not list customruns.tekton.dev in namespace ${ci}: those runs, and the tasks of PipelineRuns, are missing`,
    "",
  ]);
  assert.deepEqual(told.toSorted(), [
    `${ci}/to-own PipelineRun/bad Failed: https://own.example.com/`,
    `${ci}/to-own PipelineRun/good Succeeded: https://own.example.com/`,
    `${ci}/to-shared PipelineRun/bad Failed: ProviderNotFound: there is no Provider ${platform}/shared in the configuration`,
    `${ci}/to-shared PipelineRun/good Succeeded: statuses: Succeeded is not in [Failed]`,
  ]);
});

test("whoever may read no Notification is told so, with exit code 1", async (plane, t) => {
  const { ci } = await world(plane, t);
  const kubeconfig = await restricted({ plane, name: "stranger", rights: {} });
  const { code, out, err } = await simulate(kubeconfig, "-n", ci);
  assert.deepEqual([code, out, err], [1, "", `tekton-integrations simulate: you may not list notifications.integrations.tekton.ornew.io in namespace ${ci}\n`]);
});

test("runs of other namespaces are listed where they are selected, by the labels of the Namespaces of the cluster", async (plane, t) => {
  const { ci, platform } = await world(plane, t);
  await plane.kubectl(["label", "namespace", ci, "simulated=yes"]);
  const labels = { matchLabels: { simulated: "yes" } };
  await apply(plane, cloudEventsProvider(platform, "wide", "https://wide.example.com/", { runNamespaces: labels }), notification(platform, "by-label", "wide", { namespaceSelector: labels, statuses: ["Failed"] }));
  const { code, told, err } = await simulate(plane.kubeconfig, "-n", platform);
  assert.deepEqual([code, err], [0, ""]);
  assert.deepEqual(told.toSorted(), [`${platform}/by-label PipelineRun/bad Failed: https://wide.example.com/`, `${platform}/by-label PipelineRun/good Succeeded: statuses: Succeeded is not in [Failed]`]);
});

test("Notifications of a file are tried on the runs of the cluster, in place of the cluster's own", async (plane, t) => {
  const { ci } = await world(plane, t);
  const folder = await mkdtemp(join(tmpdir(), "simulate-live-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "new.yaml");
  await writeFile(file, JSON.stringify(notification(ci, "new", "own", { expression: 'name == "bad"' })));
  const { code, told, err } = await simulate(plane.kubeconfig, "-n", ci, "-f", file);
  assert.deepEqual([code, err], [0, ""]);
  assert.deepEqual(told.toSorted(), [`${ci}/new PipelineRun/bad Failed: https://own.example.com/`, `${ci}/new PipelineRun/good Succeeded: expression: is false`]);
});
