import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Delivery, DeliveryStatus } from "../../src/api/delivery.ts";
import { runKinds, type RunKind } from "../../src/api/run-event.ts";
import { createDemand, type Demand } from "../../src/controller/demand.ts";
import { kindsFollowed } from "../../src/controller/routes.ts";
import { notification } from "./objects.ts";

const wanted = (demand: Demand): RunKind[] => runKinds.filter(demand.wants);

const record = (kind: RunKind, status: Partial<DeliveryStatus>, annotations: Record<string, string> = {}): Delivery =>
  ({
    metadata: { namespace: "ci", name: "record", uid: "d-1", creationTimestamp: "2026-01-01T00:00:00Z", annotations },
    spec: { notificationRef: { name: "to-service", uid: "n-1" }, runRef: { apiVersion: "tekton.dev/v1", kind, namespace: "ci", name: "lint", uid: "r-1" } },
    status: { state: "Pending", ...status },
  });

const over = { destinations: [{ key: "event", state: "Delivered", sentStatus: "Failed" }] } satisfies Partial<DeliveryStatus>;
const begun = { destinations: [{ key: "event", state: "Delivered", sentStatus: "Running" }] } satisfies Partial<DeliveryStatus>;

describe("the kinds that a Notification needs", () => {
  for (const [spec, kinds] of [
    [{}, ["PipelineRun"]],
    [{ filter: { kinds: ["TaskRun"] } }, ["TaskRun"]],
    [{ filter: { kinds: ["CustomRun", "PipelineRun"] } }, ["PipelineRun", "CustomRun"]],
    [{ filter: { expression: "tasks.exists(t, t.status == 'Failed')" } }, ["PipelineRun", "TaskRun", "CustomRun"]],
    [{ filter: { expression: "labels.tasks == 'many'" } }, ["PipelineRun"]],
    [{ filter: { expression: "tasks.exists(" } }, ["PipelineRun"]],
    [{ filter: { kinds: ["TaskRun"], expression: "tasks.size() == 0" } }, ["TaskRun"]],
    [{ groupBy: "${pipeline} ${tasks.size()}" }, ["PipelineRun", "TaskRun", "CustomRun"]],
    [{ message: { text: "${tasks.map(t, t.name)}" } }, ["PipelineRun"]],
    [{ suspend: true, filter: { kinds: ["TaskRun"] } }, []],
  ] as const) {
    it(`are ${kinds.join(", ") || "none"} with ${JSON.stringify(spec)}`, () => {
      assert.deepEqual(kindsFollowed(notification(structuredClone(spec) as Parameters<typeof notification>[0])), kinds);
    });
  }

  it("are none while it is being deleted", () => {
    assert.deepEqual(kindsFollowed(notification({}, { deletionTimestamp: "2026-01-01T00:00:00Z" })), []);
  });
});

describe("a kind is wanted", () => {
  it("as long as one Notification needs it", () => {
    const demand = createDemand();
    assert.deepEqual(wanted(demand), []);
    const forTasks = notification({ filter: { kinds: ["TaskRun"] } });
    demand.setNotification("ci/a", forTasks);
    demand.setNotification("ci/b", forTasks);
    assert.deepEqual([wanted(demand), demand.notificationsFor("TaskRun")], [["TaskRun"], ["ci/a", "ci/b"]]);
    demand.setNotification("ci/a", notification());
    assert.deepEqual(wanted(demand), ["PipelineRun", "TaskRun"]);
    demand.setNotification("ci/b", undefined);
    assert.deepEqual(wanted(demand), ["PipelineRun"]);
  });

  it("as long as a record of a Notification that exists is open, or is to be sent again", () => {
    const demand = createDemand();
    demand.setRecord("ci/record", record("TaskRun", begun));
    assert.deepEqual(wanted(demand), [], "nobody is left to tell");
    demand.setNotification("ci/to-service", notification({ suspend: true }));
    assert.deepEqual([wanted(demand), demand.recordsFor("TaskRun")], [["TaskRun"], ["ci/record"]]);
    demand.setRecord("ci/record", record("TaskRun", over));
    assert.deepEqual(wanted(demand), []);
    const word = { "integrations.tekton.ornew.io/redeliver": "please" };
    demand.setRecord("ci/record", record("TaskRun", over, word));
    assert.deepEqual(wanted(demand), ["TaskRun"]);
    demand.setRecord("ci/record", record("TaskRun", { ...over, redelivered: "please" }, word));
    assert.deepEqual(wanted(demand), []);
    demand.setRecord("ci/record", record("TaskRun", begun));
    demand.deleteRecord("ci/record", record("TaskRun", begun));
    assert.deepEqual(wanted(demand), []);
    demand.setRecord("ci/record", record("TaskRun", begun));
    demand.setNotification("ci/to-service", notification({ suspend: true }, { uid: "another" }));
    assert.deepEqual(wanted(demand), [], "another Notification of that name");
  });
});
