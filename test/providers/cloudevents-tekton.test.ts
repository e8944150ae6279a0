import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { RunEvent, RunKind } from "../../src/api/run-event.ts";
import { normaliseRun } from "../../src/controller/normalise-run.ts";
import { owedEvent } from "../../src/controller/owed-event.ts";
import { trimRun } from "../../src/controller/trim-run.ts";
import { cloudEvents } from "../../src/providers/cloudevents/config.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { ended, runEvent } from "../controller/runs.ts";
import { noTemplates } from "./templates.ts";

interface Sent {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | object;
}

type Line = { readonly watch: { readonly object: KubeObject } } | { readonly cloudevent: Sent };

interface Recorded {
  readonly where: string;
  readonly object: KubeObject;
  readonly sent: Sent;
}

const folder = join(import.meta.dirname, "../testdata/tekton-cloudevents");
const parsed = (body: Sent["body"]): Readonly<Record<string, KubeObject>> => (typeof body === "string" ? JSON.parse(body) : body) as Readonly<Record<string, KubeObject>>;
const versionOf = ({ metadata: { uid, resourceVersion } }: KubeObject): string => `${uid ?? ""}/${resourceVersion ?? ""}`;

/** Every event that Tekton sent, with the object that it was made of. */
function recordings(): Recorded[] {
  return readdirSync(folder).filter((file) => file.endsWith(".jsonl")).sort().flatMap((file) => {
    const lines = readFileSync(join(folder, file), "utf8").trim().split("\n").map((line) => JSON.parse(line) as Line);
    const objects = new Map(lines.flatMap((line) => ("watch" in line ? [[versionOf(line.watch.object), line.watch.object] as const] : [])));
    return lines.flatMap((line, index) => {
      if (!("cloudevent" in line)) return [];
      const [about] = Object.values(parsed(line.cloudevent.body));
      const object = about === undefined ? undefined : objects.get(versionOf(about));
      return [{ where: `${file}:${index + 1}`, object: object ?? assert.fail(`${file}:${index + 1} is about no object`), sent: line.cloudevent }];
    });
  });
}

function requestFor(event: RunEvent, object: object | undefined, provider: object = {}): Sent | undefined {
  const rendered = cloudEvents.render({
    event,
    ...(object !== undefined && { object: object as Readonly<Record<string, unknown>> }),
    provider: { url: "https://triggers.example.com/", format: "Tekton", ...provider },
    notification: {},
    notificationName: { namespace: "ci", name: "n" },
    providerNamespace: "ci",
    sentBefore: () => ({ sentCount: 0 }),
    ...noTemplates,
  });
  return "messages" in rendered ? (rendered.messages[0]?.request as Sent | undefined) : undefined;
}

const all = recordings();

describe("the format Tekton", () => {
  it("says what Tekton said, in all recorded events: type, source, subject, content type and every field of the data", () => {
    assert.equal(all.length, 202);
    for (const { where, object, sent } of all) {
      const { whole, ...run } = trimRun(object, object.kind as RunKind, true);
      const request = requestFor(normaliseRun(run, { children: [] }), whole) ?? assert.fail(where);
      const names = ["ce-specversion", "ce-type", "ce-source", "ce-subject", "content-type"];
      const of = ({ headers }: Sent): (string | undefined)[] => names.map((name) => headers[name]);
      assert.deepEqual(of(request), of(sent), where);
      assert.deepEqual(request.body, parsed(sent.body), where);
      assert.deepEqual(Object.keys(request.headers).filter((name) => !Object.hasOwn(sent.headers, name)), ["ce-tektonloop"], `${where}: nothing besides the loop guard`);
    }
  });

  it("changes nothing of the object that it is made of", () => {
    for (const { object } of all.slice(0, 40)) {
      const before = JSON.stringify(object);
      requestFor(normaliseRun(trimRun(object, object.kind as RunKind), { children: [] }), object);
      assert.equal(JSON.stringify(object), before);
    }
  });

  it("has one document in structured mode", () => {
    const [{ object, sent }] = all as [Recorded];
    const request = requestFor(normaliseRun(trimRun(object, object.kind as RunKind), { children: [] }), object, { mode: "Structured" });
    const { data, type } = request?.body as unknown as { data: unknown; type: string };
    assert.deepEqual([data, type], [parsed(sent.body), sent.headers["ce-type"]]);
  });

  for (const [what, event, type] of [
    ["a run that is stopping", runEvent({ reason: "PipelineRunStopping" }), "pipelinerun.unknown"],
    ["a run that has started", runEvent({ reason: "Started" }), "pipelinerun.started"],
    ["a run that timed out", ended("TimedOut"), "pipelinerun.failed"],
    ["a cancelled task", ended("Cancelled", { kind: "TaskRun" }), "taskrun.failed"],
    ["a custom run with a reason of its own", runEvent({ kind: "CustomRun", reason: "AwaitingWindow" }), "customrun.running"],
    ["a custom run without a state", runEvent({ kind: "CustomRun", status: "Pending", reason: "" }), "customrun.started"],
  ] as const) {
    it(`has a type for ${what}`, () => {
      assert.equal(requestFor(event, {})?.headers["ce-type"], `dev.tekton.event.${type}.v1`);
    });
  }

  it("has nothing to say about a run that was deleted, as Tekton", () => {
    assert.equal(requestFor(ended("Cancelled", { reason: "Deleted", deleted: true }), {}), undefined);
  });

  it("of a run that is gone, says what is on record", () => {
    const last = all.findLast(({ where, object: { kind } }) => where.startsWith("succeeded-with-results") && kind === "PipelineRun") ?? assert.fail();
    const owed = JSON.parse(JSON.stringify(owedEvent(normaliseRun(trimRun(last.object, "PipelineRun"), { children: [] })))) as RunEvent;
    for (const event of [owed, { ...owed, run: {} }]) {
      const request = requestFor(event, undefined) ?? assert.fail();
      type Body = Readonly<Record<"metadata" | "spec" | "status", Readonly<Record<string, unknown>>>>;
      const { metadata, status } = parsed(request.body)["pipelineRun"] as unknown as Body;
      const recordedStatus = (parsed(last.sent.body)["pipelineRun"] as unknown as Body).status;
      const [condition] = status["conditions"] as [Record<string, unknown>];
      assert.deepEqual([metadata["name"], metadata["uid"], condition["type"], condition["status"]], [last.object.metadata.name, last.object.metadata.uid, "Succeeded", "True"]);
      for (const name of ["startTime", "completionTime", "pipelineResults"]) assert.deepEqual(status[name], recordedStatus[name], name);
      assert.equal(request.headers["ce-type"], last.sent.headers["ce-type"]);
    }
  });
});
