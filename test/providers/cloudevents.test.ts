import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { runStatuses, type RunEvent } from "../../src/api/run-event.ts";
import { cloudEvents, type CloudEventsNotification, type CloudEventsProvider } from "../../src/providers/cloudevents/config.ts";
import { render } from "../../src/providers/cloudevents/render.ts";
import { open } from "../../src/providers/cloudevents/send.ts";
import { createHttp } from "../../src/providers/http.ts";
import type { Message, Rendered, Sender } from "../../src/providers/provider.ts";
import { systemClock } from "../../src/telemetry/clock.ts";
import { normaliseRun } from "../../src/controller/normalise-run.ts";
import { startCloudEventsSink, type CloudEventsSink } from "../support/receivers-cloudevents.ts";
import { deepFreeze, ended, recorded, runEvent, runUid } from "../controller/runs.ts";
import { allTextOf, failureOf } from "./errors.ts";
import { templatesOn } from "./templates.ts";

const { signal } = new AbortController();
const loop = "integrations.tekton.ornew.io/loop";

interface Case {
  readonly event?: RunEvent;
  readonly provider?: Partial<CloudEventsProvider>;
  readonly notification?: CloudEventsNotification;
  readonly name?: string;
  readonly sentCount?: number;
}

const rendered = ({ event = runEvent(), provider = {}, notification = {}, name = "to-sink", sentCount = 0 }: Case): Rendered =>
  render({ event: deepFreeze(event), provider: { url: "https://events.example.com/", ...provider }, notification, notificationName: { namespace: "ci", name }, providerNamespace: "ci", sentBefore: () => ({ sentCount }), ...templatesOn(cloudEvents, notification, event) });

function messageOf(of: Case): Message {
  const result = rendered(of);
  const [message, ...others] = "messages" in result ? result.messages : [];
  assert.ok(message !== undefined && others.length === 0);
  return message;
}

type Structured = Readonly<Record<string, unknown>> & { readonly id: string };

const bodyOf = (of: Case): Structured => messageOf(of).request.body as Structured;

async function connected(t: TestContext): Promise<{ sink: CloudEventsSink; sender: Sender; url: string }> {
  const sink = await startCloudEventsSink();
  const http = createHttp({ policy: { development: true } });
  t.after(async () => {
    await http.close();
    await sink.close();
  });
  const url = `${sink.url}/s3cret-path?token=s3cret`;
  return { sink, url, sender: open({ provider: { url }, secrets: new Map(), http, clock: systemClock, learnSecret: () => assert.fail("there is no secret") }) };
}

const createdAt = (creationTimestamp: string): RunEvent["run"] => ({ metadata: { name: "build-1", namespace: "ci", uid: "1", creationTimestamp, labels: {}, annotations: {} } });

describe("a CloudEvent", () => {
  it("has the attributes of the specification and the RunEvent without `run` as its data", () => {
    const event = runEvent({ run: createdAt("2026-01-01T00:00:00Z") });
    const { id, data, ...attributes } = bodyOf({ event });
    const { run, ...published } = event;
    assert.deepEqual(data, published);
    assert.ok("metadata" in run);
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.deepEqual(attributes, {
      specversion: "1.0",
      source: "/apis/tekton.dev/v1/namespaces/ci/pipelineruns/build-1",
      type: "io.ornew.tekton.integrations.pipelinerun.running.v1",
      subject: "build-1",
      time: "2026-01-01T00:00:00.000Z",
      datacontenttype: "application/json",
      tektonloop: 1,
    });
  });

  for (const [what, of, field, expected] of [
    ["its kind and version in source", { event: runEvent({ kind: "CustomRun" }) }, "source", "/apis/tekton.dev/v1beta1/namespaces/ci/customruns/build-1"],
    ["its kind and status in type", { event: ended("TimedOut", { kind: "TaskRun" }) }, "type", "io.ornew.tekton.integrations.taskrun.timedout.v1"],
    ["the Provider's source", { provider: { source: "https://tekton.example.com/" } }, "source", "https://tekton.example.com/"],
    ["the Notification's subject, in one line", { notification: { subject: " a\nb " } }, "subject", "a b"],
    ["the run's name, when the subject is blank", { notification: { subject: " \u0000" } }, "subject", "build-1"],
    ["what its template says, in one line", { notification: { subject: "${pipeline}\n${status}" } }, "subject", "build Running"],
    ["the run's name, when its template is empty", { notification: { subject: "${results.none}" } }, "subject", "build-1"],
    ["the end as its time", { event: ended("Failed", { startTime: "2026-01-01T00:01:00Z" }) }, "time", "2026-01-01T00:10:00.000Z"],
    ["the start as its time", { event: runEvent({ startTime: "2026-01-01T02:01:00+02:00" }) }, "time", "2026-01-01T00:01:00.000Z"],
    ["no time, when none is known", { event: runEvent() }, "time", undefined],
  ] as const) {
    it(`has ${what}`, () => {
      assert.equal(bodyOf(of as Case)[field], expected);
    });
  }

  it("has the same id for every attempt at one message, and another for every other message", () => {
    const ids = (of: Case): string => bodyOf(of).id;
    const first = ids({});
    assert.equal(ids({ event: runEvent({ message: "changed meanwhile", reason: "Started" }) }), first);
    const others = [{ sentCount: 1 }, { event: ended("Failed") }, { event: runEvent({ uid: "another" }) }, { name: "another" }].map(ids);
    assert.equal(new Set([first, ...others]).size, 5);
  });

  it("goes to the Provider's URL, which is what the record says", () => {
    const { target, request, key } = messageOf({ provider: { url: "https://events.example.com/a?b=c" } });
    assert.deepEqual([key, target, request.method, request.url], ["event", { url: "https://events.example.com/a?b=c" }, "POST", "https://events.example.com/a?b=c"]);
  });

  it("is sent for every status, each a state of its own", () => {
    assert.deepEqual(runStatuses.map((status) => cloudEvents.serviceState(status, {})), [...runStatuses]);
    assert.deepEqual([cloudEvents.keepsState, cloudEvents.defaultStatuses], [false, runStatuses]);
  });
});

describe("the loop guard", () => {
  for (const [annotation, maxLoop, tektonloop] of [
    [undefined, undefined, 1], ["0", undefined, 1], ["1", undefined, undefined], ["2", undefined, undefined],
    ["-1", undefined, undefined], ["x", undefined, undefined], ["", undefined, undefined], ["1.5", undefined, undefined], [" 0", undefined, undefined], ["0x0", undefined, undefined], ["9".repeat(30), undefined, undefined],
    [undefined, 3, 1], ["1", 3, 2], ["2", 3, 3], ["3", 3, undefined], ["-1", 3, undefined], ["x", 3, undefined], ["99", 100, 100], ["1000000000", 100, undefined],
  ] as const) {
    it(`with maxLoop ${maxLoop ?? "left out"} ${tektonloop === undefined ? "stops" : `sends ${tektonloop} for`} a run with ${annotation === undefined ? "no number" : JSON.stringify(annotation.slice(0, 12))}`, () => {
      const of: Case = { event: runEvent({ annotations: annotation === undefined ? {} : { [loop]: annotation } }), provider: maxLoop === undefined ? {} : { maxLoop } };
      if (tektonloop !== undefined) assert.equal(bodyOf(of).tektonloop, tektonloop);
      else {
        const result = rendered(of);
        assert.ok("nothing" in result);
        assert.equal(result.nothing.reason, "LoopGuard");
      }
    });
  }
});

describe("sending", () => {
  it("posts exactly the request that was rendered", async (t) => {
    const { sink, sender, url } = await connected(t);
    const message = messageOf({ event: ended("Failed", { message: 'quotes " and 🚀 and \u0000', results: { list: ["a"], map: { b: "c" } } }), provider: { url } });
    assert.deepEqual(await sender.send(message, signal), { externalRef: (message.request.body as Structured).id });
    const [posted] = sink.received;
    assert.deepEqual([posted?.method, posted?.path, posted?.json], ["POST", "/s3cret-path?token=s3cret", message.request.body]);
    for (const [name, value] of Object.entries(message.request.headers)) assert.equal(posted?.headers[name], value);
    assert.deepEqual(sink.violations, []);
  });

  it("satisfies the specification for every recorded state of every run", async (t) => {
    const { sink, sender, url } = await connected(t);
    const ids = new Set<string>();
    for (const { run } of recorded()) {
      const message = messageOf({ event: normaliseRun(run, { children: [] }), provider: { url } });
      const { id } = message.request.body as Structured;
      if (!ids.has(id)) await sender.send(message, signal);
      ids.add(id);
    }
    assert.deepEqual([sink.violations, sink.events().length], [[], ids.size]);
    assert.ok(ids.size > 100 && sink.events().every(({ id }) => ids.has(id)));
  });

  for (const [status, code, errorClass] of [
    [400, "MessageRefused", "permanent"], [401, "CredentialsRefused", "credentials"], [403, "CredentialsRefused", "credentials"], [404, "DestinationRefused", "route"],
    [410, "DestinationGone", "route"], [413, "MessageRefused", "permanent"], [415, "MessageRefused", "permanent"], [429, "RateLimited", "retryable"],
    [301, "DestinationRefused", "route"], [500, "ServiceFailed", "retryable"], [503, "ServiceFailed", "retryable"],
  ] as const) {
    it(`${status} is ${code} (${errorClass}); neither body nor path are in the error`, async (t) => {
      const { sink, sender, url } = await connected(t);
      sink.misbehave({ answer: { status, headers: { "retry-after": "30", location: "https://x.example.com/s3cret" }, body: "s3cret" } });
      const error = await failureOf(sender.send(messageOf({ provider: { url } }), signal));
      assert.deepEqual([error.code, error.class, error.status, error.retryAfterMs], [code, errorClass, status, status === 410 ? undefined : 30_000]);
      assert.doesNotMatch(allTextOf(error), /s3cret/);
      assert.equal(sink.received.length, 1, "one call is one request");
    });
  }

  for (const [status, body] of [[200, "<html>"], [201, ""], [202, "x".repeat(2_000_000)], [204, undefined]] as const) {
    it(`${status} is acceptance, whatever the body`, async (t) => {
      const { sink, sender, url } = await connected(t);
      sink.misbehave({ answer: { status, ...(body !== undefined && { body }) } });
      assert.ok((await sender.send(messageOf({ provider: { url } }), signal)).externalRef);
    });
  }

  it("without an answer is retryable, and the same event is sent again", async (t) => {
    const { sink, sender, url } = await connected(t);
    sink.misbehave({ loseAnswer: true }, 1);
    assert.equal((await failureOf(sender.send(messageOf({ provider: { url } }), signal))).code, "ServiceUnreachable");
    await sender.send(messageOf({ provider: { url } }), signal);
    assert.equal(new Set(sink.events().map(({ id }) => id)).size, 1);
  });

  it("an event that is none is refused for good, and not sent", async (t) => {
    const { sink, sender, url } = await connected(t);
    const error = await failureOf(sender.send(messageOf({ provider: { url, source: "s3cret source with spaces" } }), signal));
    assert.deepEqual([error.code, error.message, sink.received.length], ["MessageRefused", "the event is not a valid CloudEvent: see /source", 0]);
  });
});

describe("check", () => {
  const fields = (provider: Partial<CloudEventsProvider>): string[] => cloudEvents.check({ url: "https://events.example.com/", ...provider }).map(({ path }) => path.join("."));

  it("takes sources that are URI references, and the SDK takes those too", async (t) => {
    const { sink, sender, url } = await connected(t);
    for (const source of ["/ci", "https://tekton.example.com/", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", "ci", "./a:b", "a%20b", "/a?b=c#d", `/${runUid}`]) {
      assert.deepEqual(fields({ source }), [], source);
      await sender.send(messageOf({ provider: { url, source } }), signal);
      assert.equal(sink.events().at(-1)?.source, source);
    }
  });

  it("refuses others when they are applied, not when an event is sent", () => {
    for (const source of ["with spaces", "ä", "a\nb", "100%", "%zz", "a\\b", "<x>", '"', "1:b"]) assert.deepEqual(fields({ source }), ["source"], source);
    assert.deepEqual(fields({ url: "https://u:p@x.example.com/" }), ["url"]);
  });
});
