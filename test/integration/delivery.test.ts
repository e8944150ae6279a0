import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { allEnded, judge, type PlayedRun, playedRuns, type ToldState } from "../support/expected-states.ts";
import { startGitHub } from "../support/github-double.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import { cloudEventsProvider, gitHubProvider, notification, privateKeySecret, toldBy } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { recordingNames } from "../support/replay-recording.ts";
import { replay } from "../support/replay.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

/** Long enough for a message that should not come. */
const quiet = (): Promise<void> => pause(1_000);

async function playEverything({ plane }: World, namespace: string): Promise<PlayedRun[]> {
  const played = await Promise.all(recordingNames().map(async (name) => playedRuns(name, await replay(plane.client, name, { namespace }))));
  return played.flat();
}

async function ready({ plane }: World, namespace: string): Promise<void> {
  await plane.kubectl(["wait", "--for=condition=Ready", "provider,notification", "--all", "--namespace", namespace, "--timeout=20s"]);
}

async function cloudEventsSink(t: TestContext) {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  return {
    ...sink,
    told: (path: string): ToldState[] => sink.accepted().flatMap((request, index) => {
      const event = sink.events()[index];
      return request.path === path && event !== undefined ? [toldBy(event)] : [];
    }),
  };
}

const topLevel = { matchExpressions: [{ key: "tekton.dev/pipelineRun", operator: "DoesNotExist" }] };

test("every recorded run is reported: its end exactly once and last, before it only what was played, in that order", async (world, t) => {
  const namespace = "everything";
  const sink = await cloudEventsSink(t);
  const github = await startGitHub({ installations: [{ id: 1, owner: "example-org" }, { id: 2, owner: "harbour-works" }] });
  t.after(() => github.close());
  await world.createNamespace(namespace);
  await world.apply(
    privateKeySecret(namespace, github.privateKey),
    gitHubProvider(namespace, "github", github),
    ...["pipelineruns", "nested", "others"].map((name) => cloudEventsProvider(namespace, name, `${sink.url}/${name}`)),
    notification(namespace, "pipelineruns", "pipelineruns"),
    notification(namespace, "nested", "nested", { children: true }),
    notification(namespace, "others", "others", { kinds: ["TaskRun", "CustomRun"] }),
    notification(namespace, "github-pipelineruns", "github"),
    notification(namespace, "github-taskruns", "github", { kinds: ["TaskRun"], labelSelector: topLevel }),
  );
  await ready(world, namespace);

  const runs = await playEverything(world, namespace);
  const selected = {
    "/pipelineruns": runs.filter(({ kind, parent }) => kind === "PipelineRun" && parent === undefined),
    "/nested": runs.filter(({ kind }) => kind === "PipelineRun"),
    "/others": runs.filter(({ kind }) => kind !== "PipelineRun"),
  };
  assert.deepEqual(Object.values(selected).map(({ length }) => length), [11, 13, 39]);
  const commits = runs.filter(({ parent }) => parent === undefined);
  // What is missing in the end, the checks below say better.
  await eventually("every end has arrived", () =>
    Object.entries(selected).every(([path, expected]) => allEnded(expected, sink.told(path))) && commits.every((run) => finalStates(run, github.statuses).length === 1)).catch(() => undefined);
  await quiet();

  const terms = (): number => world.installation.controller.lines().filter(({ message }) => message === "leading").length;
  for (const [path, expected] of Object.entries(selected)) {
    const { faults, repeats } = judge(expected, sink.told(path));
    assert.deepEqual(faults, [], path);
    assert.equal(repeats, 0, `${path}, in ${terms()} terms`);
  }
  const going = sink.told("/others").filter(({ status }) => status === "Running" || status === "Pending");
  // What changes faster than it is told is told as it is last: on a busy machine that is much of it.
  assert.ok(going.length >= selected["/others"].length / 4, `states before the end arrive too: ${going.length}`);
  assert.deepEqual(sink.violations, []);
  assert.deepEqual(github.violations, []);
  assert.deepEqual(sink.received.filter(({ outcome }) => outcome !== 202), []);

  for (const run of commits) {
    const [owner, repo, sha] = commitOf(run);
    const states = github.statuses.filter((status) => status.owner === owner && status.repo === repo && status.sha === sha);
    assert.deepEqual([...new Set(states.map(({ context }) => context))], [contextOf(run)], `${run.name} has one context`);
    assert.equal(states.at(-1)?.state, stateOf(run), run.name);
    assert.deepEqual(states.slice(0, -1).filter(({ state }) => state !== "pending"), [], `${run.name} ends once`);
    assert.ok(states.length <= 2, `${run.name}: GitHub knows one state for Pending and Running`);
  }
  assert.equal(github.statuses.length, new Set(github.statuses.map(({ sha, state }) => `${sha}/${state}`)).size);
  assert.equal(github.tokensIssued(), 2, "one token for each installation");

  const existing = new Set(commits.map(({ uid }) => uid));
  const { items } = await world.plane.client.call<{ items: { spec: { runRef: { uid: string }; notificationRef: { name: string } }; status: { state: string } }[] }>(
    "GET", `/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/${namespace}/deliveries`);
  const reported = items.filter(({ spec }) => spec.notificationRef.name.startsWith("github-"));
  assert.deepEqual(new Set(reported.map(({ spec }) => spec.runRef.uid)), existing);
  assert.deepEqual(items.filter(({ status }) => status.state !== "Delivered"), []);
  assert.equal(items.length, 11 + 13 + 39 + commits.length);
});

const ours = "integrations.tekton.ornew.io";
const pac = "pipelinesascode.tekton.dev";

function commitOf({ annotations }: PlayedRun): [string, string, string] {
  const first = (...names: readonly string[]): string => names.map((name) => annotations[name]).find((value) => value !== undefined) ?? "";
  return [first(`${ours}/github-owner`, `${pac}/url-org`), first(`${ours}/github-repo`, `${pac}/url-repository`), first(`${ours}/github-sha`, `${pac}/sha`)];
}

/** The recorded runs name their pipeline or task in these ways. */
const pipelines: Readonly<Record<string, string>> = {
  "shop-api-on-push-hn5ts": "shop-api-release",
  // Neither generateName nor a reference: all that is left is its own name.
  "shop-api-scan-z6f2j": "shop-api-scan-z6f2j",
};

function contextOf({ annotations, name }: PlayedRun): string {
  return `tekton: ${annotations[`${ours}/context-id`] ?? pipelines[name] ?? name.replace(/-[a-z0-9]{5}$/, "")}`;
}

function stateOf({ end }: PlayedRun): string {
  const states: Readonly<Record<string, string>> = { Succeeded: "success", Failed: "failure", TimedOut: "failure", Cancelled: "error" };
  return states[end.status] ?? "";
}

function finalStates(run: PlayedRun, statuses: readonly { readonly sha: string; readonly state: string }[]) {
  const [, , sha] = commitOf(run);
  return statuses.filter((status) => status.sha === sha && status.state !== "pending");
}
