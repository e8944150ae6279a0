import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { errorCatalogue, type ErrorCode } from "../../src/errors.ts";
import { compile, compileTemplate, runEventEnvironment } from "../../src/filter/index.ts";
import { sampleEvent } from "./sample-event.ts";

const filter = { environment: runEventEnvironment, result: "bool" } as const;
const list = `[${Array.from({ length: 60 }, (_, index) => index).join(",")}]`;

/** Conditions that are refused. */
const refused: Partial<Record<ErrorCode, string>> = {
  FilterTooLong: `name == "${"x".repeat(4096)}"`,
  FilterTooComplex: "(".repeat(101),
  FilterTooExpensive: `${list}.all(a, ${list}.all(b, ${list}.all(c, a + b + c < 1000)))`,
  FilterSyntax: "status == ",
  FilterInvalidLiteral: 'name.matches("(")',
  FilterUnknownVariable: 'statsu == "Failed"',
  FilterUnknownField: 'commit.shaa == "x"',
  FilterUnknownFunction: 'name.startWith("a")',
  FilterTypeMismatch: "duration > 300",
  FilterInvalidArgument: "has(name)",
  FilterResultType: "name",
  FilterNotSupported: "previous.?status == name",
  FilterNotSupportedYet: "tasks.exists(i, t, t.ignored)",
};

const refusedTemplates: Partial<Record<ErrorCode, string>> = {
  TemplateTooLong: "x".repeat(8193),
  TemplateUnterminated: "ci/${pipeline",
  TemplateEmptyPart: "ci/${ }",
};

/** Conditions that are accepted with a warning. */
const warned: Partial<Record<ErrorCode, string>> = {
  FilterNeverTrue: 'status == "Suceeded"',
  FilterUnusualValue: 'reason == "StepFailde"',
  FilterAlwaysSame: 'status != "Failed" || status != "TimedOut"',
  FilterUnguarded: 'duration > duration("5m")',
};

/** Conditions that have no value on the sample event. */
const failing: Partial<Record<ErrorCode, string>> = {
  FilterOverflow: "9223372036854775807 + results.count > 0",
  FilterDivisionByZero: "1 / (results.count - 3) == 0",
  FilterWrongType: 'results.count.startsWith("3")',
  FilterInvalidValue: "int(name) == 0",
  FilterBudgetExceeded: "results.long.all(part, part != name)",
};

const event = sampleEvent({ results: { count: 3, long: Array.from({ length: 60_000 }, String) } });

test("each code of a refusal is given by an expression or template that deserves it", () => {
  for (const [code, source] of Object.entries(refused)) {
    assert.deepEqual(compile(source, filter).errors.map((error) => error.code), [code]);
  }
  for (const [code, source] of Object.entries(refusedTemplates)) {
    assert.deepEqual(compileTemplate(source, { environment: runEventEnvironment }).errors.map((error) => error.code), [code]);
  }
});

test("each code of a warning is given by an expression that is accepted", () => {
  for (const [code, source] of Object.entries(warned)) {
    const { program, warnings } = compile(source, filter);
    assert.ok(program, source);
    assert.deepEqual(warnings.map((warning) => warning.code), [code]);
  }
});

test("each code of a failure is given by an expression that is accepted and has no value", () => {
  for (const [code, source] of Object.entries(failing)) {
    const outcome = compile(source, filter).program?.evaluate(event);
    assert.equal(outcome?.kind === "error" ? outcome.code : outcome?.kind, code, source);
  }
  assert.equal(compile('previous.status == "Failed"', filter).program?.evaluate(event).kind, "absent");
});

test("a failure of the engine itself is told as one, and thrown by nothing", () => {
  const broken = { name: "Broken", variables: new Proxy(new Map(), { get: () => assert.fail("read") }) };
  assert.deepEqual(compile("a", { environment: broken }).errors.map(({ code, line, column }) => [code, line, column]), [["FilterInternal", 1, 1]]);
});

test("docs/reference/filter-errors.md has each code where it belongs", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/reference/filter-errors.md"), "utf8");
  const codesOf = (title: string): readonly string[] => {
    const [, rest = ""] = page.split(`\n## ${title}\n`);
    return Array.from((rest.split("\n## ")[0] ?? "").matchAll(/^\| `(\w+)` \|/gm), ([, code = ""]) => code).sort();
  };
  const sections = { "When it is applied": [...Object.keys(refused), ...Object.keys(refusedTemplates)], "As a warning": Object.keys(warned), "When it runs": [...Object.keys(failing), "FilterAbsent", "FilterInternal"] };
  for (const [title, codes] of Object.entries(sections)) {
    assert.deepEqual(codesOf(title), codes.sort(), title);
  }
  assert.deepEqual(Object.values(sections).flat().sort(), Object.entries(errorCatalogue).filter(([, { area }]) => area === "filter").map(([code]) => code).sort());
});
