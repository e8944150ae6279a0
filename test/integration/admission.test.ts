import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { after } from "node:test";
import { installation } from "../../src/api/installation.ts";
import { keepCertificates } from "../../src/controller/certificates.ts";
import { connect } from "../../src/kube/client.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import { createRedactor } from "../../src/telemetry/redact.ts";
import type { Telemetry } from "../../src/telemetry/telemetry.ts";
import { secretCertificates } from "../../src/webhook/certificates.ts";
import { createAccessReviews } from "../../src/kube/access-reviews.ts";
import { createProviderReader } from "../../src/webhook/check-provider.ts";
import { createWebhook } from "../../src/webhook/server.ts";
import { recordingLogger, type LogLine } from "../kube/reflector-harness.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { freePort } from "../support/control-plane/components.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";
import { controlPlaneTests } from "../support/require.ts";
import { eventually } from "../support/wait.ts";
import { filtered, gitHub, notification, provider } from "../webhook/objects.ts";

const own = "tekton-integrations";
const test = controlPlaneTests();

interface Parts {
  readonly clocks: { readonly controller: ManualClock; readonly webhook: ManualClock };
  readonly metrics: Metrics;
  readonly log: readonly LogLine[];
  readonly port: number;
}

let running: Promise<Parts> | undefined;
const stop = new AbortController();
const over: Promise<void>[] = [];
after(async () => {
  stop.abort();
  await Promise.all(over);
});

/** The shipped manifests, and the keeper of certificates and the webhook in this process under their own accounts' tokens. */
function begin(plane: ControlPlane): Promise<Parts> {
  running ??= (async () => {
    await plane.kubectl(["apply", "-k", join(import.meta.dirname, "../../deploy")]);
    const log: LogLine[] = [];
    const telemetry = (): Telemetry & { clock: ManualClock } => ({ log: recordingLogger(log), metrics: createMetrics(), redactor: createRedactor(), clock: manualClock(Date.now()) });
    const [forController, forWebhook] = [telemetry(), telemetry()];
    const account = async (name: string) => connect({ kubeconfig: await plane.kubeconfigFor({ serviceAccount: { namespace: own, name } }) });
    const [controller, webhook] = [await account("tekton-integrations-controller"), await account("tekton-integrations-webhook")];
    const port = await freePort();
    const listening = Promise.withResolvers<number>();
    const server = createWebhook({
      certificates: secretCertificates({ kube: webhook, namespace: own, telemetry: forWebhook }),
      reviews: createAccessReviews({ kube: webhook, clock: forWebhook.clock }),
      reader: createProviderReader(webhook),
      telemetry: forWebhook,
      port,
      host: "127.0.0.1",
      drainMs: 0,
      onListening: listening.resolve,
    });
    const keeping = keepCertificates({ kube: controller, namespace: own, webhookUrl: `https://127.0.0.1:${port}`, telemetry: forController }, stop.signal);
    over.push(keeping.then(() => controller.close()), server.run(stop.signal).then(() => webhook.close()));
    // Until everything is in place, time goes on, so that what was too early is tried again.
    const passing = setInterval(() => {
      for (const { clock } of [forController, forWebhook]) clock.advance(500);
    }, 50);
    stop.signal.addEventListener("abort", () => {
      clearInterval(passing);
    });
    await listening.promise;
    await eventually("both configurations carry the authority", async () => (await bundles(plane)).every((bundle) => bundle !== ""));
    await eventually("the API server calls the webhook", async () => (await apply(plane, filtered({ expression: "nope" }), "--dry-run=server")).stderr.includes("nope"));
    clearInterval(passing);
    return { clocks: { controller: forController.clock, webhook: forWebhook.clock }, metrics: forWebhook.metrics, log, port };
  })();
  return running;
}

async function configurations(plane: ControlPlane): Promise<{ url: string; caBundle: string }[]> {
  const { stdout } = await plane.kubectl(["get", "mutatingwebhookconfiguration,validatingwebhookconfiguration", "-o", "json"]);
  const { items } = JSON.parse(stdout) as { items: { webhooks: { clientConfig: { url?: string; caBundle?: string } }[] }[] };
  return items.flatMap(({ webhooks }) => webhooks.map(({ clientConfig }) => ({ url: clientConfig.url ?? "", caBundle: clientConfig.caBundle ?? "" })));
}
const bundles = async (plane: ControlPlane): Promise<string[]> => (await configurations(plane)).map(({ caBundle }) => caBundle);

interface Stored {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string };
  readonly type: string;
  readonly data: Readonly<Record<"tls.crt" | "tls.key", string>>;
}
const secret = async (plane: ControlPlane, name: string): Promise<Stored> => plane.client.call<Stored & { apiVersion: string; kind: string }>("GET", `/api/v1/namespaces/${own}/secrets/${name}`);
const pem = (stored: Stored, key: "tls.crt" | "tls.key"): string => Buffer.from(stored.data[key], "base64").toString();

const apply = (plane: ControlPlane, object: Record<string, unknown>, ...flags: string[]) =>
  plane.kubectl(["apply", "-n", "default", "-f", "-", ...flags], { input: JSON.stringify({ ...object, metadata: { name: (object["metadata"] as { name: string }).name } }), allowFailure: true });

test("the controller makes authority and certificate once, and points the API server to the webhook", async (plane) => {
  const { port, log, metrics } = await begin(plane);
  const [authority, leaf] = [await secret(plane, installation.authoritySecret), await secret(plane, installation.leafSecret)];
  assert.deepEqual([authority.type, leaf.type], ["kubernetes.io/tls", "kubernetes.io/tls"]);
  const [ca, certificate] = [new X509Certificate(pem(authority, "tls.crt")), new X509Certificate(pem(leaf, "tls.crt"))];
  assert.ok(ca.ca && !certificate.ca && certificate.verify(ca.publicKey) && certificate.checkIssued(ca));
  assert.equal(
    certificate.subjectAltName,
    "DNS:tekton-integrations-webhook, DNS:tekton-integrations-webhook.tekton-integrations, DNS:tekton-integrations-webhook.tekton-integrations.svc, DNS:tekton-integrations-webhook.tekton-integrations.svc.cluster.local, IP Address:127.0.0.1",
  );
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
  const bundle = Buffer.from(pem(authority, "tls.crt")).toString("base64");
  assert.deepEqual(await configurations(plane), [
    { url: `https://127.0.0.1:${port}/mutate`, caBundle: bundle },
    { url: `https://127.0.0.1:${port}/validate`, caBundle: bundle },
  ]);
  const exposed = (await metrics.render()).body;
  assert.ok(exposed.includes(`certificate_expiry_timestamp_seconds{certificate="leaf"} ${Date.parse(certificate.validTo) / 1000}\n`));
  const written = JSON.stringify(log);
  for (const stored of [authority, leaf]) {
    for (const line of pem(stored, "tls.key").split("\n").filter((text) => text.length > 20 && !text.startsWith("---"))) assert.ok(!written.includes(line), "no key in the log");
  }
});

test("a look later changes nothing", async (plane) => {
  const { clocks } = await begin(plane);
  const versions = async (): Promise<string[]> => [
    ...(await Promise.all([installation.authoritySecret, installation.leafSecret].map(async (name) => (await secret(plane, name)).metadata.resourceVersion))),
    (await plane.kubectl(["get", "mutatingwebhookconfiguration,validatingwebhookconfiguration", "-o", "jsonpath={.items[*].metadata.resourceVersion}"])).stdout,
  ];
  const before = await versions();
  for (let look = 0; look < 3; look += 1) {
    clocks.controller.advance(15_000);
    await clocks.controller.sleeping((ms) => ms === 15_000);
  }
  assert.deepEqual(await versions(), before);
});

test("a good object is stored with its type filled in; applied again it is unchanged", async (plane) => {
  await begin(plane);
  assert.match((await apply(plane, provider({ githubApp: gitHub }))).stdout, /created/);
  assert.equal((await plane.kubectl(["get", "tip", "p", "-o", "jsonpath={.spec.type}"])).stdout, "GitHubApp");
  assert.match((await apply(plane, provider({ githubApp: gitHub }))).stdout, /unchanged/);
  assert.match((await apply(plane, provider({ githubApp: gitHub }), "--server-side", "--force-conflicts")).stdout, /serverside-applied/);
  assert.match((await apply(plane, notification({ providerRef: { name: "p" } }), "--dry-run=server")).stdout, /created \(server dry run\)/);
});

test("kubectl shows a refusal with its place", async (plane) => {
  await begin(plane);
  const { code, stderr } = await apply(plane, filtered({ expression: 'status == "Failed" &&\n  naemspace == "x"', results: [{ name: "a", matches: "(" }] }));
  assert.equal(code, 1);
  assert.equal(
    stderr.trim(),
    [
      'The Notification "n" is invalid: ',
      "* spec.filter.expression: 2:3: there is no variable `naemspace` (did you mean `namespace`?)",
      '      naemspace == "x"',
      "      ^",
      "* spec.filter.results[0].matches: Invalid value: not an RE2 pattern: missing closing ): `(`",
    ].join("\n"),
  );
});

test("kubectl shows warnings", async (plane) => {
  await begin(plane);
  const warned = await apply(plane, filtered({ expression: 'status == "Suceeded"' }), "--dry-run=server");
  assert.equal(warned.code, 0);
  assert.match(warned.stderr, /^Warning: spec\.filter\.expression: 1:11: `status` is never this value/m);
});

test("an object of older rules can still be labelled, freed of its finalizer and deleted", async (plane) => {
  await begin(plane);
  const path = "/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/default/notifications";
  const [mutating, validating] = ["mutating", "validating"].map((kind) => `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations/tekton-integrations`);
  assert.ok(mutating !== undefined && validating !== undefined);
  const webhooks = await plane.client.call<{ webhooks: unknown[]; apiVersion: string; kind: string; metadata: { name: string } }>("GET", validating);
  await plane.client.call("PATCH", validating, { body: { webhooks: [] }, contentType: "application/merge-patch+json" });
  const old = filtered({ expression: "this was once fine" });
  await eventually("an object that the webhook would refuse is stored", async () => {
    const { status } = await plane.client.send("POST", path, { body: { ...old, metadata: { name: "old", finalizers: ["example.com/hold"] } } });
    return status === 201 || status === 409;
  });
  await plane.client.call("PATCH", validating, { body: { webhooks: webhooks.webhooks }, contentType: "application/merge-patch+json" });
  await eventually("the webhook is asked again", async () => (await apply(plane, filtered({ expression: "nope" }), "--dry-run=server")).code === 1);

  const patch = (spec: object) => plane.kubectl(["patch", "tin", "old", "--type=merge", "-p", JSON.stringify({ spec })], { allowFailure: true });
  const unrelated = await patch({ suspend: true });
  assert.equal(unrelated.code, 0, "a change elsewhere goes through");
  assert.match(unrelated.stderr, /^Warning: spec\.filter\.expression: 1:6: /m);
  assert.equal((await patch({ filter: { expression: "this is not fine either" } })).code, 1, "a new error is refused");
  await plane.kubectl(["label", "tin", "old", "a=b"]);
  await plane.kubectl(["delete", "tin", "old", "--wait=false"]);
  await plane.kubectl(["patch", "tin", "old", "--type=merge", "-p", '{"metadata":{"finalizers":null}}']);
  assert.equal((await plane.client.send("GET", `${path}/old`)).status, 404);
});

test("a certificate that was lost is made again, and served without a restart", async (plane) => {
  const { clocks, log } = await begin(plane);
  const before = await secret(plane, installation.leafSecret);
  await plane.kubectl(["delete", "secret", installation.leafSecret, "-n", own]);
  clocks.controller.advance(15_000);
  await eventually("the controller makes a new one", async () => (await plane.client.send("GET", `/api/v1/namespaces/${own}/secrets/${installation.leafSecret}`)).status === 200);
  const after_ = await secret(plane, installation.leafSecret);
  assert.notEqual(after_.data["tls.crt"], before.data["tls.crt"]);
  clocks.webhook.advance(60_000);
  const { serialNumber } = new X509Certificate(pem(after_, "tls.crt"));
  await eventually("the webhook serves it", () => Promise.resolve(log.some((line) => line.message === "serving a certificate" && line.fields["serialNumber"] === serialNumber)));
  assert.equal((await apply(plane, provider({ githubApp: gitHub }, "after"))).code, 0);
});
