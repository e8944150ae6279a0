import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { cloudEvents, type CloudEventsNotification, type CloudEventsProvider } from "../../src/providers/cloudevents/config.ts";
import { encodeHeader } from "../../src/providers/cloudevents/binding.ts";
import type { RunEvent } from "../../src/api/run-event.ts";
import { ended, runEvent } from "../controller/runs.ts";
import { sendingTo } from "./cloudevents-harness.ts";
import { templatesOn } from "./templates.ts";

const { signal } = new AbortController();

const rendered = (provider: Partial<CloudEventsProvider>, notification: CloudEventsNotification = {}, event: RunEvent = ended("Failed")) => {
  const result = cloudEvents.render({
    event,
    provider: { url: "https://events.example.com/", ...provider },
    notification,
    notificationName: { namespace: "ci", name: "n" },
    providerNamespace: "ci",
    sentBefore: () => ({ sentCount: 0 }),
    ...templatesOn(cloudEvents, notification, event),
  });
  const [message] = "messages" in result ? result.messages : [];
  return message ?? assert.fail("nothing was rendered");
};

describe("binary mode", () => {
  it("has the data as its body and every attribute in a header", () => {
    const { body, headers } = rendered({ mode: "Binary" }).request;
    const { data, ...attributes } = rendered({}).request.body as Readonly<Record<string, unknown>>;
    assert.deepEqual(body, data);
    const { "content-type": contentType, ...others } = headers;
    const { datacontenttype, ...expected } = attributes;
    assert.equal(contentType, datacontenttype);
    assert.deepEqual(others, Object.fromEntries(Object.entries(expected).map(([name, value]) => [`ce-${name}`, String(value)])));
  });

  for (const [value, expected] of [
    ["plain~!", "plain~!"], [" ", "%20"], ['"', "%22"], ["%", "%25"], ["a%20b", "a%2520b"], ["\u007f", "%7F"], ["\n\r\t\u0000", "%0A%0D%09%00"], ["é", "%C3%A9"], ["☃", "%E2%98%83"], ["😀", "%F0%9F%98%80"], ["\ud800", "%EF%BF%BD"], ["", ""],
  ] as const) {
    it(`writes ${JSON.stringify(value)} as ${JSON.stringify(expected)}`, () => {
      assert.equal(encodeHeader(value), expected);
    });
  }

  it("arrives as it was rendered, whatever the run is called: unencoded headers would end the request, or arrive broken", async (t) => {
    const { sink, sender, provider } = await sendingTo(t, { mode: "Binary" });
    const names = ["☃ snow\nman", 'é "quoted" 100%', "a\u0000b", "😀".repeat(200)];
    for (const name of names) {
      const message = rendered(provider, { subject: "${name}", extensions: { team: "${name}" } }, ended("Failed", { name: "build", labels: { team: name }, annotations: {}, reason: name }));
      await sender.send(message, signal);
      const arrived = sink.received.at(-1);
      for (const [header, value] of Object.entries(message.request.headers)) assert.equal(arrived?.headers[header], value, header);
      assert.deepEqual(arrived?.json, message.request.body);
    }
    assert.deepEqual([sink.violations, sink.events().length], [[], names.length]);
  });
});

describe("a route's own attributes", () => {
  const attributesOf = (notification: CloudEventsNotification, event?: RunEvent) => rendered({}, notification, event).request.body as Readonly<Record<string, unknown>>;

  it("are templates: type and extensions", () => {
    const { type, team, stage } = attributesOf({ type: "com.example.${kind}.${status}", extensions: { team: "${labels.team}", stage: "ci" } }, ended("Failed", { labels: { team: " shop\nfront " } }));
    assert.deepEqual([type, team, stage], ["com.example.PipelineRun.Failed", "shop front", "ci"]);
  });

  it("are left out where they are empty for the run", () => {
    const attributes = attributesOf({ type: "${results.none}", extensions: { team: "${results.none}" } });
    assert.deepEqual([attributes["type"], Object.hasOwn(attributes, "team")], ["io.ornew.tekton.integrations.pipelinerun.failed.v1", false]);
  });

  it("are cut, so that servers that bound headers take them", () => {
    const { team, type } = attributesOf({ type: "${message}", extensions: { team: "${message}" } }, runEvent({ message: "é".repeat(5000) })) as { team: string; type: string };
    assert.ok([team, type].every((value) => Buffer.byteLength(value) <= 256 && value.isWellFormed()));
  });

  for (const name of ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data", "tektonloop", "data_base64", "Team", "team-name", "a".repeat(21), "", "__proto__"]) {
    it(`cannot be called ${JSON.stringify(name)}`, () => {
      const extensions = Object.defineProperty({}, name, { value: "x", enumerable: true });
      const [problem] = cloudEvents.checkNotification?.({ extensions }) ?? [];
      assert.deepEqual(problem?.path, ["extensions", name]);
    });
  }
});

describe("a receiver that is gone (410)", () => {
  const gone = async (t: TestContext) => {
    const bench = await sendingTo(t, {});
    bench.sink.misbehave({ answer: { status: 410 } }, 1);
    const refused = async (): Promise<string> => bench.sender.send(rendered(bench.provider), signal).then(() => "accepted", (error: unknown) => (error as { code: string }).code);
    return { ...bench, refused };
  };

  it("gets not one more request, although it would answer again", async (t) => {
    const { sink, refused } = await gone(t);
    assert.deepEqual([await refused(), await refused(), await refused(), sink.received.length], ["DestinationGone", "DestinationGone", "DestinationGone", 1]);
  });

  it("is sent to again over a connection that was made anew", async (t) => {
    const { sink, refused, again, provider } = await gone(t);
    await refused();
    await again().send(rendered(provider), signal);
    assert.equal(sink.events().length, 1);
  });
});
