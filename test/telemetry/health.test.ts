import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { readiness, serveHealth, type ReadinessCheck } from "../../src/telemetry/health.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";

const host = "127.0.0.1";

async function serve(t: TestContext, checks: readonly ReadinessCheck[] = [], metrics: Metrics = createMetrics()): Promise<(path: string, method?: string) => Promise<{ status: number; body: string }>> {
  const server = await serveHealth({ port: 0, host, metrics, checks });
  t.after(() => server.close());
  return async (path, method = "GET") => {
    const response = await fetch(`http://${host}:${server.port}${path}`, { method });
    return { status: response.status, body: await response.text() };
  };
}

describe("readiness", () => {
  it("is one line for each check that fails", () => {
    assert.deepEqual(readiness([]), { status: 200, body: "ok\n" });
    const checks = [{ name: "a", missing: () => "the list" }, { name: "b", missing: () => undefined }, { name: "c", missing: () => "" }];
    assert.deepEqual(readiness(checks), { status: 503, body: "a: the list\nc: \n" });
  });
});

describe("the health server", () => {
  it("is alive while it is not ready, and ready as soon as nothing is missing", async (t) => {
    let missing: string | undefined = "the first lists are not complete";
    const get = await serve(t, [{ name: "controller", missing: () => missing }]);
    assert.deepEqual(await get("/healthz"), { status: 200, body: "ok\n" });
    assert.deepEqual(await get("/readyz?verbose"), { status: 503, body: "controller: the first lists are not complete\n" });
    missing = undefined;
    assert.deepEqual(await get("/readyz"), { status: 200, body: "ok\n" });
  });

  it("serves the metrics", async (t) => {
    const metrics = createMetrics();
    const get = await serve(t, [], metrics);
    metrics.set("deliveries_owed", {}, 5);
    const { status, body } = await get("/metrics");
    assert.equal(status, 200);
    assert.match(body, /^tekton_integrations_deliveries_owed 5$/m);
  });

  it("answers 500 when the metrics cannot be rendered, and goes on", async (t) => {
    const get = await serve(t, [], { ...createMetrics(), render: () => Promise.reject(new Error("s3cret")) });
    assert.deepEqual(await get("/metrics"), { status: 500, body: "metrics cannot be rendered\n" });
    assert.equal((await get("/healthz")).status, 200);
  });

  it("answers nothing else", async (t) => {
    const get = await serve(t);
    assert.equal((await get("/")).status, 404);
    assert.equal((await get("/healthz/x")).status, 404);
    assert.equal((await get("/healthz", "POST")).status, 405);
    assert.deepEqual(await get("/healthz", "HEAD"), { status: 200, body: "" });
  });

  it("rejects when its port is taken", async (t) => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, host, resolve));
    t.after(() => taken.close());
    const { port } = taken.address() as { port: number };
    await assert.rejects(serveHealth({ port, host, metrics: createMetrics(), checks: [] }), { code: "EADDRINUSE" });
  });

  it("is gone when it is closed, open connections included", async () => {
    const server = await serveHealth({ port: 0, host, metrics: createMetrics(), checks: [] });
    await (await fetch(`http://${host}:${server.port}/healthz`)).text();
    await server.close();
    await assert.rejects(fetch(`http://${host}:${server.port}/healthz`));
  });
});
