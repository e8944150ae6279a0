import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type CloudEventsSink, startCloudEventsSink } from "./receivers-cloudevents.ts";
import { type Receiver, type ReceiverOptions, startReceiver } from "./receivers.ts";

async function receiver(t: TestContext, options?: ReceiverOptions): Promise<Receiver> {
  const started = await startReceiver(options);
  t.after(() => started.close());
  return started;
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(url, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } });
}

const outcomes = ({ received }: Receiver): unknown[] => received.map(({ outcome }) => outcome);

test("every request is remembered in order with its line, headers and body", async (t) => {
  const { url, received } = await receiver(t);
  await post(`${url}/a?b=c`, { n: 1 }, { "X-Custom": "yes" });
  await post(`${url}/d`, { n: 2 });
  assert.deepEqual(received.map(({ method, path, json }) => [method, path, json]), [["POST", "/a?b=c", { n: 1 }], ["POST", "/d", { n: 2 }]]);
  assert.deepEqual(received.map(({ headers, body }) => [headers["x-custom"], body]), [["yes", "{\"n\":1}"], [undefined, "{\"n\":2}"]]);
});

test("a body that is no JSON is kept as text", async (t) => {
  const { url, received } = await receiver(t);
  await fetch(url, { method: "POST", body: "plain" });
  assert.deepEqual(received.map(({ body, json }) => [body, json]), [["plain", undefined]]);
});

test("it answers what it is told to", async (t) => {
  const { url } = await receiver(t, { respond: ({ json }) => ({ status: 201, headers: { "x-id": "7" }, body: { echo: json } }) });
  const response = await post(url, { n: 1 });
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("x-id"), "7");
  assert.deepEqual(await response.json(), { echo: { n: 1 } });
});

test("it misbehaves as often as it is told to, and for the requests it is told to", async (t) => {
  const started = await receiver(t);
  started.misbehave({ answer: { status: 503, headers: { "retry-after": "2" } } }, 2);
  started.misbehave(({ path }) => (path === "/bad" ? { answer: { status: 400 } } : undefined));
  assert.equal((await post(started.url, {})).headers.get("retry-after"), "2");
  await post(started.url, {});
  await post(started.url, {});
  await post(`${started.url}/bad`, {});
  started.behave();
  await post(`${started.url}/bad`, {});
  assert.deepEqual(outcomes(started), [503, 503, 200, 400, 200]);
  assert.equal(started.accepted().length, 2);
});

test("it resets connections before and after it has dealt with a request", async (t) => {
  const dealt: string[] = [];
  const started = await receiver(t, { respond: ({ path }) => ({ status: 200, body: dealt.push(path) }) });
  started.misbehave({ reset: true }, 1);
  started.misbehave({ loseAnswer: true }, 1);
  await assert.rejects(post(`${started.url}/lost`, {}));
  await assert.rejects(post(`${started.url}/accepted`, {}));
  assert.deepEqual(dealt, ["/accepted"]);
  assert.deepEqual(outcomes(started), ["reset", 200]);
});

test("a request that hangs ends when the receiver closes", async () => {
  const started = await startReceiver();
  started.misbehave({ hang: true });
  const request = post(started.url, {});
  const rejected = assert.rejects(request);
  while (started.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(outcomes(started), ["hang"]);
  await started.close();
  await rejected;
});

test("a delayed request overtakes none that came before, and is answered in the end", async (t) => {
  const started = await receiver(t);
  started.misbehave({ delayMs: 50 }, 1);
  const slow = post(`${started.url}/slow`, {});
  while (started.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await post(`${started.url}/quick`, {});
  assert.deepEqual(outcomes(started), ["pending", 200]);
  assert.equal((await slow).status, 200);
  assert.deepEqual(started.received.map(({ path }) => path), ["/slow", "/quick"]);
});

test("a service that went away comes back at the same address", async (t) => {
  const started = await receiver(t);
  await post(started.url, {});
  await started.goAway();
  await assert.rejects(post(started.url, {}));
  await started.comeBack();
  await post(started.url, {});
  assert.deepEqual(outcomes(started), [200, 200]);
});

test("waitFor resolves with the accepted requests", async (t) => {
  const started = await receiver(t);
  started.misbehave({ answer: { status: 500 } }, 1);
  const waiting = started.waitFor(2);
  for (const n of [1, 2, 3]) await post(started.url, { n });
  assert.deepEqual((await waiting).map(({ json }) => json).slice(0, 2), [{ n: 2 }, { n: 3 }]);
  assert.equal((await started.waitFor((accepted) => accepted.some(({ json }) => (json as { n: number }).n === 3))).length, 2);
});

const event = { specversion: "1.0", id: "1", source: "/apis/x", type: "io.example.done", subject: "run", time: "2026-11-22T10:00:00Z", datacontenttype: "application/json", tektonloop: 1, data: { a: 1 } };
const structured = { "content-type": "application/cloudevents+json; charset=utf-8" };

async function sink(t: TestContext): Promise<CloudEventsSink> {
  const started = await startCloudEventsSink();
  t.after(() => started.close());
  return started;
}

test("a sink takes valid structured events", async (t) => {
  const started = await sink(t);
  assert.equal((await post(started.url, event, structured)).status, 202);
  assert.deepEqual(started.events(), [event]);
  assert.deepEqual(started.violations, []);
});

const bad: readonly (readonly [string, unknown, Record<string, string>, RegExp])[] = [
  ["another content type", event, {}, /content-type application\/json/],
  ["a missing id", { ...event, id: undefined }, structured, /required property 'id'/],
  ["an empty source", { ...event, source: "" }, structured, /source/],
  ["a wrong time", { ...event, time: "yesterday" }, structured, /time/],
  ["an attribute name in camel case", { ...event, tektonLoop: 1 }, structured, /attribute names tektonLoop/],
];
for (const [name, body, headers, violation] of bad) {
  test(`a sink refuses ${name}`, async (t) => {
    const started = await sink(t);
    assert.equal((await post(started.url, body, headers)).status, 400);
    assert.deepEqual(started.events(), []);
    assert.equal(started.violations.length, 1);
    assert.match(started.violations[0] ?? "", violation);
  });
}
