import assert from "node:assert/strict";
import { it } from "node:test";
import { keptRecord } from "../../src/controller/kept-record.ts";

const stored = {
  apiVersion: "integrations.tekton.ornew.io/v1alpha1",
  kind: "Delivery",
  metadata: {
    name: "to-service-1",
    namespace: "ci",
    uid: "d-1",
    resourceVersion: "7",
    generation: 1,
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: { "app.kubernetes.io/managed-by": "tekton-integrations" },
    ownerReferences: [{ apiVersion: "integrations.tekton.ornew.io/v1alpha1", kind: "Notification", name: "to-service", uid: "n-1" }],
    managedFields: [{ manager: "tekton-integrations" }],
    annotations: { "integrations.tekton.ornew.io/redeliver": "please", note: "mine" },
  },
  spec: { notificationRef: { name: "to-service", uid: "n-1" }, runRef: { apiVersion: "tekton.dev/v1", kind: "PipelineRun", namespace: "ci", name: "build-1", uid: "r-1" } },
  status: {
    state: "Retrying",
    redelivered: "once",
    owed: { status: "Failed" },
    destinations: [
      { key: "a", state: "Delivered", sentStatus: "Running", sentAt: "2026-01-01T00:01:00Z", sentCount: 1, externalRef: "https://x.example.com/1", target: { owner: "o", sha: "0f98" } },
      { key: "b", state: "Retrying", attempts: 2, firstAttemptAt: "2026-01-01T00:01:00Z", nextAttemptAt: "2026-01-01T00:02:00Z", lastError: { code: "RateLimited", message: "slow down" } },
    ],
  },
};

it("of a Delivery all is kept that is decided by: what it is about, what became of it, and which redelivery is asked for", () => {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = stored.metadata;
  const annotations = { "integrations.tekton.ornew.io/redeliver": "please" };
  assert.deepEqual(keptRecord(structuredClone(stored)), { metadata: { name, namespace, uid, resourceVersion, creationTimestamp, annotations }, spec: stored.spec, status: stored.status });
});

it("a Delivery that was only created is kept without a status", () => {
  const { status: _, ...created } = stored;
  const { metadata, ...kept } = keptRecord({ ...created, metadata: { ...created.metadata, annotations: {}, deletionTimestamp: "2026-01-02T00:00:00Z" } });
  assert.deepEqual([kept, metadata.annotations, metadata.deletionTimestamp], [{ spec: stored.spec }, undefined, "2026-01-02T00:00:00Z"]);
});

it("what many of them have in common is there once", () => {
  const [one, other] = [keptRecord(structuredClone(stored)), keptRecord(structuredClone(stored))];
  assert.equal(one.spec.notificationRef, other.spec.notificationRef);
});

it("of a Delivery in the controller's own namespace it is kept where its Notification is", () => {
  const notificationRef = { name: "to-service", namespace: "prod", uid: "n-1" };
  assert.deepEqual(keptRecord({ ...stored, spec: { ...stored.spec, notificationRef } }).spec.notificationRef, notificationRef);
  assert.deepEqual(keptRecord(structuredClone(stored)).spec.notificationRef, stored.spec.notificationRef);
});
