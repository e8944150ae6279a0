import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { errorCatalogue, type ErrorCode } from "../../src/errors.ts";
import { normaliseRun } from "../../src/controller/normalise-run.ts";
import { googleError, googleErrors } from "../support/pubsub-contract.ts";
import { manualClock } from "../support/manual-clock.ts";
import { ended, recorded, runEvent } from "../controller/runs.ts";
import { allTextOf, failureOf } from "./errors.ts";
import { messageOf, openSender, pubSubMessageOf, startDouble } from "./pubsub-harness.ts";

const { signal } = new AbortController();
const message = messageOf({ event: ended("Failed") });

describe("publishing to Pub/Sub", () => {
  it("posts exactly the request that was rendered, with a token in the place of the mask", async (t) => {
    const double = await startDouble(t);
    const { sender, learnt } = openSender(t, double);
    const hostile = messageOf({ event: ended("Failed", { message: "quotes \" & + % ' and 🚀 and \u0000 <!channel>", results: { list: ["a"], map: { b: "c" } } }), notification: { attributes: { x: "é \" \\ 🚀" }, orderingKey: "k/é" } });
    const { externalRef } = await sender.send(hostile, signal);
    const [posted] = double.received;
    assert.deepEqual([posted?.method, posted?.path, posted?.json], ["POST", new URL(hostile.request.url).pathname, hostile.request.body]);
    assert.deepEqual([posted?.headers["authorization"], posted?.headers["content-type"]], [`Bearer ${learnt[0]}`, "application/json"]);
    assert.deepEqual(double.published.map(({ messageId, orderingKey }) => [messageId, orderingKey]), [[externalRef, "k/é"]]);
    assert.deepEqual(double.violations, []);
  });

  it("satisfies Google's description and limits for every recorded state of every run", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double);
    const ids = new Set<string>();
    for (const { run } of recorded()) {
      const of = { event: normaliseRun(run, { children: [] }), notification: { attributes: { reason: "${reason}" }, orderingKey: "${uid}" } };
      const { id = "" } = pubSubMessageOf(of).attributes;
      if (!ids.has(id)) await sender.send(messageOf(of), signal);
      ids.add(id);
    }
    assert.deepEqual([double.violations, double.published.length, double.received.length], [[], ids.size, ids.size]);
    assert.ok(ids.size > 100);
  });

  it("requests no token, and signs one an hour, for a thousand messages", async (t) => {
    const double = await startDouble(t);
    const { sender, learnt } = openSender(t, double);
    for (let batch = 0; batch < 10; batch += 1) await Promise.all(Array.from({ length: 100 }, () => sender.send(message, signal)));
    assert.deepEqual([double.received.length, double.published.length, double.tokens.size, learnt.length], [1000, 1000, 1, 1]);
  });

  it("signs another token five minutes before the last one ends", async (t) => {
    const double = await startDouble(t);
    const clock = manualClock(Date.now() - 3_600_000);
    const { sender, learnt } = openSender(t, double, {}, { clock });
    const after = async (ms: number): Promise<number> => {
      clock.advance(ms);
      await sender.send(message, signal).catch(() => undefined);
      return learnt.length;
    };
    assert.deepEqual([await after(0), await after(54 * 60_000), await after(60_000), await after(5 * 60_000)], [1, 1, 2, 2]);
    const claims = learnt.map((token) => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { iat: number; exp: number });
    assert.ok(claims.every(({ iat, exp }) => exp - iat === 3600));
    assert.equal(double.published.length, 2, "the second one is good for what Google's clock says");
  });

  it("takes names of topics and projects with every character that they can have", async (t) => {
    for (const [projectId, topic] of [["example.com:example-project", "a-b_c.d~e+f"], ["example-project", "a%b"]] as const) {
      const double = await startDouble(t, { projectId, topic });
      const { sender } = openSender(t, double, { projectId, topic });
      const rendered = messageOf({ provider: { projectId, topic } });
      await sender.send(rendered, signal);
      assert.deepEqual([double.received[0]?.path, double.published[0]?.topic, double.violations], [new URL(rendered.request.url).pathname, `projects/${projectId}/topics/${topic}`, []]);
    }
  });

  it("gives a message of ten million bytes to the service, which takes it", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double);
    for (const length of [7_000_000, 9_000_000]) await sender.send(messageOf({ event: runEvent({ results: { big: "x".repeat(length) } }) }), signal);
    assert.deepEqual([double.violations, double.published.map(({ data }) => data.includes('"dropped"'))], [[], [false, true]]);
  });

  it("is one request a message, and the id is the same when it is sent again", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double);
    double.misbehave({ loseAnswer: true }, 1);
    assert.equal((await failureOf(sender.send(message, signal))).code, "ServiceUnreachable");
    assert.equal(double.received.length, 1);
    await sender.send(message, signal);
    assert.deepEqual([double.received.length, new Set(double.published.map(({ attributes }) => attributes["id"])).size], [2, 1]);
  });
});

describe("what Pub/Sub answers", () => {
  const expected: Readonly<Record<string, ErrorCode>> = {
    INVALID_ARGUMENT: "MessageRefused", OUT_OF_RANGE: "MessageRefused",
    NOT_FOUND: "DestinationRefused", FAILED_PRECONDITION: "DestinationRefused", UNIMPLEMENTED: "DestinationRefused",
    PERMISSION_DENIED: "CredentialsRefused", UNAUTHENTICATED: "CredentialsRefused",
    RESOURCE_EXHAUSTED: "RateLimited",
    UNAVAILABLE: "ServiceFailed", INTERNAL: "ServiceFailed", UNKNOWN: "ServiceFailed", DEADLINE_EXCEEDED: "ServiceFailed", ABORTED: "ServiceFailed", CANCELLED: "ServiceFailed", DATA_LOSS: "ServiceFailed", ALREADY_EXISTS: "ServiceFailed",
  };

  it("is known for every error of Google's", () => {
    assert.deepEqual(googleErrors.map(({ status }) => status).sort(), Object.keys(expected).sort());
  });

  for (const [word, code] of Object.entries(expected)) {
    it(`${word} is ${code} (${errorCatalogue[code].class})`, async (t) => {
      const double = await startDouble(t);
      const answer = googleError(word, "said by Google");
      double.misbehave({ answer: { ...answer, headers: { "retry-after": "7" } } });
      const error = await failureOf(openSender(t, double).sender.send(message, signal));
      assert.deepEqual([error.code, error.status, error.retryAfterMs, double.received.length], [code, answer.status, 7000, 1], error.message);
      assert.ok(error.message.startsWith(`could not publish: pubsub.googleapis.com answered ${answer.status} (${word}`), error.message);
    });
  }

  it("says which topic there is none of, and which right is missing", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double);
    double.deleteTopic();
    const noTopic = await failureOf(sender.send(message, signal));
    double.forbid();
    const noRight = await failureOf(sender.send(message, signal));
    assert.deepEqual([noTopic.message, noRight.message], [
      "could not publish: pubsub.googleapis.com answered 404 (NOT_FOUND: Resource not found (resource=tekton-runs).)",
      "could not publish: pubsub.googleapis.com answered 403 (PERMISSION_DENIED: User not authorized to perform this action.)",
    ]);
  });

  for (const [what, status, body, code] of [
    ["a page with status 200", 200, "<html><body>hello</body></html>", "ServiceFailed"],
    ["nothing with status 200", 200, "", "ServiceFailed"],
    ["JSON without an id and status 200", 200, "{}", "ServiceFailed"],
    ["an empty list of ids", 200, '{"messageIds":[]}', "ServiceFailed"],
    ["an id that is none", 200, '{"messageIds":[""]}', "ServiceFailed"],
    ["another service's JSON", 200, '{"id":7,"messageIds":"x"}', "ServiceFailed"],
    ["no content", 204, "", "ServiceFailed"],
    ["a page with status 503", 503, "<html>", "ServiceFailed"],
    ["nothing with status 403", 403, "", "CredentialsRefused"],
    ["nothing with status 401", 401, "", "CredentialsRefused"],
    ["nothing with status 404", 404, "", "DestinationRefused"],
    ["nothing with status 429", 429, "", "RateLimited"],
    ["a page with status 400", 400, "<html></html>", "MessageRefused"],
    ["an error of another form", 400, '{"error":"invalid_grant"}', "MessageRefused"],
    ["a word that is none of Google's", 400, '{"error":{"status":"constructor"}}', "MessageRefused"],
    ["a redirect", 307, "", "DestinationRefused"],
    ["an answer of 2 MB", 200, "x".repeat(2_000_000), "ServiceUnreachable"],
  ] as const) {
    it(`${what} is ${code}`, async (t) => {
      const double = await startDouble(t);
      double.misbehave({ answer: { status, ...(status !== 204 && { body }), headers: { location: "https://x.example.com/" } } });
      const error = await failureOf(openSender(t, double).sender.send(message, signal));
      assert.deepEqual([error.code, double.received.length], [code, 1], error.message);
    });
  }
});

describe("errors of Pub/Sub", () => {
  it("hold no secret, whoever answers what", async (t) => {
    const double = await startDouble(t);
    const { sender, learnt } = openSender(t, double);
    await sender.send(message, signal);
    double.rotate();
    const errors = [await failureOf(sender.send(message, signal))];
    double.misbehave({ reset: true }, 1);
    errors.push(await failureOf(sender.send(message, signal)));
    double.misbehave({ answer: { status: 200, body: `${learnt[0]}` } }, 1);
    errors.push(await failureOf(sender.send(message, signal)));
    assert.deepEqual(errors.map(({ code }) => code), ["CredentialsRefused", "ServiceUnreachable", "ServiceFailed"]);
    const [token = ""] = learnt;
    assert.ok(token.length > 100 && errors.every((error) => !allTextOf(error).includes(token) && !allTextOf(error).includes("PRIVATE KEY")));
  });

  it("of a URL that a user gave say no more than the status, and a word of Google's", async (t) => {
    const double = await startDouble(t);
    const { sender } = openSender(t, double, {}, { google: false });
    await sender.send(message, signal);
    const texts: string[] = [];
    for (const answer of [googleError("PERMISSION_DENIED", "s3cret"), { status: 500, body: "s3cret" }, { status: 400, body: { error: { status: "S3CRET", message: "s3cret" } } }, { status: 200, body: "s3cret" }]) {
      double.behave();
      double.misbehave({ answer });
      const error = await failureOf(sender.send(message, signal));
      texts.push(error.message);
      assert.doesNotMatch(allTextOf(error), /s3cret/i);
    }
    const host = new URL(double.url).host;
    assert.deepEqual(texts, [
      `could not publish: ${host} answered 403 (PERMISSION_DENIED: the service account lacks the role Pub/Sub Publisher on the topic)`,
      `could not publish: ${host} answered 500`,
      `could not publish: ${host} answered 400`,
      `could not publish: ${host} answered 200 with something that names no message`,
    ]);
  });
});

describe("a malformed service-account key", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();

  for (const [what, change] of [
    ["nothing", ""],
    ["no JSON", "-----BEGIN s3cret"],
    ["a list", "[]"],
    ["null", "null"],
    ["a number", "7"],
    ["the key of a user", { type: "authorized_user" }],
    ["an external account, whose URLs would be fetched", { type: "external_account", credential_source: "file:///etc/passwd" }],
    ["no type", { type: undefined }],
    ["no address", { client_email: undefined }],
    ["an address that is none", { client_email: "a b@c" }],
    ["no private key", { private_key: undefined }],
    ["a private key that is none", { private_key: "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n" }],
    ["a private key of another kind", { private_key: pem }],
    ["a private key that is a list", { private_key: [pem] }],
  ] as const) {
    it(`(${what}) is SecretMalformed, and not quoted`, async (t) => {
      const double = await startDouble(t);
      const key = typeof change === "string" ? change : JSON.stringify({ ...double.key, ...change });
      assert.throws(() => openSender(t, double, {}, { key }), (error: unknown) => {
        const { code, message: text } = error as { code: string; message: string };
        assert.deepEqual([code, text.startsWith("Secret pubsub, key service-account.json: ")], ["SecretMalformed", true]);
        assert.doesNotMatch(allTextOf(error), /s3cret|PRIVATE KEY|passwd/);
        return true;
      });
      assert.equal(double.received.length, 0);
    });
  }

  it("does not end the process", async () => {
    const send = join(import.meta.dirname, "../../src/providers/pubsub/send.ts");
    const script = `
      const { open } = await import(${JSON.stringify(send)});
      const http = { fetch: () => Promise.reject(new Error("nothing may be sent")), close: () => Promise.resolve() };
      const keys = ['{"type":"service_account"}', '{"type":"service_account","client_email":"a@b.c","private_key":"x"}', "", "{"];
      const codes = keys.map((key) => { try { open({ provider: { projectId: "example-project", topic: "runs", credentials: { secretRef: { name: "s" } } }, secrets: new Map([["s/service-account.json", key]]), http, clock: { now: () => 0 }, learnSecret: () => undefined }); return "opened"; } catch (error) { return error.code; } });
      await new Promise((resolve) => setTimeout(resolve, 200));
      console.log(JSON.stringify(codes));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], { timeout: 60_000 });
    assert.deepEqual(JSON.parse(stdout), ["SecretMalformed", "SecretMalformed", "SecretMalformed", "SecretMalformed"]);
  });

  it("never says where requests go: URLs inside are ignored", async (t) => {
    const double = await startDouble(t);
    const trap = await startDouble(t);
    const key = JSON.stringify({ ...double.key, token_uri: `${trap.url}/token`, auth_uri: trap.url, universe_domain: "evil.example.com", project_id: "another" });
    await openSender(t, double, {}, { key }).sender.send(message, signal);
    assert.deepEqual([double.published.length, double.published[0]?.topic, trap.received.length], [1, "projects/example-project/topics/tekton-runs", 0]);
  });
});
