import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { maxOwedBytes } from "../../src/api/delivery.ts";
import type { RunEvent, RunEventTask } from "../../src/api/run-event.ts";
import { normaliseRun } from "../../src/controller/normalise-run.ts";
import { owedEvent } from "../../src/controller/owed-event.ts";
import { render } from "../../src/providers/github/render.ts";
import { deepFreeze, ended, recorded } from "./runs.ts";
import { noTemplates } from "../providers/templates.ts";

const size = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

const task = (index: number, message: string): RunEventTask => ({ name: `task-${index}`, kind: "TaskRun", status: "Failed", reason: "StepFailed", message, ignored: false });

/** Everything that can be cut, each worth about `bytes`. */
function full(bytes: number): RunEvent {
  const text = "x".repeat(bytes);
  return ended("Failed", {
    run: { kind: text },
    message: `${"m".repeat(1_200)}${text}`.slice(0, 8192),
    annotations: { "example.com/big": text, "integrations.tekton.ornew.io/context-id": "unit", "integrations.tekton.ornew.io/loop": "2" },
    tasks: Array.from({ length: 30 }, (_, index) => task(index, text.slice(0, 100 + bytes / 10))),
    params: { big: text },
    results: { big: text },
    labels: { big: text },
  });
}

/** Which of the parts are as they were. */
function whole(event: RunEvent, cut: RunEvent): string[] {
  const parts = ["annotations", "tasks", "message", "params", "results", "labels"] as const;
  return parts.filter((part) => JSON.stringify(event[part]) === JSON.stringify(cut[part]));
}

describe("owedEvent", () => {
  it("leaves out the run's object alone when the rest fits", () => {
    for (const { where, run } of recorded()) {
      const event = deepFreeze(normaliseRun(run, { children: [] }));
      const kept = owedEvent(event);
      assert.ok(size(kept) <= maxOwedBytes, where);
      const { labels: _, annotations: __, generateName: ___, generation: ____, ...age } = event.run.metadata ?? { labels: {}, annotations: {} };
      const cut = { ...event, run: { metadata: { ...age, labels: {}, annotations: {} } } };
      if (size(cut) <= maxOwedBytes) assert.deepEqual(kept, cut, where);
    }
  });

  it("gives up one part after the other as the event grows", () => {
    const steps: string[] = [];
    for (let bytes = 100; bytes < 60_000; bytes = Math.ceil(bytes * 1.04)) {
      const event = deepFreeze(full(bytes));
      const cut = owedEvent(event);
      assert.ok(size(cut) <= maxOwedBytes && JSON.stringify(cut.run) === "{}");
      const step = whole(event, cut).join(" ");
      if (steps.at(-1) !== step) steps.push(step);
    }
    assert.deepEqual(steps, [
      "annotations tasks message params results labels",
      "tasks message params results labels",
      "message params results labels",
      "params results labels",
      "results labels",
      "labels",
      "",
    ]);
  });

  it("cuts text between characters", () => {
    const cut = owedEvent(ended("Failed", { message: `x${"🚀".repeat(4_000)}`, tasks: [task(1, "🚀".repeat(4_000))] }));
    assert.ok(size(cut) <= maxOwedBytes);
    assert.ok([cut.message, ...cut.tasks.map(({ message }) => message)].every((text) => text.isWellFormed() && !text.includes("\ufffd")));
  });

  it("fits whatever a run holds, and still makes the same commit status", () => {
    const hostile = fc.string({ unit: "binary", maxLength: 8192, size: "max" });
    const map = fc.dictionary(fc.string({ maxLength: 63, unit: "binary" }), hostile, { maxKeys: 30, size: "max" });
    const events = fc.record({
      reason: fc.string({ unit: "binary", maxLength: 1024, size: "max" }),
      message: hostile,
      annotations: map,
      params: map,
      results: map,
      labels: map,
      tasks: fc.array(hostile.map((message) => task(0, message)), { maxLength: 60 }),
    });
    fc.assert(
      fc.property(events, (fields) => {
        const url = `https://dash.example.com/${"x".repeat(2_000)}`;
        const annotations = { ...fields.annotations, "integrations.tekton.ornew.io/context-id": "\u0001".repeat(8_192) };
        const event = ended("Failed", { ...fields, annotations, url, commit: { ...ended("Failed").commit, url, branch: "\u0300".repeat(255), author: "\u0001".repeat(100) } });
        const kept = owedEvent(event);
        assert.ok(size(kept) <= maxOwedBytes, `${size(kept)} bytes`);
        const rendered = [event, kept].map((of) => render({ event: of, provider: { appId: 1, privateKey: { secretRef: { name: "k" } } }, notification: {}, notificationName: { namespace: "ci", name: "n" }, providerNamespace: "ci", sentBefore: () => ({ sentCount: 0 }), ...noTemplates }));
        const [one, two] = rendered.map((what) => ("messages" in what ? what.messages[0]?.target : undefined));
        assert.deepEqual(one, two);
      }),
      { numRuns: 60, seed: 20261122 },
    );
  });
});
