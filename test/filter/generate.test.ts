import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { check } from "../../src/filter/check.ts";
import { sourceOf } from "../../src/filter/generate.ts";
import { compile, runEventEnvironment, viewOf, type Outcome } from "../../src/filter/index.ts";
import { lex } from "../../src/filter/lexical.ts";
import { parse } from "../../src/filter/parse.ts";
import { layoutOf } from "../../src/filter/view.ts";
import { vocabulary } from "../../src/filter/vocabulary.ts";
import { builtInFilters, manyFilters } from "../bench/filter-cases.ts";
import { costCases } from "../bench/cost-cases.ts";
import { sampleEvent } from "./sample-event.ts";

const layout = layoutOf(runEventEnvironment.variables);

function generated(expression: string, sound: boolean): string {
  const lexed = lex(expression);
  assert.ok(!("code" in lexed));
  const { node } = parse(lexed);
  assert.ok(node, expression);
  const { typed, errors } = check(node, runEventEnvironment);
  assert.deepEqual(errors, [], expression);
  return sourceOf(typed, { layout, sound, place: () => ({ line: 1, column: 1 }) }).source;
}

const keywords = ["break", "const", "continue", "else", "false", "for", "function", "if", "instanceof", "let", "new", "null", "return", "true", "typeof", "undefined"];
const properties = ["Map", "endsWith", "fields", "has", "length", "nanos", "push", "seconds", "startsWith", "steps", "test", "wrongType"];
/** All that JavaScript's own `typeof` can be compared with. */
const typeNames = /"(?:string|number|bigint|boolean|object)"/g;
const ours = new Set([...keywords, ...properties, ...Object.keys(vocabulary), "h", "k", "v", "m", "f"]);

/** What in generated code is neither of our words, nor a name or number made by the generator, nor punctuation. */
function foreign(source: string): readonly string[] {
  const words = source.replace(typeNames, " ").match(/[\p{L}\p{N}_$]+|[^\s\p{L}\p{N}_$]/gu) ?? [];
  return words.filter((word) => !ours.has(word) && !/^(?:[a-zB]?[0-9]+|[-+=<>!?:;,.(){}[\]&|])$/.test(word));
}

const hostile = [
  'name == "\\"; process.exit(1); //"', "name == '`${process}`'", 'labels["constructor"] == "__proto__"', 'labels["]; return process; //"] == ""', "labels.constructor == annotations.__proto__",
  'name.matches("\\\\/; process")', 'tasks.exists(process, process.name == "\\u2028")', 'tasks.exists(require, require.name == "import")', '{"a}": 1}["a}"] == 1', 'name in ["*/", "//", "\\n"]', '"%s*/".format([name]) == r"\\" + "*/"', 'bytes(name) == b"/*"',
  "1234567 + 7654321 == 42424242", "-9223372036854775808 < 9223372036854775807 && 1.5 < 2.25 && 7u != 8u", 'duration > duration("4321s")', 'run.metadata.name == "x" && results["`"].a.b[0] == 31415',
];

test("generated code holds none of the user's text: only our words, our names, our numbers", () => {
  assert.deepEqual(foreign('const x = "typed";'), ["x", '"', "typed", '"']);
  const numbers = /1234567|7654321|42424242|9223372|2\.25|4321|31415/;
  for (const expression of [...hostile, ...builtInFilters.map((filter) => filter.expression), ...costCases.map((filter) => filter.expression)]) {
    for (const sound of [true, false]) {
      const source = generated(expression, sound);
      assert.deepEqual(foreign(source), [], expression);
      assert.doesNotMatch(source, numbers, expression);
    }
  }
});

test("whatever text stands in an expression, its code is the same", () => {
  const quoted = (text: string): string => `name == ${JSON.stringify(text)} || labels[${JSON.stringify(`k${text}`)}] == ${JSON.stringify(text)}`;
  const usual = generated(quoted("a"), true);
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (text) => {
    const expression = quoted(text);
    fc.pre(!("code" in lex(expression)) && compile(expression, { environment: runEventEnvironment }).program !== undefined);
    assert.equal(generated(expression, true), usual);
  }), { numRuns: 300 });
});

test("filters of the same form share their code", () => {
  const sources = new Set(manyFilters(2000).map(({ expression }) => generated(expression, true)));
  assert.ok(sources.size <= builtInFilters.length, String(sources.size));
});

test("an event and its view give the same outcome", () => {
  const event = sampleEvent();
  const view = viewOf(event);
  for (const { expression } of [...builtInFilters, ...costCases]) {
    const { program } = compile(expression, { environment: runEventEnvironment });
    assert.deepEqual(program?.evaluate(view), program?.evaluate(event), expression);
  }
});

test("an event without what is always there, or with other types, still gives outcomes in the documented shapes", () => {
  const outcome = (expression: string, event: object): Outcome | undefined => compile(expression, { environment: runEventEnvironment }).program?.evaluate(event as ReturnType<typeof sampleEvent>);
  const { status: _status, tasks: _tasks, ...rest } = sampleEvent();
  assert.deepEqual(outcome('status == "Failed"', rest), { kind: "absent", what: "status", line: 1, column: 1 });
  assert.deepEqual(outcome('status == "Failed" || terminal', rest), { kind: "value", value: true });
  assert.deepEqual(outcome("tasks.exists(t, true)", rest), { kind: "absent", what: "tasks", line: 1, column: 1 });
  assert.deepEqual(outcome("duration > startTime - startTime", { ...rest, duration: "soon" }), { kind: "error", code: "FilterInvalidValue", line: 1, column: 1 });
  assert.deepEqual(outcome("has(commit.sha)", { ...rest, commit: null }), { kind: "value", value: false });
});

test("where Node.js may not compile generated code, loading the filter language says so", () => {
  const module = join(import.meta.dirname, "../../src/filter/index.ts");
  const { status, stderr } = spawnSync(process.execPath, ["--disallow-code-generation-from-strings", module], { encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /this Node\.js may not compile generated code; start it without --disallow-code-generation-from-strings/);
});
