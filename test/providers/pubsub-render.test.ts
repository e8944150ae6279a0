import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runStatuses } from "../../src/api/run-event.ts";
import { gcpPubSub, type PubSubProvider } from "../../src/providers/pubsub/config.ts";
import { checkOwnIdentity } from "../../src/providers/own-identity.ts";
import { ended, runEvent } from "../controller/runs.ts";
import { messageOf, pubSubMessageOf, rendered, section, type Case } from "./pubsub-harness.ts";

const loop = "integrations.tekton.ornew.io/loop";
const dataOf = (of: Case): string => Buffer.from(pubSubMessageOf(of).data, "base64").toString("utf8");

describe("a message for Pub/Sub", () => {
  it("is the RunEvent without `run`, with attributes that subscriptions can filter by", () => {
    const event = ended("Failed", { message: "no 🚀" });
    const { run: _, ...published } = event;
    assert.deepEqual(JSON.parse(dataOf({ event })), published);
    const { attributes, ...others } = pubSubMessageOf({ event });
    const { id, ...rest } = attributes;
    assert.match(id ?? "", /^[0-9a-f]{32}$/);
    assert.deepEqual(rest, { kind: "PipelineRun", namespace: "ci", pipeline: "build", status: "Failed", tektonloop: "1" });
    assert.deepEqual(Object.keys(others), ["data"]);
  });

  it("is shown in the form of the REST API", () => {
    const { key, target, lane, request } = messageOf({});
    const path = "projects/example-project/topics/tekton-runs";
    assert.deepEqual([key, target, lane], ["message", { topic: path }, path]);
    assert.deepEqual([request.method, request.url, request.headers], ["POST", `https://pubsub.googleapis.com/v1/${path}:publish`, { authorization: "[redacted]", "content-type": "application/json" }]);
  });

  for (const endpoint of ["https://europe-west3-pubsub.googleapis.com", "http://127.0.0.1:8085/"]) {
    it(`goes to ${endpoint}`, () => {
      assert.equal(messageOf({ provider: { endpoint } }).request.url, `${endpoint.replace(/\/$/, "")}/v1/projects/example-project/topics/tekton-runs:publish`);
    });
  }

  it("has the same id for every attempt at one message, and another for every other message", () => {
    const id = (of: Case): string | undefined => pubSubMessageOf(of).attributes["id"];
    const first = id({});
    assert.equal(id({ event: runEvent({ message: "changed meanwhile" }) }), first);
    const others = [{ sentCount: 1 }, { event: ended("Failed") }, { event: runEvent({ uid: "another" }) }, { name: "another" }].map(id);
    assert.equal(new Set([first, ...others]).size, 5);
  });

  it("is sent for every status, each a state of its own", () => {
    assert.deepEqual(runStatuses.map((status) => gcpPubSub.serviceState(status, {})), [...runStatuses]);
    assert.deepEqual([gcpPubSub.keepsState, gcpPubSub.defaultStatuses], [false, runStatuses]);
  });

  it("is a request of at most 10,000,000 bytes, uses all of them, and says what was dropped", () => {
    const event = (length: number): Case => ({ event: runEvent({ annotations: { big: "x".repeat(length) } }), notification: { attributes: { team: "é" }, orderingKey: "🚀" } });
    const size = (length: number): number => Buffer.byteLength(JSON.stringify(messageOf(event(length)).request.body));
    const most = 1 + Math.floor((10_000_000 - size(1)) / 4) * 3;
    const fits = [most - 2, most - 1, most, most + 1, most + 2, most + 3].filter((length) => !dataOf(event(length)).includes('"dropped"'));
    assert.ok(fits.length > 0 && fits.length < 6, String(fits.length));
    assert.ok(fits.every((length) => size(length) <= 10_000_000 && size(length) > 9_999_990));
    assert.deepEqual((JSON.parse(dataOf(event(9_000_000))) as { dropped: string[] }).dropped, ["annotations"]);
  });

  it("carries own attributes, one line each; those that are empty are left out", () => {
    const event = runEvent({ labels: { team: `a\n"b" ${"🚀".repeat(500)}` } });
    const { attributes } = pubSubMessageOf({ event, notification: { attributes: { team: "${labels.team}", none: "${labels.none}" } } });
    assert.deepEqual(Object.keys(attributes), ["id", "kind", "namespace", "pipeline", "status", "tektonloop", "team"]);
    assert.match(attributes["team"] ?? "", /^a "b" 🚀+…$/u);
    assert.ok(Buffer.byteLength(attributes["team"] ?? "") <= 1024);
  });

  for (const [template, key] of [["${namespace}/${pipeline}", "ci/build"], ["${results.none}", undefined], [" a\nb ", "a b"], ["${labels.long}", `${"é".repeat(510)}…`]] as const) {
    it(`has the ordering key that ${template.trim()} says`, () => {
      assert.equal(pubSubMessageOf({ event: runEvent({ labels: { long: "é".repeat(600) } }), notification: { orderingKey: template } }).orderingKey, key);
    });
  }

  it("is not sent for a run that has reached maxLoop", () => {
    const event = (value: string): Case => ({ event: runEvent({ annotations: { [loop]: value } }) });
    assert.equal(pubSubMessageOf({ ...event("2"), provider: { maxLoop: 3 } }).attributes["tektonloop"], "3");
    for (const value of ["1", "-1", "x", ""]) {
      const result = rendered(event(value));
      assert.equal("nothing" in result ? result.nothing.reason : "", "LoopGuard", value);
    }
  });
});

describe("the check of a Pub/Sub section", () => {
  const check = (provider: Partial<PubSubProvider>): string[] => gcpPubSub.check({ ...section, ...provider }).map(({ code, path }) => `${path.join(".")} ${code}`);

  it("takes what can work, and refuses the rest", () => {
    assert.deepEqual([check({}), check({ endpoint: "https://europe-west3-pubsub.googleapis.com" })], [[], []]);
    assert.deepEqual(check({ topic: "google-topic" }), ["topic FieldInvalid"]);
    assert.deepEqual(check({ endpoint: "https://u:p@example.com" }), ["endpoint UrlInvalid"]);
  });

  it("without credentials, is for the controller's own identity, in namespaces that may use it", () => {
    const section = { projectId: "example-project", topic: "tekton-runs" };
    assert.deepEqual(checkOwnIdentity(gcpPubSub, section, "ci", new Set(["other"])).map(({ path, code }) => [path, code]), [[["credentials"], "CredentialsRequired"]]);
    assert.deepEqual([checkOwnIdentity(gcpPubSub, section, "ci", new Set(["ci"])), gcpPubSub.check(section)], [[], []]);
    assert.deepEqual(checkOwnIdentity(gcpPubSub, { ...section, credentials: { secretRef: { name: "s" } } }, "ci", new Set()), []);
  });

  it("takes names of attributes that Pub/Sub takes, none of them taken already", () => {
    const codes = (name: string): string[] => gcpPubSub.checkNotification?.({ attributes: { [name]: "x" } }).map(({ code }) => code) ?? [];
    for (const name of ["team", "git.sha", "a b", "é".repeat(128)]) assert.deepEqual(codes(name), [], name);
    for (const name of ["", "google", "Goog-x", "é".repeat(129), "a\nb"]) assert.deepEqual(codes(name), ["FieldInvalid"], name);
    for (const name of ["id", "kind", "namespace", "pipeline", "status", "tektonloop"]) assert.deepEqual(codes(name), ["FieldForbidden"]);
  });

  it("names the key of the Secret", () => {
    assert.deepEqual(gcpPubSub.secretRefs(section).map(({ name, key }) => [name, key]), [["pubsub", "service-account.json"]]);
    assert.deepEqual(gcpPubSub.secretRefs({ projectId: "example-project", topic: "tekton-runs" }), []);
  });
});
