import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compile, compileTemplate, runEventEnvironment, type Template } from "../../src/filter/index.ts";
import { limits } from "../../src/filter/limits.ts";
import { sampleEvent } from "./sample-event.ts";

const environment = runEventEnvironment;
const errorsOf = (source: string): string[] => compileTemplate(source, { environment }).errors.map(({ code, line, column }) => `${code} ${line}:${column}`);

function templateOf(source: string): Template {
  const { template, errors } = compileTemplate(source, { environment });
  return template ?? assert.fail(`${source}: ${errors.map(({ message }) => message).join("; ")}`);
}

function textOf(source: string, event = sampleEvent()): string {
  const { text, faults } = templateOf(source).render(event, { maxBytes: 1000 });
  assert.deepEqual(faults, []);
  return text;
}

describe("a template", () => {
  for (const [source, expected] of [
    ["", ""],
    ["plain {text} $5 $ {x}", "plain {text} $5 $ {x}"],
    ["${pipeline} ${status} in ${duration}", "shop-api Failed in 3m12s"],
    ["${pipeline}${status}", "shop-apiFailed"],
    ["$${pipeline}", "${pipeline}"],
    ["$${ and $${", "${ and ${"],
    ["$$${pipeline}", "$${pipeline}"],
    ['${"$"}${pipeline}', "$shop-api"],
    ["$", "$"],
    ["a }${pipeline}} b", "a }shop-api} b"],
    ['${"}"}', "}"],
    ["${'}' + \"${\"}", "}${"],
    ['${"\\"}"}', '"}'],
    ['${r"\\"}', "\\"],
    ['${"""a } " b"""}', 'a } " b'],
    ['${{"b": 1, "a": {"x": [1, 2]}}}', "a: {x: [1, 2]}, b: 1"],
    ["${ // a } comment\n pipeline }", "shop-api"],
    ["https://ci.example.com/${namespace}", "https://ci.example.com/team-shop"],
    ['${tasks.filter(t, t.status == "Failed").map(t, t.name)}', "unit-tests"],
    ["${labels.`example.com/tier`}", "gold"],
    ["🚀${\n  name\n}🚀", "🚀shop-api-7xk2p🚀"],
  ] as const) {
    it(`${JSON.stringify(source)} is ${JSON.stringify(expected)}`, () => {
      assert.equal(textOf(source), expected);
    });
  }
});

describe("a value in a template", () => {
  for (const [expression, expected] of [
    ["42", "42"],
    ["-9223372036854775808", "-9223372036854775808"],
    ["18446744073709551615u", "18446744073709551615"],
    ["0.5", "0.5"],
    ["2.0", "2"],
    ["terminal", "true"],
    ["null", ""],
    ["results.none", ""],
    ["results.absent", ""],
    ["previous.status", ""],
    ["completionTime", "2026-11-22T16:02:32Z"],
    ['timestamp("2026-01-02T03:04:05.25Z")', "2026-01-02T03:04:05.25Z"],
    ['duration("7200s")', "2h"],
    ['duration("3661.5s")', "1h1m1.5s"],
    ['duration("1h0.25s")', "1h0.25s"],
    ['duration("-61s")', "-1m1s"],
    ['duration("-0.5s")', "-0.5s"],
    ['duration("0s")', "0s"],
    ['["a", "b"]', "a, b"],
    ["[]", ""],
    ['[duration("90s")]', "1m30s"],
    ["[[1], [null, true]]", "[1], [, true]"],
    ["params.platforms", "amd64, arm64"],
    ["results.image", "url: registry.example.com/shop"],
    ["results.ratio", "0.5"],
    ["results.big", "1152921504606846976"],
    ["commit", "owner: example-org, pullRequest: 42, repo: shop-api"],
    ["labels", "__proto__: b, constructor: a, example.com/tier: gold, team: shop"],
    ['{2: "b", 1: "a"}', "1: a, 2: b"],
    ['b"\\x00\\xff"', "AP8="],
    ["type(1)", "int"],
  ] as const) {
    it(`${expression} is written ${JSON.stringify(expected)}`, () => {
      assert.equal(textOf(`<\${${expression}}>`), `<${expected}>`);
    });
  }

  it("that is nested without end is cut off", () => {
    const deep: unknown = JSON.parse(`${"[".repeat(5_000)}1${"]".repeat(5_000)}`);
    assert.equal(textOf("${results.deep}", sampleEvent({ results: { deep } })), `${"[".repeat(limits.templateDepth - 1)}…${"]".repeat(limits.templateDepth - 1)}`);
  });
});

describe("a template is refused", () => {
  for (const [source, expected] of [
    ["${", ["TemplateUnterminated 1:1"]],
    ["abc ${name", ["TemplateUnterminated 1:5"]],
    ["a\n🚀 ${ {1: 2} ", ["TemplateUnterminated 2:3"]],
    ["${name // }", ["TemplateUnterminated 1:1"]],
    ['${name == "x}', ["FilterSyntax 1:11"]],
    ["a${}", ["TemplateEmptyPart 1:2"]],
    ["${ \n }", ["TemplateEmptyPart 1:1"]],
    ["${// a // b // c\n}", ["TemplateEmptyPart 1:1"]],
    ["${nmae}", ["FilterUnknownVariable 1:3"]],
    ["🚀é ${nmae}", ["FilterUnknownVariable 1:6"]],
    ["a\r\nb ${1 +\r\n  nmae}", ["FilterUnknownVariable 3:3"]],
    ["${nmae} ${1 + name} ${}", ["FilterUnknownVariable 1:3", "FilterTypeMismatch 1:13", "TemplateEmptyPart 1:21"]],
    ["${a?.b}", ["FilterNotSupported 1:4"]],
    ["${name; name}", ["FilterSyntax 1:7"]],
    ["${'\ud800'}", ["FilterSyntax 1:4"]],
    ["x".repeat(limits.templateBytes + 1), ["TemplateTooLong 1:1"]],
    ["${name}".repeat(limits.templateParts + 1), [`TemplateTooLong 1:${7 * limits.templateParts + 1}`]],
  ] as const) {
    it(`${JSON.stringify(source.slice(0, 40))}: ${expected.join(", ")}`, () => {
      assert.deepEqual(errorsOf(source), expected);
      assert.equal(compileTemplate(source, { environment }).template, undefined);
    });
  }

  it("with a caret below the place in the whole line", () => {
    const { errors } = compileTemplate("first\n${pipeline}: ${stauts}!", { environment });
    assert.deepEqual(errors.map(({ caret }) => caret), ["${pipeline}: ${stauts}!\n               ^"]);
    assert.match(errors[0]?.message ?? "", /did you mean `status`/);
  });

  it("when its parts together could take more steps than one expression may", () => {
    const dear = '${tasks.exists(t, t.message.contains("x"))}';
    const cost = costOf(dear);
    const enough = Math.floor(limits.steps / cost) + 1;
    assert.ok(enough <= limits.templateParts && cost <= limits.steps);
    assert.deepEqual(errorsOf(dear.repeat(enough - 1)), []);
    assert.deepEqual(errorsOf(dear.repeat(enough)), [`FilterTooExpensive 1:${dear.length * (enough - 1) + 3}`]);
  });

  it("warnings stand in nobody's way", () => {
    const { template, warnings } = compileTemplate('is: ${status == "Suceeded"}', { environment });
    assert.deepEqual([template?.constant, warnings.map(({ code, line, column }) => `${code} ${line}:${column}`)], [false, ["FilterNeverTrue 1:17"]]);
  });
});

describe("rendering", () => {
  it("leaves a part that fails empty, and tells where it stands and no more", () => {
    const event = sampleEvent({ results: { secret: "hunter2" } });
    const { text, faults } = templateOf("a ${name}\n${results.secret + 1}|${1 / size(params.absent)}|${results.secret\n.size() / 0}").render(event, { maxBytes: 100 });
    assert.equal(text, "a shop-api-7xk2p\n||");
    assert.deepEqual(faults.map(({ code, line, column }) => [code, line, column]), [["FilterWrongType", 2, 18], ["FilterDivisionByZero", 3, 9]]);
    assert.ok(!JSON.stringify(faults).includes("hunter2"));
  });

  it("never gives more bytes than asked for, nor half a character", () => {
    const template = templateOf("${name}: ${message}");
    for (const message of ["x".repeat(500), "ü".repeat(500), "🚀".repeat(500), "\ud83d".repeat(500), "a\u{1f680}".repeat(200)]) {
      for (let maxBytes = 20; maxBytes < 60; maxBytes += 1) {
        const { text } = template.render(sampleEvent({ message }), { maxBytes });
        assert.ok(Buffer.byteLength(text) <= maxBytes && Buffer.byteLength(text) > maxBytes - 7 && text.isWellFormed() && text.endsWith("…"), text);
      }
    }
    assert.equal(template.render(sampleEvent({ message: "ok" }), { maxBytes: 18 }).text, "shop-api-7xk2p: ok", "what fits is not cut");
  });

  it("of a list with a million elements writes no more than fits", () => {
    const { text } = templateOf("${results.all}").render(sampleEvent({ results: { all: Array.from({ length: 1_000_000 }, () => "abc") } }), { maxBytes: 10 });
    assert.equal(text, "abc, ab…");
  });

  it("is constant where there is no part", () => {
    assert.deepEqual([templateOf("a $${ b").constant, templateOf("ab").constant, templateOf("${name}").constant], [true, true, false]);
  });

  it("of generated texts never throws, and places every error inside the text", () => {
    const bits = fc.constantFrom("${", "$${", "}", "{", '"', "'", '"""', "r'", "//", "\n", "\r\n", "\\", "$", " ", "name", "labels", "[", "]", "(", ")", ".", "1", "+", "null", "nmae", "🚀", "\ud800", "results.x", "?", ":", "`");
    const sources = fc.oneof(fc.array(bits, { maxLength: 30 }).map((parts) => parts.join("")), fc.string({ unit: "binary", maxLength: 60 }), fc.array(bits, { maxLength: 8 }).map((parts) => `\${${parts.join("")}}`));
    const event = sampleEvent();
    let compiled = 0;
    fc.assert(
      fc.property(sources, (source) => {
        const { template, errors } = compileTemplate(source, { environment });
        assert.equal(template === undefined, errors.length > 0);
        const lines = source.split(/\r\n|\n|\r/);
        for (const { line, column } of errors) assert.ok(line >= 1 && line <= lines.length && column >= 1 && column <= (lines[line - 1]?.length ?? 0) + 1, `${JSON.stringify(source)} ${line}:${column}`);
        if (template === undefined) return;
        compiled += 1;
        assert.ok(Buffer.byteLength(template.render(event, { maxBytes: 64 }).text) <= 64);
      }),
      { numRuns: 3_000 },
    );
    assert.ok(compiled > 100, String(compiled));
  });
});

/** The worst case of a template's only part, in steps. */
function costOf(source: string): number {
  const { program } = compile(source.slice(2, -1), { environment });
  return program?.cost ?? assert.fail();
}

it("what a template reads is known from its parts", () => {
  const template = templateOf("tasks: ${previous.name} $${tasks} ${status}");
  assert.deepEqual(["tasks", "previous", "status"].filter((variable) => template.reads(variable)), ["previous", "status"]);
  assert.equal(templateOf("plain").reads("status"), false);
});
