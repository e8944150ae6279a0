import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { parse } from "yaml";
import { main } from "../../src/cli/main.ts";

const folder = mkdtempSync(join(tmpdir(), "eval-"));
after(() => {
  rmSync(folder, { recursive: true });
});

const recording = "test/testdata/tekton-runs/failed-step.jsonl";

async function run(args: readonly string[], stdin = ""): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let out = "";
  let err = "";
  const io = { out: (text: string) => { out += text; }, err: (text: string) => { err += text; }, stdin: () => Promise.resolve(stdin) };
  const code = await main(["eval", ...args], new AbortController().signal, io);
  return { code, out, err };
}

interface Report {
  readonly results: readonly Record<string, unknown>[];
}

const withoutCost = ({ cost, ...rest }: Record<string, unknown>): Record<string, unknown> => rest;

const report = async (args: readonly string[], stdin?: string): Promise<{ readonly code: number; readonly results: Report["results"] }> => {
  const { code, out } = await run([...args, "-o", "json"], stdin);
  return { code, results: (JSON.parse(out) as Report).results };
};

describe("eval", () => {
  it("gives type and value of an expression on the last state of a run", async () => {
    const expression = 'status == "Failed" && commit.repo == "shop-api"';
    const { code, results } = await report([expression, "--run", recording]);
    assert.equal(code, 0);
    assert.deepEqual(results.map(withoutCost), [{ name: "expression", expression, type: "bool", value: true, errors: [] }]);
  });

  it("says what an evaluation can cost, more for a loop", async () => {
    const [plain, loop] = await Promise.all(["terminal", "tasks.exists(t, t.ignored)"].map(async (expression) => Number((await report([expression])).results[0]?.["cost"])));
    assert.ok(plain !== undefined && loop !== undefined && plain >= 0 && loop >= 512 && plain < loop);
  });

  it("knows the run's children", async () => {
    const { results } = await report(['tasks.filter(t, t.status == "Failed").map(t, t.name)', "--run", recording]);
    assert.deepEqual(results.map(({ type, value }) => [type, value]), [["list(string)", ["unit-tests"]]]);
  });

  it("shows values of every type in protobuf's JSON forms", async () => {
    const expressions = ['timestamp("2026-01-01T00:00:00Z")', 'duration("90s")', "9223372036854775807", "1.5", "7u", '{"a": [null, true]}', 'b"hi"'];
    const file = join(folder, "filters.json");
    writeFileSync(file, JSON.stringify({ filters: expressions.map((expression, index) => ({ name: `f${index}`, expression })) }));
    const { code, results } = await report(["--filters", file, "--run", recording]);
    assert.equal(code, 0);
    assert.deepEqual(results.map(({ name, value }) => [name, value]), [
      ["f0", "2026-01-01T00:00:00Z"], ["f1", "90s"], ["f2", "9223372036854775807"], ["f3", 1.5], ["f4", 7], ["f5", { a: [null, true] }], ["f6", "aGk="],
    ]);
  });

  it("says where an expression is wrong, in JSON and with a caret for people", async () => {
    const { code, results } = await report(['statuss == "Failed"']);
    assert.equal(code, 1);
    const [{ type, errors } = {}] = results;
    assert.equal(type, undefined);
    assert.deepEqual((errors as { line: number; column: number; code: string }[]).map(({ line, column, code: what }) => [line, column, what]), [[1, 1, "FilterUnknownVariable"]]);
    const { out } = await run(['statuss == "Failed"']);
    assert.match(out, /did you mean `status`[\s\S]*\n {4}statuss == "Failed"\n {4}\^\n/);
  });

  it("tells an evaluation that gives no value, without data of the run", async () => {
    const secret = JSON.stringify({ kind: "PipelineRun", metadata: { name: "r", namespace: "ci", uid: "u" }, status: { results: [{ name: "n", value: "hunter2" }] } });
    const { code, results } = await report(["results.n > 1", "--run", "-"], secret);
    assert.equal(code, 1);
    assert.deepEqual(results[0]?.["runtimeError"], { line: 1, column: 11, code: "FilterWrongType" });
    const absent = await report(["results.other", "--run", "-"], secret);
    assert.deepEqual((absent.results[0]?.["runtimeError"] as { code: string }).code, "FilterAbsent");
    assert.doesNotMatch((await run(["results.n > 1", "--run", "-"], secret)).out, /hunter2/);
  });

  it("compiles without a run, and takes a RunEvent as it is", async () => {
    assert.deepEqual((await report(["1 + 1"])).results.map(withoutCost), [{ name: "expression", expression: "1 + 1", type: "int", errors: [] }]);
    assert.deepEqual((await report(["name + \"!\"", "--event", "-"], '{"name": "x"}')).results[0]?.["value"], "x!");
  });

  it("prints the same as YAML", async () => {
    const [json, yaml] = await Promise.all(["json", "yaml"].map((format) => run(["1 + 1", "-o", format])));
    assert.deepEqual(parse(yaml?.out ?? ""), JSON.parse(json?.out ?? ""));
  });

  it("refuses what it does not understand with exit code 2", async () => {
    for (const args of [[], ["a", "b"], ["true", "-o", "xml"], ["true", "--run", "nowhere.yaml"], ["true", "--run", "-", "--event", "-"], ["true", "--nonsense"], ["--filters", recording]]) {
      const { code, err } = await run(args);
      assert.equal(code, 2, args.join(" "));
      assert.match(err, /^tekton-integrations eval: .+/);
    }
    assert.equal((await run(["true", "--run", "-"], "kind: Pod")).code, 2);
  });
});
