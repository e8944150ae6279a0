import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ErrorCode } from "../../src/errors.ts";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import { deadlineMs, failed, running, start, succeeded, timeoutMs, type Harness, type Service } from "./deliver-harness.ts";
import { runEvent } from "./runs.ts";

const refuse =
  (code: ErrorCode, options: { retryAfterMs?: number } = {}): Service =>
  () => {
    throw new DeliveryError(code, "it failed", options);
  };
const accept: Service = () => ({});

/** Moves the clock to the next attempt that is planned. */
async function nextAttempt(harness: Harness): Promise<void> {
  const [wait] = [...harness.clock.sleepers].sort((a, b) => a - b);
  assert.ok(wait !== undefined, "nothing is planned");
  await harness.advance(wait);
}

describe("a message that fails", () => {
  it("is tried again until it is accepted, and is on record as owed from its first failure on", async (t) => {
    const harness = start(t);
    harness.service = refuse("ServiceFailed");
    await harness.change(failed);
    assert.deepEqual(harness.writes.map(({ owed, destinations: [destination] }) => [owed, destination?.state, destination?.attempts]), [[true, "Retrying", 1]]);
    for (let retry = 0; retry < 4; retry += 1) await nextAttempt(harness);
    assert.equal(harness.writes.length, 1, "a state is written as owed once, not at each attempt");
    harness.service = accept;
    await nextAttempt(harness);
    assert.equal(harness.sent.length, 6);
    assert.deepEqual(harness.outcomes.map(({ outcome }) => outcome), [...Array.from({ length: 5 }, () => "Retrying"), "Delivered"]);
    assert.deepEqual([harness.writes.length, harness.writes[1]?.owed, harness.writes[1]?.destinations[0]?.state], [2, false, "Delivered"]);
    assert.deepEqual(harness.clock.sleepers, [], "nothing more is planned");
  });

  it("is not tried earlier because its run changed", async (t) => {
    const harness = start(t);
    harness.service = refuse("RateLimited", { retryAfterMs: 90_000 });
    await harness.change(failed);
    harness.service = accept;
    for (const labels of [{ a: "1" }, { a: "2" }]) await harness.change({ ...failed, labels });
    await harness.advance(89_999);
    assert.equal(harness.sent.length, 1);
    await harness.advance(2_000);
    assert.equal(harness.sent.length, 2);
  });

  it("because its service asked to wait waits on when Notification or Provider change; others go at once", async (t) => {
    const limited = start(t);
    limited.service = refuse("RateLimited", { retryAfterMs: 90_000 });
    const unreachable = start(t);
    unreachable.service = refuse("DestinationRefused");
    for (const harness of [limited, unreachable]) {
      await harness.change(failed);
      harness.service = accept;
      harness.deliverer.touchNotification("ci/to-service");
      await harness.quiet();
    }
    assert.deepEqual([limited.sent.length, unreachable.sent.length], [1, 2]);
    await limited.advance(91_000);
    assert.equal(limited.sent.length, 2);
  });

  it("for a reason that is not ours is tried again like one that the service failed", async (t) => {
    const harness = start(t);
    harness.service = () => {
      throw new TypeError("cannot read properties of undefined");
    };
    await harness.change(failed);
    assert.deepEqual(harness.outcomes.map(({ outcome, error }) => [outcome, error?.code]), [["Retrying", "ServiceFailed"]]);
    harness.service = accept;
    await nextAttempt(harness);
    assert.equal(harness.outcomes.at(-1)?.outcome, "Delivered");
  });

  it("for good is never tried again, and is told so", async (t) => {
    const harness = start(t);
    harness.service = refuse("MessageRefused");
    await harness.change(failed);
    await harness.change({ ...failed, labels: { a: "1" } });
    assert.deepEqual([harness.sent.length, harness.clock.sleepers], [1, []]);
    assert.deepEqual(harness.writes.map(({ owed, destinations: [destination] }) => [owed, destination?.state, destination?.refusedStatus]), [[false, "DeadLetter", "Failed"]]);
    assert.deepEqual(harness.outcomes.map(({ outcome, error }) => [outcome, error?.code]), [["DeadLetter", "MessageRefused"]]);
    assert.deepEqual(harness.log.map(({ message }) => message), ["a message was given up"]);
  });

  it("is given up at the deadline", async (t) => {
    const harness = start(t);
    harness.service = refuse("ServiceUnreachable");
    await harness.change(failed);
    const begun = harness.clock.monotonic();
    while (harness.outcomes.at(-1)?.outcome !== "DeadLetter") await nextAttempt(harness);
    const took = harness.clock.monotonic() - begun;
    assert.ok(took >= deadlineMs - 1_000 && took <= deadlineMs + 301_000, `${took} ms`);
    assert.deepEqual([harness.writes.at(-1)?.owed, harness.writes.at(-1)?.destinations[0]?.lastError?.code], [false, "DeadlinePassed"]);
    const { body } = await harness.metrics.render();
    assert.match(body, /deliveries_total\{provider_type="CloudEvents",result="dead_letter"\} 1\n/);
    assert.match(body, new RegExp(`delivery_attempts_total\\{provider_type="CloudEvents",error_class="retryable"\\} ${harness.sent.length}\\n`));
    assert.match(body, new RegExp(`delivery_failures_total\\{provider_type="CloudEvents",code="ServiceUnreachable"\\} ${harness.sent.length}\\n`));
    assert.match(body, new RegExp(`delivery_retries_total\\{provider_type="CloudEvents"\\} ${harness.sent.length - 1}\\n`));
    assert.match(body, /delivery_queue_age_seconds_count\{provider_type="CloudEvents"\} 1\n/);
  });
});

describe("another state", () => {
  it("takes the place of one that could not be delivered, with attempts and deadline of its own", async (t) => {
    const harness = start(t);
    harness.service = refuse("ServiceFailed");
    await harness.change(running);
    while (harness.clock.monotonic() < deadlineMs - 700_000) await nextAttempt(harness);
    await harness.change(succeeded);
    while (harness.clock.monotonic() < deadlineMs + 700_000) await nextAttempt(harness);
    assert.deepEqual([...new Set(harness.outcomes.map(({ outcome }) => outcome))], ["Retrying"], "the deadline of the first state is over, that of the second is not");
    const first = harness.sent.indexOf("Succeeded");
    assert.ok(first > 1 && harness.sent.slice(first).every((state) => state === "Succeeded"));
    harness.service = accept;
    await nextAttempt(harness);
    assert.deepEqual([harness.outcomes.at(-1)?.outcome, harness.outcomes.at(-1)?.event.status], ["Delivered", "Succeeded"]);
  });

  const owedFor = (status: "Running" | "Failed"): Parameters<typeof start>[1] => ({
    record: {
      state: "Retrying",
      destinations: [{ key: "event", state: "Retrying", attempts: 41, firstAttemptAt: "2025-12-01T00:00:00Z", nextAttemptAt: "2025-12-01T00:05:00Z" }],
      owed: { ...runEvent({ status, reason: status }) },
    },
  });

  it("has a deadline of its own after a restart too", async (t) => {
    const harness = start(t, owedFor("Running"));
    harness.service = refuse("ServiceFailed");
    await harness.change(failed);
    assert.deepEqual([harness.outcomes[0]?.outcome, harness.writes.at(-1)?.destinations[0]?.attempts], ["Retrying", 1]);
  });

  it("does not stand in for the same state, whose deadline a restart does not move", async (t) => {
    const harness = start(t, owedFor("Failed"));
    harness.service = refuse("ServiceFailed");
    await harness.change(failed);
    assert.deepEqual([harness.outcomes[0]?.outcome, harness.writes.at(-1)?.destinations[0]?.attempts], ["DeadLetter", 42]);
  });
});

describe("refused credentials", () => {
  it("hold everything back until the Provider is ready again, then it goes out at once", async (t) => {
    const harness = start(t);
    const { gate, sender } = harness;
    harness.service = refuse("CredentialsRefused");
    await harness.change(running);
    assert.deepEqual(harness.refused.map(({ error, sender: of }) => [error.code, of === sender]), [["CredentialsRefused", true]]);
    harness.gate = { ready: false, code: "CredentialsRefused", message: "answered 401" };
    await harness.change(failed);
    assert.equal(harness.sent.length, 1);
    harness.gate = gate;
    harness.service = accept;
    harness.deliverer.touchNotification("ci/to-service");
    await harness.quiet();
    assert.deepEqual(harness.sent, ["Running", "Failed"]);
  });

  it("are tried again after ten minutes, even if nothing changed", async (t) => {
    const harness = start(t);
    harness.service = refuse("CredentialsRefused");
    await harness.change(failed);
    await harness.advance(599_000);
    assert.equal(harness.sent.length, 1);
    await harness.advance(2_000);
    assert.equal(harness.sent.length, 2);
  });
});

describe("a record that cannot be written", () => {
  it("is tried again by itself, and the message is not sent twice", async (t) => {
    const harness = start(t);
    harness.failWrites = 3;
    await harness.change(failed);
    assert.deepEqual([harness.sent.length, harness.writes.length], [1, 0]);
    for (let retry = 0; retry < 3; retry += 1) await nextAttempt(harness);
    assert.deepEqual([harness.sent.length, harness.writes.map(({ owed }) => owed)], [1, [false]]);
    await harness.change({ ...failed, labels: { a: "1" } });
    assert.deepEqual([harness.sent.length, harness.writes.length], [1, 1]);
    const { body } = await harness.metrics.render();
    assert.match(body, /record_writes_total\{result="failed"\} 3\n/);
  });

  it("does not hold back the run's next state", async (t) => {
    const harness = start(t);
    harness.failWrites = 2;
    await harness.change(running);
    await harness.change(failed);
    while (harness.writes.length === 0) await nextAttempt(harness);
    assert.deepEqual(harness.sent, ["Running", "Failed"]);
    assert.deepEqual(harness.writes.map(({ status }) => status), ["Failed"]);
  });

  it("as owed is written while the message waits", async (t) => {
    const harness = start(t);
    harness.failWrites = 1;
    harness.service = refuse("ServiceFailed", { retryAfterMs: 10 * timeoutMs });
    await harness.change(failed);
    assert.equal(harness.writes.length, 0);
    await nextAttempt(harness);
    assert.deepEqual([harness.sent.length, harness.writes.map(({ owed }) => owed)], [1, [true]]);
  });
});
