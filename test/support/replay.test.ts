import assert from "node:assert/strict";
import type { KubeClient, KubeObject } from "./kube-client.ts";
import { collectionPath } from "./kube-client.ts";
import { readRecording, recordingNames, type RecordedEvent, rewriter } from "./replay-recording.ts";
import { type PlayedEvent, replay } from "./replay.ts";
import { controlPlaneTests } from "./require.ts";
import { eventually } from "./wait.ts";

const test = controlPlaneTests();

/** What only the server decides is taken out; everything else must be as it was recorded. */
function comparable(object: KubeObject): unknown {
  const { uid: _uid, resourceVersion: _version, creationTimestamp: _creation, deletionTimestamp: _deletion, managedFields: _fields, ...metadata } = object.metadata;
  return { ...object, metadata };
}

const kinds = [["tekton.dev/v1", "PipelineRun"], ["tekton.dev/v1", "TaskRun"], ["tekton.dev/v1beta1", "CustomRun"]] as const;

async function runs(client: KubeClient, namespace: string): Promise<KubeObject[]> {
  const lists = await Promise.all(kinds.map(async ([apiVersion, kind]) => {
    const list = await client.call<{ items: KubeObject[] }>("GET", collectionPath(apiVersion, kind, namespace));
    return list.items.map((item) => ({ ...item, apiVersion, kind }));
  }));
  return lists.flat();
}

/** The last recorded state of every object that is not deleted at the end, by its new uid. */
function lastStates(events: readonly RecordedEvent[], played: readonly PlayedEvent[], rewrite: (object: KubeObject) => KubeObject): Map<string, KubeObject> {
  const states = new Map<string, KubeObject>();
  for (const [index, { type, object }] of events.entries()) {
    const uid = played[index]?.uid ?? "";
    if (type === "DELETED") states.delete(uid);
    else states.set(uid, rewrite(object));
  }
  return states;
}

for (const name of recordingNames()) {
  test(`${name}: every object ends in its recorded last state`, async ({ client }) => {
    const events = readRecording(name);
    const shift = 3_600_000;
    const played = await replay(client, name, { namespace: name, suffix: "x1", shift });
    assert.deepEqual(played.map(({ line, type, kind }) => ({ line, type, kind })), events.map(({ type, object }, index) => ({ line: index + 1, type, kind: object.kind })));
    const uids = new Map(events.map(({ object }, index) => [object.metadata.uid ?? "", played[index]?.uid ?? ""]));
    const expected = lastStates(events, played, rewriter(events, uids, { namespace: name, suffix: "x1", shift }));
    // The garbage collector takes children of deleted runs in its own time.
    await eventually("only the expected runs are left", async () => (await runs(client, name)).length === expected.size);
    for (const object of await runs(client, name)) {
      const state = expected.get(object.metadata.uid ?? "");
      assert.ok(state !== undefined, `${object.kind} ${object.metadata.name} is not expected`);
      assert.deepEqual(comparable(object), comparable(state));
    }
  });
}

test("uids of this server stand wherever the recording names a run by its uid", async ({ client }) => {
  const played = await replay(client, "succeeded-with-results", { namespace: "uids" });
  const parent = played.find(({ kind }) => kind === "PipelineRun");
  const objects = await runs(client, "uids");
  const children = objects.filter(({ kind }) => kind === "TaskRun");
  assert.equal(children.length, 3);
  for (const { metadata } of children) {
    assert.equal(metadata.ownerReferences?.[0]?.uid, parent?.uid);
    assert.equal(metadata.labels?.["tekton.dev/pipelineRunUID"], parent?.uid);
  }
  const recorded = readRecording("succeeded-with-results").map(({ object }) => object.metadata.uid ?? "");
  const text = JSON.stringify(objects);
  assert.deepEqual(recorded.filter((uid) => text.includes(uid)), []);
});

test("one recording is played many times at once under different suffixes", async ({ client }) => {
  const suffixes = ["a", "b", "c"];
  const all = await Promise.all(suffixes.map((suffix) => replay(client, "failed-step", { namespace: "many", suffix })));
  const objects = await runs(client, "many");
  assert.equal(objects.length, 9);
  assert.equal(new Set(all.flat().map(({ uid }) => uid)).size, 9);
  const run = objects.find(({ metadata }) => metadata.name === "shop-api-on-pull-request-bq8zn-b");
  const references = (run?.status as { childReferences: { name: string }[] }).childReferences.map((reference) => reference.name);
  assert.deepEqual(references.sort(), ["shop-api-on-pull-request-bq8zn-b-fetch-source", "shop-api-on-pull-request-bq8zn-b-unit-tests"]);
});

test("without a shift of its own a run begins now and ends after it began", async ({ client }) => {
  const before = Date.now();
  await replay(client, "failed-step", { namespace: "now" });
  const [run] = (await runs(client, "now")).filter(({ kind }) => kind === "PipelineRun");
  const { startTime, completionTime } = run?.status as { startTime: string; completionTime: string };
  assert.ok(Date.parse(startTime) >= before - 1000, startTime);
  assert.ok(Date.parse(completionTime) >= Date.parse(startTime), completionTime);
});

test("the watch of the API server shows the recorded events in the recorded order", async (plane) => {
  const { client } = plane;
  const name = "finished-then-edited-and-pruned";
  const start = await client.call<{ metadata: { resourceVersion: string } }>("GET", collectionPath("tekton.dev/v1", "PipelineRun", "watched"));
  await replay(client, name, { namespace: "watched" });
  const path = `${collectionPath("tekton.dev/v1", "PipelineRun", "watched")}?watch=1&timeoutSeconds=1&resourceVersion=${start.metadata.resourceVersion}`;
  const body = await client.send("GET", path);
  const seen = String(body.body).trim().split("\n").map((line) => JSON.parse(line) as RecordedEvent);
  const recorded = readRecording(name).filter(({ object }) => object.kind === "PipelineRun");
  const view = (events: RecordedEvent[]): unknown => events.map(({ type, object }) => [type, object.metadata.finalizers ?? [], object.status !== undefined]);
  assert.deepEqual(view(seen), view(recorded));
});

test("the hook sees each event before it is played in and what was played so far", async ({ client }) => {
  const seen: [string, number][] = [];
  const played = await replay(client, "standalone-taskrun-failed", { namespace: "hook", before: ({ type }, so_far) => void seen.push([type, so_far.length]) });
  assert.deepEqual(seen.map(([, count]) => count), played.map((_, index) => index));
  assert.equal(played.at(-1)?.condition?.reason, "StepFailed");
  assert.equal(played[0]?.condition, undefined);
});

test("a run that somebody else has changed meanwhile ends the replay", async ({ client }) => {
  const touch = async (name: string): Promise<void> => {
    const path = `${collectionPath("tekton.dev/v1", "TaskRun", "touched")}/${name}`;
    await client.call("PATCH", path, { body: { metadata: { labels: { touched: "yes" } } }, contentType: "application/merge-patch+json" });
  };
  const playing = replay(client, "standalone-taskrun-failed", {
    namespace: "touched",
    before: async (_, played) => {
      if (played.length === 3) await touch(played[0]?.name ?? "");
    },
  });
  await assert.rejects(playing, /409/);
});
