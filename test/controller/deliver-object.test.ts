import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { createWholeRuns } from "../../src/controller/whole-runs.ts";
import { trimRun } from "../../src/controller/trim-run.ts";
import type { Message } from "../../src/providers/provider.ts";
import { failed, pending, running, start, type Harness } from "./deliver-harness.ts";
import { cloudEventsProvider, gitHubProvider, notification } from "./objects.ts";

const whole = { metadata: { name: "build-1", namespace: "ci", uid: running.uid }, spec: { pipelineSpec: { tasks: [] } } };

interface Started extends Harness {
  readonly bodies: unknown[];
}

/** A Notification whose messages are made of the run's own object. */
function tekton(t: TestContext): Started {
  const harness = start(t, { provider: cloudEventsProvider({ format: "Tekton" }) });
  const bodies: unknown[] = [];
  harness.service = ({ request: { body } }: Message) => {
    bodies.push((body as { pipelineRun: { spec: unknown } }).pipelineRun.spec);
    return {};
  };
  return Object.assign(harness, { bodies });
}

describe("a message that is made of the run's own object", () => {
  it("is sent at once where the object is kept", async (t) => {
    const harness = tekton(t);
    await harness.change({ ...running, whole });
    assert.deepEqual([harness.bodies, harness.readAgain.length], [[whole.spec], 0]);
  });

  it("waits until the run has been read again where it is not, and counts as owed meanwhile", async (t) => {
    const harness = tekton(t);
    await harness.change(running);
    const [asked, ...others] = harness.readAgain;
    assert.deepEqual([asked?.uid, others, harness.bodies, harness.deliverer.owedCount(), harness.deliverer.isSettled("ci/to-service")], [running.uid, [], [], 1, false]);
    harness.runs.upsert({ ...running, whole });
    asked?.then();
    await harness.quiet();
    assert.deepEqual([harness.bodies, harness.deliverer.owedCount(), harness.deliverer.isSettled("ci/to-service")], [[whole.spec], 0, true]);
  });

  it("is made of what is known of a run that is gone", async (t) => {
    const harness = tekton(t);
    await harness.change({ ...running, whole });
    await harness.vanish(failed);
    assert.deepEqual([harness.readAgain.length, harness.bodies.length], [0, 2]);
  });

  it("is not asked for where nothing is owed", async (t) => {
    const harness = start(t, { provider: cloudEventsProvider({ format: "Tekton" }), spec: { filter: { statuses: ["Failed"] } } });
    await harness.change(pending);
    assert.equal(harness.readAgain.length, 0);
  });
});

describe("runs are kept whole", () => {
  it("in namespaces whose Notifications need it, as they are now", () => {
    let provider = cloudEventsProvider({ format: "Tekton" });
    const notifications = [notification(), notification({ providerRef: { name: "github" } }, { namespace: "other" })];
    const runs = createWholeRuns({ notifications: () => notifications, providerFor: ({ spec }) => (spec.providerRef.name === "service" ? provider : gitHubProvider()) });
    assert.deepEqual([runs.wanted("ci"), runs.wanted("other"), runs.wanted("none")], [true, false, false]);
    provider = cloudEventsProvider();
    runs.changed();
    assert.equal(runs.wanted("ci"), false);
  });

  it("without managedFields, and only when they are asked for", () => {
    const object = { apiVersion: "tekton.dev/v1", kind: "PipelineRun", metadata: { name: "r", managedFields: [{ manager: "x" }] }, spec: { pipelineSpec: {} } };
    assert.deepEqual(trimRun(object, "PipelineRun", true).whole, { ...object, metadata: { name: "r" } });
    assert.equal(trimRun(object, "PipelineRun").whole, undefined);
  });
});
