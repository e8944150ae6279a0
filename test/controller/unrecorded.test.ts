import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DeliveryDestination } from "../../src/api/delivery.ts";
import { createUnrecorded } from "../../src/controller/unrecorded.ts";

const pair = { notification: { namespace: "ci", name: "n", uid: "1" }, runUid: "r", runNamespace: "ci" };
const sent = (key: string, sentStatus: "Running" | "Failed", sentAt: string): DeliveryDestination => ({ key, state: "Delivered", sentStatus, sentAt, sentCount: 1 });

describe("what could not be put on record", () => {
  it("is known to the next term, once, and to be written", () => {
    const unrecorded = createUnrecorded();
    const accepted = sent("a", "Failed", "2026-01-01T00:00:05Z");
    unrecorded.keep(pair, [accepted]);
    assert.deepEqual(unrecorded.addTo(pair, undefined), { status: { state: "Delivered", destinations: [accepted] }, added: true });
    assert.deepEqual(unrecorded.addTo(pair, undefined), { status: undefined, added: false });
  });

  it("gives way to what another controller has put on record since", () => {
    const unrecorded = createUnrecorded();
    const later = sent("a", "Failed", "2026-01-01T00:01:00Z");
    const other = sent("b", "Running", "2026-01-01T00:00:05Z");
    unrecorded.keep(pair, [sent("a", "Running", "2026-01-01T00:00:05Z"), other, { key: "c", state: "Retrying" }]);
    const { status } = unrecorded.addTo(pair, { state: "Delivered", destinations: [later], redelivered: "x" });
    assert.deepEqual(status, { state: "Delivered", destinations: [later, other], redelivered: "x" });
  });
});
