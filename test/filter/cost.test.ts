import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "../../src/filter/check.ts";
import { checkCost } from "../../src/filter/cost.ts";
import { generate } from "../../src/filter/generate.ts";
import { compile, runEventEnvironment } from "../../src/filter/index.ts";
import { lex } from "../../src/filter/lexical.ts";
import { limits } from "../../src/filter/limits.ts";
import { parse } from "../../src/filter/parse.ts";
import { matchSteps } from "../../src/filter/pattern-cost.ts";
import type { Typed } from "../../src/filter/typed.ts";
import { layoutOf, readEvent } from "../../src/filter/view.ts";
import { costCases, largest } from "../bench/cost-cases.ts";

const compileFilter = (source: string) => compile(source, { environment: runEventEnvironment, result: "bool" });

function typedOf(source: string): Typed {
  const lexed = lex(source);
  assert.ok(!("code" in lexed));
  const { node } = parse(lexed);
  assert.ok(node, source);
  const { typed, errors } = check(node, runEventEnvironment);
  assert.deepEqual(errors, [], source);
  return typed;
}

/** Steps that an evaluation on the largest run is charged. */
function stepsOf(typed: Typed, piece: string): number {
  const allowed = Number.MAX_SAFE_INTEGER;
  const meter = { steps: allowed };
  const layout = layoutOf(runEventEnvironment.variables);
  generate(typed, { layout, sound: true, place: () => ({ line: 1, column: 1 }) })(readEvent(layout, largest(piece)), meter);
  return allowed - meter.steps;
}

test("filters as users write them are far within the bound", () => {
  const filters = [
    'status == "Failed" && namespace.startsWith("team-") && results.digest != ""', 'tasks.exists(t, t.status == "Failed" && t.name.startsWith("deploy"))', 'tasks.exists(t, t.message.contains("OOMKilled"))',
    'message.matches("(?i)(error|fail|oom).*(exit|code) [0-9]+")', 'tasks.exists(t, t.name.matches("^deploy-.*"))', 'annotations.exists(k, annotations[k].contains("x"))', "results.image == params.image && results.a == params.a",
    'run.spec.params.exists(p, p.name == "env" && p.value == "prod")', 'tasks.filter(t, t.status == "Failed").map(t, t.name).join(", ").contains("deploy")', 'message.lowerAscii().contains("error")', 'message.split("\\n").exists(line, line.startsWith("fatal"))',
  ];
  for (const filter of filters) {
    assert.deepEqual(compileFilter(filter).errors, [], filter);
  }
});

test("what could take too long is refused, and the message names the expensive part", () => {
  const refused: readonly (readonly [string, number, RegExp])[] = [
    ["tasks.all(t, tasks.exists(u, u.name == t.name))", 37, /can take 2,622,\d+ steps, 100,000 are allowed; the most expensive part is `==` here, which can run 512 x 512 times/],
    ['tasks.exists(t, t.message.matches("(?i)out of memory"))', 27, /`matches\(\)` here, which can run 512 times: 1,314,304 steps/],
    ['message.matches("(a|b)*a(a|b){80}c")', 9, /`matches\(\)` here: 4,06\d,\d+ steps/],
    ["tasks.map(t, t.message + t.message).exists(m, m.reverse() == name)", 49, /`reverse\(\)` here, which can run 512 times/],
    ["[message].map(a, a + a).map(b, b + b).map(c, c + c).all(d, tasks.all(t, d.contains(t.message)))", 75, /`contains\(\)` here, which can run 1 x 512 times/],
    ["labels.all(a, labels.all(b, labels.all(c, a != b)))", 45, /`!=` here, which can run 256 x 256 x 256 times/],
  ];
  for (const [source, column, says] of refused) {
    const { program, errors } = compileFilter(source);
    assert.equal(program, undefined, source);
    assert.deepEqual(errors.map(({ code, line }) => [code, line]), [["FilterTooExpensive", 1]], source);
    assert.match(errors[0]?.message ?? "", says, source);
    assert.equal(errors[0]?.column, column, source);
  }
});

test("an evaluation on the largest run is never charged more than was told when it was compiled", () => {
  for (const { name, expression, piece = "x" } of costCases) {
    const typed = typedOf(expression);
    const cost = checkCost(typed).cost;
    assert.ok(cost <= limits.steps, `${name}: ${cost}`);
    const steps = stepsOf(typed, piece);
    assert.ok(steps <= cost, `${name}: ${steps} of ${cost}`);
    assert.equal(compileFilter(expression).program?.cost, cost);
  }
});

test("nesting multiplies and doubling adds up, up to what can be counted", () => {
  const nested = (depth: number): string => (depth === 0 ? "true" : `tasks.all(t${depth}, ${nested(depth - 1)})`);
  const costs = [1, 2, 3].map((depth) => checkCost(typedOf(nested(depth))).cost);
  assert.deepEqual(costs.map((cost, index) => Math.round(cost / 512 ** (index + 1))), [2, 2, 2]);
  assert.equal(checkCost(typedOf(nested(20))).cost, Number.MAX_SAFE_INTEGER);
  const doubled = (times: number): string => (times === 0 ? "[1, 2]" : `[${doubled(times - 1)}].map(x, x + x)[0]`);
  assert.ok(checkCost(typedOf(`${doubled(20)} == []`)).cost > 2 ** 20);
  assert.ok(checkCost(typedOf(`${doubled(5)} == []`)).cost < limits.steps);
});

test("patterns are charged by the characters of the text, those with many states by their instructions too", () => {
  const few = ["(?i)out of memory", "out of memory|connection refused|timed out", "^release-[0-9]+$", "^shop-[a-z]+-[a-z0-9]{5}$", "[a-z]+[0-9]"];
  const many = ["(a|b)*a(a|b){80}c", "(?i)(a|b)*a[a-z]{100}$", "(.{1,20}a){20}$", "(a?b){60}"];
  for (const source of few) {
    assert.equal(matchSteps(source, 25, 1600), 501, source);
  }
  for (const source of many) {
    assert.equal(matchSteps(source, 200, 1600), 640_001, source);
  }
});
