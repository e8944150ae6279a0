import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, runEventEnvironment, type Diagnostic, type Outcome } from "../../src/filter/index.ts";
import { sampleEvent } from "./sample-event.ts";

function evaluate(source: string): Outcome {
  const { program, errors } = compile(source, { environment: runEventEnvironment });
  assert.ok(program, `${source}: ${errors[0]?.message ?? ""}`);
  return program.evaluate(sampleEvent());
}

function refusal(source: string): Diagnostic {
  const { errors: [first, ...others] } = compile(source, { environment: runEventEnvironment });
  assert.ok(first, source);
  assert.deepEqual(others, [], source);
  return first;
}

test("of ! and - in a row an even number is none and an odd one is one, with any space between them", () => {
  const values: readonly (readonly [string, unknown])[] = [
    ["!!terminal", true], ["! ! ! terminal", false], ["!\n!\n!terminal", false], ["!(!terminal)", true], ["!( !( !terminal))", false], ["!(!!(!terminal))", true], ["!(!({\"a\": true})[\"a\"])", true],
    ["--5", 5], ["- - -5", -5], ["-(-5)", 5], ["-(-(-(5)))", -5], ["1 - - 1", 2], ["1--1", 2], ["1 - --1", 0], ["[1]- -1 == []", undefined], ["-([1, 2])[1]", -2], ["-(-([1, 2])[1])", 2],
    ["-9223372036854775808 < 0", true], ["- 9223372036854775808 < 0", true], ["!(tasks.exists(N, !(!(N.ignored))))", true],
  ];
  for (const [source, value] of values) {
    if (value === undefined) assert.equal(refusal(source).code, "FilterTypeMismatch", source);
    else assert.deepEqual(evaluate(source), { kind: "value", value }, source);
  }
});

test("a negation of a negation is checked, brackets or not", () => {
  const refused: readonly (readonly [string, string, number])[] = [
    ["!(!(1))", "FilterTypeMismatch", 5], ["!(!(null))", "FilterTypeMismatch", 5], ['-(-"a")', "FilterTypeMismatch", 3], ["-(--(-name))", "FilterTypeMismatch", 6], ['!(!({"a": 1}["a"]))', "FilterTypeMismatch", 5],
    ["-(-(1u)) == 1u", "FilterTypeMismatch", 3], ["-1u == 1u", "FilterTypeMismatch", 1], ["---1u == 1u", "FilterTypeMismatch", 1], ["-(9223372036854775808) < 0", "FilterInvalidLiteral", 3], ["---9223372036854775808 < 0", "FilterInvalidLiteral", 4],
  ];
  for (const [source, code, column] of refused) {
    assert.deepEqual({ code: refusal(source).code, column: refusal(source).column }, { code, column }, source);
  }
  assert.deepEqual(evaluate("-(-(-9223372036854775808)) == 1"), { kind: "error", code: "FilterOverflow", line: 1, column: 3 });
});

test("what stands in for an operator is no function of the language, and no name that the expression uses", () => {
  assert.equal(refusal("_(!(terminal))").code, "FilterUnknownFunction");
  assert.equal(refusal("!(_(terminal))").code, "FilterUnknownFunction");
  assert.deepEqual(evaluate("[1].exists(_, !(_ == 2)) && [1].exists(A, -(A) == -(1))"), { kind: "value", value: true });
});

test("brackets without content may hold space and comments, and a list or map a comma", () => {
  for (const source of ["name.size( ) == 14", "name\n.size(\n) == 14", "name.size( // none\n ) == 14", "name.trim( ).size(\t) == 14", "[ ] == [ , ]", "{ } == { , }", "[,].size( ) == 0", "[1 , ] == [1]"]) {
    assert.deepEqual(evaluate(source), { kind: "value", value: true }, source);
  }
  for (const [source, column] of [["[,1]", 2], ["[1,,]", 4], ["{,1: 2}", 2], ["size(,)", 6], ["(,)", 2], ["labels[,]", 8]] as const) {
    assert.deepEqual([refusal(source).code, refusal(source).column], ["FilterSyntax", column], source);
  }
});

test("places are those of the text, behind empty brackets, rows of signs and names of all kinds", () => {
  const refused: readonly (readonly [string, number, number])[] = [
    ["name.size( ) + name", 1, 14], ["name.size(\n\n) == name", 3, 3], ["!(!terminal) == name", 1, 14], ["- - -1 + name == 1", 1, 8], ["[ , ] == 1", 1, 7], ["namespace.size( ) == trueish", 1, 22], ["labels.`a-b`.size( ) == name", 1, 22],
  ];
  for (const [source, line, column] of refused) {
    const { line: atLine, column: atColumn } = refusal(source);
    assert.deepEqual([atLine, atColumn], [line, column], source);
  }
});

test("numbers and words, prefixes and dots are read as CEL reads them", () => {
  assert.deepEqual(evaluate("1in [1] && 0x1in[1]"), { kind: "value", value: true });
  for (const source of [".size(.name) == 14", "(terminal ? .name : \"x\") == name", "(terminal ?.name : \"x\") == name", "[deleted ? .name : \"x\"] == [\"x\"]", "{1: terminal ?.size([(2)]) : 3}[1] == 1"]) {
    assert.deepEqual(evaluate(source), { kind: "value", value: true }, source);
  }
  for (const [source, column] of [["previous?.status == \"Failed\"", 9], ["has(previous) && [previous?.status, name] == []", 27], ["commit?.sha", 7]] as const) {
    assert.deepEqual([refusal(source).code, refusal(source).column], ["FilterNotSupported", column], source);
  }
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ["0X1F == 31", "FilterSyntax", /begin with `0x`/], ['rb"a" == b"a"', "FilterSyntax", /`br"\.\.\."`/], [".has(previous.name)", "FilterUnknownFunction", /without the first dot/], ["1inn", "FilterSyntax", /a number ends here/],
    ["terminal constructor", "FilterSyntax", /an operator is missing before it$/], ["terminal __proto__", "FilterSyntax", /an operator is missing before it$/],
  ];
  for (const [source, code, says] of refused) {
    assert.equal(refusal(source).code, code, source);
    assert.match(refusal(source).message, says, source);
  }
});
