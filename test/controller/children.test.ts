import assert from "node:assert/strict";
import { it } from "node:test";
import { createChildren } from "../../src/controller/children.ts";
import type { TrimmedRun } from "../../src/controller/trim-run.ts";
import type { PageOptions } from "../../src/kube/kube.ts";
import { KubeError } from "../../src/kube/kube-error.ts";
import type { ListPage } from "../../src/kube/objects.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { deferred } from "./deliver-harness.ts";
import { runEvent, runUid } from "./runs.ts";

const { signal } = new AbortController();
const parent = { event: runEvent(), vanished: false };
const page = (count: number, more = false): ListPage => ({
  resourceVersion: "1",
  items: Array.from({ length: count }, (_, index) => ({ apiVersion: "tekton.dev/v1", kind: "TaskRun", metadata: { name: `task-${index}`, namespace: "ci" } })),
  ...(more && { continue: "more" }),
});

function setting(list: (options: PageOptions, asked: number) => Promise<ListPage>) {
  const asked: PageOptions[] = [];
  const adopted: (readonly TrimmedRun[])[] = [];
  const children = createChildren({
    kube: { list: (_, options) => list(options, asked.push(options)) },
    runs: { adopt: (_, found) => void adopted.push(found) },
    log: silentLogger,
  });
  return { asked, adopted, children };
}

it("children are read at once, from what the API server has at hand", async () => {
  const { asked, adopted, children } = setting(() => Promise.resolve(page(3)));
  await children.list(parent, ["TaskRun"], signal);
  assert.deepEqual(asked, [{ namespace: "ci", labelSelector: `tekton.dev/pipelineRunUID=${runUid}`, fromCache: true, maxBytes: 8_388_608 }]);
  assert.deepEqual(adopted.map((found) => found.length), [3]);
});

it("children that are too large for that are read in pages, and of too many the rest is left out", async () => {
  const { asked, adopted, children } = setting(({ fromCache }) => (fromCache === true ? Promise.reject(new KubeError("KubernetesAnswerInvalid", "too large")) : Promise.resolve(page(20, true))));
  await children.list(parent, ["TaskRun"], signal);
  assert.deepEqual([asked.length, asked[1], asked[2]?.continue], [31, { namespace: "ci", labelSelector: `tekton.dev/pipelineRunUID=${runUid}`, limit: 20, continue: undefined }, "more"]);
  assert.deepEqual(adopted.map((found) => found.length), [600]);
});

it("four lists are under way at one time, and one for all who ask about a run", async () => {
  const answers = Array.from({ length: 6 }, () => deferred<ListPage>());
  const { asked, children } = setting((_, count) => (answers[count - 1] ?? answers[0] ?? assert.fail()).promise);
  const all = [1, 2, 3, 4, 5, 6].map((of) => children.list({ event: runEvent({ uid: `run-${of}` }), vanished: false }, ["TaskRun"], signal));
  const second = children.list({ event: runEvent({ uid: "run-1" }), vanished: false }, ["TaskRun"], signal);
  assert.equal(asked.length, 4);
  answers[0]?.resolve(page(0));
  await Promise.all([all[0], second]);
  assert.equal(asked.length, 5);
  for (const answer of answers) answer.resolve(page(0));
  await Promise.all(all);
  assert.equal(asked.length, 6);
});
