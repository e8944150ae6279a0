import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createTurns, type Turns } from "../../src/controller/turns.ts";
import { manualClock } from "../support/manual-clock.ts";

interface Setting {
  readonly turns: Turns;
  /** What was done, in order; `|` stands where the event loop came round. */
  readonly done: string[];
  /** A tour of `count` steps that take `ms` each. */
  readonly tour: (lane: string, name: string, count: number, ms: number) => void;
  readonly step: (lane: string, name: string, ms: number) => Promise<string>;
  readonly failures: string[];
  /** Until nothing is left to be done. */
  readonly quiet: () => Promise<void>;
}

function setting(): Setting {
  const clock = manualClock();
  const done: string[] = [];
  const failures: string[] = [];
  const turns = createTurns({ clock, onFailure: (lane, name, error) => failures.push(`${lane} ${name}: ${(error as Error).message}`) });
  const work = (name: string, ms: number): string => {
    clock.advance(ms);
    done.push(name);
    return name;
  };
  function* steps(name: string, count: number, ms: number): Generator<undefined, void> {
    for (let index = 1; index <= count; index += 1) {
      work(`${name}${index}`, ms);
      if (index < count) yield;
    }
  }
  return {
    turns,
    done,
    failures,
    tour: (lane, name, count, ms) => {
      turns.tour(lane, name, () => steps(name, count, ms));
    },
    step: (lane, name, ms) => turns.once(lane, () => work(name, ms)),
    quiet: async () => {
      let idle = 0;
      while (idle < 3) {
        const before = done.length;
        await nextTurn();
        if (done.length === before) idle += 1;
        else done.push("|");
      }
    },
  };
}

/** How many steps were done in each slice. */
const slices = (done: readonly string[]): number[] => done.join(" ").split("|").map((slice) => slice.trim().split(" ").filter((name) => name !== "").length).filter((count) => count > 0);

describe("turns", () => {
  it("let the event loop come round before ten milliseconds are over: no step begins after five", async () => {
    for (const [ms, inSlice] of [[5, 1], [3, 2], [1, 5], [0.5, 10]] as const) {
      const { tour, done, quiet } = setting();
      tour("a", "t", 40, ms);
      await quiet();
      assert.deepEqual(slices(done), Array.from({ length: 40 / inSlice }, () => inSlice), `${ms} ms a step`);
    }
  });

  it("begin nothing before the event loop has come round", async () => {
    const { tour, step, done, quiet } = setting();
    tour("a", "t", 1, 0);
    void step("a", "s", 0);
    assert.deepEqual(done, []);
    await quiet();
    assert.deepEqual(done, ["s", "t1", "|"]);
  });

  it("go to the lane that has waited longest, whatever another one has left to do", async () => {
    const { tour, done, quiet } = setting();
    tour("flood", "f", 1_000, 5);
    await nextTurn();
    tour("small", "s", 3, 1);
    await quiet();
    const order = done.filter((name) => name !== "|");
    assert.deepEqual(order.slice(0, 6), ["f1", "f2", "s1", "s2", "s3", "f3"]);
    assert.equal(order.length, 1_003);
  });

  it("give each lane the same time, not the same number of steps", async () => {
    const { tour, done, quiet } = setting();
    tour("dear", "d", 100, 5);
    tour("cheap", "c", 100, 0.1);
    await quiet();
    const order = done.filter((name) => name !== "|");
    const before = order.slice(0, order.indexOf("c100"));
    assert.equal(before.filter((name) => name.startsWith("d")).length, 2);
  });

  it("go on within a slice from lane to lane while there is time", async () => {
    const { tour, done, quiet } = setting();
    for (const lane of ["a", "b", "c"]) tour(lane, lane, 2, 0.5);
    await quiet();
    assert.deepEqual(done, ["a1", "a2", "b1", "b2", "c1", "c2", "|"]);
  });

  it("do single steps of a lane before its tours, which take one another's place only when they are through", async () => {
    const { tour, step, done, quiet } = setting();
    tour("a", "t", 3, 5);
    tour("a", "u", 1, 5);
    await nextTurn();
    const answer = step("a", "s", 5);
    await quiet();
    assert.deepEqual([done.filter((name) => name !== "|"), await answer], [["t1", "s", "t2", "t3", "u1"], "s"]);
  });

  it("begin a tour once that was added again while it waited, and once more where it was under way", async () => {
    const { tour, done, quiet, turns } = setting();
    for (let times = 0; times < 3; times += 1) tour("a", "t", 2, 5);
    assert.equal(turns.length(), 1);
    await nextTurn();
    for (let times = 0; times < 3; times += 1) tour("a", "t", 2, 5);
    assert.equal(turns.length(), 2);
    await quiet();
    assert.deepEqual([done.filter((name) => name !== "|"), turns.length()], [["t1", "t2", "t1", "t2"], 0]);
  });

  it("tell what a step threw to who waits for it, and go on", async () => {
    const { turns, tour, failures, done, quiet } = setting();
    const fail = (): never => {
      throw new Error("no");
    };
    const failed = assert.rejects(turns.once("a", fail), /^Error: no$/);
    turns.tour("a", "bad", () => ({ next: fail }));
    tour("a", "good", 1, 0);
    await quiet();
    await failed;
    assert.deepEqual([failures, done], [["a bad: no"], ["good1", "|"]]);
  });

  it("may get more work from a step, also in its own lane", async () => {
    const { turns, tour, done, quiet } = setting();
    void turns.once("a", () => {
      tour("a", "t", 1, 0);
      tour("b", "u", 1, 0);
    });
    await quiet();
    assert.deepEqual(done.filter((name) => name !== "|"), ["t1", "u1"]);
  });

  it("end all tours when they stop, and do the single steps that are left", async () => {
    const { turns, tour, step, done, quiet } = setting();
    tour("a", "t", 10, 5);
    await nextTurn();
    const last = step("a", "s", 5);
    turns.stop();
    tour("a", "late", 1, 0);
    await quiet();
    assert.deepEqual([await last, done.filter((name) => name !== "|"), turns.length()], ["s", ["t1", "s"], 0]);
  });
});
