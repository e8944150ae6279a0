import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Delivery, DeliveryDestination } from "../../src/api/delivery.ts";
import { createLedger, deliveryName, isGenuine, overallState, pairOfRecord, type Ledger, type Pair } from "../../src/controller/ledger.ts";
import { KubeError } from "../../src/kube/kube-error.ts";
import type { KubeObject } from "../../src/kube/resources.ts";
import { fakeKube } from "./fake-kube.ts";
import { notification } from "./objects.ts";
import { ended, runUid } from "./runs.ts";

const pairOf = (name = "to-service", uid = "n-1"): Pair => ({ notification: { namespace: "ci", name, uid }, runUid, runNamespace: "ci" });
const { signal } = new AbortController();
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

describe("deliveryName", () => {
  it("is the same whoever computes it, and differs between Notifications and runs", () => {
    const names = [pairOf(), pairOf(), pairOf("to-service", "n-2"), { ...pairOf(), runUid: "other" }].map(deliveryName);
    assert.equal(names[0], "to-service-62af66f3a42cad20");
    assert.equal(new Set(names).size, 3);
    assert.equal(names[0], names[1]);
  });

  it("is a valid name for a Notification's name of any length", () => {
    for (let length = 1; length <= 253; length += 1) {
      for (const unit of ["a", "a-b.", "a.b-", "a--"]) {
        const name = unit.repeat(length).slice(0, length).replace(/[-.]+$/, "");
        const made = deliveryName(pairOf(name === "" ? "a" : name));
        assert.ok(made.length <= 253 && dnsSubdomain.test(made), made);
      }
    }
  });
});

describe("isGenuine", () => {
  const delivery = (fields: { name?: string; uid?: string; run?: string }): Delivery => ({
    metadata: { namespace: "ci", name: fields.name ?? deliveryName(pairOf()), uid: "d", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { notificationRef: { name: "to-service", uid: fields.uid ?? "n-1" }, runRef: { apiVersion: "tekton.dev/v1", kind: "PipelineRun", namespace: "ci", name: "build-1", uid: fields.run ?? runUid } },
  });

  it("believes a record whose name follows from what it says, and no other", () => {
    assert.equal(isGenuine(delivery({}), "tekton-integrations"), true);
    for (const forged of [{ name: "to-service-0000000000000000" }, { uid: "n-2" }, { run: "another" }]) assert.equal(isGenuine(delivery(forged), "tekton-integrations"), false);
  });
});

describe("the record of a run of another namespace", () => {
  const pair: Pair = { ...pairOf(), runNamespace: "prod" };
  const elsewhere = (fields: { namespace?: string; of?: string | undefined; run?: string } = {}): Delivery => {
    const of = "of" in fields ? fields.of : "ci";
    return {
      metadata: { namespace: fields.namespace ?? "tekton-integrations", name: deliveryName(pair), uid: "d", creationTimestamp: "2026-01-01T00:00:00Z" },
      spec: {
        notificationRef: { name: "to-service", ...(of !== undefined && { namespace: of }), uid: "n-1" },
        runRef: { apiVersion: "tekton.dev/v1", kind: "PipelineRun", namespace: fields.run ?? "prod", name: "build-1", uid: runUid },
      },
    };
  };

  it("lies in the controller's own namespace, names that of the Notification, and has no owner", async () => {
    const { kube, calls } = fakeKube();
    await createLedger(kube, "tekton-integrations", () => notification()).write(pair, ended("Failed", { namespace: "prod" }), { destinations: [], owed: true, redelivered: undefined }, signal);
    const objects = calls.map(({ object }) => object as KubeObject);
    assert.deepEqual(objects.map(({ metadata: { namespace, ownerReferences } }) => [namespace, ownerReferences]), [["tekton-integrations", undefined], ["tekton-integrations", undefined]]);
    assert.deepEqual(objects[0]?.["spec"], elsewhere().spec);
    assert.deepEqual(pairOfRecord(elsewhere()), pair);
  });

  it("is believed there, and nowhere else", () => {
    assert.equal(isGenuine(elsewhere(), "tekton-integrations"), true);
    for (const forged of [{ namespace: "ci" }, { namespace: "prod" }, { of: undefined }, { run: "ci" }]) {
      assert.equal(isGenuine(elsewhere(forged), "tekton-integrations"), false, JSON.stringify(forged));
    }
  });
});

describe("overallState", () => {
  it("is the worst of the destinations' states", () => {
    const of = (...states: DeliveryDestination["state"][]): string => overallState(states.map((state, index) => ({ key: String(index), state })));
    assert.deepEqual([of(), of("Delivered"), of("Delivered", "DeadLetter"), of("DeadLetter", "Pending"), of("Pending", "Retrying", "Delivered")], ["Pending", "Delivered", "DeadLetter", "Pending", "Retrying"]);
  });
});

describe("createLedger", () => {
  const destinations: DeliveryDestination[] = [{ key: "status", state: "Delivered", sentStatus: "Failed" }];
  const write = (ledger: Ledger, owed = false): Promise<void> => ledger.write(pairOf(), ended("Failed"), { destinations, owed, redelivered: undefined }, signal);

  it("creates the record once, and applies its status as often as it is written", async () => {
    const { kube, calls } = fakeKube();
    const ledger = createLedger(kube, "tekton-integrations", () => notification());
    await write(ledger, true);
    await write(ledger);
    assert.deepEqual(calls.map(({ verb }) => verb), ["create", "applyStatus", "applyStatus"]);
    const [created, first, second] = calls.map(({ object }) => object as KubeObject & { spec: unknown; status: Record<string, unknown> });
    assert.deepEqual(created?.metadata["ownerReferences"], [{ apiVersion: "integrations.tekton.ornew.io/v1alpha1", kind: "Notification", name: "to-service", uid: "n-1", controller: true }]);
    assert.deepEqual(created.spec, { notificationRef: { name: "to-service", uid: "n-1" }, runRef: { apiVersion: "tekton.dev/v1", kind: "PipelineRun", namespace: "ci", name: "build-1", uid: runUid } });
    assert.deepEqual(Object.keys(first?.status ?? {}), ["state", "destinations", "owed"]);
    assert.deepEqual(second?.status, { state: "Delivered", destinations });
  });

  it("creates no record that is known from a watch or exists all the same", async () => {
    const known = fakeKube();
    const ledger = createLedger(known.kube, "tekton-integrations", () => notification());
    ledger.known(`ci/${deliveryName(pairOf())}`);
    await write(ledger);
    assert.deepEqual(known.calls.map(({ verb }) => verb), ["applyStatus"]);

    const existing = fakeKube({ create: new KubeError("KubernetesRequestFailed", "exists", { status: 409, reason: "AlreadyExists" }) });
    await write(createLedger(existing.kube, "tekton-integrations", () => notification()));
    assert.deepEqual(existing.calls.map(({ verb }) => verb), ["create", "applyStatus"]);
  });

  it("creates a record anew that somebody deleted, at the next attempt", async () => {
    const { kube, calls, fail } = fakeKube();
    const ledger = createLedger(kube, "tekton-integrations", () => notification());
    await write(ledger);
    fail.applyStatus = new KubeError("KubernetesRequestFailed", "gone", { status: 404, reason: "NotFound" });
    await assert.rejects(write(ledger), { status: 404 });
    delete fail.applyStatus;
    await write(ledger);
    assert.deepEqual(calls.map(({ verb }) => verb), ["create", "applyStatus", "applyStatus", "create", "applyStatus"]);
  });

  it("has no owner when the Notification is not known, and says so of a CustomRun's version", async () => {
    const { kube, calls } = fakeKube();
    await createLedger(kube, "tekton-integrations", () => undefined).write(pairOf(), ended("Failed", { kind: "CustomRun" }), { destinations, owed: false, redelivered: undefined }, signal);
    const [created] = calls.map(({ object }) => object as KubeObject & { spec: { runRef: { apiVersion: string } } });
    assert.equal(created?.metadata["ownerReferences"], undefined);
    assert.equal(created?.spec.runRef.apiVersion, "tekton.dev/v1beta1");
  });
});
