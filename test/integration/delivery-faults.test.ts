import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { allEnded, judge, type PlayedRun, playedRuns } from "../support/expected-states.ts";
import { startGitHub } from "../support/github-double.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { cloudEventsProvider, gitHubProvider, notification, privateKeySecret, toldBy } from "../support/manifests.ts";
import { type CloudEventsSink, startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import type { Fault } from "../support/receivers.ts";
import { readRecording } from "../support/replay-recording.ts";
import { replay } from "../support/replay.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();
const kinds = ["PipelineRun", "TaskRun", "CustomRun"];
const all = { kinds, children: true };

async function play({ plane }: World, namespace: string, names: readonly string[]): Promise<PlayedRun[]> {
  const played = await Promise.all(names.map(async (name) => playedRuns(name, await replay(plane.client, name, { namespace }))));
  return played.flat();
}

/** Times move so that the run ends now, to the second. */
function endingNow(name: string): number {
  return Math.ceil((Date.now() - Date.parse(readRecording(name).at(-1)?.receivedAt ?? "")) / 1000) * 1000;
}

async function sinkFor(t: TestContext): Promise<CloudEventsSink> {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  return sink;
}

const toldTo = (sink: CloudEventsSink) => sink.events().map(toldBy);

async function ended(runs: readonly PlayedRun[], sink: CloudEventsSink): Promise<void> {
  // What is missing in the end, the judgement says better.
  await eventually("every end has arrived", () => allEnded(runs, toldTo(sink))).catch(() => undefined);
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

async function condition({ plane }: World, kind: "provider" | "notification", namespace: string, name: string, type = "Ready"): Promise<Condition | undefined> {
  const path = `/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/${namespace}/${kind}s/${name}`;
  const { status } = await plane.client.call<{ status?: { conditions?: Condition[] } }>("GET", path);
  return status?.conditions?.find((found) => found.type === type);
}

async function becomes(world: World, kind: "provider" | "notification", [namespace, name]: readonly [string, string], reason: string): Promise<Condition> {
  return eventually(`${kind} ${name} becomes ${reason}`, async () => {
    const found = await condition(world, kind, namespace, name);
    return found?.reason === reason ? found : undefined;
  });
}

const faults: Readonly<Record<string, { readonly fault: Fault; readonly times: number }>> = {
  "answers 500": { fault: { answer: { status: 500, body: "no" } }, times: 6 },
  "answers 429 with Retry-After": { fault: { answer: { status: 429, headers: { "retry-after": "2" } } }, times: 3 },
  "resets connections": { fault: { reset: true }, times: 4 },
};

for (const [what, { fault, times }] of Object.entries(faults)) {
  test(`a receiver that ${what} for a while gets everything in order in the end`, async (world, t) => {
    const namespace = what.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    const sink = await sinkFor(t);
    await world.createNamespace(namespace);
    await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events", all));
    sink.misbehave(fault, times);
    const runs = await play(world, namespace, ["failed-step", "cancelled"]);
    await ended(runs, sink);
    assert.deepEqual(judge(runs, toldTo(sink)), { faults: [], repeats: 0 });
    assert.ok(sink.received.length >= runs.length + times);
    assert.deepEqual(sink.violations, []);
  });
}

test("an end whose acceptance got lost is told again under the same id, and nothing else is", async (world, t) => {
  const namespace = "lost-answers";
  const sink = await sinkFor(t);
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events", all));
  sink.misbehave(({ json }) => ((json as { data: { terminal: boolean } }).data.terminal ? { loseAnswer: true } : undefined), 3);
  const runs = await play(world, namespace, ["failed-step", "cancelled"]);
  await eventually("every end has arrived, and three twice", () => allEnded(runs, toldTo(sink)) && judge(runs, toldTo(sink)).repeats === 3).catch(() => undefined);
  assert.deepEqual(judge(runs, toldTo(sink)), { faults: [], repeats: 3 });
});

test("Retry-After is waited for", async (world, t) => {
  const namespace = "retry-after";
  const sink = await sinkFor(t);
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events", { kinds, statuses: ["Failed"] }));
  sink.misbehave({ answer: { status: 429, headers: { "retry-after": "3" } } }, 1);
  const runs = await play(world, namespace, ["standalone-taskrun-failed"]);
  await ended(runs, sink);
  assert.equal(sink.received.length, 2);
  const [refused, accepted] = sink.received;
  assert.ok((accepted?.at ?? 0) - (refused?.at ?? 0) >= 3_000);
});

test("a receiver that hangs holds up no other", async (world, t) => {
  const namespace = "hanging";
  const [hanging, healthy] = [await sinkFor(t), await sinkFor(t)];
  await world.createNamespace(namespace);
  await world.apply(
    cloudEventsProvider(namespace, "hanging", hanging.url, { timeout: "1s" }),
    cloudEventsProvider(namespace, "healthy", healthy.url),
    notification(namespace, "hanging", "hanging", all),
    notification(namespace, "healthy", "healthy", all),
  );
  hanging.misbehave({ hang: true });
  const runs = await play(world, namespace, ["matrix-of-four", "timed-out"]);
  await ended(runs, healthy);
  assert.deepEqual(judge(runs, toldTo(healthy)), { faults: [], repeats: 0 });
  assert.equal(hanging.events().length, 0);
  hanging.behave();
  await ended(runs, hanging);
  assert.deepEqual(judge(runs, toldTo(hanging)).faults, []);
});

test("a Provider without its Secret says so, heals when the Secret appears, and what was owed arrives", async (world, t) => {
  const namespace = "secret-missing";
  const github = await startGitHub({ installations: [{ id: 1, owner: "example-org" }] });
  t.after(() => github.close());
  await world.createNamespace(namespace);
  await world.apply(gitHubProvider(namespace, "github", github), notification(namespace, "github", "github"));
  const missing = await becomes(world, "provider", [namespace, "github"], "SecretNotFound");
  assert.equal(missing.status, "False");
  assert.match(missing.message, /github-app/);
  assert.equal((await becomes(world, "notification", [namespace, "github"], "ProviderNotReady")).status, "False");
  const runs = (await play(world, namespace, ["failed-step", "retried-task"])).filter(({ kind }) => kind === "PipelineRun");
  assert.equal(github.received.length, 0);
  await eventually("what is owed is on record", async () => {
    const owed = await world.plane.kubectl(["get", "deliveries", "--namespace", namespace, "-o", "jsonpath={.items[*].status.owed.status}"]);
    return owed.stdout.split(" ").sort().join() === "Failed,Succeeded";
  });
  const events = await world.plane.kubectl(["get", "events", "--namespace", namespace, "-o", "jsonpath={.items[*].reason}"]);
  assert.ok(events.stdout.split(" ").includes("SecretNotFound"), events.stdout);

  await world.apply(privateKeySecret(namespace, github.privateKey));
  assert.equal((await becomes(world, "provider", [namespace, "github"], "Connected")).status, "True");
  assert.equal((await becomes(world, "notification", [namespace, "github"], "Active")).status, "True");
  await eventually("what was owed arrives", () => github.statuses.length === runs.length);
  assert.deepEqual(github.statuses.map(({ state }) => state).sort(), ["failure", "success"]);
  assert.deepEqual(github.violations, []);
});

test("a Provider with a malformed key says so, and heals when the key is put right", async (world, t) => {
  const namespace = "secret-malformed";
  const github = await startGitHub({ installations: [{ id: 1, owner: "example-org" }] });
  t.after(() => github.close());
  await world.createNamespace(namespace);
  const broken = github.privateKey.split("\n").toSpliced(3, 2).join("\n");
  await world.apply(privateKeySecret(namespace, broken), gitHubProvider(namespace, "github", github), notification(namespace, "github", "github"));
  const malformed = await becomes(world, "provider", [namespace, "github"], "SecretMalformed");
  assert.equal(malformed.status, "False");
  assert.match(malformed.message, /Secret github-app, key private-key\.pem/);
  assert.equal((await condition(world, "provider", namespace, "github", "Stalled"))?.status, "True");
  await world.apply(privateKeySecret(namespace, github.privateKey));
  await becomes(world, "provider", [namespace, "github"], "Connected");
  assert.equal(await condition(world, "provider", namespace, "github", "Stalled"), undefined);
  await play(world, namespace, ["timed-out"]);
  await eventually("the run's end arrives", () => github.statuses.at(-1)?.state === "failure");
  assert.deepEqual(github.violations, []);
});

test("a Notification gets what its filter selects, and nothing else", async (world, t) => {
  const namespace = "filtered";
  const sink = await sinkFor(t);
  const filters: Readonly<Record<string, { readonly filter: object; readonly selects: (run: PlayedRun) => boolean }>> = {
    expression: { filter: { expression: 'status == "Failed" && commit.repo == "shop-api"' }, selects: ({ name, kind }) => kind === "PipelineRun" && name.startsWith("shop-api-on-pull-request-bq8zn") },
    labels: { filter: { kinds, statuses: ["Succeeded", "Failed", "Cancelled", "TimedOut"], labelSelector: { matchLabels: { "app.kubernetes.io/part-of": "billing" } } }, selects: ({ labels }) => labels["app.kubernetes.io/part-of"] === "billing" },
    results: { filter: { results: [{ name: "image-digest", matches: "^sha256:" }] }, selects: ({ name, kind }) => kind === "PipelineRun" && name.startsWith("shop-api-on-push-7xk2p") },
  };
  await world.createNamespace(namespace);
  await world.apply(
    ...Object.keys(filters).map((name) => cloudEventsProvider(namespace, name, `${sink.url}/${name}`)),
    ...Object.entries(filters).map(([name, { filter }]) => notification(namespace, name, name, filter)),
  );
  const runs = await play(world, namespace, ["failed-step", "retried-task", "cancelled", "succeeded-with-results"]);
  const told = (name: string) => sink.accepted().filter(({ path }) => path === `/${name}`).map(({ json }) => (json as { data: { uid: string; status: string } }).data);
  const expected = Object.entries(filters).map(([name, { selects }]) => [name, runs.filter(selects).map(({ uid, end }) => `${uid} ${end.status}`).sort()] as const);
  await eventually("what is selected has arrived", () => expected.every(([name, ends]) => told(name).length >= ends.length)).catch(() => undefined);
  await pause(1_000);
  for (const [name, ends] of expected) {
    assert.ok(ends.length > 0, `${name} selects something`);
    assert.deepEqual(told(name).map(({ uid, status }) => `${uid} ${status}`).sort(), ends, name);
  }
});

test("a suspended Provider keeps what falls due and sends it on resume; a suspended Notification selects nothing", async (world, t) => {
  const namespace = "suspended";
  const [kept, dropped] = [await sinkFor(t), await sinkFor(t)];
  const provider = (suspend: boolean): KubeObject => cloudEventsProvider(namespace, "kept", kept.url, { suspend });
  const paused = (suspend: boolean): KubeObject => {
    const object = notification(namespace, "dropped", "dropped", all);
    return { ...object, spec: { ...(object.spec as object), suspend } };
  };
  await world.createNamespace(namespace);
  await world.apply(provider(true), cloudEventsProvider(namespace, "dropped", dropped.url), notification(namespace, "kept", "kept", all), paused(true));
  await becomes(world, "provider", [namespace, "kept"], "Suspended");
  await becomes(world, "notification", [namespace, "dropped"], "Suspended");
  const before = playedRuns("failed-step", await replay(world.plane.client, "failed-step", { namespace, shift: endingNow("failed-step") }));
  // What ends in the second of the resume counts as after it.
  await pause(2_500);
  assert.equal(kept.received.length, 0);
  await world.apply(provider(false), paused(false));
  await becomes(world, "notification", [namespace, "dropped"], "Active");
  await ended(before, kept);
  const after = await play(world, namespace, ["cancelled"]);
  await Promise.all([ended([...before, ...after], kept), ended(after, dropped)]);
  assert.deepEqual(judge([...before, ...after], toldTo(kept)), { faults: [], repeats: 0 });
  assert.deepEqual(judge(after, toldTo(dropped)), { faults: [], repeats: 0 });
});

/** Every secret value that the product could have come across, and what it makes of them. */
async function secretsOf({ plane, installation }: World): Promise<string[]> {
  const { items } = await plane.client.call<{ items: { metadata: { name: string }; data?: Record<string, string> }[] }>("GET", "/api/v1/secrets");
  const values = items.flatMap(({ data }) => Object.entries(data ?? {}).filter(([key]) => key !== "tls.crt").map(([, value]) => value));
  const decoded = values.map((value) => Buffer.from(value, "base64").toString("utf8"));
  const lines = decoded.flatMap((text) => text.split("\n")).filter((line) => line.length >= 16 && !line.startsWith("-----"));
  const tokens = [installation.controller, installation.webhook].map(({ kubeconfig }) => /"?token"?: "?([^"\s]+)/.exec(readFileSync(kubeconfig, "utf8"))?.[1] ?? "");
  assert.ok(tokens.every((token) => token.length > 100));
  return [...lines, ...values.map((value) => value.slice(0, 64)), ...tokens];
}

test("no secret is in any log, Event or status", async (world, t) => {
  const namespace = "hygiene";
  const github = await startGitHub({ installations: [{ id: 1, owner: "example-org" }] });
  t.after(() => github.close());
  await world.createNamespace(namespace);
  await world.apply(privateKeySecret(namespace, github.privateKey), gitHubProvider(namespace, "github", github), notification(namespace, "github", "github"));
  const leaky = (token: string) => ({ status: 403, body: { message: `the token ${token} may not do this` } });
  github.misbehave((request) => (request.path.includes("/statuses/") ? { answer: leaky(request.headers["authorization"] ?? "") } : undefined), 1);
  github.misbehave((request) => (request.path.endsWith("/installation") ? { answer: leaky(request.headers["authorization"] ?? "") } : undefined), 1);
  await play(world, namespace, ["failed-step", "cancelled"]);
  await eventually("the service has refused", () => github.received.some(({ outcome }) => outcome === 403));
  await pause(1_000);

  const { stdout: statuses } = await world.plane.kubectl(["get", "providers,notifications,deliveries,events", "--all-namespaces", "-o", "json"]);
  const said = `${world.installation.logs()}${statuses}`;
  const secrets = await secretsOf(world);
  const bearers = github.received.map(({ headers }) => (headers["authorization"] ?? "").replace(/^\S+ /, "")).filter((token) => token !== "");
  assert.ok(secrets.length > 50);
  assert.ok(bearers.length > 0);
  assert.deepEqual([...secrets, ...bearers].filter((secret) => said.includes(secret)), []);
  assert.doesNotMatch(said, /ghs_[0-9a-f]{6}|eyJ[A-Za-z0-9_-]{20,}\.|PRIVATE KEY/);
  assert.ok(said.includes('"reason":') && world.installation.controller.lines().length > 5);
});

test("a filter and a template that fail on a run are named in the Notification's status, without run data", async (world, t) => {
  const namespace = "failing-parts";
  const sink = await sinkFor(t);
  await world.createNamespace(namespace);
  const broken = notification(namespace, "filter", "events", { kinds, expression: 'dyn(name) > 1 || status == "Running"' });
  const half = notification(namespace, "template", "events", { kinds, statuses: ["Failed"] });
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), broken, { ...half, spec: { ...(half["spec"] as object), cloudEvents: { subject: "run ${dyn(name) + 1}" } } });
  const runs = await play(world, namespace, ["standalone-taskrun-failed"]);
  const faultsOf = async (name: string) => {
    const path = `/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/${namespace}/notifications/${name}`;
    const { status } = await world.plane.client.call<{ status?: { faults?: { field: string; code: string; line: number; column: number }[] } }>("GET", path);
    return status?.faults?.map(({ field, code, line, column }) => `${field}: ${code} at ${line}:${column}`);
  };
  await eventually("both parts are named", async () => (await faultsOf("filter")) !== undefined && (await faultsOf("template")) !== undefined);
  assert.deepEqual(await faultsOf("filter"), ["spec.filter.expression: FilterWrongType at 1:11"]);
  assert.deepEqual(await faultsOf("template"), ["spec.cloudEvents.subject: FilterWrongType at 1:17"]);
  assert.ok(runs.length > 0);
});
