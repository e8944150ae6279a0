import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { lacking } from "../support/require.ts";
import { contenders, openArena, type Arena } from "./admission-run.ts";

test("the admission benchmark asks every server the same, and ours and the one in Go give the same verdicts", async (t) => {
  let arena: Arena;
  try {
    arena = await openArena({ path: (module) => join(import.meta.dirname, "../..", module) });
  } catch (error) {
    lacking(t, `the webhook in Go cannot be built: ${error instanceof Error ? error.message : ""}`);
    return;
  }
  t.after(() => arena.stop());
  for (const contender of contenders) {
    const order = { connections: 4, count: 200, warmUp: 20, salt: "t" };
    const steady = await arena.measure(contender, { ...order, expressions: 200, perSecond: 500 });
    const fast = await arena.measure(contender, { ...order, expressions: 20 });
    assert.deepEqual([steady.latencies.length, steady.wrong, fast.latencies.length, fast.wrong], [200, 0, 200, 0], contender);
    assert.ok(arena.memory(contender).peak > 1_000_000);
  }
});
