import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { parse } from "yaml";
import type { ControlPlane } from "../support/control-plane.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import { startCloudEventsSink, type CloudEventsSink } from "../support/receivers-cloudevents.ts";
import { controlPlaneTests } from "../support/require.ts";
import { runCli, type CliEnded } from "../support/run-cli.ts";

const test = controlPlaneTests({ crds: [join(import.meta.dirname, "../../crds")] });
const marker = "MARKER-of-the-token";
const ours = "integrations.tekton.ornew.io";

interface Sent {
  readonly destination: string;
  readonly state: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly request: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: { readonly subject: string } };
}

interface Report {
  readonly provider: string;
  readonly notification?: string;
  readonly status: string;
  readonly why?: string;
  readonly messages: readonly Sent[];
}

const reportOf = ({ out }: CliEnded): Report => JSON.parse(out) as Report;

const apply = (plane: ControlPlane, ...objects: readonly object[]): Promise<unknown> =>
  plane.kubectl(["apply", "-f", "-"], { input: objects.map((object) => JSON.stringify(object)).join("\n---\n") });

const bearer = (namespace: string, name: string, url: string): KubeObject => ({
  ...cloudEventsProvider(namespace, name, url),
  spec: { type: "CloudEvents", cloudEvents: { url, authentication: { type: "Bearer", secretRef: { name: "token" } } } },
});

const secret = (namespace: string): object => ({ apiVersion: "v1", kind: "Secret", metadata: { name: "token", namespace }, stringData: { token: marker } });

/** A namespace with a Provider that needs a Secret, a receiver for it, and a run that failed. */
async function world(plane: ControlPlane, t: TestContext, namespace: string): Promise<CloudEventsSink> {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  await apply(plane, secret(namespace), bearer(namespace, "events", sink.url));
  await (await makeRun(plane.client, namespace, "shop")).become("False", "Failed");
  return sink;
}

/** A ServiceAccount with these rights in the namespaces, and no others. */
async function restricted(plane: ControlPlane, name: string, rights: Readonly<Record<string, readonly object[]>>): Promise<string> {
  const rbac = "rbac.authorization.k8s.io";
  const objects = Object.entries(rights).flatMap(([namespace, rules]) => [
    { apiVersion: `${rbac}/v1`, kind: "Role", metadata: { name, namespace }, rules },
    { apiVersion: `${rbac}/v1`, kind: "RoleBinding", metadata: { name, namespace }, roleRef: { apiGroup: rbac, kind: "Role", name }, subjects: [{ kind: "ServiceAccount", name, namespace: "default" }] },
  ]);
  await apply(plane, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "default" } }, ...objects);
  return plane.kubeconfigFor({ serviceAccount: { namespace: "default", name } });
}

const rule = (apiGroup: string, resources: readonly string[], verbs: readonly string[]): object => ({ apiGroups: [apiGroup], resources, verbs });

const send = (kubeconfig: string, ...args: readonly string[]): Promise<CliEnded> => runCli(["send", "--kubeconfig", kubeconfig, ...args]);

/** In no form. */
function assertSecretFree(...texts: readonly string[]): void {
  for (const text of texts) for (const form of [marker, Buffer.from(marker).toString("base64")]) assert.ok(!text.includes(form), text);
}

test("one message is sent about the state that a run is in, and nothing is written to the cluster", async (plane, t) => {
  const sink = await world(plane, t, "now");
  const before = (await plane.kubectl(["get", "pipelineruns,providers,notifications,deliveries,events", "-n", "now", "-o", "json"])).stdout;
  const ended = await send(plane.kubeconfig, "-n", "now", "--provider", "events", "--run", "shop", "--development");
  assert.deepEqual([ended.code, ended.err], [0, ""]);
  assert.match(ended.out, /^PipelineRun now\/shop {2}Failed \(Failed\) {2}-> {2}now\/events\n {2}event: sent/);
  assert.deepEqual(sink.events().map(({ subject, data }) => [subject, (data as { status: string }).status]), [["shop", "Failed"]]);
  assert.equal(sink.received[0]?.headers["authorization"], `Bearer ${marker}`);
  assertSecretFree(ended.out, ended.err);
  assert.equal((await plane.kubectl(["get", "pipelineruns,providers,notifications,deliveries,events", "-n", "now", "-o", "json"])).stdout, before);
});

test("a dry run shows the request, sends none and reads no Secret", async (plane, t) => {
  const sink = await world(plane, t, "dry");
  const kubeconfig = await restricted(plane, "dry-reader", { dry: [rule(ours, ["providers"], ["get"]), rule("tekton.dev", ["pipelineruns"], ["get"])] });
  const ended = await send(kubeconfig, "-n", "dry", "--provider", "events", "--run", "shop", "--dry-run", "-o", "json");
  assert.equal(ended.code, 0);
  const { provider, status, messages } = reportOf(ended);
  assert.deepEqual([provider, status, messages.map(({ state, request }) => [state, request.url, request.headers["authorization"], request.body.subject])], ["dry/events", "Failed", [["NotSent", sink.url, "[redacted]", "shop"]]]);
  assert.deepEqual(parse((await send(kubeconfig, "-n", "dry", "--provider", "events", "--run", "shop", "--dry-run", "-o", "yaml")).out), reportOf(ended));
  assert.equal(sink.received.length, 0);
});

test("whoever may not get the Secret sends nothing, and is told what is missing", async (plane, t) => {
  const sink = await world(plane, t, "closed");
  const kubeconfig = await restricted(plane, "no-secrets", { closed: [rule(ours, ["providers", "notifications"], ["get"]), rule("tekton.dev", ["pipelineruns", "taskruns", "customruns"], ["get", "list"])] });
  const ended = await send(kubeconfig, "-n", "closed", "--provider", "events", "--run", "shop", "--development", "--egress-deny-cidrs", "10.0.0.0/8");
  assert.deepEqual(ended, { code: 1, out: "", err: "tekton-integrations send: you may not get secrets in namespace closed: the Provider closed/events is sent with token. Ask for that right; --dry-run needs none of it\n" });
  assert.equal(sink.received.length, 0);
  const noProviders = await restricted(plane, "no-providers", { closed: [] });
  assert.deepEqual(await send(noProviders, "-n", "closed", "--provider", "events", "--run", "shop"), { code: 1, out: "", err: `tekton-integrations send: you may not get providers.${ours} in namespace closed: ask for that right\n` });
});

test("a Notification says the message, and its filter is told of, not obeyed; suspended it sends nothing", async (plane, t) => {
  const sink = await world(plane, t, "said");
  const only = { ...notification("said", "only", "events"), spec: { providerRef: { name: "events" }, filter: { statuses: ["Succeeded"] }, message: { title: "${name} is ${status}" } } };
  await apply(plane, only);
  const ended = await send(plane.kubeconfig, "-n", "said", "--notification", "only", "--run", "shop", "--development", "-o", "json");
  const { notification: by, why, messages } = reportOf(ended);
  assert.deepEqual([ended.code, by, why, messages.map(({ state }) => state)], [0, "said/only", "statuses: Failed is not in [Succeeded]", ["Delivered"]]);
  assert.deepEqual(sink.events().map(({ data }) => (data as { notice: object }).notice), [{ title: "shop is Failed" }]);
  assert.deepEqual((await send(plane.kubeconfig, "-n", "said", "--notification", "only", "--provider", "other", "--run", "shop")).code, 2);
  await apply(plane, { ...only, spec: { ...only.spec, suspend: true } });
  const suspended = await send(plane.kubeconfig, "-n", "said", "--notification", "only", "--run", "shop", "--development");
  assert.equal(suspended.code, 1);
  assert.match(suspended.out, /nothing to send \(suspend: the Notification is suspended\)/);
  assert.equal(sink.received.length, 1);
});

test("the rules of sharing are the controller's", async (plane, t) => {
  const sink = await world(plane, t, "platform");
  await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name: "tenant" } });
  await (await makeRun(plane.client, "tenant", "theirs")).become("True", "Succeeded");
  const tell = (...args: readonly string[]): Promise<CliEnded> => send(plane.kubeconfig, "--development", ...args);
  const notOffered = await tell("-n", "tenant", "--provider", "platform/events", "--run", "theirs");
  assert.deepEqual([notOffered.code, notOffered.err], [1, "tekton-integrations send: there is no Provider events in the namespace platform, or it is not offered to this one\n"]);
  const notCovered = await tell("-n", "platform", "--provider", "events", "--run", "tenant/theirs");
  assert.deepEqual([notCovered.code, notCovered.err], [1, "tekton-integrations send: the Provider's runNamespaces do not include tenant\n"]);
  const suspended = bearer("platform", "asleep", sink.url);
  await apply(plane, { ...suspended, spec: { ...(suspended["spec"] as object), suspend: true } });
  assert.match((await tell("-n", "platform", "--provider", "asleep", "--run", "shop")).err, /the Provider platform\/asleep is suspended/);
  assert.equal(sink.received.length, 0);

  await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name: "tenant", labels: { team: "a" } } }, cloudEventsProvider("platform", "shared", sink.url, { allowedNamespaces: { matchLabels: { team: "a" } }, runNamespaces: { matchNames: ["tenant"] } }));
  assert.deepEqual((await tell("-n", "tenant", "--provider", "platform/shared", "--run", "theirs")).code, 0);
  assert.deepEqual((await tell("-n", "platform", "--provider", "shared", "--run", "tenant/theirs")).code, 0);
  assert.deepEqual(sink.events().map(({ subject }) => subject), ["theirs", "theirs"]);
});

test("what the installation does not send to, nobody does with this command", async (plane, t) => {
  const sink = await world(plane, t, "fenced");
  const ended = await send(plane.kubeconfig, "-n", "fenced", "--provider", "events", "--run", "shop", "-o", "json");
  assert.equal(ended.code, 1);
  assert.deepEqual(reportOf(ended).messages.map(({ state, error }) => [state, error?.code]), [["Failed", "EgressDenied"]]);
  assert.equal(sink.received.length, 0);
});

test("a refusal of the service is told without the Secret, with exit code 1, and not tried again", async (plane, t) => {
  const sink = await world(plane, t, "refusing");
  sink.misbehave({ answer: { status: 401 } });
  const ended = await send(plane.kubeconfig, "-n", "refusing", "--provider", "events", "--run", "shop", "--development");
  assert.equal(ended.code, 1);
  assert.match(ended.out, /event: not sent: CredentialsRefused: /);
  assert.equal(sink.received.length, 1);
  assertSecretFree(ended.out, ended.err);
});

test("what does not exist is named, and a command line that is none is refused with exit code 2", async (plane, t) => {
  await world(plane, t, "named");
  assert.deepEqual(await send(plane.kubeconfig, "-n", "named", "--provider", "events", "--run", "lost"), { code: 1, out: "", err: "tekton-integrations send: there is no PipelineRun named/lost\n" });
  assert.deepEqual(await send(plane.kubeconfig, "-n", "named", "--provider", "lost", "--run", "shop"), { code: 1, out: "", err: "tekton-integrations send: there is no Provider named/lost\n" });
  for (const args of [["--run", "shop"], ["--provider", "events"], ["--provider", "a/b/c", "--run", "shop"], ["--provider", "events", "--run", "shop", "--kind", "Job"], ["--provider", "events", "--run", "shop", "-o", "xml"]]) {
    assert.equal((await send(plane.kubeconfig, ...args)).code, 2, args.join(" "));
  }
});
