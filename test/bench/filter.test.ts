import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { compile, runEventEnvironment } from "../../src/filter/index.ts";
import { builtInFilters } from "./filter-cases.ts";
import { recordedEvent } from "./filter-events.ts";

function bench(filters: unknown, event: unknown): { status: number | null; stdout: string; stderr: string } {
  const folder = mkdtempSync(join(tmpdir(), "filter-bench-"));
  try {
    const files = { filters: join(folder, "filters.json"), event: join(folder, "event.json") };
    writeFileSync(files.filters, JSON.stringify(filters));
    writeFileSync(files.event, JSON.stringify(event));
    const args = [join(import.meta.dirname, "filter.ts"), "--filters", files.filters, "--event", files.event, "--json"];
    return spawnSync(process.execPath, args, { encoding: "utf8" });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the benchmark's JSON has rate, compile time and result of each filter", () => {
  const filters = [{ name: "failed", expression: 'status == "Failed"' }, { name: "absent", expression: 'previous.status == "Failed"' }];
  const { stdout } = bench({ filters }, [recordedEvent("failed-step"), recordedEvent("succeeded-with-results")]);
  const printed = JSON.parse(stdout) as Record<string, { evalsPerSecond: number; compileMicros: number; result: unknown }>;
  assert.deepEqual(Object.keys(printed), ["failed", "absent"]);
  assert.deepEqual(Object.values(printed).map(({ result }) => result), [true, "error"]);
  assert.ok(Object.values(printed).every(({ evalsPerSecond, compileMicros }) => evalsPerSecond > 0 && compileMicros > 0));
});

test("the benchmark does not time a filter that does not compile", () => {
  const { status, stderr } = bench({ filters: [{ name: "typo", expression: "statsu" }] }, recordedEvent("failed-step"));
  assert.equal(status, 1);
  assert.match(stderr, /filter typo, 1:1: there is no variable `statsu`/);
});

test("every built-in filter is a filter: it compiles to bool without a warning and has a value on a recorded run", () => {
  const event = recordedEvent("failed-step");
  const results = builtInFilters.map(({ name, expression }) => {
    const { program, errors, warnings } = compile(expression, { environment: runEventEnvironment, result: "bool" });
    assert.deepEqual([errors, warnings], [[], []], name);
    return program?.evaluate(event).kind;
  });
  assert.deepEqual(new Set(results), new Set(["value"]));
});
