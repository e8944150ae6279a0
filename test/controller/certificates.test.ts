import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { installation } from "../../src/api/installation.ts";
import { certificateOf, certificatesIn, isSignedBy, type Certificate } from "../../src/controller/certificate-text.ts";
import { keepCertificates } from "../../src/controller/certificates.ts";
import type { Kube } from "../../src/kube/kube.ts";
import type { KubeObject } from "../../src/kube/resources.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import { createRedactor } from "../../src/telemetry/redact.ts";
import { recordingLogger, type LogLine } from "../kube/reflector-harness.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";

const day = 86_400_000;
const minute = 60_000;

interface Keeping {
  readonly clock: ManualClock;
  readonly log: LogLine[];
  readonly objects: Map<string, KubeObject>;
  readonly metrics: Metrics;
  /** How many objects were written. */
  readonly writes: () => number;
  /** Lets so much time pass; the keeper has had a look at the end of it. */
  readonly pass: (ms: number) => Promise<void>;
  readonly leaf: () => Certificate | undefined;
  /** The certificates in both configurations' bundles. */
  readonly bundles: () => readonly (readonly Certificate[])[];
}

const secretName = (name: string): string => `tekton-integrations/${name}`;
const decoded = (object: KubeObject | undefined, key: string): string => Buffer.from((object?.["data"] as Record<string, string> | undefined)?.[key] ?? "", "base64").toString();

/** A keeper beside objects in memory; test/integration has the real API server. */
async function keep(t: TestContext): Promise<Keeping> {
  const clock = manualClock();
  const log: LogLine[] = [];
  const configuration = (): KubeObject => ({ apiVersion: "v1", kind: "C", metadata: { name: installation.webhookConfiguration }, webhooks: [{ name: "w", clientConfig: { service: { name: "s" } } }] });
  const objects = new Map<string, KubeObject>([["mutatingwebhookconfigurations", configuration()], ["validatingwebhookconfigurations", configuration()]]);
  let writes = 0;
  const keyOf = (plural: string, namespace: string | undefined, name: string): string => (namespace === undefined ? plural : `${namespace}/${name}`);
  const put = (key: string, object: KubeObject): Promise<KubeObject> => {
    writes += 1;
    objects.set(key, object);
    return Promise.resolve(object);
  };
  const kube = {
    get: ({ plural }: { plural: string }, { namespace, name }: { namespace?: string; name: string }) => Promise.resolve(objects.get(keyOf(plural, namespace, name))),
    create: (_: unknown, object: KubeObject) => put(keyOf("", object.metadata.namespace, object.metadata.name), object),
    update: (_: unknown, object: KubeObject) => put(keyOf("", object.metadata.namespace, object.metadata.name), object),
    patch: ({ plural }: { plural: string }, _: unknown, { body }: { body: { op: string; path: string; value: unknown }[] }) => {
      const caBundle = body.find(({ path }) => path.endsWith("/caBundle"))?.value;
      return put(plural, { ...objects.get(plural), webhooks: [{ name: "w", clientConfig: { service: { name: "s" }, caBundle } }] } as unknown as KubeObject);
    },
  } as unknown as Kube;
  const stop = new AbortController();
  const telemetry = { clock, log: recordingLogger(log), metrics: createMetrics(), redactor: createRedactor() };
  const running = keepCertificates({ kube, namespace: "tekton-integrations", webhookUrl: undefined, telemetry }, stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
  });
  await clock.sleeping((ms) => ms > 0);
  return {
    clock,
    log,
    objects,
    metrics: telemetry.metrics,
    writes: () => writes,
    pass: async (ms) => {
      clock.advance(ms);
      for (let turn = 0; clock.sleepers.length === 0; turn += 1) {
        assert.ok(turn < 100_000, "it looks and sleeps again");
        await nextTurn();
      }
    },
    leaf: () => certificateOf(decoded(objects.get(secretName(installation.leafSecret)), "tls.crt")),
    bundles: () => ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"].map((plural) => {
      const [webhook] = (objects.get(plural) as unknown as { webhooks: { clientConfig: { caBundle?: string } }[] }).webhooks;
      return certificatesIn(Buffer.from(webhook?.clientConfig.caBundle ?? "", "base64").toString());
    }),
  };
}

/** Whether an API server that trusts each of the bundles takes the leaf. */
function isTaken(leaf: Certificate | undefined, bundles: readonly (readonly Certificate[])[], now: number): boolean {
  if (leaf === undefined || now < leaf.validFrom || now >= leaf.validTo) return false;
  return bundles.every((bundle) => bundle.some((authority) => now < authority.validTo && isSignedBy(leaf, authority)));
}

describe("the webhook's certificates", () => {
  it("are made at once, and a look later changes nothing", async (t) => {
    const { leaf, bundles, clock, writes, pass, metrics } = await keep(t);
    assert.equal(isTaken(leaf(), bundles(), clock.now()), true);
    const [authority] = bundles()[0] ?? [];
    assert.ok((await metrics.render()).body.includes(`certificate_expiry_timestamp_seconds{certificate="authority"} ${(authority?.validTo ?? 0) / 1000}\n`));
    const before = writes();
    for (let look = 0; look < 10; look += 1) await pass(minute);
    assert.equal(writes(), before);
  });

  it("are renewed for three years without a moment in which what is served is not trusted, also by replicas and API servers that lag by five minutes", async (t) => {
    const keeping = await keep(t);
    const { clock, pass, leaf, bundles } = keeping;
    const served = new Set<string>();
    const trusted = new Set<string>();
    let [servedBefore, trustedBefore] = [leaf(), bundles()];
    const check = (): void => {
      for (const each of [leaf(), servedBefore]) {
        for (const by of [bundles(), trustedBefore]) assert.equal(isTaken(each, by, clock.now()), true, new Date(clock.now()).toISOString());
      }
      served.add(leaf()?.fingerprint ?? "");
      for (const certificate of bundles().flat()) trusted.add(certificate.fingerprint);
      [servedBefore, trustedBefore] = [leaf(), bundles()];
    };
    let written = keeping.writes();
    for (let passed = 0; passed < 3 * 365; passed += 1) {
      await pass(day - 15 * minute);
      check();
      // Where a day has brought something, its further steps come within minutes.
      for (let before = keeping.writes(), quiet = 0; quiet < 2; quiet = keeping.writes() === before ? quiet + 1 : 0, before = keeping.writes()) {
        await pass(5 * minute);
        check();
        if (keeping.writes() === written) break;
      }
      written = keeping.writes();
    }
    assert.ok(served.size >= 3 * 18 && served.size <= 3 * 20, `${served.size} leaves`);
    assert.equal(trusted.size, 5);
    assert.ok(bundles().every((bundle) => bundle.length <= 2));
    assert.deepEqual(keeping.log.filter(({ level }) => level === "warn"), []);
  });

  for (const [what, spoil] of Object.entries({
    deleted: ({ objects }: Keeping, name: string) => objects.delete(name),
    damaged: ({ objects }: Keeping, name: string) => objects.set(name, { ...objects.get(name), data: { "tls.crt": "AAAA", "tls.key": "AAAA" } } as unknown as KubeObject),
  })) {
    it(`are made anew when the leaf's Secret is ${what}, by the same authority`, async (t) => {
      const keeping = await keep(t);
      await keeping.pass(10 * minute);
      const [before] = keeping.bundles();
      spoil(keeping, secretName(installation.leafSecret));
      await keeping.pass(15_000);
      assert.deepEqual(keeping.bundles()[0]?.map(({ fingerprint }) => fingerprint), before?.map(({ fingerprint }) => fingerprint));
      assert.equal(isTaken(keeping.leaf(), keeping.bundles(), keeping.clock.now()), true);
    });

    it(`are made anew when the authority's Secret is ${what}, and what is served stays trusted meanwhile`, async (t) => {
      const keeping = await keep(t);
      await keeping.pass(10 * minute);
      const served = keeping.leaf();
      spoil(keeping, secretName(installation.authoritySecret));
      await keeping.pass(15_000);
      assert.equal(keeping.leaf()?.fingerprint, served?.fingerprint, "no leaf of an authority that is not trusted everywhere yet");
      assert.equal(isTaken(served, keeping.bundles(), keeping.clock.now()), true);
      await keeping.pass(6 * minute);
      const renewed = keeping.leaf();
      assert.notEqual(renewed?.fingerprint, served?.fingerprint);
      for (const leaf of [served, renewed]) assert.equal(isTaken(leaf, keeping.bundles(), keeping.clock.now()), true);
      await keeping.pass(31 * day);
      await keeping.pass(minute);
      assert.deepEqual(keeping.bundles().map((bundle) => bundle.length), [1, 1]);
    });
  }

  it("are both made anew at once when both Secrets are gone", async (t) => {
    const keeping = await keep(t);
    await keeping.pass(10 * minute);
    for (const name of [installation.authoritySecret, installation.leafSecret]) keeping.objects.delete(secretName(name));
    await keeping.pass(15_000);
    assert.equal(isTaken(keeping.leaf(), keeping.bundles(), keeping.clock.now()), true);
  });

  it("are trusted again within one look when somebody changes a bundle", async (t) => {
    const keeping = await keep(t);
    const { fingerprint } = keeping.bundles()[0]?.[0] ?? {};
    keeping.objects.set("validatingwebhookconfigurations", { webhooks: [{ name: "w", clientConfig: { caBundle: "AAAA" } }] } as unknown as KubeObject);
    await keeping.pass(15_000);
    assert.deepEqual(keeping.bundles().map((bundle) => bundle.map((each) => each.fingerprint)), [[fingerprint], [fingerprint]]);
  });

  it("begin an hour before they are made, since clocks differ", async (t) => {
    const { leaf, bundles, clock } = await keep(t);
    for (const certificate of [leaf(), bundles()[0]?.[0]]) assert.equal(certificate?.validFrom, clock.now() - 60 * minute);
  });
});
