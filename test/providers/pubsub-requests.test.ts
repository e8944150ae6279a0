import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { manualClock } from "../support/manual-clock.ts";
import { ended } from "../controller/runs.ts";
import { failureOf } from "./errors.ts";
import { messageOf, openSender, startDouble } from "./pubsub-harness.ts";

const { signal } = new AbortController();
const message = messageOf({ event: ended("Failed") });

describe("a request to Pub/Sub", () => {
  it("ends with its signal, and with no other's", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double);
    double.misbehave({ hang: true }, 1);
    const controller = new AbortController();
    const failed = failureOf(sender.send(message, controller.signal));
    while (double.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const other = sender.send(message, signal);
    controller.abort(new DOMException("too late", "TimeoutError"));
    assert.equal((await failed).code, "ServiceTimeout");
    assert.ok((await other).externalRef);
    assert.equal(double.received.length, 2);
  });

  it("is not begun when its signal has ended", async (t) => {
    const double = await startDouble(t);
    assert.equal((await failureOf(openSender(t, double).sender.send(message, AbortSignal.abort()))).class, "retryable");
    assert.equal(double.received.length, 0);
  });

  it("is one request when the connection breaks or cannot be made", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double);
    double.misbehave({ reset: true });
    assert.deepEqual([(await failureOf(sender.send(message, signal))).code, double.received.length], ["ServiceUnreachable", 1]);
    await double.goAway();
    assert.equal((await failureOf(sender.send(message, signal))).code, "ServiceUnreachable");
  });

  it("goes nowhere that egress does not allow", async (t) => {
    const double = await startDouble(t);
    for (const [endpoint, policy] of [["https://169.254.169.254", { development: true }], [double.url, { development: false }], ["https://localhost", { development: false }]] as const) {
      const error = await failureOf(openSender(t, double, { endpoint }, { policy, google: false }).sender.send(message, signal));
      assert.equal(error.code, "EgressDenied");
    }
    assert.equal(double.received.length, 0);
  });

  it("is not begun by a controller that no longer leads", async (t) => {
    const double = await startDouble(t);
    let leads = false;
    const { sender } = openSender(t, double, {}, { mayBegin: () => leads });
    assert.deepEqual([(await failureOf(sender.send(message, signal))).code, double.received.length], ["NotLeading", 0]);
    leads = true;
    await sender.send(message, signal);
    assert.equal(double.received.length, 1);
  });

  it("is refused after the sender was closed, without a request", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double);
    await sender.send(message, signal);
    await sender.close();
    assert.equal((await failureOf(sender.send(message, signal))).class, "retryable");
    assert.equal(double.received.length, 1);
  });

  it("is not made for a Provider without credentials", async () => {
    const { open } = await import("../../src/providers/pubsub/send.ts");
    const http = { fetch: () => assert.fail("nothing may be sent"), close: () => Promise.resolve() };
    assert.throws(() => open({ provider: { projectId: "example-project", topic: "runs" }, secrets: new Map(), http, clock: manualClock(), learnSecret: () => undefined }), { code: "CredentialsRequired" });
  });
});
