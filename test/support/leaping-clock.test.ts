import assert from "node:assert/strict";
import { it } from "node:test";
import { startDeadline } from "../../src/kube/deadline.ts";
import { leapingClock } from "./leaping-clock.ts";

it("a leap wakes who sleeps, and waits for who has a time-out under way", async () => {
  const clock = leapingClock();
  const happened: string[] = [];
  const slept = clock.sleep(60_000).then(() => happened.push("slept"));
  const deadline = startDeadline(60_000, () => new Error("no answer"), clock, new AbortController().signal);
  const leapt = clock.leap(60_000).then(() => happened.push("leapt"));
  await new Promise(setImmediate);
  assert.deepEqual(happened, []);
  deadline.dispose();
  await Promise.all([slept, leapt]);
  assert.deepEqual([happened.toSorted(), deadline.signal.aborted], [["leapt", "slept"], false]);
});
