import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { untilCachesHoldRecords } from "../../src/controller/consistent.ts";
import type { Kube } from "../../src/kube/kube.ts";
import { recordingLogger, type LogLine } from "../kube/reflector-harness.ts";
import { hurriedClock } from "../support/hurried-clock.ts";
import { fakeKube } from "./fake-kube.ts";

const record = { apiVersion: "integrations.tekton.ornew.io/v1alpha1", kind: "Delivery", metadata: { namespace: "ci", name: "d", resourceVersion: "7" } };

/** A cache that shows these versions one after the other, and an API server that answers a list after so many failures. */
function setting(versions: string[], failures: number) {
  const lines: LogLine[] = [];
  const clock = hurriedClock();
  let lists = 0;
  const listAll: Kube["listAll"] = () => {
    lists += 1;
    return lists <= failures ? Promise.reject(new Error("busy")) : Promise.resolve({ items: [record], resourceVersion: "9" });
  };
  const options = { kube: { ...fakeKube().kube, listAll }, caches: { versionOfRecord: () => versions.shift() }, namespaces: [], clock, log: recordingLogger(lines) };
  return { options, clock, lines, lists: () => lists };
}

describe("before anything is sent", () => {
  it("the cache is waited for until it holds what the API server listed", async () => {
    const { options, clock, lists } = setting(["5", "6", "8"], 0);
    await untilCachesHoldRecords(options, new AbortController().signal);
    assert.deepEqual([lists(), clock.slept], [1, [20, 20]]);
  });

  it("an API server that cannot list is asked again, with a pause that grows", async () => {
    const { options, clock, lines, lists } = setting(["7"], 6);
    await untilCachesHoldRecords(options, new AbortController().signal);
    assert.equal(lists(), 7);
    assert.equal(clock.slept.length, 6);
    assert.ok(clock.slept.every((ms, attempt) => ms <= Math.min(10_000, 500 * 2 ** attempt)), clock.slept.join());
    assert.equal(lines.length, 6);
  });

  it("nothing is tried again when the term is over", async () => {
    const { options, lists } = setting([], Infinity);
    const over = new AbortController();
    const waiting = untilCachesHoldRecords({ ...options, clock: { ...options.clock, sleep: () => (over.abort(new Error("over")), Promise.reject(new Error("over"))) } }, over.signal);
    await assert.rejects(waiting, /over/);
    assert.equal(lists(), 1);
  });
});
