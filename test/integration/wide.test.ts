import assert from "node:assert/strict";
import type { RunEvent } from "../../src/api/run-event.ts";
import { startGitHub } from "../support/github-double.ts";
import { ownNamespace } from "../support/installation.ts";
import { installedTests, shortLease, type World } from "../support/installed-tests.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { makeRun, type MadeRun, type MadeRunOptions } from "../support/made-runs.ts";
import { cloudEventsProvider, gitHubProvider, notification, privateKeySecret } from "../support/manifests.ts";
import { startCloudEventsSink, type CloudEventsSink } from "../support/receivers-cloudevents.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests(shortLease);

const api = "/apis/integrations.tekton.ornew.io/v1alpha1";
const failures = { statuses: ["Failed"] };

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

interface Status {
  readonly conditions?: readonly Condition[];
  readonly selection?: string;
  readonly delivered?: number;
  readonly otherNamespaces?: { readonly delivered: number; readonly deadLetters: number };
}

const statusOf = async ({ plane }: World, namespace: string, name: string): Promise<Status> =>
  (await plane.client.call<{ status?: Status }>("GET", `${api}/namespaces/${namespace}/notifications/${name}`)).status ?? {};

async function condition(world: World, [namespace, name]: readonly [string, string], type: string): Promise<string | undefined> {
  const found = (await statusOf(world, namespace, name)).conditions?.find((each) => each.type === type);
  return found === undefined ? undefined : `${found.status} ${found.reason}`;
}

const becomes = (world: World, of: readonly [string, string], type: string, expected: string): Promise<true> =>
  eventually(`${of.join("/")} becomes ${type} ${expected}`, async () => (await condition(world, of, type)) === expected);

const deliveries = async ({ plane }: World, namespace: string): Promise<KubeObject[]> => (await plane.client.call<{ items: KubeObject[] }>("GET", `${api}/namespaces/${namespace}/deliveries`)).items;

/** The records in the controller's own namespace, of a Notification of this one. */
const elsewhere = async (world: World, of: string): Promise<KubeObject[]> =>
  (await deliveries(world, ownNamespace)).filter(({ spec }) => (spec as { notificationRef: { namespace?: string } }).notificationRef.namespace === of);

async function failed({ plane }: World, namespace: string, name: string, options: MadeRunOptions = {}): Promise<MadeRun> {
  const run = await makeRun(plane.client, namespace, name, options);
  await run.become("False", "Failed");
  return run;
}

const told = (sink: CloudEventsSink): string[] => sink.events().map(({ data }) => data as RunEvent).map(({ namespace, name }) => `${namespace}/${name}`);
const isTold = (sink: CloudEventsSink, run: string): Promise<true> => eventually(`${run} is told`, () => told(sink).includes(run));

test("runs of named namespaces are told; nothing of them is shown where the Notification is, but how many", async (world, t) => {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  for (const namespace of ["names-home", "names-away", "names-other"]) await world.createNamespace(namespace);
  await world.apply(
    cloudEventsProvider("names-home", "events", sink.url, { runNamespaces: { matchNames: ["names-away"] } }),
    notification("names-home", "wide", "events", { ...failures, namespaceSelector: { matchNames: ["names-home", "names-away"] } }),
  );
  await becomes(world, ["names-home", "wide"], "Ready", "True Active");
  sink.misbehave((request) => (request.body.includes("refused-marker") ? { answer: { status: 400, body: "marker-of-an-answer" } } : undefined));
  await failed(world, "names-other", "not-selected");
  const away = await failed(world, "names-away", "secret-marker", { labels: { team: "secret-marker" } });
  await failed(world, "names-away", "refused-marker");
  await failed(world, "names-home", "own");
  for (const run of ["names-home/own", "names-away/secret-marker"]) await isTold(sink, run);

  const records = await eventually("both are on record in the controller's own namespace", async () => {
    const found = await elsewhere(world, "names-home");
    return found.length === 2 && found.every(({ status }) => ["Delivered", "DeadLetter"].includes(String((status as { state?: string } | undefined)?.state))) ? found : undefined;
  });
  assert.deepEqual(records.map(({ metadata }) => metadata.ownerReferences), [undefined, undefined]);
  assert.ok(records.some(({ spec }) => (spec as { runRef: { uid: string } }).runRef.uid === away.uid));
  assert.equal((await deliveries(world, "names-home")).length, 1);
  assert.equal((await deliveries(world, "names-away")).length, 0);
  const counted = await eventually("they are counted", async () => {
    const { delivered, otherNamespaces } = await statusOf(world, "names-home", "wide");
    return delivered === 2 && otherNamespaces?.deadLetters === 1 ? otherNamespaces : undefined;
  }, 60_000);
  assert.deepEqual(counted, { delivered: 1, deadLetters: 1 });
  const event = await eventually("the dead letter is told by an Event", async () => {
    const { items } = await world.plane.client.call<{ items: { reason: string; note: string }[] }>("GET", "/apis/events.k8s.io/v1/namespaces/names-home/events");
    return items.find(({ reason }) => reason === "DeadLetter");
  });
  assert.match(event.note, /^MessageRefused: a message about a run of another namespace was refused/);
  const kinds = "notifications,providers,deliveries,events.v1.,events.v1.events.k8s.io";
  const { stdout: shown } = await world.plane.kubectl(["-n", "names-home", "get", kinds, "-o", "json"]);
  assert.ok(shown.includes("wide") && shown.includes("DeadLetter"), "it was searched");
  for (const marker of ["secret-marker", "refused-marker", "marker-of-an-answer", away.uid]) assert.ok(!shown.includes(marker), `${marker} is shown`);
  assert.deepEqual(told(sink).filter((run) => run.startsWith("names-other")), []);
});

test("labels of Namespaces decide at run time: one that gets them, one that is new with them, one that loses them", async (world, t) => {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  const labels = { matchLabels: { "wide-test": "yes" } };
  for (const namespace of ["labels-home", "labels-later", "labels-never"]) await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider("labels-home", "events", sink.url, { runNamespaces: labels }), notification("labels-home", "wide", "events", { statuses: ["Running", "Failed"], namespaceSelector: labels }));
  await becomes(world, ["labels-home", "wide"], "Ready", "True Active");
  const running = await makeRun(world.plane.client, "labels-later", "under-way");
  await running.become("Unknown", "Running");
  await failed(world, "labels-home", "own");
  await world.plane.kubectl(["label", "namespace", "labels-later", "wide-test=yes"]);
  await isTold(sink, "labels-later/under-way");
  await world.plane.kubectl(["apply", "-f", "-"], { input: JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "labels-new", labels: { "wide-test": "yes" } } }) });
  await failed(world, "labels-new", "at-once");
  await isTold(sink, "labels-new/at-once");
  const { selection } = await statusOf(world, "labels-home", "wide");
  await world.plane.kubectl(["label", "namespace", "labels-later", "wide-test-"]);
  await eventually("it selects others", async () => (await statusOf(world, "labels-home", "wide")).selection !== selection);
  await failed(world, "labels-never", "never");
  await failed(world, "labels-later", "too-late");
  await failed(world, "labels-new", "last");
  await isTold(sink, "labels-new/last");
  assert.deepEqual(new Set(told(sink)), new Set(["labels-later/under-way", "labels-new/at-once", "labels-new/last"]));
});

test("a Provider takes no runs that its runNamespaces do not cover, whatever Notifications select; what was held goes once it does", async (world, t) => {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  for (const namespace of ["cover-home", "cover-platform", "cover-away", "cover-other"]) await world.createNamespace(namespace);
  const provider = (runNamespaces?: object) => cloudEventsProvider("cover-platform", "shared", sink.url, { allowedNamespaces: { matchNames: ["cover-home"] }, ...(runNamespaces !== undefined && { runNamespaces }) });
  const wide = notification("cover-home", "wide", "shared", { statuses: ["Running", "Failed"], namespaceSelector: { any: true } });
  await world.apply(provider(), { ...wide, spec: { ...(wide.spec as object), providerRef: { name: "shared", namespace: "cover-platform" } } });
  await becomes(world, ["cover-home", "wide"], "ProviderResolved", "False RunsNotCovered");
  assert.equal(await condition(world, ["cover-home", "wide"], "Ready"), "False RunsNotCovered");
  await failed(world, "cover-away", "not-covered");
  for (const namespace of ["cover-home", "cover-platform"]) await failed(world, namespace, "own");
  for (const namespace of ["cover-home", "cover-platform"]) await isTold(sink, `${namespace}/own`);
  assert.deepEqual(told(sink).filter((run) => run.startsWith("cover-away")), []);

  await world.apply(provider({ any: true }));
  await becomes(world, ["cover-home", "wide"], "Ready", "True Active");
  const begun = await makeRun(world.plane.client, "cover-away", "begun");
  await begun.become("Unknown", "Running");
  await isTold(sink, "cover-away/begun");
  // Whoever takes the cover away could send what was begun elsewhere.
  await world.apply(provider({ matchNames: ["cover-other"] }));
  await becomes(world, ["cover-home", "wide"], "Ready", "False RunsNotCovered");
  await begun.become("False", "Failed");
  await failed(world, "cover-other", "covered");
  await isTold(sink, "cover-other/covered");
  assert.deepEqual(told(sink).filter((run) => run === "cover-away/begun").length, 1);
  await world.apply(provider({ matchLabels: { "kubernetes.io/metadata.name": "cover-away" } }));
  await eventually("its end is told once it is covered again", () => told(sink).filter((run) => run === "cover-away/begun").length === 2);
});

test("what is owed for a run of another namespace outlives the run and the controller, and goes with the Notification", async (world, t) => {
  const { plane, installation: { controller } } = world;
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  for (const namespace of ["owed-home", "owed-away"]) await world.createNamespace(namespace);
  const wide = notification("owed-home", "wide", "events", { ...failures, namespaceSelector: { matchNames: ["owed-away"] } });
  await world.apply(
    cloudEventsProvider("owed-home", "events", sink.url, { runNamespaces: { any: true } }),
    { ...wide, spec: { ...(wide.spec as object), groupBy: "${kind}", message: { text: "after ${previous.name}" } } },
  );
  await becomes(world, ["owed-home", "wide"], "Ready", "True Active");
  sink.misbehave({ answer: { status: 503 } });
  const run = await failed(world, "owed-away", "gone");
  const [record] = await eventually("it is on record as owed", async () => {
    const found = await elsewhere(world, "owed-home");
    return (found[0]?.status as { owed?: object } | undefined)?.owed === undefined ? undefined : found;
  });
  await run.remove();
  await controller.kill();
  sink.behave();
  await controller.start();
  await isTold(sink, "owed-away/gone");
  await eventually("it is on record as delivered", async () => ((await elsewhere(world, "owed-home"))[0]?.status as { state?: string }).state === "Delivered");
  const second = await failed(world, "owed-away", "again");
  await isTold(sink, "owed-away/again");
  const again = await eventually("its record is there", async () => (await elsewhere(world, "owed-home")).find(({ spec, status }) => (spec as { runRef: { uid: string } }).runRef.uid === second.uid && (status as { state?: string } | undefined)?.state === "Delivered"));
  assert.equal((again.status as { series?: { key: string } }).series?.key, "PipelineRun PipelineRun");
  await second.remove();
  await controller.kill();
  await controller.start();
  await failed(world, "owed-away", "later");
  await isTold(sink, "owed-away/later");
  const later = sink.events().map(({ data }) => data as RunEvent & { notice?: { text?: string } }).find(({ name }) => name === "later");
  assert.equal(later?.notice?.text, "after again", "the run before is known from its record, though it is gone");
  assert.ok(!JSON.stringify(await statusOf(world, "owed-home", "wide")).includes("again"));
  const latest = await eventually("it is on record", async () => (await elsewhere(world, "owed-home")).find(({ metadata }) => metadata.name !== again.metadata.name && metadata.name !== record?.metadata.name));
  await plane.kubectl(["-n", ownNamespace, "annotate", "delivery", latest.metadata.name, "integrations.tekton.ornew.io/redeliver=please"]);
  await eventually("it is told again", () => told(sink).filter((name) => name === "owed-away/later").length === 2);
  await plane.kubectl(["-n", "owed-home", "delete", "notification", "wide"]);
  await eventually("the records are gone", async () => (await elsewhere(world, "owed-home")).length === 0);
  assert.ok(record !== undefined);
});

test("a commit status that was begun for a run of another namespace is ended, in a repository that is mapped to the run's namespace", async (world, t) => {
  const { plane, installation: { controller } } = world;
  const github = await startGitHub({ installations: [{ id: 1, owner: "example-org" }] });
  t.after(() => github.close());
  for (const namespace of ["closing-home", "closing-away", "closing-unmapped"]) await world.createNamespace(namespace);
  const provider = gitHubProvider("closing-home", "github", github);
  const spec = provider.spec as { githubApp: object };
  await world.apply(
    privateKeySecret("closing-home", github.privateKey),
    { ...provider, spec: { ...spec, githubApp: { ...spec.githubApp, repositories: [{ match: "example-org/*", namespaces: ["closing-away"] }] }, runNamespaces: { any: true } } },
    notification("closing-home", "wide", "github", { namespaceSelector: { any: true } }),
  );
  await becomes(world, ["closing-home", "wide"], "Ready", "True Active");
  const annotations = { "integrations.tekton.ornew.io/github-owner": "example-org", "integrations.tekton.ornew.io/github-repo": "shop-api", "integrations.tekton.ornew.io/github-sha": "0f98b1f7eda33a4e9cfaab09506aa8094044085f" };
  for (const namespace of ["closing-unmapped", "closing-home"]) await (await makeRun(plane.client, namespace, "unmapped", { annotations: { ...annotations, "integrations.tekton.ornew.io/github-repo": "another" } })).become("Unknown", "Running");
  const run = await makeRun(plane.client, "closing-away", "begun", { annotations });
  await run.become("Unknown", "Running");
  await eventually("it is begun", () => github.statuses.some(({ state }) => state === "pending"));
  await eventually("that is on record", async () => (await elsewhere(world, "closing-home")).some(({ status }) => JSON.stringify(status ?? {}).includes('"sentStatus"')));
  await controller.kill();
  await run.remove();
  await controller.start();
  await eventually("it is ended", () => github.statuses.some(({ state }) => state === "error"));
  assert.deepEqual(new Set(github.statuses.map(({ repo }) => repo)), new Set(["shop-api"]));
});
