import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createKnown } from "../../src/providers/github/known.ts";
import { manualClock } from "../support/manual-clock.ts";

const start = Date.parse("2026-01-01T00:00:00Z");
const at = (ms: number): string => new Date(start + ms).toISOString();

describe("whether something exists at GitHub", () => {
  it("is known of what was written, and has to be asked for what may have been", () => {
    const known = createKnown(manualClock(start));
    assert.equal(known.of("a", at(90_000)), "missing");
    known.doubt("a");
    assert.equal(known.of("a", at(90_000)), "unknown");
    known.note("a", { id: "1" });
    assert.deepEqual(known.of("a", at(90_000)), { id: "1" });
  });

  it("has to be asked where another process may have written it", () => {
    const known = createKnown(manualClock(start));
    assert.deepEqual([undefined, "soon", at(-1), at(60_000), at(60_001)].map((created) => known.of("a", created)), ["unknown", "unknown", "unknown", "unknown", "missing"]);
  });

  it("has to be asked of a run that is so old that it may have been forgotten", () => {
    const clock = manualClock(start);
    const known = createKnown(clock);
    clock.advance(3_600_000);
    assert.deepEqual([at(2_999_999), at(3_000_001)].map((created) => known.of("a", created)), ["unknown", "missing"]);
  });

  it("is remembered of the ten thousand that were written last", () => {
    const known = createKnown(manualClock(start));
    for (let index = 0; index < 10_001; index += 1) known.note(String(index), { id: "1" });
    assert.deepEqual(["0", "1", "10000"].map((name) => known.of(name, undefined)), ["unknown", { id: "1" }, { id: "1" }]);
  });
});
