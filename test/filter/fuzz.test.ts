import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { errorCatalogue } from "../../src/errors.ts";
import { compile, compileTemplate, runEventEnvironment, type Diagnostic, type Outcome } from "../../src/filter/index.ts";
import { lex } from "../../src/filter/lexical.ts";
import { limits } from "../../src/filter/limits.ts";
import { ExpressionGenerator } from "../conformance/cel-go-generator.ts";
import { sampleEvent } from "./sample-event.ts";

/** Expressions of all parts of the language, most of them valid. */
const expressions = fc.integer({ min: 0, max: 2 ** 31 }).map((seed) => new ExpressionGenerator(runEventEnvironment, seed).next());

/** The same; a comment at the end does not swallow what is put behind it. */
const lines = expressions.map((source) => `${source}\n`);

const bits = ["(", ")", "[", "]", "{", "}", ",", ".", "?", ":", "!", "-", "+", "in", " ", "\n", "\r", "\t", '"', "'", '"""', "r'", "b\"", "\\", "\\u", "//", "`", "$", "${", "=", "&", "|", "0x", "1e", "u", "_", "é", "😀", "\ud800", "\u0000", "has(", ".map(x,", "namespace", "trueish", "__proto__"];

/** Changes a text at a place, which is a part of its length. */
type Mutation = (text: string, at: number, length: number, bit: string) => string;

const mutations: readonly Mutation[] = [
  (text, at, length) => text.slice(0, at) + text.slice(at + length),
  (text, at, length) => text.slice(0, at) + text.slice(at, at + length).repeat(2) + text.slice(at + length),
  (text, at, _length, bit) => text.slice(0, at) + bit + text.slice(at),
  (text, at, length, bit) => text.slice(0, at) + bit + text.slice(at + length),
  (text, at, length) => text.slice(at, at + length) + text.slice(0, at) + text.slice(at + length),
  (text, at) => text.slice(0, at),
  (text, at) => text.slice(at),
  (text, at, length, bit) => text.slice(0, at) + bit.repeat(Math.min(300, length * length)) + text.slice(at),
];

const change = fc.tuple(fc.constantFrom(...mutations), fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 20 }), fc.constantFrom(...bits));

const mutated = fc.tuple(expressions, fc.array(change, { minLength: 1, maxLength: 4 })).map(([source, changes]) =>
  changes.reduce((text, [mutate, place, length, bit]) => mutate(text, Math.floor(place * text.length), length, bit), source),
);

function assertPlaced(source: string, diagnostics: readonly Diagnostic[]): void {
  const texts = source.split(/\r\n|\n|\r/);
  for (const { code, line, column, caret } of diagnostics) {
    assert.ok(code !== "FilterInternal" && errorCatalogue[code].area === "filter", source);
    const text = texts[line - 1];
    assert.ok(text !== undefined && column >= 1 && column <= Array.from(text).length + 1, `${JSON.stringify(source)} ${line}:${column}`);
    assert.match(caret, /^[^\n]*\n *\^$/, source);
  }
}

function outcomeOf(source: string): Outcome | "refused" {
  const { program, errors, warnings } = compile(source, { environment: runEventEnvironment });
  assert.equal(program === undefined, errors.length > 0, source);
  assertPlaced(source, [...errors, ...warnings]);
  if (program === undefined) return "refused";
  assert.ok(program.cost <= limits.steps, source);
  return program.evaluate(sampleEvent());
}

/** An outcome without its place. */
const unplaced = (outcome: Outcome | "refused"): unknown => (outcome === "refused" ? outcome : { ...outcome, line: 0, column: 0 });

test("a valid expression that is damaged gives errors inside its text or an outcome, and never throws", () => {
  const seen = new Map<string, number>();
  fc.assert(fc.property(mutated, (source) => {
    const outcome = outcomeOf(source);
    const kind = outcome === "refused" ? outcome : outcome.kind;
    assert.ok(outcome === "refused" || outcome.kind !== "error" || outcome.code !== "FilterInternal", source);
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
  }), { numRuns: 4000 });
  assert.deepEqual([...seen.keys()].sort(), ["absent", "error", "refused", "value"]);
});

test("space and comments between the parts of an expression change nothing", () => {
  const gaps = fc.array(fc.constantFrom("", " ", "\n", "\t \r\n", " // c\n", "\n// \"a\n// b\n"), { minLength: 40, maxLength: 40 });
  let compared = 0;
  fc.assert(fc.property(expressions, gaps, (source, between) => {
    const lexed = lex(source);
    if ("code" in lexed) return;
    const spaced = lexed.tokens.map((token, index) => {
      const gap = source.slice(lexed.tokens[index - 1]?.end ?? 0, token.start);
      return `${gap}${between[index % between.length] ?? ""}${token.text}`;
    }).join("");
    if (spaced.length > limits.sourceBytes / 4) return;
    compared += 1;
    const expected = unplaced(outcomeOf(source));
    assert.ok(isDeepStrictEqual(unplaced(outcomeOf(spaced)), expected), `${JSON.stringify(source)} and ${JSON.stringify(spaced)}`);
  }), { numRuns: 2000 });
  assert.ok(compared > 1000, String(compared));
});

test("brackets around an expression change nothing, nor do two negations around a condition", () => {
  let negated = 0;
  fc.assert(fc.property(lines, (source) => {
    const expected = unplaced(outcomeOf(source));
    const type = compile(source, { environment: runEventEnvironment }).program?.type;
    if (type === undefined) return;
    assert.deepEqual(unplaced(outcomeOf(`((${source}))`)), expected, source);
    if (type !== "bool") return;
    negated += 1;
    for (const wrapped of [`!(!(${source}))`, `!!(${source})`, `! ! (${source})`, `!(!!(!(${source})))`]) assert.deepEqual(unplaced(outcomeOf(wrapped)), expected, wrapped);
  }), { numRuns: 1500 });
  assert.ok(negated > 300, String(negated));
});

test("an expression says in a template what it says by itself, whatever braces and quotes it has", () => {
  let rendered = 0;
  fc.assert(fc.property(lines, mutated, (source, damaged) => {
    for (const text of [`\${${damaged}}`, `a\${${source}}\${${damaged}`, `{"\${${source}}"}\n\${${source}}`]) {
      const { template, errors, warnings } = compileTemplate(text, { environment: runEventEnvironment });
      assert.equal(template === undefined, errors.length > 0, text);
      assertPlaced(text, [...errors, ...warnings]);
      assert.ok(Buffer.byteLength(template?.render(sampleEvent(), { maxBytes: 100 }).text ?? "") <= 100, text);
    }
    const alone = compile(source, { environment: runEventEnvironment });
    if (alone.program === undefined) return;
    rendered += 1;
    const { template, errors } = compileTemplate(`\${${source}}`, { environment: runEventEnvironment });
    assert.deepEqual(errors, [], source);
    const outcome = alone.program.evaluate(sampleEvent());
    const { text, faults } = template?.render(sampleEvent(), { maxBytes: 1000 }) ?? assert.fail(source);
    assert.equal(faults.length, outcome.kind === "error" ? 1 : 0, source);
    assert.ok(outcome.kind === "value" || text === "", source);
  }), { numRuns: 1500 });
  assert.ok(rendered > 500, String(rendered));
});
