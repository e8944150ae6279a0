import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, runEventEnvironment, type Compilation, type Outcome } from "../../src/filter/index.ts";
import { Double, Duration, Timestamp, Uint } from "../../src/filter/values.ts";
import { sampleEvent } from "./sample-event.ts";

function evaluate(expression: string): Outcome {
  const { program, errors } = compile(expression, { environment: runEventEnvironment });
  assert.ok(program, `${expression}: ${errors.map((error) => error.message).join("; ")}`);
  return program.evaluate(sampleEvent());
}

const values: readonly (readonly [expression: string, value: unknown])[] = [
  // variables and fields
  ['status == "Failed" && namespace.startsWith("team-") && results.digest != ""', true],
  ["namespace", "team-shop"],
  ['"namespace" + "." + run.metadata.labels.team', "namespace.shop"],
  [".status", "Failed"],
  ['tasks.exists(status, .status == "Failed" && status.status == "Succeeded")', true],
  ["labels.team", "shop"],
  ['labels["example.com/tier"]', "gold"],
  ["labels.constructor", "a"],
  ["labels.__proto__", "b"],
  ['"toString" in labels', false],
  ["has(labels.toString)", false],
  ["has(labels.team)", true],
  ["has(results.none)", true],
  ["results.none == null", true],
  ["has(previous.status)", false],
  ["has(commit.sha)", false],
  ["has(commit.repo)", true],
  ['has(previous.status) && previous.status == "Succeeded"', false],
  ["commit.pullRequest", 42],
  ["results.tags[1]", "latest"],
  ["results.image.url", "registry.example.com/shop"],
  ["run.metadata.generation == 2", true],
  ["tasks[0].name", "lint"],
  ["size(tasks)", 3],
  // comments, names and numbers the parser needs help with
  ['status // state\n == "Failed" // done\n// end', true],
  ['"// no comment"', "// no comment"],
  ["tasks.map(trueish, trueish.name)[0]", "lint"],
  ["{\"namespace\": 1}.namespace", 1],
  ["0x1F + 1", 32],
  ["1e3 == 1000.0", true],
  // ints are 64 bits wide
  ["5 / 2", 2],
  ["-5 / 2", -2],
  ["-5 % 2", -1],
  ["9007199254740993 + 1", 9007199254740994n],
  ["9223372036854775807 - 9223372036854775807", 0],
  ["- 9223372036854775808", -9223372036854775808n],
  ["results.count + 1 == 4", true],
  ["results.big", 2n ** 60n],
  ["results.big - 1", 2n ** 60n - 1n],
  ["0 * -1", 0],
  ["results.ratio + 0.25", new Double(0.75)],
  ["results.ratio < 1", true],
  ["dyn(1) == 1.0 && dyn(1u) == 1", true],
  ["2u + 3u", new Uint(5n)],
  ["3 % 2 == 1 ? \"odd\" : \"even\"", "odd"],
  ["!(1 < 2) || 2 >= 2 && 3 != 4", true],
  // errors and absence are absorbed by what decides without them
  ["1 / 0 == 1 || true", true],
  ["true || 1 / 0 == 1", true],
  ["1 / 0 == 1 && false", false],
  ['previous.status == "Failed" || terminal', true],
  ["terminal ? 1 : 1 / 0", 1],
  // lists and maps
  ['status in ["Failed", "TimedOut"]', true],
  ["results.count in [1, 2, 3]", true],
  ['"team" in labels', true],
  ["[1, 2] + [3] == [1, 2, 3]", true],
  ['{"a": [1, {"b": 2}]} == {"a": [1, {"b": 2}]}', true],
  ["{1: \"x\"}[1]", "x"],
  ["dyn([1, 2]) == dyn({})", false],
  ["size({\"a\": 1, \"b\": 2})", 2],
  ["[1, 2,]", [1, 2]],
  // macros
  ['tasks.exists(t, t.status == "Failed")', true],
  ['tasks.all(t, t.status == "Succeeded")', false],
  ['tasks.exists_one(t, t.reason == "StepFailed")', true],
  ['tasks.filter(t, t.status == "Failed").map(t, t.name)', ["unit-tests"]],
  ['tasks.map(t, t.status == "Failed", t.name + "!")', ["unit-tests!"]],
  ["tasks.exists(t, t.duration > duration(\"1m\"))", true],
  ["labels.exists(key, key == \"team\")", true],
  ["[1, 2, 3].exists(x, [4, 5].exists(y, x + y == 8))", true],
  ["[0, 1].exists(x, 1 / x == 1)", true],
  ["[0, 2].all(x, 1 / x == 1)", false],
  // strings: lengths and positions are code points
  ['name.endsWith("7xk2p") && name.contains("api")', true],
  ['message.matches("Failed: [1-9]")', true],
  ['matches(name, "^shop-[a-z]+-")', true],
  ['"😀é".size()', 2],
  ['"😀é".charAt(1)', "é"],
  ['"Ärger".lowerAscii() + "ß".upperAscii()', "Ärgerß"],
  ['" \\u00a0x ".trim()', "x"],
  ['"a-b-c".split("-").join("+")', "a+b+c"],
  ['"a-b-c".split("-", 2)', ["a", "b-c"]],
  ['"banana".replace("a", "o", 2)', "bonona"],
  ['"ab".replace("", "-")', "-a-b-"],
  ['"😀banana".indexOf("na")', 3],
  ['"banana".lastIndexOf("an")', 3],
  ['"banana".substring(1, 3)', "an"],
  ["\"\uffff\" < \"😀\"", true],
  ['r"\\d" + \'\\x41\\u00e9\' + """a\n"b"""', '\\dAéa\n"b'],
  // time
  ["duration", new Duration(192, 0)],
  ["completionTime - startTime == duration", true],
  ['startTime < timestamp("2026-11-22T16:59:21+01:00")', true],
  ['startTime + duration("1h1.5s")', new Timestamp(1795366761, 500_000_000)],
  ['duration("-1.5s")', new Duration(-2, 500_000_000)],
  ['duration("1m") < duration("61s")', true],
];

test("expressions have the value that CEL gives them", () => {
  for (const [expression, value] of values) {
    assert.deepEqual(evaluate(expression), { kind: "value", value }, expression);
  }
});

test("a program says the type of its result", () => {
  const types: readonly (readonly [string, string])[] = [
    ["status", "string"], ["terminal && deleted", "bool"], ["results.digest", "dyn"], ["tasks.map(t, t.name)", "list(string)"],
    ["labels", "map(string, string)"], ["completionTime - startTime", "duration"], ["commit.pullRequest + 1", "int"], ["[1, \"a\"]", "list(dyn)"],
    ["results.count + 1", "int"], ["previous", "RunEvent.previous"],
  ];
  for (const [expression, type] of types) {
    assert.equal(compile(expression, { environment: runEventEnvironment }).program?.type, type, expression);
  }
});

test("what is not there is absent, named as it was written", () => {
  const absent: readonly (readonly [string, string, number])[] = [
    ['previous.status == "Succeeded"', "previous.status", 1],
    ["true && previous.completionTime > startTime", "previous.completionTime", 9],
    ['labels["nope"] == "x"', 'labels["nope"]', 1],
    ["labels.toString == name", "labels.toString", 1],
    ["results.image.digest == 1", "results.image.digest", 1],
    ['run.status.results[0].name == "x"', "run.status.results[0].name", 1],
    ["results.tags[2] == 1", "results.tags[2]", 1],
    ["has(tasks[10].duration)", "tasks[10]", 5],
    ["!has(tasks[10].duration) || false", "tasks[10]", 6],
    ["has(run.status.steps[0].terminated.reason)", "run.status.steps[0]", 5],
    ["results[commit.sha] == 1", "commit.sha", 9],
    ["pipelineTask == \"x\"", "pipelineTask", 1],
    ["tasks.all(t, t.duration < duration(\"5m\"))", "t.duration", 14],
    ['commit.sha == "" || commit.branch == "main"', "commit.sha", 1],
  ];
  for (const [expression, what, column] of absent) {
    assert.deepEqual(evaluate(expression), { kind: "absent", what, line: 1, column }, expression);
  }
});

test("has() is false below an object that is absent, in a list or not", () => {
  for (const source of ["has(previous.status)", "has(run.spec.pipelineRef.name)", "has(tasks[2].duration)", "tasks.exists(t, t.name == \"publish\" && has(t.duration))"]) {
    assert.deepEqual(evaluate(source), { kind: "value", value: false }, source);
  }
  assert.deepEqual(evaluate("has(tasks[1].duration)"), { kind: "value", value: true });
});

test("what cannot be computed is an error with a place, and no data", () => {
  const failing: readonly (readonly [string, string, number, number])[] = [
    ["9223372036854775807 + results.count == 1", "FilterOverflow", 1, 21],
    ["-(-9223372036854775808) == 1", "FilterOverflow", 1, 1],
    ["1 / (results.count - 3) == 0", "FilterDivisionByZero", 1, 3],
    ["1 % (results.count - 3) == 0", "FilterDivisionByZero", 1, 3],
    ["1u - 2u == 0u", "FilterOverflow", 1, 4],
    ["results.digest + 1 == 2", "FilterWrongType", 1, 16],
    ["results.count && terminal", "FilterWrongType", 1, 9],
    ["results.digest.field == 1", "FilterWrongType", 1, 16],
    ["terminal &&\n results.count.startsWith(\"a\")", "FilterWrongType", 2, 16],
    ["name.matches(results.digest + \"(\")", "FilterInvalidValue", 1, 6],
    ["duration(results.digest) > duration(\"1s\")", "FilterInvalidValue", 1, 1],
    ["name.substring(100) == \"\"", "FilterInvalidValue", 1, 6],
    ["{name: 1, \"shop-api-7xk2p\": 2} == {}", "FilterInvalidValue", 1, 11],
    ["timestamp(\"9999-12-31T23:59:59Z\") + duration(\"1s\") == startTime", "FilterOverflow", 1, 35],
  ];
  for (const [expression, code, line, column] of failing) {
    assert.deepEqual(evaluate(expression), { kind: "error", code, line, column }, expression);
  }
});

test("an evaluation leaves nothing behind for the next one", () => {
  const { program } = compile('previous.status == "Failed" && tasks.exists(t, t.status == "Failed")', { environment: runEventEnvironment });
  assert.ok(program);
  const previous = { status: "Failed", reason: "Failed", name: "a" } as const;
  assert.equal(program.evaluate(sampleEvent()).kind, "absent");
  assert.deepEqual(program.evaluate(sampleEvent({ previous })), { kind: "value", value: true });
  assert.equal(program.evaluate(sampleEvent({ previous, tasks: [] })).kind, "value");
  assert.equal(program.evaluate(sampleEvent()).kind, "absent");
});

test("an expression that is compiled again is kept, per environment and result", () => {
  compile("terminal", { environment: runEventEnvironment, result: "bool" });
  const filter = compile("terminal", { environment: runEventEnvironment, result: "bool" });
  assert.equal(compile("terminal", { environment: runEventEnvironment, result: "bool" }), filter);
  assert.notEqual(compile("terminal", { environment: runEventEnvironment }), filter);
  assert.notEqual(compile("terminal", { environment: { ...runEventEnvironment }, result: "bool" }), filter);
});

test("no more than a bounded number of programs is kept", () => {
  const environment = { ...runEventEnvironment };
  const twice = (source: string): Compilation => {
    compile(source, { environment });
    return compile(source, { environment });
  };
  const first = twice("name == \"first\"");
  assert.equal(compile("name == \"first\"", { environment }), first);
  for (let index = 0; index < 2100; index += 1) {
    twice(`name == "${index}"`);
  }
  const last = compile("name == \"2099\"", { environment });
  assert.notEqual(compile("name == \"first\"", { environment }), first);
  assert.equal(compile("name == \"2099\"", { environment }), last);
});

test("what an expression reads is known from its text", () => {
  const reads = (source: string): string[] => {
    const { program } = compile(source, { environment: runEventEnvironment });
    assert.ok(program, source);
    return ["tasks", "previous", "status", "labels"].filter((variable) => program.reads(variable));
  };
  assert.deepEqual(reads('status == "Failed" || has(previous.status)'), ["previous", "status"]);
  assert.deepEqual(reads('tasks.exists(t, t.name in labels)'), ["tasks", "labels"]);
  assert.deepEqual(reads('[1, 2].all(tasks, tasks > 0)'), []);
  assert.deepEqual(reads('"tasks" == "previous"'), []);
  assert.deepEqual(reads('{"a": terminal ? previous.name : name}["a"] == "x"'), ["previous"]);
});
