import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, runEventEnvironment, type Compilation } from "../../src/filter/index.ts";

const compileFilter = (source: string): Compilation => compile(source, { environment: runEventEnvironment, result: "bool" });

/** Refused expressions: code, line, column, and what the message must say. */
const refused: readonly (readonly [source: string, code: string, line: number, column: number, says: RegExp])[] = [
  // syntax
  ["", "FilterSyntax", 1, 1, /empty/],
  ["// nothing", "FilterSyntax", 1, 11, /empty/],
  ['status =< "Failed"', "FilterSyntax", 1, 8, /write `<=`/],
  ['status = "Failed"', "FilterSyntax", 1, 8, /written `==`/],
  ['status === "Failed"', "FilterSyntax", 1, 10, /written `==`/],
  ['status == "Failed" and terminal', "FilterSyntax", 1, 20, /write `&&`/],
  ["not terminal", "FilterSyntax", 1, 1, /write `!`/],
  ["terminal & deleted", "FilterSyntax", 1, 10, /write `&&`/],
  ['status == “Failed”', "FilterSyntax", 1, 11, /straight quotes/],
  ['status == "Failed', "FilterSyntax", 1, 11, /no closing quote/],
  ['status == "a\nb"', "FilterSyntax", 1, 11, /no closing quote/],
  ['name == "\\d"', "FilterSyntax", 1, 10, /escape/],
  ["terminal &&", "FilterSyntax", 1, 12, /ends here, an operand is missing after `&&`/],
  ["terminal && && deleted", "FilterSyntax", 1, 13, /operand is missing after `&&`/],
  ["(terminal", "FilterSyntax", 1, 1, /not closed: `\)`/],
  ["(terminal]", "FilterSyntax", 1, 10, /expected `\)`/],
  ["terminal)", "FilterSyntax", 1, 9, /closes nothing/],
  ["terminal deleted", "FilterSyntax", 1, 10, /operator is missing/],
  ["terminal\n  && 5m > 3", "FilterSyntax", 2, 7, /a duration is written/],
  ["terminal ? deleted", "FilterSyntax", 1, 19, /no `:`/],
  ["terminal ? deleted ? true : false : true", "FilterSyntax", 1, 20, /needs parentheses/],
  ["!-1 == 1", "FilterSyntax", 1, 2, /needs parentheses/],
  ["labels.example.com/team == \"x\" if true", "FilterSyntax", 1, 32, /operator is missing/],
  ["labels.1 == name", "FilterSyntax", 1, 7, /operator is missing/],
  ["labels. == name", "FilterSyntax", 1, 9, /field's name/],
  ["while == name", "FilterSyntax", 1, 1, /reserved/],
  ["{\"a\"} == {}", "FilterSyntax", 1, 5, /key: value/],
  ["f(1,) == 1", "FilterSyntax", 1, 5, /operand is missing/],
  ["terminal # comment", "FilterSyntax", 1, 10, /begins with `\/\/`/],
  ["terminal\u00a0&& deleted", "FilterSyntax", 1, 9, /U\+00A0/],
  ["name == \"\ud800\"", "FilterSyntax", 1, 10, /surrogate/],
  // syntax of others, and of CEL's that is left out
  ["previous?.status == \"Failed\"", "FilterNotSupported", 1, 9, /`has\(previous\.status\)`/],
  ["previous.?status == \"Failed\"", "FilterNotSupported", 1, 10, /`has\(previous\.status\)`/],
  ["labels[?\"team\"] == \"x\"", "FilterNotSupported", 1, 8, /has\(/],
  ["Duration{seconds: 1} == duration", "FilterNotSupported", 1, 9, /message literals/],
  ["b\"x\" == name", "FilterTypeMismatch", 1, 6, /cannot compare bytes with string/],
  ["string(tasks) == name", "FilterTypeMismatch", 1, 1, /does not take \(list\(RunEvent\.tasks\[\]\)\); it is string\(string\) or string\(bool\)/],
  ["startTime.getHours(8) > 8", "FilterTypeMismatch", 1, 11, /timestamp\.getHours\(string\)/],
  ["duration.getMonth() > 8", "FilterTypeMismatch", 1, 10, /it is timestamp\.getMonth\(\)/],
  ["int(terminal) == 1", "FilterTypeMismatch", 1, 1, /does not take \(bool\); it is int\(int\)/],
  ["startTime.getHours(\"Mars/Olympus\") > 8", "FilterInvalidLiteral", 1, 20, /"Europe\/Berlin"/],
  ['"%d".format([name]) == name', "FilterInvalidLiteral", 1, 14, /`%d` takes int or uint or double, not string/],
  ['"%y".format([name]) == name', "FilterInvalidLiteral", 1, 1, /`%y` is not one of/],
  ['"%s %s".format([name]) == name', "FilterInvalidLiteral", 1, 1, /`%s` has no value: the list has 1/],
  ['"%s".format([name, name]) == name', "FilterInvalidLiteral", 1, 20, /the list has 2 values, the text takes 1/],
  ["[name] + [1] == []", "FilterTypeMismatch", 1, 8, /does not take list\(string\) and list\(int\)/],
  ["`name` == name", "FilterSyntax", 1, 1, /backticks stands after a `\.`/],
  ["strings.quot(name) == name", "FilterUnknownFunction", 1, 9, /no function strings\.quot\(\) \(did you mean `strings\.quote`/],
  ["len(tasks) > 1", "FilterUnknownFunction", 1, 1, /write `size\(\.\.\.\)`/],
  ['name.includes("a")', "FilterUnknownFunction", 1, 6, /write `text\.contains\("part"\)`/],
  ["startTime > now()", "FilterUnknownFunction", 1, 13, /times of the run/],
  ["tasks.length > 1", "FilterUnknownField", 1, 7, /write `size\(\.\.\.\)`/],
  ["tasks.exists(i, t, t.ignored)", "FilterNotSupportedYet", 1, 7, /^not supported yet: exists\(\) with two variables/],
  // literals
  ["9223372036854775808 == 1", "FilterInvalidLiteral", 1, 1, /out of the range of int/],
  ["-9223372036854775809 == 1", "FilterInvalidLiteral", 1, 1, /out of the range of int/],
  ["18446744073709551616u == 1u", "FilterInvalidLiteral", 1, 1, /out of the range of uint/],
  ["1e400 == 1.0", "FilterInvalidLiteral", 1, 1, /out of the range of double/],
  ['name == "\\ud800"', "FilterInvalidLiteral", 1, 10, /not a Unicode character/],
  ['name.matches("[a")', "FilterInvalidLiteral", 1, 14, /RE2 syntax/],
  ['name.matches("(?=a)")', "FilterInvalidLiteral", 1, 14, /RE2 syntax/],
  ['name.matches("(a{500}){2}b{900}")', "FilterInvalidLiteral", 1, 14, /RE2 syntax/],
  ['duration > duration("5 minutes")', "FilterInvalidLiteral", 1, 21, /"5m"/],
  ['startTime > timestamp("2026-02-30T00:00:00Z")', "FilterInvalidLiteral", 1, 23, /"2026-01-31T08:00:00Z"/],
  // names
  ['statsu == "Failed"', "FilterUnknownVariable", 1, 1, /did you mean `status`/],
  ["status == Failed", "FilterUnknownVariable", 1, 11, /in quotes: "Failed"/],
  ["trueish", "FilterUnknownVariable", 1, 1, /`trueish`/],
  ['"é😀" == nam', "FilterUnknownVariable", 1, 9, /did you mean `name`/],
  ["commit.shaa == name", "FilterUnknownField", 1, 8, /`commit` has no field `shaa` \(did you mean `sha`/],
  ["tasks[0].foo == name", "FilterUnknownField", 1, 10, /`tasks\[0\]` has no field `foo`; it has name, kind/],
  ["has(previous . stat)", "FilterUnknownField", 1, 16, /`previous` has no field `stat`/],
  ["status.length == 6", "FilterUnknownField", 1, 8, /a string has no fields/],
  ["tasks.exists(t, t.statu == name)", "FilterUnknownField", 1, 19, /did you mean `status`/],
  ['name.startWith("a")', "FilterUnknownFunction", 1, 6, /did you mean `startsWith`/],
  ["foo()", "FilterUnknownFunction", 1, 1, /no function foo\(\)/],
  ["name.constructor()", "FilterUnknownFunction", 1, 6, /no function constructor\(\)/],
  // types
  ["status == 1", "FilterTypeMismatch", 1, 8, /`==` cannot compare string with int/],
  ["1 == 1.0", "FilterTypeMismatch", 1, 3, /int with double/],
  ["previous != null", "FilterTypeMismatch", 1, 10, /never null: test with `has\(previous\.status\)`/],
  ["commit.sha == null", "FilterTypeMismatch", 1, 12, /`has\(commit\.sha\)`/],
  ["duration > 300", "FilterTypeMismatch", 1, 10, /`>` does not take duration and int/],
  ["name + 1 == name", "FilterTypeMismatch", 1, 6, /`\+` does not take string and int/],
  ["terminal && name", "FilterTypeMismatch", 1, 13, /must be a bool, not a string/],
  ["!commit.pullRequest", "FilterTypeMismatch", 1, 2, /must be a bool, not an int/],
  ["name ? true : false", "FilterTypeMismatch", 1, 1, /must be a bool/],
  ["(terminal ? 1 : name) == 1", "FilterTypeMismatch", 1, 17, /of one type, not int and string/],
  ["name in \"abc\"", "FilterTypeMismatch", 1, 6, /contains/],
  ["1 in [\"a\"]", "FilterTypeMismatch", 1, 3, /int and list\(string\)/],
  ["1 in labels", "FilterTypeMismatch", 1, 3, /map\(string, string\)/],
  ["labels[1] == name", "FilterTypeMismatch", 1, 7, /cannot be indexed with an int/],
  ["commit[\"sha\"] == name", "FilterTypeMismatch", 1, 7, /read with `\.name`/],
  ["name.startsWith(1)", "FilterTypeMismatch", 1, 6, /it is string\.startsWith\(string\)/],
  ["name.startsWith()", "FilterTypeMismatch", 1, 6, /it is string\.startsWith\(string\)/],
  ["name.exists(c, true)", "FilterTypeMismatch", 1, 6, /list or map, not a string/],
  ["tasks.exists(t, t.name)", "FilterTypeMismatch", 1, 17, /condition of exists\(\) must be a bool/],
  ["{1.5: 1} == {}", "FilterTypeMismatch", 1, 2, /cannot be a map's key/],
  ['{"a": 1, "b": 2, "a": 3} == {}', "FilterInvalidLiteral", 1, 18, /this key is in the map already/],
  ["{1: 1, 1u: 2} == {1: 1}", "FilterInvalidLiteral", 1, 8, /this key is in the map already/],
  ['name == string(b"\\u00e9")', "FilterSyntax", 1, 18, /`\\u` is no escape of bytes/],
  ["timestamp(253402300800) > startTime", "FilterInvalidLiteral", 1, 11, /out of range; timestamps are of the years 1 to 9999/],
  ['duration > duration("9223372037s") && terminal', "FilterInvalidLiteral", 1, 21, /out of range; durations have at most about 292 years/],
  ['timestamp("0000-01-01T00:00:00Z") > startTime', "FilterInvalidLiteral", 1, 11, /out of range/],
  ["size(1) == 1", "FilterTypeMismatch", 1, 1, /it is size\(string\) or size\(bytes\)/],
  ["1.size() == 1", "FilterTypeMismatch", 1, 3, /it is string\.size\(\) or bytes\.size\(\)/],
  // arguments
  ["has(run)", "FilterInvalidArgument", 1, 5, /write `has\(run\.apiVersion\)`/],
  ["has(name)", "FilterInvalidArgument", 1, 5, /`name` is always there/],
  ["run.status.result == 1", "FilterUnknownField", 1, 12, /did you mean `results`/],
  ["run.spec.timeouts.pipeline == 3600", "FilterTypeMismatch", 1, 28, /duration/],
  ["reason == StepFailed", "FilterUnknownVariable", 1, 11, /a text is written in quotes: "StepFailed"/],
  ["has(commit)", "FilterInvalidArgument", 1, 5, /write `has\(commit\.owner\)`/],
  ["has(duration)", "FilterInvalidArgument", 1, 5, /reads `duration` while it is absent does not match anyway/],
  ["has(labels[\"team\"])", "FilterInvalidArgument", 1, 11, /"key" in labels/],
  ["has()", "FilterInvalidArgument", 1, 1, /has\(previous\.status\)/],
  ["tasks.exists(1, true)", "FilterInvalidArgument", 1, 7, /list\.exists\(x, condition\)/],
  ["tasks.exists(t)", "FilterInvalidArgument", 1, 7, /list\.exists\(x, condition\)/],
  ["startsWith(name, \"a\")", "FilterInvalidArgument", 1, 1, /a method/],
  ["name.duration() == duration", "FilterInvalidArgument", 1, 6, /a function/],
  // the result
  ["status", "FilterResultType", 1, 1, /must be true or false \(bool\), not a string/],
  ["  results.ok", "FilterResultType", 1, 3, /`\.\.\. == true`/],
];

test("a bad expression is refused with code, place and advice", () => {
  for (const [source, code, line, column, says] of refused) {
    const { program, errors } = compileFilter(source);
    const [first, ...others] = errors;
    assert.equal(program, undefined, source);
    assert.deepEqual({ code: first?.code, line: first?.line, column: first?.column, others }, { code, line, column, others: [] }, `${source}: ${first?.message ?? ""}`);
    assert.match(first?.message ?? "", says, source);
  }
});

test("all errors of an expression are found at once, in the order of the text", () => {
  const { errors } = compileFilter('statsu == "Failed" &&\n  commit.shaa == 1 ||\n  name.foo() && 99999999999999999999 == 1');
  assert.deepEqual(errors.map(({ code, line, column }) => [code, line, column]), [
    ["FilterUnknownVariable", 1, 1],
    ["FilterUnknownField", 2, 10],
    ["FilterUnknownFunction", 3, 8],
    ["FilterInvalidLiteral", 3, 17],
  ]);
});

test("mistakes below a mistake are found too, where they mean something without it", () => {
  const found: readonly (readonly [string, readonly (readonly [string, number, number])[]])[] = [
    ["foo(statsu, commit.shaa)", [["FilterUnknownFunction", 1, 1], ["FilterUnknownVariable", 1, 5], ["FilterUnknownField", 1, 20]]],
    ["statsu.foo()", [["FilterUnknownVariable", 1, 1], ["FilterUnknownFunction", 1, 8]]],
    ["name.exists(c, c.x == statsu)", [["FilterTypeMismatch", 1, 6], ["FilterUnknownVariable", 1, 23]]],
    ["stasks.exists(t, t.foo && nam)", [["FilterUnknownVariable", 1, 1], ["FilterUnknownVariable", 1, 27]]],
    ["tasks.exists(t, t.foo && t.bar) ||\r\n\tstatsu", [["FilterUnknownField", 1, 19], ["FilterUnknownField", 1, 28], ["FilterUnknownVariable", 2, 2]]],
    ['"%d %q".format(["a", statsu]) == 1', [["FilterInvalidLiteral", 1, 1], ["FilterInvalidLiteral", 1, 17], ["FilterUnknownVariable", 1, 22]]],
    ['"%d %d".format([name, kind]) == name', [["FilterInvalidLiteral", 1, 17], ["FilterInvalidLiteral", 1, 23]]],
    ["terminal && (1 + name) && (kind > 2)", [["FilterTypeMismatch", 1, 16], ["FilterTypeMismatch", 1, 33]]],
    ['{nam: 1, "a": 2, "a": commit.x}', [["FilterUnknownVariable", 1, 2], ["FilterInvalidLiteral", 1, 18], ["FilterUnknownField", 1, 30]]],
    ["strings.quot(nam)", [["FilterUnknownFunction", 1, 9], ["FilterUnknownVariable", 1, 14]]],
    ["tasks.exists(1, x)", [["FilterInvalidArgument", 1, 7]]],
    ["has(nam.x) && has(commit.x)", [["FilterUnknownVariable", 1, 5], ["FilterUnknownField", 1, 26]]],
  ];
  for (const [source, findings] of found) {
    assert.deepEqual(compileFilter(source).errors.map(({ code, line, column }) => [code, line, column]), findings, source);
  }
});

test("one mistake gives one message", () => {
  for (const source of ['"%o".format([name]) == 1', '"%d".format([statsu]) == name', '"%o".format([name]) > 1 || terminal', '"%o".format([name]).foo == 1', "foo().bar.size() > 1", "duration > duration(\"5 min\") && terminal", "(statsu ? 1 : 2) + 1 == 3"]) {
    assert.equal(compileFilter(source).errors.length, 1, source);
  }
  assert.equal(compileFilter("(statsu + 1) * 2 == size(statsu) && !statsu").errors.length, 3);
  assert.equal(compileFilter("commit.shaa.startsWith(\"a\") && commit.shaa.size() > 1").errors.length, 2);
});

test("only the first ten errors are shown", () => {
  assert.equal(compileFilter(Array.from({ length: 30 }, (_, index) => `v${index}`).join(" && ")).errors.length, 10);
});

test("the caret stands below the place, in a line cut to a readable width", () => {
  assert.equal(compileFilter("terminal &&\n  statsu == name").errors[0]?.caret, "  statsu == name\n  ^");
  assert.equal(compileFilter("\tstatsu == name").errors[0]?.caret, " statsu == name\n ^");
  assert.equal(compileFilter("terminal &&\r\n\tstatsu == name").errors[0]?.caret, " statsu == name\n ^");
  // Wide characters take two columns of a terminal, accents on the character before them none.
  assert.equal(compileFilter('"é😀" == nam').errors[0]?.caret, '"é😀" == nam\n         ^');
  assert.equal(compileFilter('"失敗" == nam').errors[0]?.caret, '"失敗" == nam\n          ^');
  assert.equal(compileFilter('"e\u0301" == nam').errors[0]?.caret, '"e\u0301" == nam\n       ^');
  const long = compileFilter(`${"terminal && ".repeat(30)}statsu == name${" || terminal".repeat(30)}`).errors[0]?.caret.split("\n") ?? [];
  const [line = "", pointer = ""] = long;
  assert.equal(line.length, 102);
  assert.ok(line.startsWith("…") && line.endsWith("…"));
  assert.equal(line.slice(pointer.indexOf("^"), pointer.indexOf("^") + 6), "statsu");
});

test("a caret's line holds no control or direction marks", () => {
  const caret = compileFilter('"\u202e\u0007\u001b[31m" == 1').errors[0]?.caret ?? "";
  assert.doesNotMatch(caret, /[\u202e\u0007\u001b]/);
});

test("a reason that Tekton does not give is a warning that suggests one, since other controllers have reasons of their own", () => {
  for (const [source, column, says] of [
    ['reason == "PipelineRunTimedOut"', 11, /none that Tekton gives \(did you mean "PipelineRunTimeout"\?\)/],
    ['previous.reason in ["Failed", "AwaitingWindow"]', 31, /`previous\.reason` is none that Tekton gives; only/],
  ] as const) {
    const { errors, warnings } = compileFilter(source);
    assert.deepEqual([errors, warnings.map(({ code, column: at }) => [code, at])], [[], [["FilterUnusualValue", column]]], source);
    assert.match(warnings[0]?.message ?? "", says, source);
  }
});

test("a value that a field never has is a warning that names the known values, and no error", () => {
  const warned: readonly (readonly [string, number, RegExp])[] = [
    ['status == "Suceeded"', 11, /did you mean "Succeeded"\?\); it is one of Pending, Running/],
    ['"PipelinRun" != kind', 1, /did you mean "PipelineRun"/],
    ['status in ["Failed", "Timeout"]', 22, /`status` is never this value/],
    ['tasks.exists(t, t.status == "failed")', 29, /did you mean "Failed"/],
    ['previous.status == "xyz"', 20, /`previous\.status` is never this value; it is one of/],
  ];
  for (const [source, column, says] of warned) {
    const { program, errors, warnings } = compileFilter(source);
    assert.ok(program, source);
    assert.deepEqual({ errors, codes: warnings.map((warning) => [warning.code, warning.column]) }, { errors: [], codes: [["FilterNeverTrue", column]] }, source);
    assert.match(warnings[0]?.message ?? "", says, source);
  }
  assert.deepEqual(compileFilter('status == "Failed" || reason == "" || message == "Suceeded" || (terminal ? status : name) == "x"').warnings, []);
});
