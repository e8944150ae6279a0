import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { normaliseRun } from "../../src/controller/normalise-run.ts";
import { trimRun, type TrimmedRun } from "../../src/controller/trim-run.ts";
import { runUid } from "./runs.ts";

const metadata = { name: "build-1", namespace: "ci", uid: runUid, creationTimestamp: "2026-01-01T00:00:00Z" };

const trim = (object: Record<string, unknown>, more: Record<string, unknown> = {}): TrimmedRun =>
  trimRun({ apiVersion: "tekton.dev/v1", kind: "PipelineRun", metadata: { ...metadata, ...more }, ...object }, "PipelineRun");

describe("trimRun", () => {
  it("keeps nothing of what no event is made of", () => {
    const run = trim({ spec: { pipelineSpec: { tasks: [{ name: "a", taskSpec: { steps: [{ script: "long" }] } }] } }, status: { provenance: {} } }, { managedFields: [{}], finalizers: ["x"] });
    assert.deepEqual(Object.keys(run).sort(), ["annotations", "apiVersion", "creationTimestamp", "kind", "labels", "name", "namespace", "object", "params", "results", "taskOrder", "uid"]);
    assert.deepEqual(run.object, {
      apiVersion: "tekton.dev/v1", kind: "PipelineRun", spec: {}, status: { provenance: {} },
      metadata: { ...metadata, labels: run.labels, annotations: run.annotations },
    });
    assert.deepEqual(run.taskOrder, ["a"]);
  });

  it("takes the order of tasks from the resolved pipeline before the embedded one", () => {
    const tasks = (...names: string[]): object => ({ tasks: names.map((name) => ({ name })), finally: [{ name: "end" }] });
    assert.deepEqual(trim({ spec: { pipelineSpec: tasks("x") }, status: { pipelineSpec: tasks("a", "b") } }).taskOrder, ["a", "b", "end"]);
    assert.deepEqual(trim({ spec: { pipelineSpec: tasks("x") } }).taskOrder, ["x", "end"]);
  });

  it("drops annotations over 8,192 characters, and kubectl's copy of the object", () => {
    const { annotations } = trim({}, { annotations: { long: "x".repeat(8193), longest: "x".repeat(8192), "kubectl.kubernetes.io/last-applied-configuration": "{}" } });
    assert.deepEqual(Object.keys(annotations), ["longest"]);
  });

  it("keeps labels of hostile names as plain keys", () => {
    const { labels } = trim({}, { labels: JSON.parse('{"__proto__": "a", "constructor": "b"}') as object });
    assert.deepEqual(Object.entries(labels), [["__proto__", "a"], ["constructor", "b"]]);
    assert.equal("hasOwnProperty" in labels, false);
  });

  it("takes for the parent only a controller that is a run of Tekton's", () => {
    const owner = { apiVersion: "tekton.dev/v1", kind: "PipelineRun", name: "parent", uid: "1", controller: true };
    const of = (ownerReferences: unknown): TrimmedRun["owner"] => trim({}, { ownerReferences }).owner;
    assert.deepEqual(of([{ ...owner, kind: "CronJob" }, owner]), { kind: "PipelineRun", name: "parent", uid: "1" });
    for (const other of [{ ...owner, controller: false }, { ...owner, apiVersion: "batch/v1" }, { ...owner, apiVersion: "tekton.dev.example.com/v1" }, { ...owner, kind: "Pipeline" }, null]) {
      assert.equal(of([other]), undefined);
    }
  });

  it("takes times only for what they are", () => {
    for (const startTime of ["yesterday", "2026", 17, "", "2026-13-01T00:00:00Z", null]) {
      assert.equal(trim({ status: { startTime } }).startTime, undefined, String(startTime));
    }
    for (const startTime of ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456Z", "2026-01-01T02:00:00+02:00"]) assert.equal(trim({ status: { startTime } }).startTime, startTime);
    assert.equal(trim({}, { creationTimestamp: "now" }).creationTimestamp, "");
  });

  it("keeps the annotations that messages are made of, however many others there are", () => {
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`example.com/a${index}`, "x"]));
    const ours = { "tekton.dev/git-repo": "https://github.com/o/r", "pipelinesascode.tekton.dev/sha": "1", "integrations.tekton.ornew.io/loop": "0" };
    const { annotations } = trimRun({ apiVersion: "tekton.dev/v1", kind: "PipelineRun", metadata: { name: "r", annotations: { ...many, ...ours } } }, "PipelineRun");
    assert.equal(Object.keys(annotations).length, 256);
    for (const [key, value] of Object.entries(ours)) assert.equal(annotations[key], value);
  });

  it("bounds what whoever writes a status can put into it", () => {
    const status = { conditions: [{ type: "Succeeded", status: "False", reason: "R".repeat(5_000), message: `x${"🚀".repeat(5_000)}` }], results: Array.from({ length: 300 }, (_, name) => ({ name: String(name), value: "v" })) };
    const annotations = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`a${index}`, "v"]));
    const event = normaliseRun(trim({ status, spec: { pipelineRef: { name: "p".repeat(400) } } }, { annotations }), { children: [] });
    assert.equal(event.reason.length, 1024);
    assert.ok(event.message.length >= 8190 && event.message.length <= 8192 && event.message.isWellFormed());
    assert.deepEqual([Object.keys(event.results).length, Object.keys(event.annotations).length, event.pipeline.length], [256, 256, 253]);
  });

  it("reads an object whose parts are of the wrong type as one that lacks them", () => {
    for (const wrong of ["text", 1, [], null, true]) {
      const run = trim({ spec: wrong, status: wrong }, { labels: wrong, annotations: wrong, ownerReferences: wrong });
      const { object, ...flat } = run;
      assert.deepEqual([object.spec, object.status], [{}, {}]);
      assert.deepEqual({ ...flat, labels: { ...run.labels }, annotations: { ...run.annotations } }, {
        apiVersion: "tekton.dev/v1", kind: "PipelineRun", namespace: "ci", name: "build-1", uid: runUid, creationTimestamp: "2026-01-01T00:00:00Z",
        labels: {}, annotations: {}, params: [], results: [], taskOrder: [],
      });
    }
    assert.equal(trim({ status: { conditions: ["x", null, { type: "Ready" }] } }).condition, undefined);
  });
});
