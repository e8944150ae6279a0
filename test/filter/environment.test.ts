import assert from "node:assert/strict";
import { test } from "node:test";
import { runEventSchema, runKinds, runStatuses } from "../../src/api/run-event.ts";
import { environmentOf } from "../../src/filter/environment.ts";
import { compile, runEventEnvironment, type Diagnostic, type Environment, type Value } from "../../src/filter/index.ts";
import { sampleEvent } from "./sample-event.ts";

const typeIn = (environment: Environment, expression: string): string | undefined => compile(expression, { environment }).program?.type;

test("the variables are the fields of RunEvent's schema, each with a type and a description", () => {
  assert.deepEqual([...runEventEnvironment.variables.keys()], Object.keys(runEventSchema.properties));
  for (const [name, { description }] of runEventEnvironment.variables) {
    assert.notEqual(description, "", name);
    assert.ok(typeIn(runEventEnvironment, name) !== undefined, name);
  }
  assert.deepEqual(
    Array.from(runEventEnvironment.variables).filter(([, { optional }]) => optional).map(([name]) => name),
    ["startTime", "completionTime", "duration", "pipelineTask", "parent", "previous", "url"],
  );
});

test("the known values of a field are those of the schema", () => {
  const warnings = (source: string): readonly Diagnostic[] => compile(source, { environment: runEventEnvironment }).warnings;
  for (const status of runStatuses) {
    assert.deepEqual(warnings(`status == "${status}" || previous.status == "${status}" || tasks[0].status == "${status}"`), []);
  }
  for (const kind of runKinds) {
    assert.deepEqual(warnings(`kind == "${kind}"`), []);
  }
  assert.equal(warnings('kind == "Failed" || status == "TaskRun"').length, 2);
});

test("a schema's types become CEL's", () => {
  const environment = environmentOf("Sample", {
    properties: {
      text: { type: "string" }, flag: { type: "boolean" }, count: { type: "integer" }, ratio: { type: "number" }, when: { type: "string", "x-cel-type": "timestamp" },
      items: { type: "array", items: { type: "integer" } }, part: { type: "object", properties: { name: { type: "string" } } }, anything: {},
    },
  });
  const types = Array.from(environment.variables.keys(), (name) => [name, typeIn(environment, name)]);
  assert.deepEqual(types, [
    ["text", "string"], ["flag", "bool"], ["count", "int"], ["ratio", "double"], ["when", "timestamp"], ["items", "list(int)"], ["part", "Sample.part"], ["anything", "dyn"],
  ]);
});

test("an event's values come out as they went in", () => {
  const valueOf = (source: string): Value | undefined => {
    const outcome = compile(source, { environment: runEventEnvironment }).program?.evaluate(sampleEvent());
    return outcome?.kind === "value" ? outcome.value : undefined;
  };
  const event = sampleEvent();
  assert.deepEqual(valueOf("tasks"), event.tasks);
  assert.deepEqual(valueOf("labels"), event.labels);
  assert.deepEqual(valueOf("run"), event.run);
});
