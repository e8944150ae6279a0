import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { createHttp, type Http } from "../../src/providers/http.ts";
import { withEnvironment } from "../support/environment.ts";
import { manualClock } from "../support/manual-clock.ts";
import type { PubSubDouble } from "../support/pubsub-double.ts";
import { startReceiver, type Receiver } from "../support/receivers.ts";
import { allTextOf, failureOf } from "./errors.ts";
import { messageOf, openSender, startDouble } from "./pubsub-harness.ts";

const { signal } = new AbortController();
const tokenPath = /^\/computeMetadata\/v1\/instance\/service-accounts\/default\/token\?/;

function platform(t: TestContext): Http {
  const http = createHttp({ policy: undefined });
  t.after(() => http.close());
  return http;
}

/** Google's metadata server, as GKE has it on each node: whoever asks with its header gets a token. */
async function metadataServer(t: TestContext, double: PubSubDouble, environment: Readonly<Record<string, string>> = {}): Promise<{ readonly server: Receiver; readonly asked: () => number }> {
  const server = await startReceiver({
    respond: ({ path, headers }) => {
      if (headers["metadata-flavor"] !== "Google") return { status: 403 };
      const flavored = { "metadata-flavor": "Google" };
      if (tokenPath.test(path)) return { status: 200, headers: flavored, body: { access_token: double.grant(), expires_in: 3600, token_type: "Bearer" } };
      return { status: 200, headers: { ...flavored, "content-type": "text/plain" }, body: path.includes("universe") ? "googleapis.com" : "default" };
    },
  });
  t.after(() => server.close());
  withEnvironment(t, { GCE_METADATA_HOST: new URL(server.url).host, METADATA_SERVER_DETECTION: "assume-present", ...environment });
  return { server, asked: () => server.received.filter(({ path }) => tokenPath.test(path)).length };
}

describe("Pub/Sub with the controller's own identity", () => {
  it("is that of the metadata server: one request for many messages, and another before the token ends", async (t) => {
    const double = await startDouble(t);
    const { server, asked } = await metadataServer(t, double);
    const clock = manualClock(Date.now());
    const { sender, learnt, granted } = openSender(t, double, {}, { platform: platform(t), clock });
    await Promise.all(Array.from({ length: 10 }, (_, index) => sender.send(messageOf({ name: `n-${index}` }), signal)));
    assert.deepEqual([asked(), double.published.length, double.tokens.size, double.violations], [1, 10, 1, []]);
    clock.advance(3_300_000);
    await sender.send(messageOf({}), signal);
    assert.equal(asked(), 1);
    clock.advance(100_000);
    await sender.send(messageOf({}), signal);
    assert.deepEqual([asked(), double.tokens.size, learnt.length, granted], [2, 2, 2, [true, true]]);
    assert.ok(server.received.filter(({ path }) => tokenPath.test(path)).every(({ path }) => decodeURIComponent(path).includes("scopes=https://www.googleapis.com/auth/pubsub")));
  });

  it("is asked for when it is asked whether there is one; a key in a Secret can be asked about nowhere", async (t) => {
    const double = await startDouble(t);
    const { asked } = await metadataServer(t, double);
    const { sender } = openSender(t, double, {}, { platform: platform(t) });
    await sender.verify?.(signal);
    assert.deepEqual([asked(), double.received.length], [1, 0]);
    await sender.send(messageOf({}), signal);
    assert.equal(asked(), 1);
    assert.equal(openSender(t, double).sender.verify, undefined);
  });

  it("is asked for once more when its token is refused, and blamed when that one is refused too", async (t) => {
    const double = await startDouble(t);
    const { asked } = await metadataServer(t, double);
    const { sender } = openSender(t, double, {}, { platform: platform(t) });
    await sender.send(messageOf({}), signal);
    double.revoke();
    await sender.send(messageOf({ sentCount: 1 }), signal);
    assert.deepEqual([asked(), double.published.length], [2, 2]);
    double.misbehave({ answer: { status: 401, body: { error: { code: 401, status: "UNAUTHENTICATED", message: "no" } } } });
    const error = await failureOf(sender.send(messageOf({ sentCount: 2 }), signal));
    assert.deepEqual([error.code, asked()], ["CredentialsRefused", 3]);
  });

  it("is that of a file where GOOGLE_APPLICATION_CREDENTIALS names one (workload identity federation)", async (t) => {
    const double = await startDouble(t);
    const sts = await startReceiver({ respond: () => ({ status: 200, body: { access_token: double.grant(), issued_token_type: "urn:ietf:params:oauth:token-type:access_token", token_type: "Bearer", expires_in: 3600 } }) });
    t.after(() => sts.close());
    const folder = await mkdtemp(join(tmpdir(), "identity-"));
    t.after(() => rm(folder, { recursive: true }));
    const subject = join(folder, "subject");
    const file = join(folder, "credentials.json");
    await writeFile(subject, "s3cret.subject.token");
    await writeFile(file, JSON.stringify({
      type: "external_account",
      audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: `${sts.url}/v1/token`,
      credential_source: { file: subject },
    }));
    withEnvironment(t, { GOOGLE_APPLICATION_CREDENTIALS: file, METADATA_SERVER_DETECTION: "none" });
    const { sender } = openSender(t, double, {}, { platform: platform(t) });
    await sender.send(messageOf({}), signal);
    assert.equal(new URLSearchParams(sts.received[0]?.body).get("subject_token"), "s3cret.subject.token");
    assert.equal(double.published.length, 1);
  });

  it("that the metadata server does not give is told without its answer", async (t) => {
    const double = await startDouble(t);
    const { server } = await metadataServer(t, double);
    server.misbehave(({ path }) => (tokenPath.test(path) ? { answer: { status: 404, headers: { "metadata-flavor": "Google" }, body: "s3cret" } } : undefined));
    const { sender } = openSender(t, double, {}, { platform: platform(t) });
    const error = await failureOf(sender.send(messageOf({}), signal));
    assert.deepEqual([error.code, error.message, double.received.length], ["CredentialsRefused", "could not get the controller's own identity at Google: answered 404", 0]);
    assert.doesNotMatch(allTextOf(error), /s3cret/);
  });

  it("is waited for no longer than a message may take", async (t) => {
    const double = await startDouble(t);
    const { server } = await metadataServer(t, double);
    server.misbehave(({ path }) => (tokenPath.test(path) ? { hang: true } : undefined));
    const { sender } = openSender(t, double, {}, { platform: platform(t) });
    const controller = new AbortController();
    const failing = failureOf(sender.send(messageOf({}), controller.signal));
    while (!server.received.some(({ path }) => tokenPath.test(path))) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(new DOMException("too slow", "TimeoutError"));
    assert.equal((await failing).code, "ServiceTimeout");
  });
});
