import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { RunEvent } from "../../src/api/run-event.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { startGitHub } from "../support/github-double.ts";
import { install, ownNamespace } from "../support/installation.ts";
import { shortLease } from "../support/installed-tests.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, gitHubProvider, notification, privateKeySecret } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { controlPlaneTests } from "../support/require.ts";
import { eventually } from "../support/wait.ts";

const test = controlPlaneTests();

const watched = ["team-a", "team-b"];
const namespaces = [...watched, "team-c"];

/** Requests that the API server has refused for want of rights, whoever made them. */
async function forbidden({ client }: ControlPlane): Promise<number> {
  const { body } = await client.send("GET", "/metrics", { accept: "text/plain" });
  const lines = String(body).split("\n").filter((line) => line.startsWith("apiserver_request_total{") && line.includes('code="403"'));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

test("with rights in some namespaces alone, runs there are reported, runs elsewhere are not, and nothing is asked for that is forbidden", async (plane, t) => {
  const { client } = plane;
  const [sink, github] = await Promise.all([startCloudEventsSink(), startGitHub({ installations: [{ id: 1, owner: "example-org" }] })]);
  t.after(() => Promise.all([sink.close(), github.close()]));
  for (const name of namespaces) await plane.kubectl(["create", "namespace", name]);
  const installation = await install(plane, { ...shortLease, overlay: "overlays/watch-namespace" });
  t.after(() => installation.stop());
  const { stdout: variable } = await plane.kubectl(["get", "deployment", `${ownNamespace}-controller`, "-n", ownNamespace, "-o", "jsonpath={.spec.template.spec.containers[0].env}"]);
  assert.deepEqual(JSON.parse(variable), [{ name: "TEKTON_INTEGRATIONS_WATCH_NAMESPACE", value: watched.join(",") }]);
  const refusedBefore = await forbidden(plane);

  const objects = namespaces.flatMap((namespace): KubeObject[] => [
    cloudEventsProvider(namespace, "events", sink.url),
    notification(namespace, "runs", "events", { statuses: ["Failed"] }),
    notification(namespace, "tasks", "events", { kinds: ["TaskRun"], statuses: ["Failed"] }),
    privateKeySecret(namespace, github.privateKey),
    gitHubProvider(namespace, "github", github),
    notification(namespace, "commits", "github", { statuses: ["Failed"] }),
  ]);
  await plane.kubectl(["apply", "-f", "-"], { input: objects.map((object) => JSON.stringify(object)).join("\n---\n") });
  for (const namespace of watched) await plane.kubectl(["wait", "--for=condition=Ready", "provider,notification", "--all", "--namespace", namespace, "--timeout=20s"]);

  const fail = async (name: string): Promise<void> => {
    const annotations = { "integrations.tekton.ornew.io/github-owner": "example-org", "integrations.tekton.ornew.io/github-repo": "shop-api", "integrations.tekton.ornew.io/github-sha": "0f98b1f7eda33a4e9cfaab09506aa8094044085f" };
    for (const namespace of namespaces) {
      const run = await makeRun(client, namespace, name, { annotations });
      const task = await makeRun(client, namespace, `${name}-lint`, { kind: "TaskRun", parent: run });
      await task.become("False", "Failed");
      await run.become("False", "Failed");
    }
  };
  const told = (): string[] => sink.events().map(({ data }) => data as RunEvent).map(({ kind, namespace, name, tasks }) => `${kind} ${namespace} ${name} ${tasks.length}`).sort();
  const expected = (...names: readonly string[]): string[] => names.flatMap((name) => watched.flatMap((namespace) => [`PipelineRun ${namespace} ${name} 1`, `TaskRun ${namespace} ${name}-lint 0`])).sort();

  await fail("first");
  await eventually("runs of the watched namespaces are reported, and that is on record", async () => {
    const { items } = await client.call<{ items: { status?: { state?: string } }[] }>("GET", "/apis/integrations.tekton.ornew.io/v1alpha1/deliveries");
    return items.filter(({ status }) => status?.state === "Delivered").length === 6;
  });
  await installation.controller.kill();
  await installation.controller.start();
  await fail("second");
  await eventually("also after a restart", () => told().length >= 8);
  await pause(1_000);
  assert.deepEqual(told(), expected("first", "second"));
  assert.equal(github.statuses.length, 4);
  const { items } = await client.call<{ items: { metadata: { namespace: string }; status?: { conditions?: object[] } }[] }>("GET", "/apis/integrations.tekton.ornew.io/v1alpha1/notifications");
  assert.deepEqual(items.filter(({ status }) => status?.conditions === undefined).map(({ metadata }) => metadata.namespace), ["team-c", "team-c", "team-c"]);

  // Over watched namespaces, and one that is not.
  const selected = ["team-b", "team-c"];
  const wide = [
    cloudEventsProvider("team-a", "wide", sink.url, { runNamespaces: { any: true } }),
    notification("team-a", "by-name", "wide", { statuses: ["Failed"], namespaceSelector: { matchNames: selected } }),
    notification("team-a", "by-label", "wide", { statuses: ["Failed"], namespaceSelector: { matchLabels: { a: "b" } } }),
  ];
  await plane.kubectl(["apply", "-f", "-"], { input: wide.map((object) => JSON.stringify(object)).join("\n---\n") });
  const conditions = async (name: string): Promise<string[]> => {
    const { status } = await client.call<{ status?: { conditions?: { type: string; status: string; message: string }[] } }>("GET", `/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/team-a/notifications/${name}`);
    return (status?.conditions ?? []).filter(({ type }) => ["Ready", "Restricted"].includes(type)).map(({ type, status: is, message }) => `${type} ${is}${type === "Restricted" ? `: ${message}` : ""}`);
  };
  await eventually("what is not watched is told", async () => (await conditions("by-name")).includes("Ready True"));
  assert.deepEqual(await conditions("by-name"), ["Ready True", "Restricted True: this controller watches some namespaces only: runs of team-c are not seen"]);
  await eventually("nothing is selected by labels", async () => (await conditions("by-label"))[0] === "Ready False");
  const before = told().length;
  for (const namespace of selected) await (await makeRun(client, namespace, "wide")).become("False", "Failed");
  await eventually("those of the watched one are told, by both Notifications", () => told().length >= before + 2);
  const own = await eventually("and on record in the controller's own namespace", async () => {
    const { items: records } = await client.call<{ items: { status?: { state?: string } }[] }>("GET", `/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/${ownNamespace}/deliveries`);
    return records.length === 1 && records[0]?.status?.state === "Delivered" ? records : undefined;
  });
  assert.equal(own.length, 1);
  assert.ok(told().every((line) => !line.includes("team-c")));
  assert.equal((await forbidden(plane)) - refusedBefore, 0);
  assert.deepEqual(installation.controller.lines().filter(({ level }) => level === "error"), []);
});
