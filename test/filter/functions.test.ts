import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, runEventEnvironment, type Outcome } from "../../src/filter/index.ts";
import { Bytes, Double, Timestamp, TypeValue, Uint } from "../../src/filter/values.ts";
import { sampleEvent } from "./sample-event.ts";

function evaluate(expression: string): Outcome {
  const { program, errors } = compile(expression, { environment: runEventEnvironment });
  assert.ok(program, `${expression}: ${errors.map((error) => error.message).join("; ")}`);
  return program.evaluate(sampleEvent());
}

/** Texts that cel-go v0.33.2 gives. */
const values: readonly (readonly [expression: string, value: unknown])[] = [
  ["string(1000000.0)", "1e+06"], ["string(1234567.0)", "1.234567e+06"], ["string(123456789.5)", "1.234567895e+08"], ["string(1e21)", "1e+21"],
  ["string(100000.0)", "100000"], ["string(0.0001)", "0.0001"], ["string(0.00001)", "1e-05"], ["string(-0.0)", "-0"], ["string(1.5)", "1.5"],
  ['string(double("inf"))', "+Inf"], ['string(double("-Infinity"))', "-Inf"], ['string(double("nan"))', "NaN"],
  ['double("1_000.5")', new Double(1000.5)], ['double("0x1p-2")', new Double(0.25)], ['double("0x_1.8p1")', new Double(3)], ['double(".5")', new Double(0.5)], ['double("5.")', new Double(5)],
  ['int("+5")', 5], ['int("-0")', 0], ['int("-9223372036854775808")', -(2n ** 63n)], ['int(duration("1.5s"))', 1_500_000_000], ["int(-7.9)", -7],
  ["uint(3.9)", new Uint(3n)], ['uint("18446744073709551615")', new Uint(2n ** 64n - 1n)], ["timestamp(10)", new Timestamp(10, 0)], ['bytes("é")', new Bytes(Buffer.from("é"))],
  ['string(duration("1ns"))', "0.000000001s"], ['string(duration("1.5s"))', "1.5s"], ['string(duration("-0.5s"))', "-0.5s"], ['string(duration("1h"))', "3600s"],
  ['string(duration("9223372036.854775807s"))', "9223372036.854776s"], ['string(timestamp("2009-02-13T23:31:30.100Z"))', "2009-02-13T23:31:30.1Z"],
  ['timestamp("2009-02-13T23:31:30+01:00").getHours()', 22], ['timestamp("2009-02-13T23:31:30+01:00").getHours("")', 22], ['timestamp("2009-02-13T23:31:30Z").getHours("+5:30")', 5],
  ['timestamp("2026-07-01T12:00:00Z").getHours("Europe/Berlin")', 14], ['timestamp("2026-01-01T12:00:00Z").getHours("Europe/Berlin")', 13],
  ['timestamp("0001-01-01T00:00:00Z").getDayOfYear()', 0], ['timestamp("2028-12-31T00:00:00Z").getDayOfYear()', 365],
  ['duration("-1.5s").getSeconds()', -1], ['duration("3h59m").getHours()', 3], ['duration("-0.25s").getMilliseconds()', -250],
  ['"%d".format([1.5])', "1.5"], ['"%f".format([1])', "1.000000"], ['"%e".format([1u])', "1.000000e+00"], ['"%x".format([-30])', "-1e"], ['"%b".format([-5])', "-101"],
  ['"%s".format([-0.0])', "-0"], ['"%s".format([1e30])', "1000000000000000000000000000000"], ['"%s".format([1e-7])', "0.0000001"], ['"%.0f".format([2.5])', "2"], ['"%.0e".format([25.0])', "2e+01"],
  ['"%.3e".format([0.0])', "0.000e+00"], ['"%.2e".format([9.999])', "1.00e+01"], ['"%.0e".format([1e23])', "1e+23"], ['"%.2f".format([0.001])', "0.00"], ['"%.2f".format([-0.001])', "-0.00"],
  ['"%s".format([{"b": 1, "a": 2, 10: 3, 9: 4}])', "{10: 3, 9: 4, a: 2, b: 1}"], ['"%s".format([[type(1), duration("1ns")]])', "[int, 0.000000001s]"],
  ['"abc😀".reverse()', "😀cba"], ['"😀b😀b".lastIndexOf("b", 2)', 1], ['"abc".lastIndexOf("c", 3)', -1], ['"abc".indexOf("", 3)', 3], ['"abc".lastIndexOf("")', 3],
  ['"abc".split("", 9223372036854775807)', ["a", "b", "c"]], ['"abc".replace("b", "x", 9223372036854775807)', "axc"],
  ['string(timestamp("2026-11-22T15:59:20.120-02:30") + duration("1h"))', "2026-11-22T16:59:20.12-02:30"], ['string(timestamp("2026-11-22T15:59:20+00:00"))', "2026-11-22T15:59:20Z"],
  ['"%s".format([timestamp("2026-11-22T15:59:20+02:00")])', "2026-11-22T13:59:20Z"], ['timestamp("2026-11-22T15:59:20+02:00") == timestamp("2026-11-22T13:59:20Z")', true],
  ['string(timestamp("9999-12-31T23:30:00+02:00") + duration("1h"))', "10000-01-01T00:30:00+02:00"], ['timestamp("2026-11-22T15:59:20.99999999999Z")', new Timestamp(1795363160, 999_999_999)],
  ['string(duration("0.33333333333333333333333333333333333h"))', "1200s"], ['duration("0.000000000000000000000000000000000001h") == duration("0s")', true],
  ['"%s".format([b"a\\xff"])', "a\ufffd"], ['strings.quote("a\\"\\n")', '"a\\"\\n"'],
  ['b"a" + b"\\xff" == b"a\\377" && b"a" < b"b" && size(b"abc") == 3', true],
  ["type(1)", new TypeValue("int")], ["type(results.count) == int && type(results.tags) == list && type(labels) == map && type(results.none) == null_type", true],
  ["type(startTime) == google.protobuf.Timestamp && type(duration) == google.protobuf.Duration && type(int) == type && type(b\"\") == bytes && type(1u) == uint", true],
  ["labels.`example.com/tier`", "gold"], ["has(labels.`example.com/tier`) && !has(labels.`example.com/none`)", true],
];

test("conversions, parts of times and format give cel-go's values", () => {
  for (const [expression, value] of values) {
    assert.deepEqual(evaluate(expression), { kind: "value", value }, expression);
  }
});

test("what cannot be converted is an error", () => {
  const failing = [
    'double("-nan")', 'double("1e400")', 'double("infin")', 'double("")', 'double(" 1")', 'double("1__0")', 'double("0x1")', 'int(" 5")', 'int("0x10")', 'int("")', 'int("9223372036854775808")', "int(9223372036854775807.0)",
    "int(-9223372036854775808.0)", 'int(double("nan"))', "int(18446744073709551615u)", 'uint("+5")', "uint(-0.5)", "uint(-1)", 'bool("TrUe")', 'string(b"\\xff")', "timestamp(253402300799 + results.count)", 'startTime.getHours(name)',
    'startTime.getHours("+0" + "1:60")', "string(results.tags)", "int(terminal ? results.tags : results.tags)", '(name + "%d").format([results.digest])', '(name + "%").format([1])', '(name + "%.101f").format([1.0])', '(name + "%E").format([1.0])',
  ];
  for (const expression of failing) {
    assert.equal(evaluate(expression).kind, "error", expression);
  }
});

test("a list joined with a dyn is checked as CEL does, and its elements are asked for their types when it runs", () => {
  const joined = '(["a"] + results.tags + results.mixed)';
  for (const refused of [`${joined}[0] + 1`, `${joined}.all(x, x > 0)`, `1 in ${joined}`, `${joined}.getHours()`]) {
    assert.notDeepEqual(compile(refused, { environment: runEventEnvironment }).errors, [], refused);
  }
  const event = sampleEvent({ results: { tags: ["v1", "latest"], mixed: [1, ["x"], true] } });
  const outcomeOf = (expression: string): unknown => compile(expression, { environment: runEventEnvironment }).program?.evaluate(event);
  assert.deepEqual(outcomeOf(`${joined}[2].size()`), { kind: "value", value: 6 });
  assert.deepEqual(outcomeOf(`${joined}[4].size()`), { kind: "value", value: 1 });
  assert.deepEqual(outcomeOf(`${joined}.exists(x, x == "latest")`), { kind: "value", value: true });
  assert.deepEqual(outcomeOf(`${joined}[3] == "1"`), { kind: "value", value: false });
  assert.equal((outcomeOf(`${joined}[3].startsWith("a")`) as Outcome).kind, "error");
  assert.equal((outcomeOf(`${joined}[3] + "a" == ""`) as Outcome).kind, "error");
});

test("types of what conversions give are known", () => {
  const types: readonly (readonly [string, string])[] = [
    ["int(name)", "int"], ["type(name)", "type(string)"], ["type(type(1))", "type(type(int))"], ["[] + [1]", "list(int)"], ["[[], [1]]", "list(list(int))"], ["[[1], [name]]", "list(dyn)"],
    ["terminal ? [] : [name]", "list(string)"], ["{\"a\": [], \"b\": [1]}", "map(string, list(int))"], ["[[status], [name]]", "list(list(string))"], ["[1] + [results.a]", "list(dyn)"], ["[1] + results.a", "list(int)"], ["results.a + [[name]]", "list(list(string))"], ["([1] + results.a)[0]", "int"], ["[] + results.a", "list(dyn)"],
  ];
  for (const [expression, type] of types) {
    assert.equal(compile(expression, { environment: runEventEnvironment }).program?.type, type, expression);
  }
});
