import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { awsError } from "../support/aws-contract.ts";
import { manualClock } from "../support/manual-clock.ts";
import type { SnsDouble } from "../support/sns-double.ts";
import { ended } from "../controller/runs.ts";
import { failureOf } from "./errors.ts";
import { messageOf, openSender, roleARN, startDouble, topicARN } from "./sns-harness.ts";

const { signal } = new AbortController();
const message = messageOf({ event: ended("Failed") });

/** The actions that the double was asked for, in order. */
const actions = ({ received }: SnsDouble): (string | null)[] => received.map(({ body }) => new URLSearchParams(body).get("Action"));

describe("an assumed role", () => {
  const roles = { [roleARN]: "ci/runs" };

  it("is assumed once for a hundred messages at once, with the Provider's name as external id", async (t) => {
    const double = await startDouble(t, { roles });
    const { sender, learnt } = openSender(t, double, { roleARN });
    await Promise.all(Array.from({ length: 100 }, (_, index) => sender.send(messageOf({ event: ended("Failed", { uid: `run-${index}` }) }), signal)));
    const form = new URLSearchParams(double.received[0]?.body);
    assert.deepEqual([double.rolesAssumed(), double.published.length, double.received.length], [1, 100, 101]);
    assert.deepEqual(["RoleArn", "ExternalId", "RoleSessionName", "DurationSeconds"].map((name) => form.get(name)), [roleARN, "ci/runs", "tekton-integrations", "3600"]);
    assert.ok(double.published.every(({ keyId }) => keyId !== double.key.id));
    assert.equal(learnt.length, 2);
    assert.deepEqual(double.violations, []);
  });

  it("is assumed anew five minutes before its key ends, and not earlier", async (t) => {
    const double = await startDouble(t, { roles });
    const clock = manualClock(Date.now());
    const { sender } = openSender(t, double, { roleARN }, { clock });
    const after = async (ms: number): Promise<number> => {
      clock.advance(ms);
      await sender.send(message, signal);
      return double.rolesAssumed();
    };
    assert.deepEqual([await after(0), await after(54 * 60_000), await after(2 * 60_000)], [1, 1, 2]);
    assert.equal(new Set(double.published.map(({ keyId }) => keyId)).size, 2);
  });

  it("is assumed once more when its key is refused before its time", async (t) => {
    const double = await startDouble(t, { roles });
    const { sender } = openSender(t, double, { roleARN });
    await sender.send(message, signal);
    double.endSessions();
    await sender.send(message, signal);
    assert.deepEqual(actions(double), ["AssumeRole", "Publish", "Publish", "AssumeRole", "Publish"]);
  });

  it("that may not publish is a matter of credentials, said once", async (t) => {
    const double = await startDouble(t, { roles });
    const { sender } = openSender(t, double, { roleARN });
    double.misbehave((request) => (request.body.startsWith("Action=Publish") ? { answer: awsError("AuthorizationError", "User: arn:aws:sts::1:assumed-role/x is not authorized to perform: SNS:Publish") } : undefined));
    const error = await failureOf(sender.send(message, signal));
    assert.deepEqual([error.code, actions(double)], ["CredentialsRefused", ["AssumeRole", "Publish", "AssumeRole", "Publish"]]);
  });

  it("that does not trust the Provider is a matter of credentials", async (t) => {
    const double = await startDouble(t, { roles: { [roleARN]: "ci/another" } });
    const error = await failureOf(openSender(t, double, { roleARN }).sender.send(message, signal));
    assert.deepEqual([error.code, error.status, double.received.length], ["CredentialsRefused", 403, 1]);
    assert.match(error.message, /^could not assume the role: sts\.eu-central-1\.amazonaws\.com answered 403 \(AccessDenied: User: .* is not authorized to perform: sts:AssumeRole/);
  });

  it("is not taken from a page that is none of AWS's", async (t) => {
    const double = await startDouble(t, { roles });
    double.misbehave({ answer: { status: 200, body: "<html></html>" } });
    const error = await failureOf(openSender(t, double, { roleARN }).sender.send(message, signal));
    assert.deepEqual([error.code, double.received.length], ["ServiceFailed", 1]);
  });
});

describe("a request to SNS", () => {
  it("ends with its signal, while it waits for an answer or a role", async (t) => {
    const double = await startDouble(t, { roles: { [roleARN]: "ci/runs" } });
    for (const provider of [{}, { roleARN }]) {
      const { sender } = openSender(t, double, provider);
      double.misbehave({ hang: true });
      const before = double.received.length;
      const controller = new AbortController();
      const failed = failureOf(sender.send(message, controller.signal));
      while (double.received.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
      controller.abort(new DOMException("too late", "TimeoutError"));
      assert.equal((await failed).code, "ServiceTimeout");
      assert.equal(double.received.length, before + 1);
      double.behave();
      await sender.send(message, signal);
    }
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
    for (const [endpoint, policy] of [["https://169.254.169.254/", { development: true }], [double.url, { development: false }], ["https://localhost/", { development: false }]] as const) {
      const error = await failureOf(openSender(t, double, { endpoint }, { policy }).sender.send(message, signal));
      assert.equal(error.code, "EgressDenied");
    }
    assert.equal(double.received.length, 0);
  });

  it("is not begun by a controller that no longer leads, nor is a role assumed", async (t) => {
    const double = await startDouble(t, { roles: { [roleARN]: "ci/runs" } });
    for (const provider of [{}, { roleARN }]) {
      let leads = false;
      const { sender } = openSender(t, double, provider, { mayBegin: () => leads });
      assert.equal((await failureOf(sender.send(message, signal))).code, "NotLeading");
      leads = true;
      await sender.send(message, signal);
      double.endSessions();
    }
    assert.deepEqual(actions(double), ["Publish", "AssumeRole", "Publish"]);
  });

  it("is not made for a Provider without credentials", async (t) => {
    const { open } = await import("../../src/providers/sns/send.ts");
    const double = await startDouble(t);
    const http = { fetch: () => assert.fail("nothing may be sent"), close: () => Promise.resolve() };
    assert.throws(() => open({ provider: { topicARN }, secrets: new Map(), http, clock: manualClock(), learnSecret: () => undefined }), { code: "CredentialsRequired" });
    assert.equal(double.received.length, 0);
  });
});
