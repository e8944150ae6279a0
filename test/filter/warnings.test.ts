import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, runEventEnvironment } from "../../src/filter/index.ts";

const warningsOf = (source: string): readonly (readonly [string, number, string])[] => {
  const { errors, warnings } = compile(source, { environment: runEventEnvironment, result: "bool" });
  assert.deepEqual(errors, [], source);
  return warnings.map(({ code, column, message }) => [code, column, message]);
};

test("a condition that is the same for every run is a warning", () => {
  const cases: readonly (readonly [string, number, boolean])[] = [
    ["true", 1, true], ["terminal || 1 == 1", 1, true], ['status == "Failed" && status == "TimedOut"', 1, false], ['status != "Failed" || status != "TimedOut"', 1, true],
    ['(status == "Failed" && terminal) && "TimedOut" == status', 2, false], ['terminal && (labels.a != "x" || labels.a != "y")', 14, true], ["terminal && !(1 == 1)", 1, false], ["terminal && !(1 == 2)", 13, true], ["commit.pullRequest == 1 && commit.pullRequest == 2", 1, false],
  ];
  for (const [source, column, truth] of cases) {
    assert.deepEqual(warningsOf(source), [["FilterAlwaysSame", column, `this condition is always ${truth}, whatever the run`]], source);
  }
});

test("conditions that depend on the run are no warning", () => {
  for (const source of [
    'status == "Failed" || status == "TimedOut"', 'status != "Failed" && status != "TimedOut"', 'status == "Failed" && previous.status == "Succeeded"', 'tasks.exists(a, a.status == "Failed") && tasks.exists(a, a.status == "Succeeded")',
    "results.a == 1 && results.a == 1.0", 'labels["a"] == "x" && labels["b"] == "y"', "terminal",
  ]) {
    assert.deepEqual(warningsOf(source), [], source);
  }
});

test("duration without a question for the run's end is a warning", () => {
  assert.deepEqual(warningsOf('name == "a" && duration > duration("10m")'), [["FilterUnguarded", 16, "`duration` is absent until the run has ended; say so with `terminal && ...`"]]);
  for (const source of ['terminal && duration > duration("10m")', 'status == "Failed" && duration > duration("10m")', 'tasks.exists(t, has(t.duration) && t.duration > duration("10m"))', 'duration("1h") > duration("5m") && terminal']) {
    assert.deepEqual(warningsOf(source), [], source);
  }
});
