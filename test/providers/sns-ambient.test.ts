import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { createHttp, type Http } from "../../src/providers/http.ts";
import type { KnownKey } from "../support/aws-signature.ts";
import { withEnvironment } from "../support/environment.ts";
import { manualClock } from "../support/manual-clock.ts";
import { startProxy } from "../support/proxy-double.ts";
import { startReceiver, type Answer, type Received, type Receiver } from "../support/receivers.ts";
import type { SnsDouble } from "../support/sns-double.ts";
import { allTextOf, failureOf } from "./errors.ts";
import { messageOf, openSender, roleARN, startDouble } from "./sns-harness.ts";

const { signal } = new AbortController();
const nowhere = { AWS_EC2_METADATA_DISABLED: "true" };

function platform(t: TestContext, https?: string): Http {
  const http = createHttp({ policy: undefined, ...(https !== undefined && { proxies: { http: { url: https }, none: [] } }) });
  t.after(() => http.close());
  return http;
}

async function fileWith(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "identity-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "token");
  await writeFile(file, text);
  return file;
}

async function endpoint(t: TestContext, respond: (request: Received) => Answer): Promise<Receiver> {
  const receiver = await startReceiver({ respond });
  t.after(() => receiver.close());
  return receiver;
}

const given = ({ id, secret, token = "" }: KnownKey, livesMs = 3_600_000): object => ({ AccessKeyId: id, SecretAccessKey: secret, Token: token, Expiration: new Date(Date.now() + livesMs).toISOString() });

/** The container's identity, as EKS Pod Identity gives it: whoever has the token of the Pod gets a key. */
async function podIdentity(t: TestContext, double: SnsDouble): Promise<{ readonly agent: Receiver; readonly keys: KnownKey[] }> {
  const keys: KnownKey[] = [];
  const agent = await endpoint(t, ({ headers }) => {
    if (headers["authorization"] !== "s3cret-pod-token") return { status: 401 };
    const key = double.grant();
    keys.push(key);
    return { status: 200, body: given(key) };
  });
  withEnvironment(t, { ...nowhere, AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.url}/v1/credentials`, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: await fileWith(t, "s3cret-pod-token") });
  return { agent, keys };
}

describe("SNS with the controller's own identity", () => {
  it("is that of the environment", async (t) => {
    const double = await startDouble(t);
    withEnvironment(t, { ...nowhere, AWS_ACCESS_KEY_ID: double.key.id, AWS_SECRET_ACCESS_KEY: double.key.secret });
    const { sender, learnt } = openSender(t, double, {}, { platform: platform(t) });
    await sender.send(messageOf({}), signal);
    assert.deepEqual([double.published.map(({ keyId }) => keyId), learnt, double.violations], [[double.key.id], [double.key.secret], []]);
  });

  it("is that of the container (EKS Pod Identity): one request for many messages, and another before the key ends", async (t) => {
    const double = await startDouble(t);
    const { agent, keys } = await podIdentity(t, double);
    const clock = manualClock(Date.now());
    const { sender, learnt } = openSender(t, double, {}, { platform: platform(t), clock });
    await Promise.all(Array.from({ length: 10 }, (_, index) => sender.send(messageOf({ name: `n-${index}` }), signal)));
    assert.deepEqual([agent.received.length, double.published.length], [1, 10]);
    clock.advance(3_200_000);
    await sender.send(messageOf({}), signal);
    clock.advance(200_000);
    await sender.send(messageOf({}), signal);
    assert.deepEqual([agent.received.length, double.published.at(-1)?.keyId, learnt.length], [2, keys[1]?.id, 4]);
    assert.ok(keys.every(({ secret, token }) => learnt.includes(secret) && learnt.includes(token ?? "")));
  });

  it("is asked for once more when its key is refused", async (t) => {
    const double = await startDouble(t);
    const { agent } = await podIdentity(t, double);
    const { sender } = openSender(t, double, {}, { platform: platform(t) });
    await sender.send(messageOf({}), signal);
    double.endSessions();
    await sender.send(messageOf({ sentCount: 1 }), signal);
    assert.deepEqual([agent.received.length, double.published.length], [2, 2]);
  });

  it("assumes the Provider's role, with namespace and name as external id", async (t) => {
    const double = await startDouble(t, { roles: { [roleARN]: "ci/runs" } });
    const { agent, keys } = await podIdentity(t, double);
    const { sender } = openSender(t, double, { roleARN }, { platform: platform(t) });
    for (let sentCount = 0; sentCount < 3; sentCount += 1) await sender.send(messageOf({ sentCount }), signal);
    assert.deepEqual([agent.received.length, double.rolesAssumed(), double.published.length], [1, 1, 3]);
    assert.ok(double.published.every(({ keyId }) => keyId !== keys[0]?.id));
    double.endSessions();
    await sender.send(messageOf({ sentCount: 3 }), signal).catch(() => undefined);
    await sender.send(messageOf({ sentCount: 3 }), signal);
    assert.deepEqual([agent.received.length, double.rolesAssumed(), double.published.length], [2, 2, 4]);
  });

  it("is a web identity (IRSA), for which STS is asked by way of the installation's proxy", async (t) => {
    const double = await startDouble(t);
    const key = double.grant();
    const sts = await endpoint(t, () => ({
      status: 200,
      headers: { "content-type": "text/xml" },
      body: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${key.id}</AccessKeyId><SecretAccessKey>${key.secret}</SecretAccessKey><SessionToken>${key.token ?? ""}</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    }));
    const proxy = await startProxy();
    t.after(() => proxy.close());
    withEnvironment(t, { ...nowhere, AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/controller", AWS_WEB_IDENTITY_TOKEN_FILE: await fileWith(t, "s3cret.web.identity"), AWS_REGION: "eu-central-1", AWS_ENDPOINT_URL_STS: sts.url });
    const { sender } = openSender(t, double, {}, { platform: platform(t, proxy.url) });
    await sender.send(messageOf({}), signal);
    const form = new URLSearchParams(sts.received[0]?.body);
    assert.deepEqual([form.get("Action"), form.get("RoleArn"), form.get("WebIdentityToken"), sts.received.length], ["AssumeRoleWithWebIdentity", "arn:aws:iam::123456789012:role/controller", "s3cret.web.identity", 1]);
    assert.deepEqual([double.published.map(({ keyId }) => keyId), proxy.asked.map(({ target }) => target)], [[key.id], [new URL(sts.url).host]]);
  });

  it("that does not exist is told as such, without what was tried", async (t) => {
    const double = await startDouble(t);
    withEnvironment(t, { ...nowhere, AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:9/s3cret", AWS_CONTAINER_AUTHORIZATION_TOKEN: "s3cret" });
    const { sender } = openSender(t, double, {}, { platform: platform(t) });
    const error = await failureOf(sender.send(messageOf({}), signal));
    assert.deepEqual([error.code, error.class, double.received.length], ["CredentialsRequired", "credentials", 0]);
    assert.doesNotMatch(allTextOf(error), /s3cret/);
  });

  it("that STS refuses is told with AWS's word", async (t) => {
    const double = await startDouble(t);
    const sts = await endpoint(t, () => ({ status: 403, headers: { "content-type": "text/xml" }, body: "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>" }));
    withEnvironment(t, { ...nowhere, AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/controller", AWS_WEB_IDENTITY_TOKEN_FILE: await fileWith(t, "s3cret.web.identity"), AWS_REGION: "eu-central-1", AWS_ENDPOINT_URL_STS: sts.url });
    const { sender } = openSender(t, double, {}, { platform: platform(t) });
    const error = await failureOf(sender.send(messageOf({}), signal));
    assert.deepEqual([error.code, error.message], ["CredentialsRefused", "could not get the controller's own identity: AWS STS answered 403 (AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity)"]);
    assert.doesNotMatch(allTextOf(error), /s3cret/);
  });

  it("is waited for no longer than a message may take", async (t) => {
    const double = await startDouble(t);
    const agent = await endpoint(t, () => ({ status: 200 }));
    agent.misbehave({ hang: true });
    withEnvironment(t, { ...nowhere, AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.url}/v1/credentials`, AWS_CONTAINER_AUTHORIZATION_TOKEN: "x" });
    const { sender } = openSender(t, double, {}, { platform: platform(t) });
    const controller = new AbortController();
    const failing = failureOf(sender.send(messageOf({}), controller.signal));
    while (agent.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(new DOMException("too slow", "TimeoutError"));
    assert.equal((await failing).code, "ServiceTimeout");
  });
});
