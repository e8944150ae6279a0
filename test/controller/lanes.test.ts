import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { describe, it } from "node:test";
import { createLanes, type Lanes, type Rate, type Turn } from "../../src/controller/lanes.ts";
import { manualClock } from "../support/manual-clock.ts";

/** Requests in the order they began, and a way to end them. */
function play(limits: { perProvider?: number; perLane?: number } = {}) {
  const clock = manualClock();
  const lanes: Lanes = createLanes({ clock, perProvider: limits.perProvider ?? 100, perLane: limits.perLane ?? 1 });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const stop = new AbortController();
  const ask = (name: string, where: Partial<Turn> = {}, rate?: Rate, signal = stop.signal): Promise<void> =>
    lanes.take({ provider: "p", lane: "l", namespace: "ns", terminal: false, ...where }, rate, signal).then(
      (giveBack) => {
        begun.push(name);
        ends.set(name, giveBack);
      },
      () => {
        begun.push(`${name} gave up`);
      },
    );
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await turn();
  };
  /** Ends each request as soon as it has begun, until none begins any more. */
  const drain = async (): Promise<void> => {
    for (let at = 0; at < begun.length; at += 1) await end(begun[at] ?? "");
  };
  return { clock, lanes, begun, ask, end, drain, stop };
}

describe("lanes", () => {
  it("begin what came first in a lane first, one at a time or as many as are allowed", async () => {
    const { begun, ask, end } = play({ perLane: 2 });
    for (const name of ["a", "b", "c", "d"]) void ask(name);
    await turn();
    assert.deepEqual(begun, ["a", "b"]);
    await end("b");
    await end("b");
    assert.deepEqual(begun, ["a", "b", "c"]);
  });

  it("let a Provider that hangs hold up no other, and a lane that hangs no other lane", async () => {
    const { begun, ask, end, lanes } = play({ perProvider: 3 });
    for (let index = 0; index < 5; index += 1) void ask(`hung-${index}`, { lane: "hung" });
    void ask("other lane", { lane: "free" });
    void ask("other provider", { provider: "q", lane: "hung" });
    await turn();
    assert.deepEqual(begun, ["hung-0", "other lane", "other provider"]);
    await end("other lane");
    assert.deepEqual(lanes.counts(), { waiting: 4, underWay: 2 });
  });

  it("have namespaces take turns, however much one of them asks for", async () => {
    const { begun, ask, drain } = play();
    for (let index = 0; index < 4; index += 1) void ask(`flood-${index}`, { namespace: "flood" });
    void ask("quiet", { namespace: "quiet" });
    void ask("calm", { namespace: "calm" });
    await turn();
    await drain();
    assert.deepEqual(begun, ["flood-0", "flood-1", "quiet", "calm", "flood-2", "flood-3"]);
  });

  it("let the ends of runs go first within a namespace", async () => {
    const { begun, ask, drain } = play();
    for (const name of ["first", "running-1", "running-2"]) void ask(name);
    void ask("end-1", { terminal: true });
    void ask("end-2", { terminal: true });
    await turn();
    await drain();
    assert.deepEqual(begun, ["first", "end-1", "end-2", "running-1", "running-2"]);
  });

  it("begin nothing in a lane that is paused, and go on when the pause is over", async () => {
    const { begun, ask, end, lanes, clock } = play({ perLane: 5 });
    void ask("before");
    await turn();
    lanes.pause({ provider: "p", lane: "l" }, 60_000);
    lanes.pause({ provider: "p", lane: "l" }, 1_000);
    void ask("after");
    void ask("elsewhere", { lane: "other" });
    await end("before");
    assert.deepEqual(begun, ["before", "elsewhere"]);
    clock.advance(59_999);
    await turn();
    assert.equal(begun.length, 2);
    clock.advance(1);
    await turn();
    assert.deepEqual(begun, ["before", "elsewhere", "after"]);
  });

  it("keep a Provider's requests below its rate in any span of time", async () => {
    const { begun, ask, drain, clock } = play({ perLane: 10 });
    const rate = { requests: 2, perMs: 1_000 };
    for (const name of ["a", "b", "c", "d", "e"]) void ask(name, {}, rate);
    await turn();
    await drain();
    assert.deepEqual(begun, ["a", "b"]);
    clock.advance(999);
    await turn();
    assert.equal(begun.length, 2);
    clock.advance(1);
    await turn();
    assert.deepEqual(begun, ["a", "b", "c", "d"]);
    clock.advance(1_000);
    await turn();
    assert.deepEqual(begun, ["a", "b", "c", "d", "e"]);
  });

  it("forget whoever gives up waiting", async () => {
    const { begun, ask, drain, lanes } = play();
    const gaveUp = new AbortController();
    void ask("a");
    void ask("b", {}, undefined, gaveUp.signal);
    void ask("c");
    await turn();
    gaveUp.abort();
    await turn();
    await drain();
    await drain();
    assert.deepEqual(begun, ["a", "b gave up", "c"]);
    assert.deepEqual(lanes.counts(), { waiting: 0, underWay: 0 });
    await ask("d", {}, undefined, gaveUp.signal);
    assert.deepEqual(begun.at(-1), "d gave up");
  });
});
