import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createWorkQueue, type Requeue, type WorkQueue } from "../../src/kube/work-queue.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";

interface Run {
  readonly key: string;
  readonly finish: (outcome?: Requeue | Error) => void;
}

interface Setup {
  readonly queue: WorkQueue;
  readonly clock: ManualClock;
  /** Begun and not finished, in order. */
  readonly running: Run[];
  readonly begun: string[];
  readonly failed: string[];
  readonly stop: AbortController;
  readonly stopped: Promise<void>;
}

function setup(concurrency: number, laneOf?: (key: string) => string): Setup {
  const clock = manualClock();
  const failed: string[] = [];
  const queue = createWorkQueue({
    concurrency,
    clock,
    backoff: { baseMs: 100, capMs: 1_000, random: () => 0.5 },
    ...(laneOf && { laneOf }),
    onFailure: (key, error) => failed.push(`${key}: ${error instanceof Error ? error.message : ""}`),
  });
  const running: Run[] = [];
  const begun: string[] = [];
  const stop = new AbortController();
  const process = (key: string): Promise<Requeue | undefined> =>
    new Promise((resolve, reject) => {
      begun.push(key);
      const entry: Run = {
        key,
        finish: (outcome) => {
          running.splice(running.indexOf(entry), 1);
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        },
      };
      running.push(entry);
    });
  return { queue, clock, running, begun, failed, stop, stopped: queue.run(process, stop.signal) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("work queue", () => {
  it("takes keys from its lanes in turn, from each in the order they came", async () => {
    const { queue, running, begun } = setup(1, (key) => key.charAt(0));
    for (const key of ["a1", "a2", "a3", "a1", "b1", "c1", "b2"]) queue.add(key);
    assert.equal(queue.length, 6);
    await turn();
    while (running.length > 0) {
      running[0]?.finish();
      await turn();
    }
    assert.deepEqual(begun, ["a1", "b1", "c1", "a2", "b2", "a3"]);
    assert.equal(queue.length, 0);
  });

  it("processes keys in the order they came, a waiting key once", async () => {
    const { queue, running, begun } = setup(1);
    for (const key of ["a", "b", "a", "c", "b"]) queue.add(key);
    await turn();
    while (running.length > 0) {
      running[0]?.finish();
      await turn();
    }
    assert.deepEqual(begun, ["a", "b", "c"]);
    assert.equal(queue.length, 0);
  });

  it("never processes a key twice at a time, and once more when it was added meanwhile", async () => {
    const { queue, running, begun } = setup(3);
    queue.add("a");
    await turn();
    queue.add("a");
    queue.add("a");
    queue.add("b");
    await turn();
    assert.deepEqual(running.map((entry) => entry.key), ["a", "b"]);
    running[0]?.finish();
    await turn();
    assert.deepEqual(begun, ["a", "b", "a"]);
  });

  it("works on as many keys at a time as it was told", async () => {
    const { queue, running } = setup(2);
    for (const key of ["a", "b", "c"]) queue.add(key);
    await turn();
    assert.deepEqual(running.map((entry) => entry.key), ["a", "b"]);
    running[1]?.finish();
    await turn();
    assert.deepEqual(running.map((entry) => entry.key), ["a", "c"]);
  });

  it("adds a key later, at the earliest of the times asked for", async () => {
    const { queue, clock, begun } = setup(1);
    queue.addAfter("a", 500);
    queue.addAfter("a", 200);
    queue.addAfter("a", 900);
    assert.equal(queue.delayed, 1);
    clock.advance(199);
    await turn();
    assert.deepEqual(begun, []);
    clock.advance(1);
    await turn();
    assert.deepEqual([begun, queue.delayed], [["a"], 0]);
  });

  it("repeats a key that failed after a growing back-off, which a success ends", async () => {
    const { queue, clock, running, begun, failed } = setup(1);
    queue.add("a");
    for (const pause of [50, 100, 200]) {
      await turn();
      running[0]?.finish(new Error("boom"));
      await turn();
      assert.deepEqual(clock.sleepers, [pause]);
      clock.advance(pause);
    }
    await turn();
    running[0]?.finish();
    await turn();
    queue.add("a");
    await turn();
    running[0]?.finish(new Error("again"));
    await turn();
    assert.deepEqual(clock.sleepers, [50]);
    assert.equal(begun.length, 5);
    assert.deepEqual(failed, ["a: boom", "a: boom", "a: boom", "a: again"]);
  });

  it("takes a key again when its processing asks for it", async () => {
    const { queue, clock, running, begun } = setup(1);
    queue.add("a");
    await turn();
    running[0]?.finish({ afterMs: 300 });
    await turn();
    clock.advance(300);
    await turn();
    assert.deepEqual(begun, ["a", "a"]);
  });

  it("drops what was planned for a key that is forgotten", async () => {
    const { queue, clock, begun } = setup(1);
    queue.addRateLimited("a");
    queue.forget("a");
    clock.advance(10_000);
    await turn();
    assert.deepEqual([begun, queue.delayed], [[], 0]);
  });

  it("drains: begins nothing after the signal, and ends when what was begun is through", async () => {
    const { queue, clock, running, begun, stop, stopped } = setup(1);
    queue.add("a");
    queue.add("b");
    queue.addAfter("c", 100);
    await turn();
    stop.abort();
    let over = false;
    void stopped.then(() => {
      over = true;
    });
    await turn();
    assert.equal(over, false);
    running[0]?.finish();
    await stopped;
    assert.deepEqual([begun, clock.sleepers], [["a"], []]);
  });
});

describe("a work queue that has been told to stop", () => {
  it("plans nothing more, which would keep the process alive", async () => {
    const { queue, clock, stop, stopped } = setup(1);
    stop.abort();
    await stopped;
    queue.addAfter("late", 3_600_000);
    queue.addRateLimited("late");
    assert.deepEqual([queue.delayed, clock.sleepers], [0, []]);
  });
});
