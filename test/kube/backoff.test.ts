import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { backoffCeiling, backoffDelay, createBackoff } from "../../src/kube/backoff.ts";

it("back-off doubles up to the cap and begins anew after a reset", () => {
  const backoff = createBackoff({ baseMs: 100, capMs: 1_500, random: () => 0.999_999_999 });
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => Math.round(backoff.next())), [100, 200, 400, 800, 1_500, 1_500]);
  assert.equal(backoff.attempts, 6);
  backoff.reset();
  assert.equal(Math.round(backoff.next()), 100);
});

it("back-off is spread over the whole range from 0 to its ceiling, however many attempts there were", () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
      const options = { baseMs: 250, capMs: 30_000, random: () => random };
      assert.equal(backoffDelay(attempt, options), random * backoffCeiling(attempt, options));
      assert.ok(backoffCeiling(attempt, options) <= 30_000 && backoffCeiling(attempt, options) >= 250);
    }),
  );
});
