import { installation } from "../api/installation.ts";
import type { Kube } from "../kube/client.ts";
import { mutatingWebhookConfigurations, validatingWebhookConfigurations, type Resource } from "../kube/resources.ts";
import type { Logger } from "../telemetry/log.ts";

/** Both configurations, and where each points to below `--webhook-url`. */
const configurations: readonly { readonly resource: Resource; readonly path: string }[] = [
  { resource: mutatingWebhookConfigurations, path: installation.mutatePath },
  { resource: validatingWebhookConfigurations, path: installation.validatePath },
];

export interface PointOptions {
  readonly kube: Kube;
  readonly log: Logger;
  /** PEM. */
  readonly caBundle: string;
  /** Absent: the configurations keep the Service that they name. */
  readonly webhookUrl: string | undefined;
}

interface PatchOperation {
  readonly op: "test" | "add";
  readonly path: string;
  readonly value: unknown;
}

/**
 * Makes the API server trust the webhook's certificate: writes the CA bundle (and the URL, for a webhook outside the cluster)
 * into both webhook configurations, where it is not there yet. A configuration that is not installed is passed over.
 */
export async function pointWebhooks(options: PointOptions, signal: AbortSignal): Promise<void> {
  for (const { resource, path } of configurations) {
    const configuration = await options.kube.get(resource, { name: installation.webhookConfiguration }, signal);
    if (configuration === undefined) {
      options.log.warn("a webhook configuration is not installed", { kind: resource.kind, name: installation.webhookConfiguration });
      continue;
    }
    const body = patchFor(configuration["webhooks"], path, options);
    if (body.length === 0) continue;
    await options.kube.patch(resource, { name: installation.webhookConfiguration }, { type: "application/json-patch+json", body }, signal);
    options.log.info("put the certificate authority into a webhook configuration", { kind: resource.kind, name: installation.webhookConfiguration });
  }
}

function patchFor(webhooks: unknown, path: string, { caBundle, webhookUrl }: PointOptions): PatchOperation[] {
  const encoded = Buffer.from(caBundle).toString("base64");
  return (Array.isArray(webhooks) ? (webhooks as unknown[]) : []).flatMap((webhook, index): PatchOperation[] => {
    const { name, clientConfig } = webhook as { name?: unknown; clientConfig?: { caBundle?: unknown; url?: unknown } };
    const base = `/webhooks/${index}`;
    // Somebody may put another webhook in front meanwhile: then the patch fails and is made anew.
    const test: PatchOperation = { op: "test", path: `${base}/name`, value: name };
    if (webhookUrl !== undefined) {
      const wanted = { url: `${webhookUrl}${path}`, caBundle: encoded };
      return clientConfig?.url === wanted.url && clientConfig.caBundle === encoded ? [] : [test, { op: "add", path: `${base}/clientConfig`, value: wanted }];
    }
    return clientConfig?.caBundle === encoded ? [] : [test, { op: "add", path: `${base}/clientConfig/caBundle`, value: encoded }];
  });
}
