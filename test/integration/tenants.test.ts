import assert from "node:assert/strict";
import type { RunEvent } from "../../src/api/run-event.ts";
import { startGitHub } from "../support/github-double.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { makeRun, type MadeRunOptions } from "../support/made-runs.ts";
import { cloudEventsProvider, gitHubProvider, notification, privateKeySecret } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { startSlack } from "../support/slack-double.ts";
import { listRuns, ourKinds, somebody, type Somebody } from "../support/somebody.ts";
import { eventually } from "../support/wait.ts";

/** What tenants of a cluster cannot do through the product, whatever they write. */
const test = installedTests();

const apiVersion = "integrations.tekton.ornew.io/v1alpha1";
const failures = { statuses: ["Failed"] };
const noSecret = /cannot get resource "secrets" "of-alice" in API group "" in the namespace/;
const secretRef = { name: "of-alice" };

const provider = (namespace: string, name: string, spec: object): KubeObject => ({ apiVersion, kind: "Provider", metadata: { namespace, name }, spec });
const patch = (who: Somebody, namespace: string, kind: string, name: string, spec: object) => who.run(["patch", kind, name, "-n", namespace, "--type=merge", "-p", JSON.stringify({ spec })]);

async function refused(attempt: ReturnType<Somebody["run"]>, why: RegExp): Promise<void> {
  const { code, stderr } = await attempt;
  assert.deepEqual([code, why.test(stderr)], [1, true], stderr);
}

async function failed({ plane }: World, namespace: string, name: string, options: MadeRunOptions = {}): Promise<void> {
  await (await makeRun(plane.client, namespace, name, options)).become("False", "Failed");
}

async function conditionOf({ plane }: World, namespace: string, name: string, type: string): Promise<string | undefined> {
  const { status } = await plane.client.call<{ status?: { conditions?: { type: string; status: string; reason: string }[] } }>("GET", `/apis/${apiVersion}/namespaces/${namespace}/notifications/${name}`);
  const found = status?.conditions?.find((condition) => condition.type === type);
  return found === undefined ? undefined : `${found.status} ${found.reason}`;
}

const bearer = { authentication: { type: "Bearer", secretRef } };
const certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

for (const [what, before, change] of [
  ["url", { type: "CloudEvents", cloudEvents: { url: "https://good.example.com/", ...bearer } }, { cloudEvents: { url: "https://evil.example.com/" } }],
  ["baseURL", { type: "SlackApp", slackApp: { accessToken: { secretRef }, channels: [{ id: "C0123456789" }] } }, { slackApp: { baseURL: "https://evil.example.com/api/" } }],
  ["endpoint", { type: "AWSSNS", awsSNS: { topicARN: "arn:aws:sns:eu-central-1:123456789012:runs", credentials: { secretRef } } }, { awsSNS: { endpoint: "https://evil.example.com/" } }],
  ["caBundle", { type: "CloudEvents", cloudEvents: { url: "https://good.example.com/", ...bearer } }, { tls: { caBundle: certificate } }],
  ["proxy", { type: "CloudEvents", cloudEvents: { url: "https://good.example.com/", ...bearer } }, { proxy: { url: "http://evil.example.com:3128" } }],
  ["channel", { type: "SlackApp", slackApp: { accessToken: { secretRef }, channels: [{ id: "C0123456789" }] } }, { slackApp: { channels: [{ id: "C9876543210" }] } }],
  ["allowedNamespaces", { type: "CloudEvents", cloudEvents: { url: "https://good.example.com/", ...bearer } }, { allowedNamespaces: { any: true } }],
] as const) {
  test(`a tenant without access to a Secret cannot have it sent elsewhere by changing the ${what} of somebody else's Provider`, async (world) => {
    const namespace = `change-${what.toLowerCase()}`;
    await world.createNamespace(namespace);
    const mallory = await somebody(world, namespace, "mallory", ourKinds, listRuns);
    await world.apply(provider(namespace, "of-alice", before));
    await refused(patch(mallory, namespace, "provider", "of-alice", change), noSecret);
  });
}

test("a tenant without access to a Secret cannot take it along under another name: not by a copy, nor by a new object in the place of the old one", async (world) => {
  const namespace = "names-moved";
  await world.createNamespace(namespace);
  const mallory = await somebody(world, namespace, "mallory", ourKinds, listRuns);
  const spec = { type: "CloudEvents", cloudEvents: { url: "https://good.example.com/", ...bearer } };
  await world.apply(provider(namespace, "of-alice", spec));
  await refused(mallory.apply(provider(namespace, "of-mallory", spec)), noSecret);
  await refused(mallory.run(["replace", "--force", "-f", "-"], provider(namespace, "of-alice", spec)), noSecret);
  await refused(mallory.run(["create", "-f", "-"], provider(namespace, "of-alice", spec)), noSecret);
});

test("a tenant that turns somebody else's Notification to a Provider of its own, or writes templates into it, gets what it may read anyway, and no Secret", async (world, t) => {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  const namespace = "turned";
  const marker = "marker-of-a-secret";
  await world.createNamespace(namespace);
  const mallory = await somebody(world, namespace, "mallory", ourKinds, listRuns);
  const blind = await somebody(world, namespace, "blind", ourKinds);
  const ours = provider(namespace, "of-alice", { type: "CloudEvents", cloudEvents: { url: "https://good.example.com/", ...bearer } });
  await world.apply({ apiVersion: "v1", kind: "Secret", metadata: { name: "of-alice", namespace }, stringData: { token: marker } }, ours, notification(namespace, "of-alice", "of-alice", failures));
  for (const change of [{ providerRef: { name: "of-mallory" } }, { message: { title: "${run}" } }, { slackApp: { channels: [{ id: "C9876543210" }] } }]) {
    await refused(patch(blind, namespace, "notification", "of-alice", change), /cannot list resource "pipelineruns" in API group "tekton\.dev" in the namespace "turned"/);
  }
  assert.equal((await mallory.apply(cloudEventsProvider(namespace, "of-mallory", sink.url))).code, 0);
  assert.equal((await patch(mallory, namespace, "notification", "of-alice", { providerRef: { name: "of-mallory" }, message: { text: "${run}" } })).code, 0);
  await eventually("it is ready", async () => (await conditionOf(world, namespace, "of-alice", "Ready")) === "True Active");
  await failed(world, namespace, "a");
  const [received] = await sink.waitFor(1);
  assert.doesNotMatch(JSON.stringify([received?.headers, received?.body]), new RegExp(`${marker}|authorization`, "i"));
});

test("a writer of Providers cannot redirect runs that it cannot list: not by taking them, nor by changing a Provider that takes them", async (world, t) => {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  for (const namespace of ["redirect-own", "redirect-victim"]) await world.createNamespace(namespace);
  const mallory = await somebody(world, "redirect-own", "mallory", ourKinds, listRuns);
  const taking = (runNamespaces: object) => cloudEventsProvider("redirect-own", "taking", "https://evil.example.com/", { runNamespaces });
  await refused(mallory.apply(taking({ matchNames: ["redirect-victim"] })), /spec\.runNamespaces: Forbidden: .* cannot list resource "pipelineruns" in API group "tekton\.dev" in the namespace "redirect-victim"/);
  for (const wide of [{ any: true }, { matchLabels: { a: "b" } }]) {
    await refused(mallory.apply(taking(wide)), /spec\.runNamespaces: Forbidden: .* cannot list resource "pipelineruns" in API group "tekton\.dev" at the cluster scope/);
  }
  await world.apply(taking({ matchNames: ["redirect-victim"] }));
  await refused(patch(mallory, "redirect-own", "provider", "taking", { cloudEvents: { url: sink.url } }), /in the namespace "redirect-victim"/);
  // A Notification of somebody who may list them all does not make a Provider take them.
  assert.equal((await mallory.apply(cloudEventsProvider("redirect-own", "mine", sink.url, { allowedNamespaces: { any: true } }))).code, 0);
  await world.apply(notification("redirect-own", "wide", "mine", { ...failures, namespaceSelector: { any: true } }));
  await eventually("it is told", async () => (await conditionOf(world, "redirect-own", "wide", "ProviderResolved")) === "False RunsNotCovered");
  await failed(world, "redirect-victim", "hidden");
  await failed(world, "redirect-own", "own");
  await sink.waitFor(1);
  assert.deepEqual(sink.events().map(({ data }) => (data as RunEvent).namespace), ["redirect-own"]);
});

test("a tenant cannot select namespaces or kinds that it cannot list", async (world) => {
  for (const namespace of ["select-own", "select-other"]) await world.createNamespace(namespace);
  const mallory = await somebody(world, "select-own", "mallory", ourKinds, { ...listRuns, resources: ["taskruns"] });
  const select = (filter: object) => mallory.apply(notification("select-own", "mine", "p", { kinds: ["TaskRun"], ...filter }));
  assert.equal((await select({})).code, 0);
  await refused(select({ namespaceSelector: { matchNames: ["select-own", "select-other"] } }), /spec\.filter\.namespaceSelector: Forbidden: .* cannot list resource "taskruns" in API group "tekton\.dev" in the namespace "select-other"/);
  for (const wide of [{ any: true }, { matchLabels: { a: "b" } }, { matchExpressions: [{ key: "a", operator: "Exists" }] }]) {
    await refused(select({ namespaceSelector: wide }), /spec\.filter\.namespaceSelector: Forbidden: .* cannot list resource "taskruns" in API group "tekton\.dev" at the cluster scope/);
  }
  await refused(select({ kinds: ["CustomRun"] }), /cannot list resource "customruns" in API group "tekton\.dev" in the namespace "select-own"/);
  await refused(patch(mallory, "select-own", "notification", "mine", { filter: { kinds: ["PipelineRun"] } }), /cannot list resource "pipelineruns"/);
});

test("a tenant can neither use a Provider that it was not offered, nor learn whether there is one", async (world, t) => {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  for (const namespace of ["offer-platform", "offer-tenant"]) await world.createNamespace(namespace);
  const mallory = await somebody(world, "offer-tenant", "mallory", ourKinds, listRuns);
  await world.apply(cloudEventsProvider("offer-platform", "hidden", sink.url, { allowedNamespaces: { matchNames: ["another"] } }), cloudEventsProvider("offer-tenant", "own", sink.url));
  const refer = (name: string): KubeObject => ({ ...notification("offer-tenant", `to-${name}`, name), spec: { providerRef: { name, namespace: "offer-platform" }, filter: failures } });
  const answers = [await mallory.apply(refer("hidden")), await mallory.apply(refer("absent"))].map(({ code, stdout, stderr }) => [code, `${stdout}${stderr}`.replaceAll(/hidden|absent/g, "NAME")]);
  assert.deepEqual(answers[0], answers[1]);
  assert.equal((await mallory.apply(notification("offer-tenant", "own", "own", failures))).code, 0);
  const conditions = await eventually("both are judged", async () => {
    const found = await Promise.all(["to-hidden", "to-absent"].map((name) => conditionOf(world, "offer-tenant", name, "ProviderResolved")));
    return found.includes(undefined) ? undefined : found;
  });
  assert.deepEqual(conditions, ["False ProviderNotFound", "False ProviderNotFound"]);
  await eventually("the own one is ready", async () => (await conditionOf(world, "offer-tenant", "own", "Ready")) === "True Active");
  await failed(world, "offer-tenant", "run");
  await sink.waitFor(1);
  assert.equal(sink.events().length, 1);
});

test("a tenant cannot publish with the identity of the controller's Pod", async (world) => {
  const namespace = "identity";
  await world.createNamespace(namespace);
  const mallory = await somebody(world, namespace, "mallory", ourKinds, listRuns);
  for (const section of [{ awsSNS: { topicARN: "arn:aws:sns:eu-central-1:123456789012:runs" } }, { awsSNS: { topicARN: "arn:aws:sns:eu-central-1:123456789012:runs", roleARN: "arn:aws:iam::123456789012:role/admin" } }, { gcpPubSub: { projectId: "example-project", topic: "runs" } }]) {
    await refused(mallory.apply(provider(namespace, "p", section)), /\.credentials: Invalid value: must name a Secret/);
  }
});

test("a tenant cannot report to a repository that is not mapped to its namespace", async (world, t) => {
  const github = await startGitHub({ installations: [{ id: 1, owner: "example-org" }] });
  t.after(() => github.close());
  for (const namespace of ["repo-platform", "repo-a", "repo-b"]) await world.createNamespace(namespace);
  const shared = gitHubProvider("repo-platform", "github", github);
  const spec = shared.spec as { githubApp: object };
  const repositories = [{ match: "example-org/a-*", namespaces: ["repo-a"] }, { match: "example-org/b-*", namespaces: ["repo-b"] }];
  await world.apply(privateKeySecret("repo-platform", github.privateKey), { ...shared, spec: { ...spec, githubApp: { ...spec.githubApp, repositories }, allowedNamespaces: { any: true } } });
  const mallory = await somebody(world, "repo-b", "mallory", ourKinds, listRuns);
  const tries = { plain: {}, template: { owner: "example-org", repo: "a-shop" }, check: { report: "CheckRun" } };
  for (const [name, githubApp] of Object.entries(tries)) {
    assert.equal((await mallory.apply({ ...notification("repo-b", name, "github"), spec: { providerRef: { name: "github", namespace: "repo-platform" }, filter: failures, githubApp: { context: name, ...githubApp } } })).code, 0);
  }
  for (const name of Object.keys(tries)) await eventually(`${name} is ready`, async () => (await conditionOf(world, "repo-b", name, "Ready")) === "True Active");
  const names = (repo: string) => ({ "integrations.tekton.ornew.io/github-owner": "example-org", "integrations.tekton.ornew.io/github-repo": repo, "integrations.tekton.ornew.io/github-sha": "0f98b1f7eda33a4e9cfaab09506aa8094044085f" });
  await failed(world, "repo-b", "of-others", { annotations: names("a-shop") });
  await failed(world, "repo-b", "own", { annotations: names("b-shop") });
  await eventually("what is mapped is reported", () => github.statuses.length >= 1 && github.checkRuns.length >= 1);
  assert.deepEqual(new Set(github.statuses.map(({ repo, context }) => `${repo} ${context}`)), new Set(["b-shop plain"]));
  assert.deepEqual(new Set(github.checkRuns.map(({ repo }) => repo)), new Set(["b-shop"]));
});

test("a tenant cannot post to a channel that is not mapped to its namespace", async (world, t) => {
  const channels = [{ id: "C0000000001", name: "team-a" }, { id: "C0000000002", name: "team-b" }];
  const slack = await startSlack({ channels });
  t.after(() => slack.close());
  for (const namespace of ["channel-platform", "channel-b"]) await world.createNamespace(namespace);
  const offered = channels.map(({ id, name }) => ({ id, namespaces: [name === "team-a" ? "channel-a" : "channel-b"] }));
  await world.apply(
    { apiVersion: "v1", kind: "Secret", metadata: { name: "slack", namespace: "channel-platform" }, stringData: { "access-token": slack.token } },
    provider("channel-platform", "slack", { type: "SlackApp", slackApp: { baseURL: slack.baseURL, accessToken: { secretRef: { name: "slack" } }, channels: offered }, allowedNamespaces: { any: true } }),
  );
  const mallory = await somebody(world, "channel-b", "mallory", ourKinds, listRuns);
  for (const [name, section] of Object.entries({ "to-others": { channels: [{ id: "C0000000001" }] }, "by-name": { channels: [{ name: "team-a" }] }, usual: {} })) {
    assert.equal((await mallory.apply({ ...notification("channel-b", name, "slack"), spec: { providerRef: { name: "slack", namespace: "channel-platform" }, filter: failures, slackApp: section } })).code, 0);
    await eventually(`${name} is ready`, async () => (await conditionOf(world, "channel-b", name, "Ready")) === "True Active");
  }
  await failed(world, "channel-b", "first");
  await eventually("it is posted to the own channel", () => slack.messages.length >= 1);
  await failed(world, "channel-b", "second");
  await eventually("and so is the next", () => slack.messages.length >= 2);
  assert.deepEqual(new Set(slack.messages.map(({ channel }) => channel)), new Set(["C0000000002"]));
});

test("a tenant cannot reach addresses that are denied, whichever field names them", async (world) => {
  const namespace = "addresses";
  await world.createNamespace(namespace);
  const mallory = await somebody(world, namespace, "mallory", ourKinds, { apiGroups: [""], resources: ["secrets"], verbs: ["get"] }, listRuns);
  const cloudEvents = (url: string, more: object = {}) => ({ cloudEvents: { url, ...more } });
  for (const [field, section] of [
    ["cloudEvents.url", cloudEvents("https://169.254.169.254/latest/meta-data")],
    ["cloudEvents.url", cloudEvents("https://[fd00:ec2::254]/latest/meta-data")],
    ["cloudEvents.url", cloudEvents("https://[::ffff:169.254.169.254]/")],
    ["cloudEvents.url", cloudEvents("https://224.0.0.1/")],
    ["cloudEvents.url", cloudEvents("https://events.platform.svc/")],
    ["cloudEvents.authentication.tokenURL", cloudEvents("https://good.example.com/", { authentication: { type: "OAuth2", tokenURL: "https://169.254.169.254/token", secretRef: { name: "oauth" } } })],
    ["githubApp.baseURL", { githubApp: { appId: 1, privateKey: { secretRef: { name: "key" } }, baseURL: "https://169.254.169.254/api/v3" } }],
    ["awsSNS.endpoint", { awsSNS: { topicARN: "arn:aws:sns:eu-central-1:123456789012:runs", credentials: { secretRef: { name: "aws" } }, endpoint: "https://169.254.169.254/" } }],
    ["proxy.url", { ...cloudEvents("https://good.example.com/"), proxy: { url: "http://169.254.169.254:3128" } }],
  ] as const) {
    const { code, stderr } = await mallory.apply(provider(namespace, "p", section));
    assert.deepEqual([code, stderr.includes(`spec.${field}: `)], [1, true], `${JSON.stringify(section)}: ${stderr}`);
  }
});
