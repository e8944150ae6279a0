import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createThrottle } from "../../src/controller/throttle.ts";
import { manualClock } from "../support/manual-clock.ts";

describe("a throttle", () => {
  it("lets so many messages go in any minute, and says how long the next one waits", () => {
    const clock = manualClock();
    const throttle = createThrottle(clock);
    const waits = [];
    for (let message = 0; message < 4; message += 1) {
      waits.push(throttle.admit("a", 3));
      clock.advance(10_000);
    }
    assert.deepEqual(waits, [0, 0, 0, 30_000]);
    clock.advance(19_999);
    assert.deepEqual([throttle.isFull("a", 3), throttle.admit("a", 3)], [true, 1]);
    clock.advance(1);
    assert.deepEqual([throttle.isFull("a", 3), throttle.admit("a", 3), throttle.admit("a", 3)], [false, 0, 10_000]);
  });

  it("counts each Notification by itself, and follows a changed ceiling at once", () => {
    const clock = manualClock();
    const throttle = createThrottle(clock);
    assert.deepEqual([throttle.admit("a", 1), throttle.admit("b", 1), throttle.admit("a", 1), throttle.admit("a", 2)], [0, 0, 60_000, 0]);
    throttle.forget("a");
    assert.equal(throttle.admit("a", 1), 0);
  });
});
