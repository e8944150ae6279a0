import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compile, runEventEnvironment } from "../../src/filter/index.ts";

function programOf(source: string): NonNullable<ReturnType<typeof compile>["program"]> {
  const { program, errors } = compile(source, { environment: runEventEnvironment, result: "bool" });
  assert.ok(program, JSON.stringify(errors));
  return program;
}

describe("canHold", () => {
  const failed = { status: "Failed", kind: "PipelineRun", terminal: true };
  for (const [source, expected] of [
    ['status == "Failed"', true],
    ['status == "Running"', false],
    ['"Running" == status', false],
    ['status != "Failed"', false],
    ['status in ["Failed", "TimedOut"]', true],
    ['status in ["Running"]', false],
    ["status in [name]", true],
    ['status in [name, "Failed"]', true],
    ['!(status in ["Failed"])', false],
    ["!terminal", false],
    ['status == "Running" || name == "a"', true],
    ['status == "Running" && name == "a"', false],
    ['status == "Running" || kind == "TaskRun"', false],
    ['terminal ? status == "Running" : true', false],
    ['name == "a" ? status == "Running" : !terminal', false],
    ['name == "a" ? status == "Running" : true', true],
    ['status.startsWith("Run")', true],
    ['labels["status"] == "Running"', true],
    ['previous.status == "Running"', true],
    ['["Running"].exists(status, status == "Running")', true],
  ] as const) {
    it(`${expected ? "may be" : "is never"} true of a PipelineRun that failed: ${source}`, () => {
      assert.equal(programOf(source).canHold(failed), expected);
    });
  }

  it("knows nothing of what it is not told", () => {
    assert.equal(programOf('status == "Running"').canHold({}), true);
    assert.equal(programOf('status == "Running"').canHold({ constructor: "x" }), true);
  });
});

it("asksFor names the texts that a variable is to be", () => {
  const asked = (source: string): readonly string[] => programOf(source).asksFor("status");
  assert.deepEqual(asked('status == "Failed" || (name == "Running" && "TimedOut" == status)'), ["Failed", "TimedOut"]);
  assert.deepEqual(asked('status in ["Failed", name, "Running"] && kind == "TaskRun"'), ["Failed", "Running"]);
  assert.deepEqual(asked('status != "Failed" && !(status == "Running") && previous.status == "Failed"'), []);
});
