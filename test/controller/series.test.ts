import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSeries, type FinishedRun } from "../../src/controller/series.ts";

const at = (seconds: number): number => Date.UTC(2026, 0, 1) + seconds * 1000;

const finished = (uid: string, endedAt: number, more: Partial<FinishedRun> = {}): FinishedRun => ({ uid, name: `run-${uid}`, status: "Succeeded", reason: "Succeeded", endedAt: at(endedAt), ...more });

describe("the run before a run", () => {
  it("is the last of its series that had ended when it was created, whatever came later or in another order", () => {
    const series = createSeries(10);
    for (const run of [finished("c", 300), finished("a", 100), finished("b", 200)]) series.add("main", run);
    series.add("other", finished("x", 240));
    assert.equal(series.before("main", { uid: "z", createdAt: at(250) })?.uid, "b");
    assert.equal(series.before("main", { uid: "z", createdAt: at(300) })?.uid, "c");
    assert.equal(series.before("main", { uid: "z", createdAt: at(99) }), undefined);
    assert.equal(series.before("none", { uid: "z", createdAt: at(999) }), undefined);
  });

  it("counts the same second as before, as Kubernetes' times have no finer ones", () => {
    const series = createSeries(10);
    series.add("main", { ...finished("a", 100), endedAt: at(100) + 900 });
    assert.equal(series.before("main", { uid: "z", createdAt: at(100) })?.uid, "a");
  });

  it("is never the run itself, and the same for everybody when two ended at once", () => {
    for (const order of [["a", "b"], ["b", "a"]]) {
      const series = createSeries(10);
      for (const uid of order) series.add("main", finished(uid, 100));
      assert.equal(series.before("main", { uid: "z", createdAt: at(200) })?.uid, "b");
      assert.equal(series.before("main", { uid: "b", createdAt: at(200) })?.uid, "a");
    }
  });

  it("is known by its last state", () => {
    const series = createSeries(10);
    series.add("main", finished("a", 100, { status: "Succeeded" }));
    series.add("main", finished("a", 110, { status: "Failed" }));
    assert.deepEqual(series.latest(100), [["main", finished("a", 110, { status: "Failed" })]]);
  });
});

describe("series", () => {
  it("that ended a run longest ago are forgotten first", () => {
    const series = createSeries(2);
    // Kept are a few more than asked for, so that not every addition has to look for the oldest.
    series.add("a", finished("1", 1));
    series.add("b", finished("2", 2));
    series.add("a", finished("3", 3));
    series.add("c", finished("4", 4));
    assert.deepEqual(series.latest(100).map(([key, { uid }]) => `${key}:${uid}`), ["c:4", "a:3", "a:1"]);
  });

  it("keep their last 20 runs", () => {
    const series = createSeries(2);
    for (let second = 0; second < 25; second += 1) series.add("a", finished(String(second), second));
    assert.equal(series.before("a", { uid: "z", createdAt: at(5) })?.uid, "5");
    assert.equal(series.before("a", { uid: "z", createdAt: at(4) }), undefined);
  });
});
