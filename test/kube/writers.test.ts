import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { createStatusWriter } from "../../src/kube/apply.ts";
import { connect } from "../../src/kube/client.ts";
import type { Kube } from "../../src/kube/kube.ts";
import { createEventRecorder } from "../../src/kube/events.ts";
import { notifications } from "../../src/kube/resources.ts";
import { manualClock } from "../support/manual-clock.ts";
import { json, run, startScriptedApiServer, status, type ScriptedApiServer } from "../support/scripted-api-server.ts";
import { recordingLogger, type LogLine } from "./reflector-harness.ts";

const signal = AbortSignal.timeout(20_000);
const accepted = json(run({ name: "n", version: 9 }));

async function begin(test: TestContext): Promise<{ server: ScriptedApiServer; kube: Kube }> {
  const server = await startScriptedApiServer();
  const kube = await connect({ kubeconfig: server.kubeconfig });
  test.after(async () => {
    await kube.close();
    await server.close();
  });
  return { server, kube };
}

const target = { metadata: { namespace: "ci", name: "n", uid: "u1" } };
const recreated = { metadata: { ...target.metadata, uid: "u2" } };

describe("status writer", () => {
  it("sends a status only when it differs from the last one sent to this object", async (test) => {
    const { server, kube } = await begin(test);
    for (let answer = 0; answer < 4; answer += 1) server.others.push(accepted);
    const writer = createStatusWriter(kube, "tester");
    const outcomes = [
      await writer.write(notifications, target, { sent: 1 }, signal),
      await writer.write(notifications, target, { sent: 1 }, signal),
      await writer.write(notifications, target, { sent: 2 }, signal),
      await writer.write(notifications, recreated, { sent: 2 }, signal),
    ];
    writer.forget(notifications, "ci/n");
    outcomes.push(await writer.write(notifications, recreated, { sent: 2 }, signal));
    assert.deepEqual(outcomes, ["written", "unchanged", "written", "written", "written"]);
    assert.equal(server.requests.length, 4);
    assert.deepEqual(JSON.parse(server.requests[0]?.body ?? ""), {
      apiVersion: "integrations.tekton.ornew.io/v1alpha1",
      kind: "Notification",
      metadata: { name: "n", namespace: "ci", uid: "u1" },
      status: { sent: 1 },
    });
    assert.deepEqual(server.requests[0]?.query, { fieldManager: "tester", force: "true" });
  });

  it("sends nothing that the object shows already, whatever the order of its fields", async (test) => {
    const { server, kube } = await begin(test);
    server.others.push(accepted, accepted, status(500, "InternalError"), accepted);
    const writer = createStatusWriter(kube, "tester");
    const shown = { ...target, status: { b: [{ y: 1, x: 2 }], a: 1 } };
    const outcomes = [
      await writer.write(notifications, shown, { a: 1, b: [{ x: 2, y: 1 }] }, signal),
      await writer.write(notifications, shown, { a: 2, b: [] }, signal),
      // What is shown by then may still be what was there before.
      await writer.write(notifications, shown, { a: 1, b: [{ x: 2, y: 1 }] }, signal),
    ];
    assert.deepEqual([outcomes, server.requests.length], [["unchanged", "written", "written"], 2]);
    // Of a request that failed nobody knows whether it was taken.
    await assert.rejects(writer.write(notifications, shown, { a: 3 }, signal), { status: 500 });
    assert.equal(await writer.write(notifications, shown, { a: 1, b: [{ x: 2, y: 1 }] }, signal), "written");
  });

  it("sends again what was refused, and says when the object is gone", async (test) => {
    const { server, kube } = await begin(test);
    server.others.push(status(500, "InternalError"), accepted, status(409, "Conflict"));
    const writer = createStatusWriter(kube, "tester");
    await assert.rejects(writer.write(notifications, target, { sent: 1 }, signal), { status: 500 });
    assert.equal(await writer.write(notifications, target, { sent: 1 }, signal), "written");
    assert.equal(await writer.write(notifications, recreated, { sent: 1 }, signal), "gone");
    assert.equal(await writer.write(notifications, { metadata: { ...target.metadata, name: "other" } }, { sent: 1 }, signal), "gone");
  });
});

describe("Events", () => {
  const regarding = { resource: notifications, namespace: "ci", name: "n", uid: "u1" };
  const content = { type: "Warning", reason: "DeliveryFailed", action: "Deliver", note: "no" } as const;

  it("are written about the object, and the same words only once within the window", async (test) => {
    const { server, kube } = await begin(test);
    for (let answer = 0; answer < 5; answer += 1) server.others.push(accepted);
    const clock = manualClock();
    const recorder = createEventRecorder({ kube, reportingController: "x/controller", reportingInstance: "pod-1", clock, log: recordingLogger([]) }, signal);
    recorder.publish(regarding, content);
    recorder.publish(regarding, content);
    recorder.publish(regarding, { ...content, note: "other" });
    await recorder.flush();
    clock.advance(3_600_000);
    recorder.publish(regarding, content);
    await recorder.flush();
    assert.deepEqual(server.requests.map((seen) => (JSON.parse(seen.body) as { note: string }).note).sort(), ["no", "no", "other"]);
    const sent = JSON.parse(server.requests.find((seen) => seen.body.includes('"no"'))?.body ?? "") as { metadata: { name: string; namespace: string } };
    assert.match(sent.metadata.name, /^n\.[0-9a-f]{16}$/);
    assert.deepEqual(
      { ...sent, metadata: sent.metadata.namespace },
      {
        apiVersion: "events.k8s.io/v1",
        kind: "Event",
        metadata: "ci",
        eventTime: "2026-01-01T00:00:00.000000Z",
        reportingController: "x/controller",
        reportingInstance: "pod-1",
        regarding: { apiVersion: "integrations.tekton.ornew.io/v1alpha1", kind: "Notification", namespace: "ci", name: "n", uid: "u1" },
        type: "Warning",
        reason: "DeliveryFailed",
        action: "Deliver",
        note: "no",
      },
    );
  });

  it("that cannot be written are logged, never thrown", async (test) => {
    const { server, kube } = await begin(test);
    server.others.push(status(403, "Forbidden"));
    const log: LogLine[] = [];
    const recorder = createEventRecorder({ kube, reportingController: "x/c", reportingInstance: "p", clock: manualClock(), log: recordingLogger(log) }, signal);
    recorder.publish(regarding, content);
    await recorder.flush();
    assert.deepEqual(log.map((line) => [line.level, line.message, line.fields["regarding"]]), [["warn", "an Event could not be written", "ci/n"]]);
  });
});
