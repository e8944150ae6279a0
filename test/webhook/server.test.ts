import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createRedactor } from "../../src/telemetry/redact.ts";
import type { Telemetry } from "../../src/telemetry/telemetry.ts";
import { createWebhook } from "../../src/webhook/server.ts";
import { recordingLogger } from "../kube/reflector-harness.ts";
import { manualClock } from "../support/manual-clock.ts";
import { selfSignedCertificate } from "../support/self-signed-certificate.ts";
import { filtered, gitHub, goodProvider, provider, review } from "./objects.ts";
import { allowAll, begin, certificatesByHand, reader, tlsSocket } from "./server-harness.ts";

const good = JSON.stringify(review(goodProvider));

describe("webhook server: reviews", () => {
  it("answers a decided review with HTTP 200 and its uid, allowed or not", async (test) => {
    const { post } = await begin(test);
    const uid = "0df28fbd-5f5f-11e8-bc74-36e6bb280816";
    const allowed = await post("/validate", good);
    assert.deepEqual([allowed.status, allowed.body], [200, { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: { uid, allowed: true } }]);
    const denied = await post("/validate?timeout=5s", JSON.stringify(review(filtered({ kinds: ["Job"] }))));
    const { response } = denied.body as { response: { uid: string; allowed: boolean; status: { code: number } } };
    assert.deepEqual([denied.status, response.uid, response.allowed, response.status.code], [200, uid, false, 422]);
    const mutated = await post("/mutate", JSON.stringify(review(provider({ githubApp: gitHub }))), { "content-type": "application/json; charset=utf-8" });
    assert.equal((mutated.body as { response: { patchType: string } }).response.patchType, "JSONPatch");
  });

  it("counts them by endpoint, kind and decision", async (test) => {
    const { post, telemetry } = await begin(test);
    await post("/validate", good);
    await post("/validate", JSON.stringify(review(filtered({ kinds: ["Job"] }))));
    const { body } = await telemetry.metrics.render();
    assert.match(body, /admission_reviews_total\{endpoint="validate",kind="Provider",decision="allowed"\} 1/);
    assert.match(body, /admission_reviews_total\{endpoint="validate",kind="Notification",decision="denied"\} 1/);
  });

  it("names no field of a refused object in its log", async (test) => {
    const { post, log } = await begin(test);
    await post("/validate", JSON.stringify(review(provider({ githubApp: { ...gitHub, privateKey: "MARKER-KEY" } }))));
    assert.doesNotMatch(JSON.stringify(log), /MARKER/);
  });
});

describe("webhook server: what is no review", () => {
  const deepBody = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":${"[".repeat(500_000)}${"]".repeat(500_000)}}`;
  const table: readonly [what: string, path: string, body: string | Buffer, headers: Record<string, string>, status: number, code: string][] = [
    ["no JSON", "/validate", "{", { "content-type": "application/json" }, 400, "ReviewInvalid"],
    ["an empty body", "/validate", "", { "content-type": "application/json" }, 400, "ReviewInvalid"],
    ["a JSON value that is no object", "/validate", '"x"', { "content-type": "application/json" }, 400, "ReviewInvalid"],
    ["an object that is no review", "/mutate", "{}", { "content-type": "application/json" }, 400, "ReviewInvalid"],
    ["a review of another version", "/validate", good.replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1"), { "content-type": "application/json" }, 400, "ReviewInvalid"],
    ["nesting without end", "/validate", deepBody, { "content-type": "application/json" }, 400, "ReviewInvalid"],
    ["text", "/validate", good, { "content-type": "text/plain" }, 415, "ReviewInvalid"],
    ["no content type", "/validate", good, {}, 415, "ReviewInvalid"],
    ["another charset", "/validate", good, { "content-type": "application/json; charset=latin1" }, 415, "ReviewInvalid"],
    ["a compressed body", "/validate", gzipSync(good), { "content-type": "application/json", "content-encoding": "gzip" }, 415, "ReviewInvalid"],
    ["more than 3 MiB", "/validate", `"${"x".repeat(3 * 1024 * 1024)}"`, { "content-type": "application/json" }, 413, "ReviewTooLarge"],
    ["another path", "/", good, { "content-type": "application/json" }, 404, "ReviewInvalid"],
  ];
  for (const [what, path, body, headers, status, code] of table) {
    it(`${what}: ${status}, said in JSON`, async (test) => {
      const { post } = await begin(test);
      const answer = await post(path, body, headers);
      const { code: given, message } = answer.body as { code: string; message: string };
      assert.deepEqual([answer.status, given], [status, code]);
      assert.ok(message.length > 10 && message.length < 200, message);
      assert.equal((await post("/validate", good)).status, 200);
    });
  }

  it("another method: 405", async (test) => {
    const { get } = await begin(test);
    assert.equal((await get("/validate")).status, 405);
  });

  it("header by header, without end: cut off", async (test) => {
    const { port, certificate } = await begin(test);
    const socket = await tlsSocket(port, certificate.cert);
    const closed = new Promise((resolve) => socket.resume().once("close", resolve));
    socket.write(`POST /validate HTTP/1.1\r\nHost: x\r\nX-Filler: ${"x".repeat(20_000)}\r\n`);
    await closed;
    assert.ok(socket.destroyed);
  });
});

describe("webhook server: life", () => {
  it("serves a new certificate without a restart", async (test) => {
    const { port, certificate, certificates, webhook } = await begin(test);
    const serial = async (ca: string): Promise<string> => {
      const socket = await tlsSocket(port, ca);
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const before = await serial(certificate.cert);
    const next = await selfSignedCertificate("127.0.0.1");
    certificates.put(next);
    assert.notEqual(await serial(next.cert), before);
    assert.equal(webhook.check.missing(), undefined);
  });

  it("speaks TLS 1.2 and newer only", async (test) => {
    const { port, certificate } = await begin(test);
    await assert.rejects(tlsSocket(port, certificate.cert, { maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" }));
    (await tlsSocket(port, certificate.cert, { maxVersion: "TLSv1.2" })).destroy();
  });

  it("is alive at once and ready with a valid certificate only", async (test) => {
    const { get, certificates, webhook } = await begin(test);
    assert.deepEqual([(await get("/healthz")).status, (await get("/readyz")).status], [200, 200]);
    certificates.valid = false;
    const { status, text } = await get("/readyz");
    assert.deepEqual([status, text, webhook.check.missing()], [503, "webhook: its certificate has expired\n", "its certificate has expired"]);
  });

  it("waits for its first certificate before it listens, and says so", async () => {
    const certificates = certificatesByHand();
    const telemetry: Telemetry = { log: recordingLogger([]), metrics: createMetrics(), redactor: createRedactor(), clock: manualClock() };
    const stop = new AbortController();
    const ports: number[] = [];
    const webhook = createWebhook({ certificates, telemetry, reviews: allowAll, reader, port: 0, host: "127.0.0.1", onListening: (port) => ports.push(port) });
    const over = webhook.run(stop.signal);
    assert.equal(webhook.check.missing(), "waits for its certificate");
    stop.abort();
    await over;
    assert.deepEqual(ports, []);
  });

  it("drains: first not ready but still answering, then closed to new connections, then ended", async (test) => {
    const { post, get, stop, over, clock, webhook, port, certificate } = await begin(test);
    await post("/validate", good);
    stop();
    await clock.sleeping((left) => left === 5_000);
    assert.equal(webhook.check.missing(), "is shutting down");
    assert.equal((await get("/readyz")).status, 503);
    const during = await post("/validate", good);
    assert.deepEqual([during.status, during.headers["connection"]], [200, "close"]);
    clock.advance(5_000);
    await over;
    await assert.rejects(tlsSocket(port, certificate.cert), { code: "ECONNREFUSED" });
  });

  it("answers what is under way when it closes", async (test) => {
    const { stop, over, clock, port, certificate } = await begin(test);
    const socket = await tlsSocket(port, certificate.cert);
    let received = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
    const ended = new Promise((resolve) => socket.once("close", resolve));
    socket.write(`POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(good)}\r\n\r\n${good.slice(0, 100)}`);
    const other = await tlsSocket(port, certificate.cert);
    other.destroy();
    stop();
    await clock.sleeping((left) => left === 5_000);
    clock.advance(5_000);
    await clock.sleeping((left) => left === 10_000);
    socket.write(good.slice(100));
    await ended;
    assert.match(received, /^HTTP\/1\.1 200 OK/);
    assert.match(received, /"allowed":true/);
    await over;
  });
});
