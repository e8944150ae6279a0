import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test, type TestContext } from "node:test";
import { main } from "../../src/cli/main.ts";
import { entries, type Counterpart, type ProviderEntry } from "../conformance/provider-entries.ts";
import { ControlPlaneUnavailable, startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { install, type Installation } from "../support/installation.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { makeRun } from "../support/made-runs.ts";
import { createMarkers } from "../support/markers.ts";
import { startProxy } from "../support/proxy-double.ts";
import { startReceiver, type Answer, type Received, type Receiver } from "../support/receivers.ts";
import { lacking } from "../support/require.ts";
import { selfSignedCertificate } from "../support/self-signed-certificate.ts";
import { startTlsFront } from "../support/tls-front.ts";
import { eventually } from "../support/wait.ts";

const group = "integrations.tekton.ornew.io";
const apiVersion = `${group}/v1alpha1`;
const markers = createMarkers();
/** Answers that are read by some client: of GitHub, Slack, OAuth2, Google, AWS. */
const echoed = [200, 302, 400, 401, 403, 404, 410, 422, 429, 500] as const;

type Data = Readonly<Record<string, string>>;

/** One Provider with its Secrets, in a namespace of its own, with a Notification and a run. */
interface Case {
  readonly namespace: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly notification?: Readonly<Record<string, unknown>>;
  /** By name. */
  readonly secrets: Readonly<Record<string, Data>>;
  /** Whether the Secrets allow the Provider. Default: true. */
  readonly allowed?: boolean;
}

/** What a service says that repeats all it was told, and hands out a token that is a secret too. */
function echo(status: number): (request: Received) => Answer {
  return ({ path, headers, body }) => {
    const authorization = headers["authorization"] ?? "";
    const decoded = Buffer.from(authorization.split(" ")[1] ?? "", "base64").toString("utf8");
    const told = `${authorization} ${decoded} ${JSON.stringify(headers)} ${body}`;
    const plain = Buffer.from(told).toString("base64").slice(0, 400);
    return {
      status,
      headers: { location: `https://elsewhere.example.com${path}?told=${encodeURIComponent(authorization)}`, "www-authenticate": `Bearer error="${plain}"`, "x-request-id": plain },
      body: { ok: false, error: told, message: told, error_description: told, errors: [{ message: told }], token: markers.make(), access_token: markers.make(), expires_at: "2099-01-01T00:00:00Z", expires_in: 3_600, token_type: "Bearer" },
    };
  };
}

/** The values of a Secret's keys, by name of the Secret. */
function dataOf(secrets: ReadonlyMap<string, string>, value: (text: string) => string = (text) => text): Record<string, Data> {
  const data: Record<string, Data> = {};
  for (const [path, text] of secrets) {
    const [name = "", key = ""] = path.split("/");
    data[name] = { ...data[name], [key]: value(text) };
  }
  return data;
}

/** All of a value that is secret: of a key file of Google what identifies nobody. */
function keepAll(secrets: ReadonlyMap<string, string>): void {
  for (const text of secrets.values()) {
    const file = text.startsWith("{") ? (JSON.parse(text) as { private_key: string; private_key_id: string }) : undefined;
    for (const secret of file === undefined ? [text] : [file.private_key, file.private_key_id]) markers.keep(secret);
  }
}

const malformed: Readonly<Record<string, (marker: string) => string>> = {
  text: (marker) => marker,
  pem: (marker) => `-----BEGIN RSA PRIVATE KEY-----\n${marker}\n-----END RSA PRIVATE KEY-----\n`,
  json: (marker) => `{"type": "service_account", "private_key": "${marker}", "client_email": "${marker}"`,
  whole: (marker) => JSON.stringify({ type: "service_account", private_key: marker, private_key_id: marker, client_email: marker }),
  lines: (marker) => `${marker}\nX-Injected: ${marker}`,
};

function casesOf(entry: ProviderEntry, { receiver, secrets, wrongSecrets }: Counterpart, echoes: ReadonlyMap<number, Receiver>): Case[] {
  const { type, section } = entry.definition;
  const name = (entry.name ?? type).toLowerCase().replace(/[^a-z]+/g, "-").replace(/-$/, "");
  const at = (variant: string, url: string, data: Case["secrets"]): Case => ({
    namespace: `${name}-${variant}`,
    spec: { type, [section]: entry.sectionAt(url) },
    notification: { [section]: entry.notification },
    secrets: data,
  });
  keepAll(secrets);
  keepAll(wrongSecrets ?? new Map());
  return [
    at("good", receiver.url, dataOf(secrets)),
    ...(wrongSecrets === undefined ? [] : [at("wrong", receiver.url, dataOf(wrongSecrets))]),
    ...Array.from(echoes, ([status, { url }]) => at(`echo-${status}`, url, dataOf(secrets))),
    ...Object.entries(malformed).map(([form, make]) => at(`malformed-${form}`, receiver.url, dataOf(secrets, () => make(markers.make())))),
    { ...at("not-allowed", receiver.url, dataOf(secrets)), allowed: false },
  ];
}

/** What CloudEvents can be sent with, and what every Provider can: `tls` and `proxy`. */
async function moreCases(t: TestContext, echoes: ReadonlyMap<number, Receiver>): Promise<Case[]> {
  const url = echoes.get(401)?.url ?? "";
  const secretRef = { name: "s" };
  const make = (namespace: string, data: Data, cloudEvents: object, more: object = {}): Case => ({
    namespace,
    spec: { type: "CloudEvents", cloudEvents: { url, ...cloudEvents }, ...more },
    secrets: { s: data },
  });
  const m = markers.make;
  const client = await selfSignedCertificate("127.0.0.1");
  markers.keep(client.key);
  const front = await startTlsFront({ ...(await selfSignedCertificate("127.0.0.1")), to: () => Number(new URL(url).port) });
  const refusing = await startProxy({ answer: 407 });
  t.after(() => Promise.all([front.close(), refusing.close()]));
  const overTls = { url: `https://127.0.0.1:${front.port}/` };
  const certificate = { tls: { clientCertificate: { secretRef } } };
  const proxy = { proxy: { url: refusing.url, secretRef } };
  return [
    make("more-basic", { username: m(), password: m() }, { authentication: { type: "Basic", secretRef } }),
    make("more-oauth", { "client-id": m(), "client-secret": m() }, { authentication: { type: "OAuth2", secretRef, tokenURL: `${url}/token` } }),
    make("more-oauth-token", { "client-id": m(), "client-secret": m() }, { authentication: { type: "OAuth2", secretRef, tokenURL: `${echoes.get(200)?.url ?? ""}/token` } }),
    make("more-hmac", { secret: `whsec_${Buffer.from(m()).toString("base64")}` }, { authentication: { type: "HMAC", secretRef } }),
    make("more-header", { key: m() }, { headers: [{ name: "X-Key", valueFrom: { secretRef: { name: "s", key: "key" } } }] }),
    make("more-header-lines", { key: `${m()}\r\nX-Injected: 1` }, { headers: [{ name: "X-Key", valueFrom: { secretRef: { name: "s", key: "key" } } }] }),
    make("more-tls", { "tls.crt": client.cert, "tls.key": client.key }, overTls, certificate),
    make("more-tls-malformed", { "tls.crt": client.cert, "tls.key": malformed["pem"]?.(m()) ?? "" }, overTls, certificate),
    make("more-proxy", { username: m(), password: m() }, { url: "https://events.example.com/" }, proxy),
    make("more-proxy-malformed", { username: `${m()}:x`, password: `${m()}\n` }, { url: "https://events.example.com/" }, proxy),
  ];
}

const provider = ({ namespace, spec }: Case): object => ({ apiVersion, kind: "Provider", metadata: { namespace, name: "canary" }, spec });
const notification = ({ namespace, notification: section = {} }: Case): object => ({ apiVersion, kind: "Notification", metadata: { namespace, name: "canary" }, spec: { providerRef: { name: "canary" }, filter: { statuses: ["Running", "Failed"] }, ...section } });
const secretsOf = ({ namespace, secrets, allowed = true }: Case): object[] =>
  Object.entries(secrets).map(([name, stringData]) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace, name, annotations: allowed ? { [`${group}/allowed-providers`]: "canary" } : {} },
    stringData,
  }));

const annotations = { [`${group}/github-owner`]: "example-org", [`${group}/github-repo`]: "shop", [`${group}/github-sha`]: randomBytes(20).toString("hex") };

/** Objects that are refused, with a secret where none belongs: what is said of them is shown to whoever applies, and kept in logs of CI. */
function refusedObjects(secret: string): object[] {
  const encoded = encodeURIComponent(secret);
  const events = (section: object, more: object = {}): object => provider({ namespace: "default", spec: { type: "CloudEvents", cloudEvents: { url: "https://events.example.com/", ...section }, ...more }, secrets: {} });
  return [
    events({ url: `https://jane:${encoded}@events.example.com/` }),
    events({}, { proxy: { url: `http://jane:${encoded}@proxy.example.com:3128` } }),
    events({ authentication: { type: "OAuth2", secretRef: { name: "s" }, tokenURL: `https://jane:${encoded}@login.example.com/` } }),
    events({ headers: [{ name: "Content-Type", value: secret }] }),
    events({ headers: [{ name: "Authorization", value: `Bearer ${secret}` }], authentication: { type: "Bearer", secretRef: { name: "s" } } }),
    events({}, { tls: { caBundle: `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n` } }),
  ];
}

async function everything(plane: ControlPlane, { logs, controller, webhook }: Installation): Promise<Map<string, string>> {
  const kinds = ["providers", "notifications", "deliveries"].map((plural) => `${plural}.${group}`);
  const others = ["events", "events.events.k8s.io", "leases", "configmaps", "pipelineruns", "mutatingwebhookconfigurations", "validatingwebhookconfigurations"];
  const texts = new Map([["logs", logs()]]);
  for (const kind of [...kinds, ...others]) texts.set(kind, (await plane.kubectl(["get", kind, "-A", "-o", "json", "--show-managed-fields"])).stdout);
  for (const [name, { metricsUrl }] of Object.entries({ controller, webhook })) {
    for (const path of ["metrics", "readyz"]) texts.set(`${path} of the ${name}`, await (await fetch(`${metricsUrl}/${path}`)).text());
  }
  return texts;
}

async function simulated(plane: ControlPlane, namespaces: readonly string[]): Promise<string> {
  let text = "";
  const take = (more: string): void => void (text += more);
  await main(["simulate", "--live", "--kubeconfig", plane.kubeconfig, "-o", "json", ...namespaces.flatMap((name) => ["-n", name])], new AbortController().signal, { out: take, err: take, stdin: () => Promise.resolve("") });
  return text;
}

async function begin(t: TestContext): Promise<ControlPlane | undefined> {
  try {
    return await startControlPlane();
  } catch (error) {
    if (!(error instanceof ControlPlaneUnavailable)) throw error;
    lacking(t, `no control plane can be had: ${error.message}`);
    return undefined;
  }
}

let stop = (): Promise<void> => Promise.resolve();
after(() => stop());

test("no secret turns up in logs, statuses, Events, Deliveries, metrics or answers, whatever services do with it", async (t) => {
  const plane = await begin(t);
  if (plane === undefined) return;
  stop = () => plane.stop();
  const debug = ["--log-level", "debug"];
  const installation = await install(plane, { flags: { controller: [...debug, "--require-secret-opt-in"], webhook: debug } });
  t.after(() => installation.stop());
  const echoes = new Map<number, Receiver>();
  for (const status of echoed) echoes.set(status, await startReceiver({ respond: echo(status) }));
  const counterparts = await Promise.all(entries.map(async (entry) => ({ entry, counterpart: await entry.start() })));
  t.after(() => Promise.all([...echoes.values(), ...counterparts.map(({ counterpart }) => counterpart.receiver)].map((receiver) => receiver.close())));
  const cases = [...counterparts.flatMap(({ entry, counterpart }) => casesOf(entry, counterpart, echoes)), ...(await moreCases(t, echoes))];
  const apply = async (objects: readonly object[]): Promise<void> => {
    await plane.kubectl(["apply", "--server-side", "-f", "-"], { input: objects.map((object) => JSON.stringify(object)).join("\n---\n") });
  };
  await apply(cases.map(({ namespace }) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } })));
  await apply(cases.flatMap(secretsOf));
  await apply(cases.map(provider));
  await apply(cases.map(notification));
  const runs = await Promise.all(cases.map(({ namespace }) => makeRun(plane.client, namespace, "run", { annotations })));
  for (const run of runs) await run.become("Unknown", "Running");
  for (const run of runs) await run.become("False", "Failed");

  const list = async (plural: string): Promise<KubeObject[]> => (await plane.client.call<{ items: KubeObject[] }>("GET", `/apis/${apiVersion}/${plural}`)).items;
  const readyOf = (object: KubeObject): string => {
    const { conditions = [] } = (object.status ?? {}) as { conditions?: { type: string; reason: string }[] };
    return conditions.find(({ type }) => type === "Ready")?.reason ?? "";
  };
  const outcomes = new Map<string, string>();
  await eventually("every Provider is judged, or its message has been tried", async () => {
    const deliveries = new Map((await list("deliveries")).map((delivery) => [delivery.metadata.namespace, (delivery.status as { state?: string } | undefined)?.state]));
    for (const object of await list("providers")) {
      const ready = readyOf(object);
      const state = deliveries.get(object.metadata.namespace);
      if (ready !== "" && (ready !== "Connected" || state !== undefined)) outcomes.set(object.metadata.namespace ?? "", ready === "Connected" ? String(state) : ready);
    }
    return outcomes.size === cases.length;
  }, 90_000);
  const answers = await Promise.all(refusedObjects(markers.make()).map((object) => plane.kubectl(["apply", "-f", "-"], { input: JSON.stringify(object), allowFailure: true })));

  // The world is as it was meant to be: else there would be nothing to find.
  const counts: Record<string, number> = {};
  for (const outcome of outcomes.values()) counts[outcome] = (counts[outcome] ?? 0) + 1;
  t.diagnostic(JSON.stringify(counts));
  for (const { namespace, allowed = true } of cases) {
    if (namespace.endsWith("-good")) assert.equal(outcomes.get(namespace), "Delivered", namespace);
    if (!allowed) assert.equal(outcomes.get(namespace), "SecretNotAllowed", namespace);
  }
  for (const [status, { received }] of echoes) assert.ok(received.length >= 5, `${received.length} requests were answered with ${status}`);
  assert.deepEqual(answers.map(({ code }) => code), answers.map(() => 1));

  // What was made of the secrets is secret too.
  for (const { received } of [...echoes.values(), ...counterparts.map(({ counterpart }) => counterpart.receiver)]) {
    for (const { headers } of received) {
      const [scheme = "", value = ""] = (headers["authorization"] ?? "").split(" ");
      if (/^(?:bearer|token|basic)$/i.test(scheme) && /^[\w.+/=~-]+$/.test(value)) markers.keep(value);
    }
  }
  await installation.controller.kill("SIGTERM");
  await installation.controller.start();
  const texts = await everything(plane, installation);
  answers.forEach(({ stdout, stderr }, index) => texts.set(`answer ${index}`, stdout + stderr));
  texts.set("simulate --live", await simulated(plane, cases.map(({ namespace }) => namespace)));
  const found = [...texts].flatMap(([where, text]) => markers.find(text).map((place) => `${where}: ${place}`));
  // The same search finds what did travel, and where they are at home.
  for (const [status, { received }] of echoes) assert.ok(markers.find(JSON.stringify(received)).length > 0, `secrets came to who answers ${status}`);
  assert.ok(markers.find((await plane.kubectl(["get", "secrets", "-A", "-o", "json"])).stdout).length > cases.length);
  assert.match(texts.get("simulate --live") ?? "", /\[redacted\]/);
  assert.deepEqual(found.slice(0, 20), []);
});
