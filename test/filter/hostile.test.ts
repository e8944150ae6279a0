import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { errorCatalogue } from "../../src/errors.ts";
import { compile, compilePattern, runEventEnvironment, type Compilation, type Outcome } from "../../src/filter/index.ts";
import { check } from "../../src/filter/check.ts";
import { lex } from "../../src/filter/lexical.ts";
import { parse } from "../../src/filter/parse.ts";
import { programOf } from "../../src/filter/program.ts";
import { limits } from "../../src/filter/limits.ts";
import { patternCost } from "../../src/filter/pattern-cost.ts";
import { sampleEvent } from "./sample-event.ts";

const compileAny = (source: string): Compilation => compile(source, { environment: runEventEnvironment });
const codeOf = (source: string): string | undefined => compileAny(source).errors[0]?.code;

function evaluate(source: string, event = sampleEvent()): Outcome {
  const { program, errors } = compileAny(source);
  assert.ok(program, errors[0]?.message);
  return program.evaluate(event);
}

/** Runs what the static bound refuses: the steps of the evaluation must end it all the same. */
function run(source: string, event = sampleEvent()): Outcome {
  const lexed = lex(source);
  assert.ok(!("code" in lexed));
  const { node } = parse(lexed);
  assert.ok(node);
  const { typed, errors } = check(node, runEventEnvironment);
  assert.deepEqual(errors, []);
  return programOf(source, { typed, cost: 0, environment: runEventEnvironment }).evaluate(event);
}

const exhausted: Outcome = { kind: "error", code: "FilterBudgetExceeded", line: 1, column: 1 };

test("an expression may have 4,096 bytes and no more", () => {
  const fill = (bytes: number): string => `name == "${"x".repeat(bytes - 10)}"`;
  assert.equal(codeOf(fill(4096)), undefined);
  assert.equal(codeOf(fill(4097)), "FilterTooLong");
  assert.equal(codeOf(`name == "${"é".repeat(2044)}"`), "FilterTooLong");
  assert.equal(codeOf(`terminal //${"x".repeat(5_000_000)}`), "FilterTooLong");
});

test("deep nesting is refused before the parser sees it", () => {
  const deep: Readonly<Record<string, string>> = {
    parentheses: `${"(".repeat(2000)}1${")".repeat(2000)}`,
    unclosed: "(".repeat(4000),
    lists: `${"[".repeat(2000)}${"]".repeat(2000)}`,
    maps: `${"{1:".repeat(1000)}1${"}".repeat(1000)}`,
    indexes: `${"run[".repeat(800)}1${"]".repeat(800)}`,
    calls: `${"size(".repeat(600)}1${")".repeat(600)}`,
    negations: `${"!".repeat(4000)}terminal`,
    minuses: `${"-".repeat(4000)}1`,
    "spaced minuses": `${"- ".repeat(2000)}1`,
    conditionals: `${"terminal?1:".repeat(370)}1`,
    macros: `${"[1].map(x,".repeat(340)}1${")".repeat(340)}`,
  };
  for (const [name, source] of Object.entries(deep)) {
    assert.equal(codeOf(source), "FilterTooComplex", name);
  }
});

test("long chains are refused, those of && and || only beyond the number of parts", () => {
  assert.equal(codeOf(`run${".a".repeat(2000)}`), "FilterTooComplex");
  assert.equal(codeOf(`1${"+1".repeat(2000)} == 1`), "FilterTooComplex");
  assert.equal(codeOf(`name${"[0]".repeat(1300)}`), "FilterTooComplex");
  assert.equal(codeOf(`1${"<1".repeat(2000)}`), "FilterTooComplex");
  assert.equal(codeOf(`terminal${"||deleted".repeat(400)}`), undefined);
  assert.equal(codeOf(`true${"||true".repeat(600)}`), "FilterTooComplex");
  assert.equal(codeOf(`[1${",1".repeat(900)}] == []`), undefined);
  assert.equal(codeOf(`[1${",1".repeat(1100)}] == []`), "FilterTooComplex");
});

test("what is just within the bounds compiles and runs", () => {
  assert.deepEqual(evaluate(`${"(".repeat(98)}1${")".repeat(98)} == 1`), { kind: "value", value: true });
  assert.deepEqual(evaluate(`1${"+1".repeat(95)} == 96`), { kind: "value", value: true });
  assert.deepEqual(evaluate(`terminal${"&&terminal".repeat(370)}`), { kind: "value", value: true });
});

test("a loop in loops ends when its steps are used up, and nothing can swallow that", () => {
  const list = `[${Array.from({ length: 60 }, (_, index) => index).join(",")}]`;
  const loops = `${list}.all(a, ${list}.all(b, ${list}.all(c, a + b + c < 1000)))`;
  assert.equal(codeOf(loops), "FilterTooExpensive");
  assert.deepEqual(run(loops), exhausted);
  assert.deepEqual(run(`${loops} || true`), exhausted);
  assert.deepEqual(run(`${list}.exists(z, ${loops} || true)`), exhausted);
  assert.deepEqual(run(`${loops} ? true : true`), exhausted);
  assert.deepEqual(run(`!(${loops} && false)`), exhausted);
  assert.equal(evaluate(`${list}.all(a, ${list}.all(b, a + b < 1000))`).kind, "value");
});

test("texts and lists that double are stopped", () => {
  let doubled = "message";
  for (let index = 0; index < 20; index += 1) {
    doubled = `[${doubled}].map(x, x + x)[0]`;
  }
  assert.deepEqual(run(`${doubled} == ""`).kind, "error");
  let lists = "[1, 2]";
  for (let index = 0; index < 20; index += 1) {
    lists = `[${lists}].map(x, x + x)[0]`;
  }
  assert.equal(codeOf(`${lists} == []`), "FilterTooExpensive");
  assert.deepEqual(run(`${lists} == []`), exhausted);
  const long = sampleEvent({ message: "x".repeat(8192) });
  assert.equal(evaluate('message.replace("", message) == ""', long).kind, "error");
  assert.equal(evaluate('message.split("").join(message) == ""', long).kind, "error");
});

test("ordering and searching long texts costs steps by their length", () => {
  const list = `[${Array.from({ length: 100 }, (_, index) => index).join(",")}]`;
  const half = "a".repeat(2000);
  const event = sampleEvent({ message: "a".repeat(8192), annotations: { same: "a".repeat(8192), middle: `${half}b${half}` } });
  assert.deepEqual(evaluate(`${list}.all(x, ${list}.all(y, name <= "z"))`, event), { kind: "value", value: true });
  assert.deepEqual(run(`${list}.all(x, ${list}.all(y, message <= annotations.same))`, event), exhausted);
  for (const search of ["indexOf(annotations.middle) == -1", "lastIndexOf(annotations.middle) == -1", "contains(annotations.middle) == false", 'replace(annotations.middle, "") != ""', "split(annotations.middle) != []"]) {
    assert.deepEqual(run(`message.${search}`, event), { kind: "value", value: true }, search);
    assert.deepEqual(run(`${list}.all(x, message.${search})`, event), exhausted, search);
  }
});

test("comparing large values costs steps for each part of them", () => {
  const object = { items: Array.from({ length: 2000 }, (_, index) => ({ index })) };
  const tasks = Array.from({ length: 100 }, (_, index) => ({ name: `t${index}`, kind: "TaskRun", status: "Failed", reason: "", message: "", ignored: false }) as const);
  assert.deepEqual(run("results == results", sampleEvent({ results: object })), { kind: "value", value: true });
  assert.deepEqual(run("tasks.all(t, results == results)", sampleEvent({ results: object, tasks })), exhausted);
  assert.deepEqual(run("tasks.all(t, !(t in results.items))", sampleEvent({ results: object, tasks })), exhausted);
});

test("catastrophic patterns are matched in linear time, and long loops of them are stopped", () => {
  const event = sampleEvent({ message: `${"a".repeat(8191)}!` });
  for (const pattern of ["^(a+)+$", "^(a|a)*$", "(a*)*b", "(.*)*x", "^(a|aa)+$"]) {
    assert.deepEqual(evaluate(`message.matches("${pattern}")`, event), { kind: "value", value: false }, pattern);
  }
  assert.equal(codeOf('message.matches("(a|b)*a(a|b){80}c")'), "FilterTooExpensive");
  assert.deepEqual(run('message.matches("(a|b)*a(a|b){80}c")', event), exhausted);
  const list = `[${Array.from({ length: 100 }, (_, index) => index).join(",")}]`;
  assert.deepEqual(run(`${list}.all(x, !message.matches("^(a+)+$"))`, event), exhausted);
  assert.deepEqual(run(`${list}.all(x, !name.matches("${"a".repeat(200)}" + name))`, event), exhausted);
});

test("patterns that are too large are refused", () => {
  assert.equal(codeOf(`name.matches("a{1000}")`), "FilterInvalidLiteral");
  assert.equal(codeOf(`name.matches("${"(a|b)".repeat(200)}")`), "FilterInvalidLiteral");
  assert.equal(codeOf(`name.matches("${"(".repeat(400)}${")".repeat(100)}")`), "FilterInvalidLiteral");
});

test("patterns that would take long to compile are refused from their text alone", () => {
  const costs: readonly (readonly [string, number])[] = [
    ["abc", 3], ["a{3}", 3], ["a{2,5}", 5], ["(ab){3}c", 13], ["((a{10}){10}){10}", 1220], ["[a-z]{4}", 4], ["[]x{9}]{2}", 2], ["[[:alpha:]]{2}", 2],
    ["\\d{3}", 3], ["\\{5", 2], ["\\x{100}", 1], ["\\pL", 33], ["\\p{Greek}{2}", 66], ["[\\pL\\pN]", 65], ["a|b*", 4], ["(", 2], [")a{2}", 2],
  ];
  for (const [source, cost] of costs) {
    assert.equal(patternCost(source), cost, source);
  }
  for (const source of ["a{1000}".repeat(73), "(a|b|c|d){1000}".repeat(34), "((a{30}){30})".repeat(39), "(?i)\\pL\\pL\\pL\\pL\\pL\\pL\\pL\\pL\\pL\\pL\\pL\\pL\\pL\\pL\\pL\\pL\\pL"]) {
    const compiled = compilePattern(source);
    assert.match(typeof compiled === "string" ? compiled : "compiled", /too large/, source);
  }
  const each = (count: number): string => Array.from({ length: count }, (_, index) => `name.matches(r"${index}\\pL{14}")`).join(" || ");
  assert.equal(codeOf(each(4)), undefined);
  assert.equal(codeOf(each(5)), "FilterTooComplex");
});

test("names of every object's prototype are plain names", () => {
  for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "__defineGetter__"]) {
    const plain = sampleEvent({ labels: {}, results: {} });
    assert.deepEqual(evaluate(`has(labels.${name})`, plain), { kind: "value", value: false });
    assert.deepEqual(evaluate(`"${name}" in results`, plain), { kind: "value", value: false });
    assert.equal(evaluate(`labels.${name} == name`, plain).kind, "absent");
    assert.equal(evaluate(`dyn(run).${name}.${name} == name`, plain).kind, "absent");
    assert.deepEqual(evaluate(`{"${name}": 1}.${name}`, plain), { kind: "value", value: 1 });
    assert.equal(codeOf(name), "FilterUnknownVariable");
    assert.equal(codeOf(`commit.${name}`), "FilterUnknownField");
    assert.equal(codeOf(`name.${name}()`), "FilterUnknownFunction");
    assert.equal(codeOf(`${name}()`), "FilterUnknownFunction");
  }
});

test("the parser's stand-ins for names are not names of the language", () => {
  assert.equal(codeOf("_amespace == name"), "FilterUnknownVariable");
  assert.deepEqual(evaluate('namespace == "team-shop" && tasks.exists(_amespace, _amespace.name == "lint") && namespace == "team-shop"'), { kind: "value", value: true });
  assert.equal(codeOf("_amespace == namespace"), "FilterUnknownVariable");
});

test("an event is never changed, not even by what reads all of it", () => {
  const event = sampleEvent();
  const before = structuredClone(event);
  evaluate("tasks.map(t, t.name) + results.tags + [name]", event);
  evaluate("tasks.filter(t, t == tasks[0])", event);
  evaluate("{\"run\": run, \"labels\": labels} == {}", event);
  assert.deepEqual(event, before);
});

test("an event that is not what it should be gives an outcome, not an exception", () => {
  const wrong = JSON.parse('{"status": 1, "labels": null, "tasks": "x", "commit": 7, "namespace": null}') as ReturnType<typeof sampleEvent>;
  for (const source of ['status.startsWith("F")', 'labels.team == "a"', "tasks.exists(t, t.ignored)", 'commit.sha == "x"', "namespace.size() > 1", "dyn(run) == 1", "has(labels.team)"]) {
    assert.notEqual(evaluate(source, wrong).kind, "value", source);
  }
});

const words = [
  "status", "namespace", "labels", "tasks", "previous", "results", "run", "commit", "duration", "startTime", "terminal", "name", "message",
  ".", ".", "(", ")", "[", "]", "{", "}", ",", ":", "?", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "!", "-", "+", "*", "/", "%", "in", " ", "\n", "// c\n",
  '"Failed"', "'x'", 'r"\\d"', '"""a"""', 'b"x"', "1", "0", "-1", "9223372036854775807", "1u", "1.5", "true", "false", "null", "has(", "size(", ".exists(t,", ".all(t,", ".map(t,", ".filter(t,",
  ".exists_one(t,", ".matches(", ".startsWith(", ".contains(", ".split(", ".join(", "duration(", "timestamp(", "dyn(", "int(", "uint(", "double(", "string(", "bool(", "bytes(", "type(", ".format(", ".reverse()", "strings.quote(", ".getHours(", ".getMonth()", ".`a-b`", "int", "%s", "t", "t.status", '"5m"', "x", "\\", "`", "$", "é", "😀", "\ud800", "\u0000", "?.",
];

const soup = fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => parts.join(""));
const operand = fc.constantFrom("status", "labels.team", "results.count", "results.tags", "tasks", "1", "0", "2.5", "3u", '"x"', "terminal", "previous.status", "duration", "startTime", "run", "null", "[1, 2]", '{"a": 1}', "dyn(1)", "dyn(name)", "commit.sha");
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    operand,
    fc.tuple(tie("expression"), fc.constantFrom("==", "!=", "<", ">=", "&&", "||", "+", "-", "*", "/", "%", "in"), tie("expression")).map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    fc.tuple(tie("expression"), tie("expression"), tie("expression")).map(([condition, yes, no]) => `(${condition} ? ${yes} : ${no})`),
    fc.tuple(tie("expression"), fc.constantFrom("exists", "all", "map", "filter", "exists_one"), tie("expression")).map(([range, macro, body]) => `dyn(${range}).${macro}(t, dyn(t) == ${body})`),
    fc.tuple(fc.constantFrom("!", "-"), tie("expression")).map(([operator, inner]) => `${operator}(${inner})`),
    fc.tuple(tie("expression"), fc.constantFrom(".size()", ".a", "[0]", '["a"]', ".startsWith(name)", ".matches(name)", ".split(\"\")")).map(([inner, rest]) => `dyn(${inner})${rest}`),
  ),
}));

/** Compiles and, where that works, evaluates: whatever happens must be in the documented shapes. */
function survives(source: string): string {
  const { program, errors, warnings } = compileAny(source);
  for (const { code, line, column, caret } of [...errors, ...warnings]) {
    assert.equal(errorCatalogue[code].area, "filter");
    assert.notEqual(code, "FilterInternal", source);
    assert.ok(line >= 1 && column >= 1 && caret.split("\n").length === 2, source);
  }
  assert.equal(program === undefined, errors.length > 0);
  const outcome = program?.evaluate(sampleEvent());
  assert.ok(outcome?.kind !== "error" || outcome.code !== "FilterInternal", source);
  return outcome?.kind ?? "refused";
}

test("no text makes compile or evaluate throw", () => {
  const seen = new Set<string>();
  fc.assert(fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.string({ maxLength: 200 }), soup), (source) => {
    seen.add(survives(source));
  }), { numRuns: 3000 });
  assert.ok(seen.has("refused"));
});

test("no well-formed expression makes compile or evaluate throw, and each kind of outcome is met", () => {
  const seen = new Set<string>();
  fc.assert(fc.property(expression, (source) => {
    seen.add(survives(source));
  }), { numRuns: 3000 });
  assert.deepEqual([...seen].sort(), ["absent", "error", "refused", "value"]);
});

test("the steps of an evaluation are counted from the same start each time", () => {
  const list = `[${Array.from({ length: 100 }, (_, index) => index).join(",")}]`;
  const { program } = compileAny(`${list}.all(a, ${list}.all(b, a + b >= 0))`);
  for (let index = 0; index < 5; index += 1) {
    assert.equal(program?.evaluate(sampleEvent()).kind, "value");
  }
  assert.ok(limits.steps < 5 * 100 * 100 * 6, "five evaluations together are above the bound of one");
});
