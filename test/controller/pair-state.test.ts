import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DeliveryDestination } from "../../src/api/delivery.ts";
import { overallState } from "../../src/controller/ledger.ts";
import { isoSeconds } from "../../src/controller/iso-seconds.ts";
import { afterAcceptance, afterFailure, forAnotherState, recordedOf, stillOwed, whenNothingIsOwed, whenRedelivered, whenResumed, whileHeld } from "../../src/controller/pair-state.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import type { Message } from "../../src/providers/provider.ts";

const now = Date.UTC(2026, 0, 1, 12, 0, 0, 700);
const deadlineMs = 3_600_000;

const message: Message = {
  key: "status",
  target: { owner: "o", repo: "r" },
  request: { method: "POST", url: "https://example.com/", headers: {}, body: {} },
};
const accepted: DeliveryDestination = { key: "status", state: "Delivered", sentStatus: "Running", sentAt: "2026-01-01T11:00:00Z", sentCount: 1, externalRef: "first", target: message.target };

const fail = (code: ErrorCode, before?: DeliveryDestination, options: { retryAfterMs?: number; at?: number } = {}): ReturnType<typeof afterFailure> =>
  afterFailure(before, { message, status: "Failed", error: new DeliveryError(code, "it failed", { retryAfterMs: options.retryAfterMs }), now: options.at ?? now }, deadlineMs);

describe("afterAcceptance", () => {
  it("records what was accepted, and how many messages have been", () => {
    assert.deepEqual(afterAcceptance(undefined, message, { externalRef: "id" }, "Running", now), {
      key: "status", state: "Delivered", sentStatus: "Running", sentAt: "2026-01-01T12:00:00Z", sentCount: 1, externalRef: "id", target: message.target,
    });
    assert.deepEqual(afterAcceptance(accepted, message, {}, "Failed", now), { ...accepted, sentStatus: "Failed", sentAt: "2026-01-01T12:00:00Z", sentCount: 2 });
  });

  it("leaves nothing of the failures before it", () => {
    const after = afterAcceptance(fail("ServiceFailed", accepted).destination, message, {}, "Failed", now);
    assert.deepEqual(Object.keys(after).sort(), ["externalRef", "key", "sentAt", "sentCount", "sentStatus", "state", "target"]);
  });
});

describe("afterFailure", () => {
  it("keeps what was accepted, counts attempts and says when the next one is", () => {
    const first = fail("ServiceFailed", accepted).destination;
    const second = fail("ServiceTimeout", first, { at: now + 5_000 }).destination;
    assert.deepEqual([first.attempts, second.attempts], [1, 2]);
    assert.deepEqual([first.firstAttemptAt, second.firstAttemptAt], ["2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z"]);
    assert.deepEqual(second.lastError, { code: "ServiceTimeout", message: "it failed" });
    assert.deepEqual([second.state, second.sentStatus, second.sentCount, second.externalRef], ["Retrying", "Running", 1, "first"]);
  });

  it("waits longer from attempt to attempt, never longer than about five minutes", () => {
    let destination: DeliveryDestination | undefined;
    const bounds = Array.from({ length: 12 }, (_, attempt) => {
      const after = fail("ServiceUnreachable", destination);
      destination = after.destination;
      const bound = Math.min(300_000, 1_000 * 2 ** attempt);
      assert.ok(after.waitMs !== undefined && after.waitMs > 0 && after.waitMs <= bound + 1_000, `attempt ${attempt}: ${String(after.waitMs)}`);
      return bound;
    });
    assert.equal(bounds.at(-1), 300_000);
  });

  it("is never earlier than the service asked for, on record too", () => {
    for (const retryAfterMs of [1_000, 90_000, 3_600_000]) {
      const { destination, waitMs } = fail("RateLimited", undefined, { retryAfterMs });
      assert.ok(waitMs !== undefined && waitMs >= retryAfterMs && waitMs < retryAfterMs + 2_000);
      assert.equal(Date.parse(destination.nextAttemptAt ?? ""), now + waitMs);
    }
  });

  for (const code of ["CredentialsRefused", "SecretMalformed", "EgressDenied", "DestinationRefused"] as const) {
    it(`waits ten minutes for somebody to mend ${code}`, () => {
      const { destination, waitMs } = fail(code);
      assert.equal(destination.state, "Retrying");
      assert.ok(waitMs !== undefined && waitMs >= 600_000 && waitMs < 601_000);
    });
  }

  it("never tries again what was refused for good", () => {
    const { destination, waitMs } = fail("MessageRefused", accepted);
    assert.equal(waitMs, undefined);
    assert.deepEqual([destination.state, destination.refusedStatus, destination.sentStatus, destination.nextAttemptAt], ["DeadLetter", "Failed", "Running", undefined]);
    assert.deepEqual(destination.lastError, { code: "MessageRefused", message: "it failed" });
  });

  it("gives up at the deadline after the first attempt, not before", () => {
    const first = fail("ServiceFailed").destination;
    const start = Date.parse(first.firstAttemptAt ?? "");
    assert.equal(fail("ServiceFailed", first, { at: start + deadlineMs - 1 }).destination.state, "Retrying");
    const { destination, waitMs } = fail("ServiceFailed", { ...first, attempts: 41 }, { at: start + deadlineMs });
    assert.deepEqual([destination.state, destination.refusedStatus, waitMs], ["DeadLetter", "Failed", undefined]);
    assert.deepEqual(destination.lastError, { code: "DeadlinePassed", message: "gave up after 42 attempts; last: it failed" });
  });

  it("fits the error's text into the record", () => {
    const error = new DeliveryError("ServiceFailed", "🚀".repeat(2_000));
    const { lastError } = afterFailure(undefined, { message, status: "Failed", error, now }, deadlineMs).destination;
    assert.ok(lastError !== undefined && lastError.message.length <= 1024 && lastError.message.isWellFormed());
  });
});

describe("forAnotherState", () => {
  it("begins attempts and deadline anew, and keeps all else", () => {
    const failed = fail("RateLimited", accepted, { retryAfterMs: 90_000 }).destination;
    const anew = forAnotherState(failed);
    assert.deepEqual([anew.attempts, anew.firstAttemptAt], [undefined, undefined]);
    assert.deepEqual({ ...failed, attempts: undefined, firstAttemptAt: undefined }, { ...anew, attempts: undefined, firstAttemptAt: undefined });
    assert.equal(fail("ServiceFailed", anew, { at: now + 2 * deadlineMs }).destination.state, "Retrying");
  });
});

describe("whileHeld", () => {
  it("says why nothing was tried, without an attempt", () => {
    const held = whileHeld(accepted, message, { code: "SecretNotFound", message: "Secret x does not exist" }, now);
    assert.deepEqual(held, { ...accepted, state: "Retrying", lastError: { code: "SecretNotFound", message: "Secret x does not exist" } });
    assert.equal(whileHeld(undefined, message, { code: "ProviderSuspended", message: "" }, now).state, "Pending");
  });
});

describe("a destination that people hold back", () => {
  const suspended = { code: "ProviderSuspended", message: "the Provider is suspended" };

  it("has the time of it taken off its deadline, however often it is looked at", () => {
    const tried = fail("ServiceFailed").destination;
    const held = whileHeld(whileHeld(tried, message, suspended, now + 1_000), message, suspended, now + 600_000);
    assert.equal(held.heldSince, isoSeconds(now + 1_000));
    const resumed = whenResumed(held, Date.parse(held.heldSince) + 48 * 3_600_000);
    assert.equal(Date.parse(resumed.firstAttemptAt ?? "") - Date.parse(tried.firstAttemptAt ?? ""), 48 * 3_600_000);
    assert.equal(resumed.heldSince, undefined);
    assert.equal(fail("ServiceFailed", resumed, { at: now + 48 * 3_600_000 + 2_000 }).destination.state, "Retrying");
  });

  it("has no deadline before its first attempt", () => {
    const held = whileHeld(undefined, message, { code: "MessagesThrottled", message: "" }, now);
    assert.deepEqual([held.state, held.firstAttemptAt, whenResumed(held, now + 5_000).heldSince], ["Pending", undefined, undefined]);
  });
});

describe("whenRedelivered", () => {
  it("forgets what was sent or given up, and keeps how the service calls it", () => {
    assert.deepEqual(whenRedelivered(accepted), { key: accepted.key, state: "Pending", sentCount: 1, externalRef: "first", target: message.target });
    assert.equal(recordedOf([whenRedelivered(fail("MessageRefused", accepted).destination)]).get("status")?.sentStatus, undefined);
  });
});

describe("stillOwed", () => {
  const owed = { status: "Failed" };

  it("is what waits to be sent, and not what became a dead letter", () => {
    assert.equal(stillOwed({ state: "Retrying", owed, destinations: [accepted, fail("ServiceFailed").destination] }), owed);
    assert.equal(stillOwed({ state: "DeadLetter", owed, destinations: [fail("MessageRefused").destination] }), undefined);
    assert.equal(stillOwed({ state: "DeadLetter", destinations: [fail("ServiceFailed").destination] }), undefined);
    assert.equal(stillOwed(undefined), undefined);
  });

  it("is what was put on record before its first attempt, although an earlier state was accepted", () => {
    assert.equal(stillOwed({ state: overallState([accepted], true), owed, destinations: [accepted] }), owed);
  });
});

describe("recordedOf", () => {
  const settled = (destination: DeliveryDestination): unknown => recordedOf([destination]).get("status");

  it("is what was accepted last, not what is being tried", () => {
    assert.deepEqual(settled(accepted), { sentStatus: "Running", sentCount: 1, externalRef: "first", target: message.target });
    assert.deepEqual(settled(fail("ServiceFailed", accepted).destination), { sentStatus: "Running", sentCount: 1, externalRef: "first", target: message.target });
    assert.deepEqual(settled(fail("ServiceFailed").destination), { sentCount: 0, target: message.target });
  });

  it("counts a dead letter as settled", () => {
    assert.deepEqual(settled(fail("MessageRefused", accepted).destination), { sentStatus: "Failed", sentCount: 1, externalRef: "first", target: message.target });
  });
});

describe("whenNothingIsOwed", () => {
  it("leaves what is settled, goes back to what was accepted, and drops what never was", () => {
    const dead = fail("MessageRefused", accepted).destination;
    assert.deepEqual([accepted, dead].map(whenNothingIsOwed), [accepted, dead]);
    assert.deepEqual(whenNothingIsOwed(fail("ServiceFailed", accepted).destination), accepted);
    assert.equal(whenNothingIsOwed(fail("ServiceFailed").destination), undefined);
    assert.equal(whenNothingIsOwed(whileHeld(undefined, message, { code: "ProviderSuspended", message: "" }, now)), undefined);
  });
});
