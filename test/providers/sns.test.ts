import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { errorCatalogue, type ErrorCode } from "../../src/errors.ts";
import { decodePublish } from "../../src/providers/sns/form.ts";
import { normaliseRun } from "../../src/controller/normalise-run.ts";
import { awsError, awsErrors } from "../support/aws-contract.ts";
import type { SnsDouble } from "../support/sns-double.ts";
import { ended, recorded, runEvent } from "../controller/runs.ts";
import { allTextOf, failureOf } from "./errors.ts";
import { fifoARN, messageOf, openSender, roleARN, secretsOf, startDouble, topicARN } from "./sns-harness.ts";

const { signal } = new AbortController();
const message = messageOf({ event: ended("Failed") });

/** The actions that the double was asked for, in order. */
const actions = ({ received }: SnsDouble): (string | null)[] => received.map(({ body }) => new URLSearchParams(body).get("Action"));

describe("publishing to SNS", () => {
  it("posts exactly the request that was rendered, signed with the Secret's key", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double);
    const hostile = messageOf({ event: ended("Failed", { message: "quotes \" & + % ' and 🚀 and \u0000 <!channel>", results: { list: ["a"], map: { b: "c" } } }), notification: { subject: "a + b & c=d %20 ~*()!'" } });
    const { externalRef } = await sender.send(hostile, signal);
    const [posted] = double.received;
    assert.deepEqual([posted?.method, posted?.path, posted?.body], [hostile.request.method, "/", hostile.request.body]);
    assert.equal(posted?.headers["content-type"], hostile.request.headers["content-type"]);
    assert.deepEqual(double.published.map(({ messageId, message: text }) => [messageId, text]), [[externalRef, decodePublish(hostile.request.body as string).Message]]);
    assert.deepEqual(double.violations, []);
  });

  it("satisfies AWS's model and limits for every recorded state of every run", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double);
    const ids = new Set<string>();
    for (const { run } of recorded()) {
      const state = messageOf({ event: normaliseRun(run, { children: [] }), notification: { subject: "${name}: ${message}", attributes: { reason: "${reason}" } } });
      const { id = "" } = decodePublish(state.request.body as string).attributes;
      if (!ids.has(id)) await sender.send(state, signal);
      ids.add(id);
    }
    assert.deepEqual([double.violations, double.published.length, double.received.length], [[], ids.size, ids.size]);
    assert.ok(ids.size > 100);
  });

  it("gives a message of 262,144 bytes to the service, which takes it", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double);
    for (const length of [261_000, 262_000, 270_000, 1_000_000]) await sender.send(messageOf({ event: runEvent({ message: "m", results: { big: "é".repeat(length / 2) } }) }), signal);
    assert.deepEqual([double.violations, double.published.map(({ message: text }) => text.includes('"dropped":["annotations","params","tasks[].message","results"]'))], [[], [false, true, true, true]]);
  });

  it("on a FIFO topic, the same message twice is one", async (t) => {
    const double = await startDouble(t, { topicArn: fifoARN });
    const { sender } = openSender(t, double);
    const fifo = messageOf({ event: ended("Failed"), provider: { topicARN: fifoARN } });
    double.misbehave({ loseAnswer: true }, 1);
    assert.equal((await failureOf(sender.send(fifo, signal))).code, "ServiceUnreachable");
    const { externalRef } = await sender.send(fifo, signal);
    assert.deepEqual([double.published.map(({ messageId }) => messageId), double.received.length, double.violations], [[externalRef], 2, []]);
  });

  it("on a standard topic, a repeat carries the same id", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double);
    double.misbehave({ loseAnswer: true }, 1);
    await failureOf(sender.send(message, signal));
    await sender.send(message, signal);
    assert.deepEqual([double.published.length, new Set(double.published.map(({ attributes }) => attributes["id"])).size], [2, 1]);
  });

  it("takes a key whose values end in line breaks, and a session token", async (t) => {
    const double = await startDouble(t, { roles: { [roleARN]: "ci/runs" } });
    const asFile = Object.fromEntries(Object.entries(secretsOf(double.key)).map(([name, value]) => [name, `${value}\n`]));
    await openSender(t, double, {}, { secrets: asFile }).sender.send(message, signal);
    const { learnt, sender, granted } = openSender(t, double, { roleARN });
    await sender.send(message, signal);
    const [secret = "", token = ""] = learnt;
    const temporary = { id: double.published.at(-1)?.keyId ?? "", secret, token };
    await openSender(t, double, {}, { key: temporary }).sender.send(message, signal);
    assert.deepEqual([double.published.map(({ keyId }) => keyId), double.violations, granted], [[double.key.id, temporary.id, temporary.id], [], [true]]);
  });
});

describe("whether the key is good", () => {
  const roles = { [roleARN]: "ci/runs" };

  it("is asked of STS, which takes every good key", async (t) => {
    const double = await startDouble(t);
    double.forbid(double.key.id);
    await openSender(t, double).sender.verify?.(signal);
    assert.deepEqual([actions(double), double.violations], [["GetCallerIdentity"], []]);
    const { sender } = openSender(t, double, {}, { key: { ...double.key, secret: "anothersecretaccesskeyofthesamelength000" } });
    const error = await failureOf(sender.verify?.(signal) ?? Promise.resolve());
    assert.deepEqual([error.code, error.class], ["CredentialsRefused", "credentials"]);
    assert.match(error.message, /^could not check the access key: sts\.eu-central-1\.amazonaws\.com answered 403/);
  });

  it("is not asked where the endpoint is somebody else's", async (t) => {
    const double = await startDouble(t);
    assert.equal(openSender(t, double, { endpoint: double.url }).sender.verify, undefined);
  });

  it("is said by the role, which is assumed once for that and for messages", async (t) => {
    const double = await startDouble(t, { roles });
    const { sender } = openSender(t, double, { roleARN });
    await sender.verify?.(signal);
    await sender.send(message, signal);
    assert.deepEqual([actions(double), double.violations], [["AssumeRole", "Publish"], []]);
    const refused = await startDouble(t, { roles: { [roleARN]: "ci/another" } });
    const error = await failureOf(openSender(t, refused, { roleARN }).sender.verify?.(signal) ?? Promise.resolve());
    assert.equal(error.code, "CredentialsRefused");
  });
});

describe("what SNS answers", () => {
  /** Not by their HTTP status alone. */
  const expected: Readonly<Record<string, ErrorCode>> = {
    InvalidClientTokenId: "CredentialsRefused", SignatureDoesNotMatch: "CredentialsRefused", ExpiredToken: "CredentialsRefused", AccessDenied: "CredentialsRefused", AuthorizationError: "CredentialsRefused",
    IncompleteSignature: "CredentialsRefused", MissingAuthenticationToken: "CredentialsRefused", OptInRequired: "CredentialsRefused", InvalidSecurity: "CredentialsRefused", KMSAccessDenied: "CredentialsRefused",
    NotFound: "DestinationRefused", ResourceNotFound: "DestinationRefused", EndpointDisabled: "DestinationRefused", PlatformApplicationDisabled: "DestinationRefused", KMSNotFound: "DestinationRefused",
    KMSDisabled: "DestinationRefused", KMSInvalidState: "DestinationRefused", KMSOptInRequired: "DestinationRefused",
    Throttled: "RateLimited", Throttling: "RateLimited", ThrottlingException: "RateLimited", KMSThrottling: "RateLimited",
    InternalError: "ServiceFailed", InternalFailure: "ServiceFailed", ServiceUnavailable: "ServiceFailed", RequestExpired: "ServiceFailed", RequestTimeTooSkewed: "ServiceFailed",
    InvalidParameter: "MessageRefused", ValidationError: "MessageRefused", ValidationException: "MessageRefused",
  };

  for (const [awsCode, code] of Object.entries(expected)) {
    it(`${awsCode} is ${code} (${errorCatalogue[code].class})`, async (t) => {
      const double = await startDouble(t);
      const answer = awsError(awsCode, "s3cret text");
      double.misbehave({ answer: { ...answer, headers: { ...answer.headers, "retry-after": "7" } } });
      const error = await failureOf(openSender(t, double).sender.send(message, signal));
      assert.deepEqual([error.code, error.status, error.retryAfterMs, double.received.length], [code, answer.status, 7000, 1], error.message);
      assert.match(error.message, new RegExp(`^could not publish: sns\\.eu-central-1\\.amazonaws\\.com answered ${answer.status} \\(${awsCode.replace(/Exception$/, "")}`));
    });
  }

  it("every error that AWS documents has a class, and one request", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double);
    for (const { code } of awsErrors) {
      double.behave();
      double.misbehave({ answer: awsError(code) });
      const error = await failureOf(sender.send(message, signal));
      assert.ok(["retryable", "credentials", "route", "permanent"].includes(error.class), code);
    }
    assert.equal(double.received.length, awsErrors.length);
  });

  it("a topic that cannot be is a matter of the route, not of the message", async (t) => {
    const double = await startDouble(t);
    double.misbehave({ answer: awsError("InvalidParameter", "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements") });
    assert.equal((await failureOf(openSender(t, double).sender.send(message, signal))).code, "DestinationRefused");
  });

  it("a deleted topic is a matter of the route", async (t) => {
    const double = await startDouble(t);
    double.deleteTopic();
    const error = await failureOf(openSender(t, double).sender.send(message, signal));
    assert.deepEqual([error.code, error.message], ["DestinationRefused", "could not publish: sns.eu-central-1.amazonaws.com answered 404 (NotFound: there is no such topic)"]);
  });

  it("what it says about rights is told, with identity and topic", async (t) => {
    const double = await startDouble(t);
    double.forbid(double.key.id);
    const error = await failureOf(openSender(t, double).sender.send(message, signal));
    assert.equal(error.message, `could not publish: sns.eu-central-1.amazonaws.com answered 403 (AuthorizationError: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: SNS:Publish on resource: ${topicARN})`);
  });

  for (const [what, status, body, code] of [
    ["a page with status 200", 200, "<html><body>hello</body></html>", "ServiceFailed"],
    ["no XML with status 200", 200, "hello", "ServiceFailed"],
    ["nothing with status 200", 200, "", "ServiceFailed"],
    ["a torn page with status 503", 503, "<html>", "ServiceFailed"],
    ["nothing with status 403", 403, "", "CredentialsRefused"],
    ["nothing with status 429", 429, "", "RateLimited"],
    ["a page with status 400", 400, "<html></html>", "MessageRefused"],
    ["a redirect", 307, "", "DestinationRefused"],
    ["an answer of 2 MB", 200, "x".repeat(2_000_000), "ServiceUnreachable"],
  ] as const) {
    it(`${what} is ${code}`, async (t) => {
      const double = await startDouble(t);
      double.misbehave({ answer: { status, body, headers: { location: "https://x.example.com/" } } });
      const error = await failureOf(openSender(t, double).sender.send(message, signal));
      assert.deepEqual([error.code, double.received.length], [code, 1], error.message);
    });
  }

  it("is not unpacked without end", async (t) => {
    const { gzipSync } = await import("node:zlib");
    const { createServer } = await import("node:http");
    const bomb = gzipSync(Buffer.alloc(200_000_000, " "));
    assert.ok(bomb.length < 1024 * 1024);
    const server = createServer((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const double = await startDouble(t);
    const { port } = server.address() as { port: number };
    const before = process.memoryUsage().arrayBuffers;
    const error = await failureOf(openSender(t, double, { endpoint: `http://127.0.0.1:${port}` }).sender.send(message, signal));
    assert.deepEqual([error.code, process.memoryUsage().arrayBuffers - before < 50_000_000], ["ServiceFailed", true], error.message);
  });
});

describe("errors of SNS", () => {
  it("hold no secret, whoever answers what", async (t) => {
    const double = await startDouble(t, { roles: { [roleARN]: "ci/runs" } });
    const forged = { ...double.key, secret: "wrong-s3cret-wrong-s3cret" };
    const { sender, learnt } = openSender(t, double, { roleARN });
    await sender.send(message, signal);
    const errors = [await failureOf(openSender(t, double, {}, { key: forged }).sender.send(message, signal))];
    for (const awsCode of ["SignatureDoesNotMatch", "AuthorizationError", "InvalidParameter", "InternalFailure"]) {
      double.behave();
      double.misbehave({ answer: awsError(awsCode, `${learnt.join(" ")} ${double.key.secret}`) }, 2);
      const error = await failureOf(sender.send(message, signal));
      if (awsCode !== "AuthorizationError") errors.push(error);
    }
    double.behave();
    double.misbehave({ reset: true });
    errors.push(await failureOf(sender.send(message, signal)));
    assert.deepEqual(errors.map(({ code }) => code), ["CredentialsRefused", "CredentialsRefused", "MessageRefused", "ServiceFailed", "ServiceUnreachable"]);
    for (const secret of [...learnt, double.key.secret, forged.secret]) assert.ok(errors.every((error) => !allTextOf(error).includes(secret)), secret);
  });

  it("of a URL that a user gave say no more than the status, and a code of AWS's", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double, { endpoint: `${double.url}/s3cret-path` });
    const texts: string[] = [];
    for (const answer of [awsError("AuthorizationError", "s3cret"), { status: 500, body: "s3cret" }, { status: 400, body: "<ErrorResponse><Error><Code>s3cret</Code><Message>s3cret</Message></Error></ErrorResponse>" }, { status: 200, body: "s3cret" }]) {
      double.behave();
      double.misbehave({ answer });
      const error = await failureOf(sender.send(message, signal));
      texts.push(error.message);
      assert.doesNotMatch(allTextOf(error), /s3cret/);
    }
    const host = new URL(double.url).host;
    assert.deepEqual(texts, [
      `could not publish: ${host} answered 403 (AuthorizationError: the identity may not sns:Publish to this topic)`,
      `could not publish: ${host} answered 500`,
      `could not publish: ${host} answered 400`,
      `could not publish: ${host} answered 200`,
    ]);
  });

  for (const [key, value] of [["access-key-id", "short"], ["access-key-id", "AKIA 0000000000000000"], ["secret-access-key", ""], ["secret-access-key", "with spaces in between it"], ["session-token", "ünprintable-ünprintable"], ["session-token", "a\r\nx-evil: 1234567890"]] as const) {
    it(`a Secret with ${JSON.stringify(value)} as ${key} is SecretMalformed, without the value`, async (t) => {
      const double = await startDouble(t);
      assert.throws(() => openSender(t, double, {}, { secrets: { ...secretsOf(double.key), [key]: value } }), (error: unknown) => {
        const { code, message: text } = error as { code: string; message: string };
        assert.deepEqual([code, text.startsWith(`Secret aws, key ${key}: not `)], ["SecretMalformed", true]);
        assert.ok(value === "" || !allTextOf(error).includes(value));
        return true;
      });
    });
  }
});
