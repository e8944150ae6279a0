import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import type { RunEvent } from "../../src/api/run-event.ts";
import { dropOrder, eventJson, type EventData } from "../../src/providers/event-data.ts";
import { normaliseRun } from "../../src/controller/normalise-run.ts";
import { deepFreeze, recorded, runEvent } from "../controller/runs.ts";

const ajv = new Ajv({ strict: false });
formats.default(ajv);
const isRunEvent = ajv.compile(JSON.parse(readFileSync(join(import.meta.dirname, "../../schemas/run-event.json"), "utf8")) as object);

function dataOf(json: string): EventData {
  const data = JSON.parse(json) as EventData;
  assert.ok(isRunEvent(data), ajv.errorsText(isRunEvent.errors));
  return data;
}

const task = (name: string, message: string): RunEvent["tasks"][number] => ({ name, kind: "TaskRun", status: "Failed", reason: "Failed", message, ignored: false });

/** An event each of whose large parts has about a thousand bytes. */
const kilobyte = "x".repeat(1000);
const large = deepFreeze(
  runEvent({
    annotations: { a: kilobyte },
    params: { p: kilobyte },
    results: { r: kilobyte },
    labels: { [kilobyte.slice(0, 950)]: "l" },
    message: kilobyte,
    tasks: [task("unit", kilobyte), ...Array.from({ length: 10 }, (_, index) => task(`task-${index}-${"y".repeat(40)}`, ""))],
  }),
);

const withoutLimit = Number.MAX_SAFE_INTEGER;

describe("the RunEvent in a message", () => {
  it("is the event without `run`, for every recorded state, and valid by its schema", () => {
    for (const { run } of recorded()) {
      const { run: object, ...published } = normaliseRun(run, { children: [] });
      assert.ok(Object.keys(object).length > 0);
      assert.deepEqual(dataOf(eventJson({ ...published, run: object }, withoutLimit)), JSON.parse(JSON.stringify(published)));
    }
  });

  it("loses its large parts in the documented order, only as many as it must, and names them", () => {
    const order = ["annotations", "params", "tasks[].message", "results", "tasks", "labels", "message"];
    assert.deepEqual(dropOrder.map(({ name }) => name), order);
    let limit = Buffer.byteLength(eventJson(large, withoutLimit));
    for (let count = 1; count <= order.length; count += 1) {
      const json = eventJson(large, limit - 1);
      const { dropped } = dataOf(json);
      assert.deepEqual(dropped, order.slice(0, count));
      assert.ok(Buffer.byteLength(json) < limit);
      limit = Buffer.byteLength(json);
      assert.equal(eventJson(large, limit), json, "a message that just fits is left alone");
    }
  });

  it("empties what it drops, and keeps everything else", () => {
    const { dropped: _, ...data } = dataOf(eventJson(large, Buffer.byteLength(eventJson(large, withoutLimit)) - 2500));
    const { run, ...published } = large;
    assert.deepEqual(run, {});
    assert.deepEqual(data, { ...published, annotations: {}, params: {}, tasks: published.tasks.map((each) => ({ ...each, message: "" })) });
  });

  it("fits for the largest event that there can be", () => {
    const most = runEvent({
      annotations: Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`a${index}`, "🚀".repeat(4000)])),
      message: "\u0000".repeat(8192),
      reason: "r".repeat(1024),
      pipeline: "p".repeat(253),
      tasks: Array.from({ length: 512 }, (_, index) => task(`t${index}`, '"'.repeat(8192))),
    });
    const json = eventJson(most, 262_144);
    assert.ok(Buffer.byteLength(json) <= 262_144);
    assert.deepEqual(dataOf(json).dropped, ["annotations", "params", "tasks[].message"]);
  });

  it("holds no character that XML cannot, and still says what it said", () => {
    const message = "a\u0000b\u0008c\u007fd\u0085e\ufffef\uffffg\ud800h 🚀 \"\\ <!channel>";
    const json = eventJson(runEvent({ message }), withoutLimit);
    assert.doesNotMatch(json, /[\p{Cc}\ufffe\uffff]|\p{Cs}/u);
    assert.equal(dataOf(json).message, message);
  });
});
