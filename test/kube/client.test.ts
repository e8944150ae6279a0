import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { connect, type ConnectOptions } from "../../src/kube/client.ts";
import type { Kube } from "../../src/kube/kube.ts";
import { KubeError } from "../../src/kube/kube-error.ts";
import { notifications, pipelineRuns, secrets, type KubeObject } from "../../src/kube/resources.ts";
import { manualClock } from "../support/manual-clock.ts";
import { isWatch, json, page, run, startScriptedApiServer, status, stream, type ScriptedApiServer } from "../support/scripted-api-server.ts";

const signal = AbortSignal.timeout(20_000);
const object: KubeObject = { apiVersion: "tekton.dev/v1", kind: "PipelineRun", metadata: { name: "a", namespace: "ci", resourceVersion: "7" }, spec: {} };

async function begin(test: TestContext, options: Partial<ConnectOptions> = {}): Promise<{ server: ScriptedApiServer; kube: Kube }> {
  const server = await startScriptedApiServer();
  const kube = await connect({ kubeconfig: server.kubeconfig, ...options });
  test.after(async () => {
    await kube.close();
    await server.close();
  });
  return { server, kube };
}

const failure = async (promise: Promise<unknown>): Promise<KubeError> => {
  const error: unknown = await promise.then(
    () => assert.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof KubeError, String(error));
  return error;
};

describe("kube client: requests", () => {
  it("sends every verb to the right path with the right content type", async (test) => {
    const { server, kube } = await begin(test);
    for (let answer = 0; answer < 8; answer += 1) server.others.push(json(run({ name: "a", version: 8 })));
    const ref = { namespace: "ci", name: "a" };
    await kube.get(pipelineRuns, ref, signal);
    await kube.create(pipelineRuns, object, signal);
    await kube.update(pipelineRuns, object, signal);
    await kube.updateStatus(pipelineRuns, object, signal);
    await kube.patch(pipelineRuns, ref, { type: "application/merge-patch+json", body: { spec: { x: 1 } } }, signal);
    await kube.apply(pipelineRuns, object, { fieldManager: "test" }, signal);
    await kube.applyStatus(pipelineRuns, object, { fieldManager: "test", force: true }, signal);
    await kube.delete(pipelineRuns, ref, { uid: "u1" }, signal);
    const base = "/apis/tekton.dev/v1/namespaces/ci/pipelineruns";
    assert.deepEqual(
      server.requests.map((seen) => [seen.method, seen.path, seen.headers["content-type"], seen.query]),
      [
        ["GET", `${base}/a`, undefined, {}],
        ["POST", base, "application/json", {}],
        ["PUT", `${base}/a`, "application/json", {}],
        ["PUT", `${base}/a/status`, "application/json", {}],
        ["PATCH", `${base}/a`, "application/merge-patch+json", {}],
        ["PATCH", `${base}/a`, "application/apply-patch+yaml", { fieldManager: "test", force: "false" }],
        ["PATCH", `${base}/a/status`, "application/apply-patch+yaml", { fieldManager: "test", force: "true" }],
        ["DELETE", `${base}/a`, "application/json", {}],
      ],
    );
    assert.deepEqual(JSON.parse(server.requests[7]?.body ?? ""), { kind: "DeleteOptions", apiVersion: "v1", preconditions: { uid: "u1" } });
    assert.equal(kube.namespace, "ours");
  });

  it("gives undefined for an object that is not there, and false for its deletion", async (test) => {
    const { kube } = await begin(test);
    assert.equal(await kube.get(pipelineRuns, { namespace: "ci", name: "none" }, signal), undefined);
    assert.equal(await kube.delete(pipelineRuns, { namespace: "ci", name: "none" }, {}, signal), false);
  });

  it("keeps its connections", async (test) => {
    const { server, kube } = await begin(test);
    for (let request = 0; request < 20; request += 1) await kube.get(pipelineRuns, { namespace: "ci", name: "a" }, signal);
    // The next request may come before the connection of the last one is known to be free.
    assert.ok(new Set(server.requests.map((seen) => seen.port)).size <= 2);
  });

  it("answers requests while more watches are open than there are connections for requests", async (test) => {
    const { server, kube } = await begin(test, { maxConnections: 1 });
    const stop = new AbortController();
    const watching = [1, 2, 3].map(async () => {
      for await (const event of kube.watch(pipelineRuns, { timeoutSeconds: 300 }, stop.signal)) assert.fail(event.type);
    });
    await server.received(3, isWatch);
    server.others.push(json(run({ name: "a", version: 8 })));
    assert.equal((await kube.get(pipelineRuns, { namespace: "ci", name: "a" }, signal))?.metadata.name, "a");
    stop.abort(new Error("enough"));
    for (const watch of watching) await assert.rejects(watch, /enough/);
  });

  it("reads all pages, and starts over when the list expires half-way", async (test) => {
    const { server, kube } = await begin(test);
    server.lists.push(page([{ name: "old", version: 1 }], "5", "t1"), status(410, "Expired"), page([{ name: "a", version: 1 }], "9", "t2"), page([{ name: "b", version: 2 }], "9"));
    const all = await kube.listAll(pipelineRuns, { namespace: "ci", labelSelector: "x in (1,2)" }, signal);
    assert.deepEqual([all.resourceVersion, all.items.map((item) => item.metadata.name)], ["9", ["a", "b"]]);
    assert.deepEqual(server.requests.map((seen) => seen.query["continue"]), [undefined, "t1", undefined, "t2"]);
    assert.ok(server.requests.every((seen) => seen.query["labelSelector"] === "x in (1,2)" && seen.query["limit"] === "500"));
  });

  it("asks for what the API server has at hand only where that is enough", async (test) => {
    const { server, kube } = await begin(test);
    server.lists.push(page([{ name: "a", version: 1 }], "1"), page([{ name: "a", version: 1 }], "1"));
    await kube.list(pipelineRuns, { namespace: "ci", labelSelector: "a=b", fromCache: true, maxBytes: 1_000_000 }, signal);
    await kube.list(pipelineRuns, { namespace: "ci", labelSelector: "a=b" }, signal);
    assert.deepEqual(server.requests.slice(-2).map(({ query }) => ({ ...query })), [{ labelSelector: "a=b", resourceVersion: "0" }, { labelSelector: "a=b" }]);
  });

  it("reads once more when a kept connection breaks, but never writes twice", async (test) => {
    const { server, kube } = await begin(test);
    server.others.push((response) => response.socket?.destroy(), json(run({ name: "a", version: 8 })), (response) => response.socket?.destroy());
    assert.equal((await kube.get(pipelineRuns, { namespace: "ci", name: "a" }, signal))?.metadata.name, "a");
    const error = await failure(kube.create(pipelineRuns, object, signal));
    assert.deepEqual([error.code, error.status], ["KubernetesUnreachable", 0]);
    assert.deepEqual(server.requests.map((seen) => seen.method), ["GET", "GET", "POST"]);
  });

  it("refuses names that would lead to another path", async (test) => {
    const { server, kube } = await begin(test);
    for (const name of ["", ".", ".."]) assert.equal((await failure(kube.get(secrets, { namespace: "ci", name }, signal))).reason, "InvalidName");
    await kube.get(secrets, { namespace: "ci", name: "../x" }, signal);
    assert.deepEqual(server.requests.map((seen) => seen.path), ["/api/v1/namespaces/ci/secrets/..%2Fx"]);
  });
});

describe("kube client: errors", () => {
  it("name verb, resource, object and the server's words, with status, reason and Retry-After", async (test) => {
    const { server, kube } = await begin(test);
    server.others.push(status(429, "TooManyRequests", { message: "slow down", retryAfter: 3 }));
    const error = await failure(kube.update(notifications, { ...object, metadata: { name: "n", namespace: "ci" } }, signal));
    assert.equal(error.message, "update notifications.integrations.tekton.ornew.io ci/n: 429 TooManyRequests: slow down");
    assert.deepEqual([error.code, error.status, error.reason, error.retryAfterMs], ["KubernetesRequestFailed", 429, "TooManyRequests", 3000]);
  });

  it("bound the server's words, and leave them out where they could quote a Secret", async (test) => {
    const { server, kube } = await begin(test);
    server.others.push(status(500, "InternalError", { message: "x".repeat(10_000) }), status(422, "Invalid", { message: "data: hunter2" }));
    assert.ok((await failure(kube.get(pipelineRuns, { namespace: "ci", name: "a" }, signal))).message.length < 600);
    const error = await failure(kube.create(secrets, { ...object, metadata: { name: "s", namespace: "ci" } }, signal));
    assert.equal(error.message, "create secrets ci/s: 422 Invalid");
  });

  it("never hold the body or the token", async (test) => {
    const { server, kube } = await begin(test);
    server.others.push(json("<html>proxy login</html>", 502), (response) => response.end("<html>hello</html>"));
    const bad = await failure(kube.create(pipelineRuns, { ...object, spec: { marker: "BODY-MARKER" } }, signal));
    const html = await failure(kube.get(pipelineRuns, { namespace: "ci", name: "a" }, signal));
    assert.deepEqual([bad.status, html.code], [502, "KubernetesAnswerInvalid"]);
    for (const error of [bad, html]) assert.doesNotMatch(`${error.message} ${String(error.stack)}`, /BODY-MARKER|test-token|html/);
  });

  it("time out by the clock, for requests and for a watch's first byte", async (test) => {
    const clock = manualClock();
    const { server, kube } = await begin(test, { clock, requestTimeoutMs: 5_000 });
    const mute = (): undefined => undefined;
    server.others.push(mute);
    server.watches.push(mute);
    const get = failure(kube.get(pipelineRuns, { namespace: "ci", name: "a" }, signal));
    const watch = failure(kube.watch(pipelineRuns, { timeoutSeconds: 300 }, signal).next());
    await server.received(2);
    clock.advance(5_000);
    assert.match((await get).message, /^get pipelineruns\.tekton\.dev ci\/a: no answer within 5000 ms$/);
    assert.match((await watch).message, /^watch pipelineruns\.tekton\.dev: no answer within 5000 ms$/);
  });

  it("are the signal's own reason when the caller aborts", async (test) => {
    const { server, kube } = await begin(test);
    server.others.push(() => undefined);
    const stop = new AbortController();
    const get = kube.get(pipelineRuns, { namespace: "ci", name: "a" }, stop.signal);
    await server.received(1);
    stop.abort(new Error("shutting down"));
    await assert.rejects(get, /shutting down/);
  });

  it("stop reading an answer that is too large", async (test) => {
    const { server, kube } = await begin(test, { maxAnswerBytes: 1_000 });
    server.lists.push(page([{ name: "a", version: 1, note: "x".repeat(2_000) }], "1"));
    assert.equal((await failure(kube.list(pipelineRuns, {}, signal))).code, "KubernetesAnswerInvalid");
    server.lists.push(page([{ name: "a", version: 1, note: "x".repeat(200) }], "1"));
    assert.equal((await failure(kube.list(pipelineRuns, { maxBytes: 100 }, signal))).code, "KubernetesAnswerInvalid");
  });

  it("carry the code of a watch's ERROR event", async (test) => {
    const { server, kube } = await begin(test);
    server.watches.push(stream([`${JSON.stringify({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old" } })}\n`]));
    const error = await failure(kube.watch(pipelineRuns, { timeoutSeconds: 300 }, signal).next());
    assert.deepEqual([error.status, error.reason], [410, "Expired"]);
  });

  it("read a refusal of a watch that does not end in a newline", async (test) => {
    const { server, kube } = await begin(test);
    server.watches.push(status(403, "Forbidden", { message: "no" }));
    assert.equal((await failure(kube.watch(pipelineRuns, { timeoutSeconds: 300 }, signal).next())).message, "watch pipelineruns.tekton.dev: 403 Forbidden: no");
  });
});
