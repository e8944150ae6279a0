import assert from "node:assert/strict";
import { test } from "node:test";
import { core, stringExtension, type ConformanceTest, type Selection } from "./cel-data.ts";
import exceptions from "./cel-exceptions.json" with { type: "json" };
import { runTest, type Run } from "./cel-run.ts";

const suites: Readonly<Record<string, Selection>> = { core, "string extension": stringExtension };
const runs = new Map<ConformanceTest, Run>(Object.values(suites).flatMap(({ tests }) => tests.map((one): [ConformanceTest, Run] => [one, runTest(one)])));
const all = Array.from(runs, ([one, run]) => ({ ...one, run }));

const namesOf = (tests: readonly ConformanceTest[]): readonly string[] => tests.map(({ name }) => name).sort();

for (const [title, { tests, leftOut }] of Object.entries(suites)) {
  test(`the official tests of CEL's ${title} give the expected value or error`, (context) => {
    const failing = tests.filter((one) => runs.get(one)?.verdict !== "passed" && !(one.name in exceptions.values));
    const others = Object.entries(leftOut).map(([reason, count]) => `${count} need ${reason}`);
    context.diagnostic(`${tests.length} selected, ${tests.length - failing.length} passed; left out: ${others.join(", ") || "none"}`);
    assert.deepEqual(failing.map(({ name, expression }) => ({ name, expression, ...runs.get(one(name)) })), []);
  });
}

function one(name: string): ConformanceTest {
  const found = all.find((candidate) => candidate.name === name);
  assert.ok(found, `there is no test ${name}`);
  return found;
}

test("the selection is as large as it was: 1,092 core tests, 209 of the string extension", () => {
  assert.deepEqual([core.tests.length, stringExtension.tests.length], [1092, 209]);
  assert.equal(new Set(namesOf(all)).size, all.length);
});

test("at most six tests are excepted, each of them still fails, and none gives a wrong value", () => {
  const names = Object.keys(exceptions.values);
  assert.ok(names.length <= 6);
  const failing = all.filter(({ run }) => run.verdict !== "passed");
  assert.deepEqual(namesOf(failing), names.toSorted());
  assert.deepEqual(namesOf(all.filter(({ run }) => run.verdict === "wrong")), []);
});

test("the checker gives cel-go's types, but for the listed ones", (context) => {
  const typed = all.filter(({ type }) => type !== undefined);
  const different = typed.filter(({ type, run }) => run.type !== type);
  context.diagnostic(`${typed.length - different.length} of ${typed.length} types are equal`);
  assert.ok(typed.length >= 1093);
  assert.deepEqual(namesOf(different), Object.keys(exceptions.types).sort());
  assert.ok(different.length <= typed.length * 0.02);
  // A type that differs and is no refusal can only be a more general one.
  assert.deepEqual(namesOf(different.filter(({ run }) => run.type?.includes("dyn") === false)), []);
});

test("what cel-go's checker refuses is refused", (context) => {
  const refused = all.filter((candidate) => candidate.refused);
  context.diagnostic(`${refused.length} type errors`);
  assert.ok(refused.length >= 71);
  assert.deepEqual(namesOf(refused.filter(({ run }) => run.type !== undefined)), []);
});
