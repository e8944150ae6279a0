import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { together } from "../../src/controller/ending.ts";

/** A part that lives until its signal aborts, and takes a while to end. */
const lasting = (ended: string[], name: string) => async (signal: AbortSignal): Promise<void> => {
  await new Promise((resolve) => {
    signal.addEventListener("abort", resolve, { once: true });
  });
  await new Promise(setImmediate);
  ended.push(name);
};

describe("parts of one life", () => {
  it("end together when they are told to", async () => {
    const [ended, stop] = [[] as string[], new AbortController()];
    const life = together(stop.signal, lasting(ended, "one"), () => Promise.resolve(), lasting(ended, "two"));
    stop.abort();
    await life;
    assert.deepEqual(ended, ["one", "two"]);
  });

  it("end together when one fails: the others are told, and waited for", async () => {
    const ended: string[] = [];
    await assert.rejects(together(new AbortController().signal, lasting(ended, "one"), () => Promise.reject(new Error("first")), lasting(ended, "two")), /first/);
    assert.deepEqual(ended, ["one", "two"]);
  });

  it("are told at once by a signal that has aborted", async () => {
    const seen: boolean[] = [];
    await together(AbortSignal.abort(), (signal) => {
      seen.push(signal.aborted);
      return Promise.resolve();
    });
    assert.deepEqual(seen, [true]);
  });
});
