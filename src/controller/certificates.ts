import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { installation } from "../api/installation.ts";
import { createBackoff } from "../kube/backoff.ts";
import type { Kube } from "../kube/client.ts";
import { isConflict } from "../kube/kube-error.ts";
import { apiVersionOf, secrets, type KubeObject } from "../kube/resources.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { KeyPair, Validity } from "./issue-certificate.ts";
import { pointWebhooks } from "./webhook-configurations.ts";

export interface CertificateKeeperOptions {
  readonly kube: Kube;
  /** The installation's own namespace. */
  readonly namespace: string;
  /** For a webhook outside the cluster: where the API server shall call it. */
  readonly webhookUrl: string | undefined;
  readonly telemetry: Telemetry;
}

const day = 86_400_000;
const authorityLifeMs = 365 * day;
const leafLifeMs = 30 * day;
/** A leaf is replaced when so much of its life is over. */
const renewAt = 2 / 3;
// Clocks of nodes differ.
const skewMs = 3_600_000;
const lookMs = 300_000;

/** The names under which the API server may call the webhook. */
export function leafNames(namespace: string, webhookUrl: string | undefined): string[] {
  const serviceName = installation.webhookService;
  const inCluster = [serviceName, `${serviceName}.${namespace}`, `${serviceName}.${namespace}.svc`, `${serviceName}.${namespace}.svc.cluster.local`];
  return webhookUrl === undefined ? inCluster : [...inCluster, new URL(webhookUrl).hostname.replace(/^\[(.*)\]$/u, "$1")];
}

/**
 * Makes the authority and the leaf where they are missing, renews the leaf, and puts the authority into both webhook
 * configurations; looks again every few minutes until the signal aborts. Never rejects.
 */
export async function keepCertificates(options: CertificateKeeperOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options.telemetry;
  const backoff = createBackoff({ baseMs: 500, capMs: 30_000 });
  const stopped = (): boolean => signal.aborted;
  while (!stopped()) {
    let pause = lookMs;
    try {
      const authority = await ensureCertificates(options, signal);
      await pointWebhooks({ kube: options.kube, log, caBundle: authority.cert, webhookUrl: options.webhookUrl }, signal);
      backoff.reset();
    } catch (error) {
      if (stopped()) return;
      pause = backoff.next();
      // Another replica was quicker: what it made is read next time.
      if (!isConflict(error)) log.warn("the webhook's certificates could not be put in place; trying again", { error });
    }
    await clock.sleep(pause, signal).catch(() => undefined);
  }
}

/** Returns the authority that the leaf in the Secret is signed by. */
async function ensureCertificates(options: CertificateKeeperOptions, signal: AbortSignal): Promise<KeyPair> {
  const { clock, log } = options.telemetry;
  // Loaded only where something has to be signed.
  const issuer = () => import("./issue-certificate.ts");
  const validity = (lifeMs: number): Validity => ({ notBefore: new Date(clock.now() - skewMs), notAfter: new Date(clock.now() + lifeMs) });

  const storedAuthority = await readSecret(options, installation.authoritySecret, signal);
  const authority = storedAuthority.pair ?? (await (await issuer()).issueAuthority(installation.authoritySecret, validity(authorityLifeMs)));
  if (storedAuthority.pair === undefined) {
    await writeSecret(options, installation.authoritySecret, { pair: authority, stored: storedAuthority.secret }, signal);
    log.info("made the certificate authority of the webhook");
  }
  const storedLeaf = await readSecret(options, installation.leafSecret, signal);
  const names = leafNames(options.namespace, options.webhookUrl);
  if (storedLeaf.pair === undefined || !isGoodLeaf(storedLeaf.pair.cert, authority.cert, names, clock.now())) {
    const leaf = await (await issuer()).issueLeaf(authority, names, validity(leafLifeMs));
    await writeSecret(options, installation.leafSecret, { pair: leaf, stored: storedLeaf.secret }, signal);
    log.info("made a certificate for the webhook", { names });
  }
  return authority;
}

function isGoodLeaf(leafPem: string, authorityPem: string, names: readonly string[], now: number): boolean {
  const leaf = new X509Certificate(leafPem);
  const begin = Date.parse(leaf.validFrom);
  const life = Date.parse(leaf.validTo) - begin;
  const covers = (name: string): boolean => (isIP(name) === 0 ? leaf.checkHost(name, { subject: "never" }) : leaf.checkIP(name)) !== undefined;
  return leaf.verify(new X509Certificate(authorityPem).publicKey) && now < begin + life * renewAt && names.every(covers);
}

interface StoredPair {
  readonly secret: KubeObject | undefined;
  /** undefined when the Secret is missing or holds no certificate with its key. */
  readonly pair: KeyPair | undefined;
}

async function readSecret(options: CertificateKeeperOptions, name: string, signal: AbortSignal): Promise<StoredPair> {
  const secret = await options.kube.get(secrets, { namespace: options.namespace, name }, signal);
  const data = secret?.["data"];
  const text = (key: string): string => {
    const value: unknown = typeof data === "object" && data !== null ? (data as Record<string, unknown>)[key] : undefined;
    return typeof value === "string" ? Buffer.from(value, "base64").toString("utf8") : "";
  };
  const pair = { key: text("tls.key"), cert: text("tls.crt") };
  try {
    options.telemetry.redactor.learn(pair.key);
    return { secret, pair: new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key)) ? pair : undefined };
  } catch {
    return { secret, pair: undefined };
  }
}

/** @throws KubeError 409 when another replica wrote first. */
async function writeSecret(options: CertificateKeeperOptions, name: string, { pair, stored }: { pair: KeyPair; stored: KubeObject | undefined }, signal: AbortSignal): Promise<void> {
  const { kube, namespace, telemetry } = options;
  telemetry.redactor.learn(pair.key);
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const content = { type: "kubernetes.io/tls", data: { "tls.crt": base64(pair.cert), "tls.key": base64(pair.key) } };
  if (stored !== undefined) {
    await kube.update(secrets, { ...stored, data: content.data }, signal);
    return;
  }
  const metadata = { name, namespace, labels: { "app.kubernetes.io/name": "tekton-integrations", "app.kubernetes.io/component": "webhook" } };
  await kube.create(secrets, { apiVersion: apiVersionOf(secrets), kind: secrets.kind, metadata, ...content }, signal);
}
