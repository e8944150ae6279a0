import { installation } from "../api/installation.ts";
import type { Kube } from "../kube/kube.ts";
import { mutatingWebhookConfigurations, validatingWebhookConfigurations, type Resource } from "../kube/resources.ts";
import type { Logger } from "../telemetry/log.ts";
import { certificatesIn, type Certificate } from "./certificate-text.ts";

/** Both configurations, and where each points to below `--webhook-url`. */
const configurations: readonly { readonly resource: Resource; readonly path: string }[] = [
  { resource: mutatingWebhookConfigurations, path: installation.mutatePath },
  { resource: validatingWebhookConfigurations, path: installation.validatePath },
];

/** A webhook configuration as the API server has it. */
export interface InstalledConfiguration {
  readonly resource: Resource;
  /** Below `--webhook-url`. */
  readonly path: string;
  readonly webhooks: readonly InstalledWebhook[];
}

interface InstalledWebhook {
  readonly name: unknown;
  readonly url: unknown;
  readonly caBundle: unknown;
  /** The certificates in `caBundle`. */
  readonly trusted: readonly Certificate[];
}

interface PatchOperation {
  readonly op: "test" | "add";
  readonly path: string;
  readonly value: unknown;
}

function installedWebhook(webhook: unknown): InstalledWebhook {
  const { name, clientConfig } = webhook as { name?: unknown; clientConfig?: { caBundle?: unknown; url?: unknown } };
  const { caBundle, url } = clientConfig ?? {};
  return { name, url, caBundle, trusted: typeof caBundle === "string" ? certificatesIn(Buffer.from(caBundle, "base64").toString("utf8")) : [] };
}

/** Reads both configurations. One that is not installed is told of and passed over. */
export async function readConfigurations({ kube, log }: { readonly kube: Kube; readonly log: Logger }, signal: AbortSignal): Promise<InstalledConfiguration[]> {
  const installed: InstalledConfiguration[] = [];
  for (const { resource, path } of configurations) {
    const configuration = await kube.get(resource, { name: installation.webhookConfiguration }, signal);
    if (configuration === undefined) {
      log.warn("a webhook configuration is not installed", { kind: resource.kind, name: installation.webhookConfiguration });
      continue;
    }
    const webhooks: unknown = configuration["webhooks"];
    installed.push({ resource, path, webhooks: (Array.isArray(webhooks) ? (webhooks as unknown[]) : []).map(installedWebhook) });
  }
  return installed;
}

/** Certificates that one of the configurations, or all of them, make the API server trust. */
export const trustedBy = (installed: readonly InstalledConfiguration[]): { readonly any: readonly Certificate[]; readonly byAll: (certificate: Certificate) => boolean } => {
  const webhooks = installed.flatMap((configuration) => configuration.webhooks);
  return {
    any: webhooks.flatMap(({ trusted }) => trusted),
    byAll: ({ fingerprint }) => webhooks.every(({ trusted }) => trusted.some((known) => known.fingerprint === fingerprint)),
  };
};

export interface PointOptions {
  readonly kube: Kube;
  readonly log: Logger;
  /** PEM. */
  readonly caBundle: string;
  /** Absent: the configurations keep the Service that they name. */
  readonly webhookUrl: string | undefined;
}

/**
 * Makes the API server trust the webhook's certificate: writes the CA bundle (and the URL, for a webhook outside the cluster)
 * into both webhook configurations, where it is not there yet.
 */
export async function pointWebhooks(installed: readonly InstalledConfiguration[], options: PointOptions, signal: AbortSignal): Promise<void> {
  for (const { resource, path, webhooks } of installed) {
    const body = patchFor(webhooks, path, options);
    if (body.length === 0) continue;
    await options.kube.patch(resource, { name: installation.webhookConfiguration }, { type: "application/json-patch+json", body }, signal);
    options.log.info("put the certificate authority into a webhook configuration", { kind: resource.kind, name: installation.webhookConfiguration });
  }
}

function patchFor(webhooks: readonly InstalledWebhook[], path: string, { caBundle, webhookUrl }: PointOptions): PatchOperation[] {
  const encoded = Buffer.from(caBundle).toString("base64");
  return webhooks.flatMap((webhook, index): PatchOperation[] => {
    const base = `/webhooks/${index}`;
    // Somebody may put another webhook in front meanwhile: then the patch fails and is made anew.
    const test: PatchOperation = { op: "test", path: `${base}/name`, value: webhook.name };
    if (webhookUrl !== undefined) {
      const wanted = { url: `${webhookUrl}${path}`, caBundle: encoded };
      return webhook.url === wanted.url && webhook.caBundle === encoded ? [] : [test, { op: "add", path: `${base}/clientConfig`, value: wanted }];
    }
    return webhook.caBundle === encoded ? [] : [test, { op: "add", path: `${base}/clientConfig/caBundle`, value: encoded }];
  });
}
