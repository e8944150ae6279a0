import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Delivery, DeliveryDestination } from "../../src/api/delivery.ts";
import { mayBeRemoved } from "../../src/controller/retention.ts";

const hour = 3_600_000;
const day = 24 * hour;
const sentAt = "2026-01-01T00:00:00Z";
const sent = Date.parse(sentAt);

const delivered: DeliveryDestination = { key: "k", state: "Delivered", sentStatus: "Succeeded", sentAt, sentCount: 1 };
const dead: DeliveryDestination = { key: "k", state: "DeadLetter", refusedStatus: "Failed", firstAttemptAt: sentAt, attempts: 3 };

const record = (destinations: DeliveryDestination[], owed?: object): Delivery =>
  ({ metadata: { name: "d", namespace: "ci", uid: "1", creationTimestamp: "2025-12-31T00:00:00Z" }, spec: {}, status: { state: "Delivered", destinations, ...(owed !== undefined && { owed }) } }) as unknown as Delivery;

const removedAt = (delivery: Delivery, after: number, caughtUpAfter = 365 * day): boolean => mayBeRemoved(delivery, { now: sent + after, caughtUpAt: sent + caughtUpAfter, deadlineMs: day });

describe("a Delivery", () => {
  it("whose end was sent goes an hour after the deadline of what came last", () => {
    assert.deepEqual([removedAt(record([delivered]), day + hour - 1), removedAt(record([delivered]), day + hour)], [false, true]);
    const other = { ...delivered, key: "other", sentAt: "2026-01-01T05:00:00Z" };
    assert.deepEqual([removedAt(record([delivered, other]), day + 6 * hour - 1), removedAt(record([delivered, other]), day + 6 * hour)], [false, true]);
  });

  it("with a dead letter is kept for seven days", () => {
    assert.deepEqual([removedAt(record([delivered, dead]), 7 * day - 1), removedAt(record([delivered, dead]), 7 * day)], [false, true]);
  });

  it("stays while something is owed, tried, or begun and not ended", () => {
    for (const destinations of [[{ ...delivered, sentStatus: "Running" as const }], [delivered, { key: "x", state: "Retrying" as const }], [{ key: "x", state: "Pending" as const }], []]) {
      assert.equal(removedAt(record(destinations), 30 * day), false);
    }
  });

  it("stays until its run would owe nothing without it, however long nobody looked", () => {
    assert.deepEqual([removedAt(record([delivered]), 30 * day, day + hour), removedAt(record([delivered]), 30 * day, day + hour + 1)], [false, true]);
  });
});
