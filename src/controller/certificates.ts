import { installation } from "../api/installation.ts";
import { createBackoff } from "../kube/backoff.ts";
import type { Kube } from "../kube/kube.ts";
import { isConflict } from "../kube/kube-error.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { readCertificates, writeCertificates } from "./certificate-secrets.ts";
import { certificateOf, certificatesIn, type Certificate } from "./certificate-text.ts";
import type { Validity } from "./issue-certificate.ts";
import { bundleOf, lifeMs, needsLeaf, nextAuthorityStep, skewMs, type Authorities, type AuthorityStep, type Signer, type Trust } from "./rotation.ts";
import { pointWebhooks, readConfigurations, trustedBy } from "./webhook-configurations.ts";

export interface CertificateKeeperOptions {
  readonly kube: Kube;
  /** The installation's own namespace. */
  readonly namespace: string;
  /** For a webhook outside the cluster: where the API server shall call it. */
  readonly webhookUrl: string | undefined;
  readonly telemetry: Telemetry;
}

/** What was lost or changed by somebody else is mended within so long. */
const lookMs = 15_000;

/** The names under which the API server may call the webhook. */
function leafNames(namespace: string, webhookUrl: string | undefined): string[] {
  const serviceName = installation.webhookService;
  const inCluster = [serviceName, `${serviceName}.${namespace}`, `${serviceName}.${namespace}.svc`, `${serviceName}.${namespace}.svc.cluster.local`];
  return webhookUrl === undefined ? inCluster : [...inCluster, new URL(webhookUrl).hostname.replace(/^\[(.*)\]$/u, "$1")];
}

/**
 * Keeps authority and leaf of the webhook, and the API server's trust in them: makes what is missing or damaged, renews what grows old
 * without a call that fails in between, and mends both webhook configurations. Looks again and again until the signal aborts. Never rejects.
 */
export async function keepCertificates(options: CertificateKeeperOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options.telemetry;
  const backoff = createBackoff({ baseMs: 500, capMs: lookMs });
  const stopped = (): boolean => signal.aborted;
  while (!stopped()) {
    let pause = lookMs;
    try {
      await look(options, signal);
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

async function look(options: CertificateKeeperOptions, signal: AbortSignal): Promise<void> {
  const { kube, webhookUrl, telemetry: { clock, log } } = options;
  const installed = await readConfigurations({ kube, log }, signal);
  const trust = trustedBy(installed);
  const leaf = await readCertificates(options, installation.leafSecret, signal);
  const served = leaf.signer("tls")?.certificate;
  const authorities = await keepAuthorities(options, { trust, served }, signal);
  await pointWebhooks(installed, { kube, log, caBundle: bundleOf(authorities).map(({ pem }) => pem).join(""), webhookUrl }, signal);
  options.telemetry.metrics.set("certificate_expiry_timestamp_seconds", { certificate: "authority" }, authorities.current.certificate.validTo / 1000);
  const names = leafNames(options.namespace, webhookUrl);
  if (!needsLeaf({ leaf: served, authorities, names, trust, now: clock.now() })) return;
  const { issueLeaf } = await issuer();
  const made = await issueLeaf({ key: authorities.current.key, cert: authorities.current.certificate.pem }, names, validity(options, lifeMs.leaf));
  await writeCertificates(options, installation.leafSecret, leaf, { "tls.crt": made.cert, "tls.key": made.key }, signal);
  log.info("made a certificate for the webhook", { names });
}

// Loaded only where something has to be signed.
const issuer = () => import("./issue-certificate.ts");

const validity = ({ telemetry: { clock } }: CertificateKeeperOptions, forMs: number): Validity => ({ notBefore: new Date(clock.now() - skewMs), notAfter: new Date(clock.now() + forMs) });

interface Served {
  readonly trust: Trust;
  readonly served: Certificate | undefined;
}

type Complete = Authorities & { readonly current: Signer };

/** Takes the next step in the life of the authorities, if one is due, and returns what is stored then. */
async function keepAuthorities(options: CertificateKeeperOptions, { trust, served }: Served, signal: AbortSignal): Promise<Complete> {
  const { clock, log } = options.telemetry;
  const stored = await readCertificates(options, installation.authoritySecret, signal);
  const before: Authorities = { current: stored.signer("tls"), next: stored.signer("next"), former: certificatesIn(stored.text("former.crt")) };
  const planned = nextAuthorityStep(before, served, trust, clock.now());
  const { current, next, former } = await taken(options, before, planned);
  if (current === undefined) throw new Error("there is no authority after a step that makes one");
  if (planned.step === "none") return { current, next, former };
  const texts = {
    "tls.crt": current.certificate.pem,
    "tls.key": current.key,
    ...(next !== undefined && { "next.crt": next.certificate.pem, "next.key": next.key }),
    ...(former.length > 0 && { "former.crt": former.map(({ pem }) => pem).join("") }),
  };
  await writeCertificates(options, installation.authoritySecret, stored, texts, signal);
  log.info(told[planned.step]);
  return { current, next, former };
}

const told = {
  begin: "made the certificate authority of the webhook",
  prepare: "made the next certificate authority of the webhook",
  promote: "the next certificate authority of the webhook signs from now on",
  retire: "took an old certificate authority of the webhook out of the bundle",
} as const satisfies Readonly<Record<Exclude<AuthorityStep["step"], "none">, string>>;

async function taken(options: CertificateKeeperOptions, { current, next, former }: Authorities, planned: AuthorityStep): Promise<Authorities> {
  switch (planned.step) {
    case "none": return { current, next, former };
    case "begin": return { current: await makeAuthority(options), next: undefined, former: planned.former };
    case "prepare": return { current, next: await makeAuthority(options), former };
    case "promote": return { current: next, next: undefined, former: current === undefined ? former : [...former, current.certificate] };
    case "retire": return { current, next, former: planned.former };
  }
}

async function makeAuthority(options: CertificateKeeperOptions): Promise<Signer> {
  const { issueAuthority } = await issuer();
  const { key, cert } = await issueAuthority(installation.authoritySecret, validity(options, lifeMs.authority));
  const certificate = certificateOf(cert);
  if (certificate === undefined) throw new Error("a certificate that was just made cannot be read");
  return { certificate, key };
}
