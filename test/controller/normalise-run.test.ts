import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import type { RunEvent } from "../../src/api/run-event.ts";
import { runObjectSchema } from "../../src/api/run-object.ts";
import { endedAt, normaliseRun } from "../../src/controller/normalise-run.ts";
import { createRunStore } from "../../src/controller/run-store.ts";
import { trimRun } from "../../src/controller/trim-run.ts";
import { readRecording, recordingNames } from "../support/replay-recording.ts";
import { condition, deepFreeze, kindOf, recorded, runUid, trimmed } from "./runs.ts";

const normalise = (fields: Parameters<typeof trimmed>[0], surroundings: Partial<Parameters<typeof normaliseRun>[1]> = {}): RunEvent =>
  normaliseRun(trimmed(fields), { children: [], ...surroundings });

const schema = JSON.parse(readFileSync(join(import.meta.dirname, "../../schemas/run-event.json"), "utf8")) as object;
const ajv = new Ajv({ strict: false, allErrors: true });
formats.default(ajv);
const validate = ajv.compile(schema);
const validateObject = ajv.compile(runObjectSchema);

/** What is wrong with an event by the published schema, which leaves `run` out: it is for filters. */
function violations(event: RunEvent): string {
  const { run: object, ...published } = JSON.parse(JSON.stringify(event)) as RunEvent;
  assert.equal(validateObject(object), true, ajv.errorsText(validateObject.errors));
  return validate(published) ? "" : ajv.errorsText(validate.errors);
}

describe("every state of every recording", () => {
  it("becomes an event of the published schema, and stays as it was itself", () => {
    let events = 0;
    for (const name of recordingNames()) {
      const runs = createRunStore("https://console.example.com/{kind}/{namespace}/{plural}/{name}");
      for (const [index, event] of readRecording(name).entries()) {
        const run = deepFreeze(trimRun(deepFreeze(event.object), kindOf(event)));
        if (event.type === "DELETED") runs.vanish(run, "seen");
        else runs.upsert(run);
        const view = runs.view(run.uid);
        assert.ok(view !== undefined);
        assert.equal(violations(view.event), "", `${name}:${index + 1}`);
        assert.deepEqual([view.event.run.metadata?.uid, view.event.run.status?.startTime], [run.uid, run.startTime]);
        events += 1;
      }
    }
    assert.equal(events, 334);
  });

  it("names its parent exactly when Tekton's labels do", () => {
    const found = new Set<string>();
    for (const { where, run } of recorded()) {
      const event = normaliseRun(run, { children: [] });
      assert.equal(event.parent?.name, run.labels["tekton.dev/pipelineRun"] === run.name ? undefined : run.labels["tekton.dev/pipelineRun"], where);
      assert.equal(event.pipelineTask, event.parent === undefined ? undefined : run.labels["tekton.dev/pipelineTask"], where);
      found.add(`${run.kind} of ${event.parent?.kind ?? "nobody"}`);
    }
    assert.deepEqual([...found].sort(), ["CustomRun of PipelineRun", "PipelineRun of PipelineRun", "PipelineRun of nobody", "TaskRun of PipelineRun", "TaskRun of nobody"]);
  });
});

describe("tasks", () => {
  /** The last event that shows the pipeline `name` with all its children as they were at its end. */
  function last(recording: string): RunEvent {
    const runs = createRunStore(undefined);
    const events = readRecording(recording);
    for (const event of events) runs.upsert(trimRun(event.object, kindOf(event)));
    const [first] = events;
    assert.ok(first !== undefined);
    return runs.view(String(first.object.metadata["uid"]))?.event ?? assert.fail();
  }
  const shown = ({ tasks }: RunEvent): string[] => tasks.map(({ name, kind, status, reason }) => `${name} ${kind} ${status} ${reason}`);

  it("stand in the order of the pipeline, the finally tasks last", () => {
    assert.deepEqual(shown(last("parallel-tasks-with-finally")).map((task) => task.split(" ")[0]), ["fetch-source", "unit-tests", "lint", "build-image", "notify-chat", "cleanup"]);
  });

  it("are of every kind of child, with each child's own status and reason", () => {
    assert.deepEqual(shown(last("customrun-waits-then-fails")), ["fetch-source TaskRun Succeeded Succeeded", "window CustomRun Failed WindowMissed", "tidy-up TaskRun Succeeded Succeeded"]);
    assert.deepEqual(
      shown(last("nested-pipelines")).filter((task) => task.includes("PipelineRun")),
      ["inspect PipelineRun Failed Failed", "package PipelineRun Succeeded Succeeded"],
    );
  });

  it("of a matrix share their name, one entry for each child", () => {
    assert.deepEqual(shown(last("matrix-of-four")).filter((task) => task.startsWith("wheel")), Array.from({ length: 4 }, () => "wheel TaskRun Succeeded Succeeded"));
  });

  it("say that a failure is ignored, and how long a finished one took", () => {
    const child = { kind: "TaskRun" as const, name: "build-1-lint", startTime: "2026-01-01T00:00:00Z", labels: { "tekton.dev/pipelineTask": "lint" } };
    const children = [
      trimmed({ ...child, condition: condition("False", "FailureIgnored", "[User error] x"), completionTime: "2026-01-01T00:01:30Z" }),
      trimmed({ ...child, uid: "2", condition: condition("Unknown", "Running") }),
    ];
    assert.deepEqual(normalise({}, { children }).tasks, [
      { name: "lint", kind: "TaskRun", status: "Failed", reason: "FailureIgnored", message: "[User error] x", duration: "90s", ignored: true },
      { name: "lint", kind: "TaskRun", status: "Running", reason: "Running", message: "", ignored: false },
    ]);
  });

  it("are never more than 512", () => {
    const children = Array.from({ length: 600 }, (_, index) => trimmed({ kind: "TaskRun", name: `t-${index}`, uid: String(index) }));
    assert.equal(normalise({}, { children }).tasks.length, 512);
  });
});

describe("times", () => {
  const start = "2026-01-01T00:00:10Z";

  for (const [end, duration] of [["2026-01-01T00:03:22Z", "192s"], ["2026-01-01T00:00:10.250Z", "0.25s"], ["2026-01-01T00:00:00Z", "0s"], [undefined, undefined]] as const) {
    it(`make a duration of ${duration ?? "nothing"} when the run ended at ${end ?? "no known time"}`, () => {
      const event = normalise({ kind: "CustomRun", condition: condition("True"), startTime: start, ...(end !== undefined && { completionTime: end }) });
      assert.equal(event.duration, duration);
      assert.equal(event.completionTime, end);
    });
  }

  it("of an end and a duration are there only when the run is terminal", () => {
    const event = normalise({ kind: "TaskRun", condition: condition("Unknown", "ToBeRetried"), startTime: start, completionTime: "2026-01-01T00:03:22Z" });
    assert.deepEqual([event.terminal, event.startTime, event.completionTime, event.duration], [false, start, undefined, undefined]);
  });

  it("say when a run ended: its completionTime, else its condition's last change", () => {
    const at = { ...condition("True"), lastTransitionTime: "2026-01-01T00:05:00Z" };
    assert.equal(endedAt(trimmed({ condition: at, completionTime: "2026-01-01T00:04:00Z" })), Date.UTC(2026, 0, 1, 0, 4));
    assert.equal(endedAt(trimmed({ condition: at })), Date.UTC(2026, 0, 1, 0, 5));
    assert.equal(endedAt(trimmed({ condition: condition("True") })), undefined);
  });
});

describe("params and results", () => {
  it("are maps by name in which hostile names are plain keys", () => {
    const list = ["__proto__", "constructor", "toString", "plain"].map((name) => ({ name, value: `of ${name}` }));
    const { params, results } = normalise({ params: list, results: [...list, { name: "list", value: ["a", "b"] }, { name: "map", value: { a: "b" } }] });
    assert.deepEqual(Object.entries(params), list.map(({ name, value }) => [name, value]));
    assert.deepEqual(Object.entries(results).slice(4), [["list", ["a", "b"]], ["map", { a: "b" }]]);
    assert.equal(({} as Record<string, unknown>)["plain"], undefined);
  });

  it("leave out entries without a name or a value", () => {
    const entries = [null, "text", { name: "a" }, { name: "b", value: null }, { value: "c" }, { name: 1, value: "d" }, { name: "e", value: "" }];
    assert.deepEqual(Object.entries(normalise({ params: entries }).params), [["e", ""]]);
  });
});

describe("pipeline", () => {
  const label = { "tekton.dev/pipeline": "from-label" };
  for (const [what, fields, expected] of [
    ["the label", { labels: label, reference: "from-reference", generateName: "from-name-" }, "from-label"],
    ["the reference", { reference: "from-reference", generateName: "from-name-" }, "from-reference"],
    ["the generateName", { generateName: "from-name-" }, "from-name"],
    ["nothing", {}, ""],
    ["the task's label, for a TaskRun of its own", { kind: "TaskRun", labels: { "tekton.dev/task": "lint" }, reference: "x" }, "lint"],
    ["the pipeline's label, for a child", { kind: "TaskRun", labels: { ...label, "tekton.dev/task": "lint" }, owner: { kind: "PipelineRun", name: "p", uid: "1" } }, "from-label"],
  ] as const) {
    it(`is named by ${what}`, () => {
      assert.equal(normalise(fields).pipeline, expected);
    });
  }
});

describe("url", () => {
  const annotation = "integrations.tekton.ornew.io/tekton-dashboard-base-url";
  const template = "https://console.example.com/{namespace}/{plural}/{kind}/{name}/{other}";

  for (const [what, base, urlTemplate, expected] of [
    ["the annotation", "https://dash.example.com/", template, "https://dash.example.com/#/namespaces/ci/taskruns/build-1"],
    ["the template", undefined, template, "https://console.example.com/ci/taskruns/TaskRun/build-1/%7Bother%7D"],
    ["the template, where the annotation is no web address", "javascript:alert(1)", template, "https://console.example.com/ci/taskruns/TaskRun/build-1/%7Bother%7D"],
    ["nothing", undefined, undefined, undefined],
    ["nothing, where the template is no web address", undefined, "ftp://x/{name}", undefined],
    ["nothing, where the address would be too long", `https://dash.example.com/${"x".repeat(2020)}`, undefined, undefined],
  ] as const) {
    it(`comes from ${what}`, () => {
      assert.equal(normalise({ kind: "TaskRun", annotations: base === undefined ? {} : { [annotation]: base } }, { urlTemplate }).url, expected);
    });
  }
});

describe("a run that vanished", () => {
  it("unfinished is Cancelled for the reason Deleted, and terminal", () => {
    const event = normalise({ condition: condition("Unknown", "Running", "half way"), startTime: "2026-01-01T00:00:00Z" }, { deleted: true });
    assert.deepEqual([event.status, event.reason, event.terminal, event.deleted, event.duration], ["Cancelled", "Deleted", true, true, undefined]);
    assert.equal(violations(event), "");
  });

  it("finished stays what it was", () => {
    const event = normalise({ condition: condition("False", "Failed"), completionTime: "2026-01-01T00:01:00Z" }, { deleted: true });
    assert.deepEqual([event.status, event.reason, event.terminal, event.deleted, event.uid], ["Failed", "Failed", true, false, runUid]);
  });
});
