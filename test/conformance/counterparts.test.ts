/** Our requests, read by implementations that others wrote: goaws, Google's pstest, slack-go, go-github and the CloudEvents SDK for Go. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test, type TestContext } from "node:test";
import { runKinds, runStatuses, type RunEvent } from "../../src/api/run-event.ts";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import { createHttp } from "../../src/providers/http.ts";
import type { AnyProviderDefinition, Message, SentBefore } from "../../src/providers/provider.ts";
import { providers } from "../../src/providers/registry.ts";
import { ended, runEvent } from "../controller/runs.ts";
import { templatesOn } from "../providers/templates.ts";
import { startCounterpart, type CounterpartName, type RunningCounterpart } from "../support/counterpart.ts";
import { hurriedClock } from "../support/hurried-clock.ts";

const never = new AbortController().signal;

interface Connected {
  readonly counterpart: RunningCounterpart;
  /** Renders the event for the Notification's section, and sends what comes of it; the last answer's reference. */
  readonly send: (event: RunEvent, notification?: unknown, sentBefore?: SentBefore) => Promise<string | undefined>;
}

interface Connection {
  readonly section: unknown;
  readonly secrets: ReadonlyMap<string, string>;
}

const definitionOf = (type: string): AnyProviderDefinition => providers.find((provider) => provider.type === type) ?? assert.fail(type);

function rendered(definition: AnyProviderDefinition, section: unknown, notification: unknown, event: RunEvent, sentBefore: SentBefore): readonly Message[] {
  const names = { notificationName: { namespace: "ci", name: "conformance" }, providerNamespace: "ci" };
  const found = definition.render({ event, provider: section, notification, ...names, sentBefore: () => sentBefore, ...templatesOn(definition, notification, event) });
  return "messages" in found ? found.messages : assert.fail(found.nothing.message);
}

/** A connection of the product to the counterpart; undefined: skipped. */
async function connect(t: TestContext, name: CounterpartName, type: string, connection: (ready: Readonly<Record<string, unknown>>) => Connection): Promise<Connected | undefined> {
  const counterpart = await startCounterpart(t, name);
  if (counterpart === undefined) return undefined;
  const definition = definitionOf(type);
  const { section, secrets } = connection(counterpart.ready);
  const http = createHttp({ policy: { development: true } });
  t.after(() => http.close());
  const { open } = await definition.load();
  const sender = open({ provider: section, secrets, http, clock: hurriedClock(), learnSecret: () => undefined, providerName: { namespace: "ci", name: "conformance" } });
  t.after(() => sender.close());
  return {
    counterpart,
    send: async (event, notification = {}, sentBefore = { sentCount: 0 }) => {
      let reference: string | undefined;
      for (const message of rendered(definition, section, notification, event, sentBefore)) reference = (await sender.send(message, never)).externalRef;
      return reference;
    },
  };
}

/** Each status of each kind, and one whose texts try to break out of every format. */
const events: readonly RunEvent[] = [
  ...runKinds.flatMap((kind) => runStatuses.map((status) => runEvent({ kind, status, uid: `${kind}-${status}`, terminal: status !== "Pending" && status !== "Running" }))),
  ended("Failed", {
    uid: "hostile",
    reason: "a\"b'c\\d",
    message: "line\nline <!channel> & <b>&amp;</b> ☃ 😀 %41 \u0007",
    labels: { "a.b/c": "x\u2028y" },
    results: { digest: "sha256:☃", list: ["<", "&"] },
    params: { text: "'; -- ${status}" },
  }),
];

const refusedAs = async (attempt: Promise<unknown>, code: string): Promise<void> => {
  await assert.rejects(attempt, (error) => error instanceof DeliveryError && error.code === code);
};

interface UnderstoodEvent {
  readonly id: string;
  readonly type: string;
  readonly specversion: string;
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly data: RunEvent;
}

for (const mode of ["Structured", "Binary"]) {
  test(`the CloudEvents SDK for Go understands what is sent in ${mode} mode`, async (t) => {
    const connected = await connect(t, "cloudevents", "CloudEvents", ({ url }) => ({ section: { url, mode }, secrets: new Map() }));
    if (connected === undefined) return;
    for (const event of events) await connected.send(event, { subject: "run" });
    const understood = await connected.counterpart.received<UnderstoodEvent>();
    assert.equal(new Set(understood.map(({ id }) => id)).size, events.length);
    assert.deepEqual(understood.map(({ data: { uid, status, message } }) => [uid, status, message]), events.map(({ uid, status, message }) => [uid, status, message]));
    assert.deepEqual(new Set(understood.map(({ specversion, extensions }) => `${specversion} ${String(extensions["tektonloop"])}`)), new Set(["1.0 1"]));
  });
}

interface Published {
  readonly data: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderingKey?: string;
}

test("Google's pstest takes what is published, reads it as it was meant, and knows the account by its key", async (t) => {
  const section = ({ endpoint }: Readonly<Record<string, unknown>>) => ({ projectId: "example-project", topic: "tekton-runs", endpoint, credentials: { secretRef: { name: "key" } } });
  const connected = await connect(t, "pubsub", "GCPPubSub", (ready) => ({ section: section(ready), secrets: new Map([["key/service-account.json", JSON.stringify(ready["serviceAccount"])]]) }));
  if (connected === undefined) return;
  for (const event of events) await connected.send(event, { orderingKey: "${uid}", attributes: { team: "${namespace}" } });
  const published = await connected.counterpart.received<Published>();
  assert.deepEqual(published.map(({ data }) => (JSON.parse(data) as RunEvent).message).sort(), events.map(({ message }) => message).sort());
  assert.deepEqual(published.map(({ orderingKey = "" }) => orderingKey).sort(), events.map(({ uid }) => uid).sort());
  assert.deepEqual(new Set(published.map(({ attributes }) => `${attributes["team"] ?? ""} ${attributes["tektonloop"] ?? ""}`)), new Set(["ci 1"]));
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048, privateKeyEncoding: { type: "pkcs8", format: "pem" }, publicKeyEncoding: { type: "spki", format: "pem" } });
  const stranger = await connect(t, "pubsub", "GCPPubSub", (ready) => ({ section: section(ready), secrets: new Map([["key/service-account.json", JSON.stringify({ ...(ready["serviceAccount"] as object), private_key: privateKey })]]) }));
  await refusedAs(stranger?.send(ended("Failed")) ?? Promise.resolve(), "CredentialsRefused");
});

interface Notified {
  readonly message: string;
  readonly attributes: Readonly<Record<string, string>>;
}

test("goaws takes what is published with a signature that AWS's own signer makes too, and its queue holds it", async (t) => {
  const connection = (ready: Readonly<Record<string, unknown>>, secret = String(ready["secretAccessKey"])): Connection => ({
    section: { region: "eu-central-1", topicARN: ready["topicARN"], endpoint: ready["endpoint"], credentials: { secretRef: { name: "aws" } } },
    secrets: new Map([["aws/access-key-id", String(ready["accessKeyId"])], ["aws/secret-access-key", secret]]),
  });
  const connected = await connect(t, "sns", "AWSSNS", (ready) => connection(ready));
  if (connected === undefined) return;
  for (const event of events) await connected.send(event, { attributes: { team: "${namespace}" } });
  const held = await connected.counterpart.received<Notified>();
  assert.deepEqual(held.map(({ message }) => (JSON.parse(message) as RunEvent).uid).sort(), events.map(({ uid }) => uid).sort());
  assert.deepEqual(new Set(held.map(({ attributes }) => `${attributes["team"] ?? ""} ${attributes["tektonloop"] ?? ""}`)), new Set(["ci 1"]));
  const stranger = await connect(t, "sns", "AWSSNS", (ready) => connection(ready, "AnotherSecretThatAWSDoesNotKnow0123456789"));
  await refusedAs(stranger?.send(ended("Failed")) ?? Promise.resolve(), "CredentialsRefused");
});

interface Posted {
  readonly method: string;
  readonly channel: string;
  readonly text: string;
  readonly blocks: readonly unknown[] | null;
  readonly attachments: readonly { readonly blocks?: readonly { readonly type: string }[] }[] | null;
}

test("slack-go reads the blocks of every message, and its test server takes them", async (t) => {
  const connection = (ready: Readonly<Record<string, unknown>>, token = String(ready["token"])): Connection => ({
    section: { baseURL: ready["baseURL"], accessToken: { secretRef: { name: "slack" } }, channels: [{ id: "C024BE91L" }] },
    secrets: new Map([["slack/access-token", token]]),
  });
  const connected = await connect(t, "slack", "SlackApp", (ready) => connection(ready));
  if (connected === undefined) return;
  let first: string | undefined;
  for (const event of events) first ??= await connected.send(event);
  for (const event of events.slice(1)) await connected.send(event);
  await connected.send(ended("Succeeded"), { update: true }, { sentCount: 1, sentStatus: "Running", ...(first !== undefined && { externalRef: first }) });
  const posted = await connected.counterpart.received<Posted>();
  assert.deepEqual(posted.map(({ method }) => method), [...events.map(() => "chat.postMessage"), "chat.update"]);
  for (const { text, blocks, attachments } of posted) {
    assert.ok(text.length > 0 && !text.includes("<!channel>"), text);
    const types = [...((blocks ?? []) as { type: string }[]), ...(attachments ?? []).flatMap((attachment) => attachment.blocks ?? [])].map(({ type }) => type);
    assert.ok(types.length > 0 && types.every((type) => ["header", "section", "context", "actions", "divider"].includes(type)), types.join());
  }
  const stranger = await connect(t, "slack", "SlackApp", (ready) => connection(ready, "xoxb-000000000000-anotherappstoken"));
  await refusedAs(stranger?.send(ended("Failed")) ?? Promise.resolve(), "CredentialsRefused");
});

interface Reported {
  readonly what: string;
  readonly repository?: string;
  readonly content?: Readonly<Record<string, unknown>>;
}

test("go-github has a type for everything that is reported, and golang-jwt knows the App", async (t) => {
  const connection = (ready: Readonly<Record<string, unknown>>, key = String(ready["privateKey"])): Connection => ({
    section: { appId: ready["appId"], baseURL: ready["baseURL"], privateKey: { secretRef: { name: "app" } } },
    secrets: new Map([["app/private-key.pem", key]]),
  });
  const connected = await connect(t, "github", "GitHubApp", (ready) => connection(ready));
  if (connected === undefined) return;
  const tasks = [{ name: "test", kind: "TaskRun" as const, status: "Failed" as const, reason: "Failed", message: "<b>no</b> | `x`", ignored: false }];
  for (const event of events) await connected.send(event, { context: "${uid}" });
  const begun = await connected.send(runEvent({ tasks }), { report: "CheckRun" });
  await connected.send(ended("Failed", { tasks }), { report: "CheckRun" }, { sentCount: 1, sentStatus: "Running", ...(begun !== undefined && { externalRef: begun }) });
  await connected.send(ended("Failed", { tasks }), { report: "PullRequestComment", pullRequest: "42" });
  const reported = await connected.counterpart.received<Reported>();
  const statuses = reported.filter(({ what }) => what === "status");
  assert.deepEqual(statuses.map(({ repository, content }) => [repository, content?.["context"] === undefined ? "" : JSON.stringify(content["context"])]).length, events.length);
  assert.deepEqual(reported.filter(({ what }) => what !== "status").map(({ what }) => what), ["token", "check run", "check run update", "comment"]);
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048, privateKeyEncoding: { type: "pkcs1", format: "pem" }, publicKeyEncoding: { type: "spki", format: "pem" } });
  const stranger = await connect(t, "github", "GitHubApp", (ready) => connection(ready, privateKey));
  await refusedAs(stranger?.send(ended("Failed")) ?? Promise.resolve(), "CredentialsRefused");
});
