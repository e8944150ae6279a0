import { annotations } from "../api/group.ts";
import type { Provider } from "../api/provider.ts";
import type { Kube } from "../kube/kube.ts";
import { statusOf } from "../kube/kube-error.ts";
import { secrets, type KubeObject } from "../kube/resources.ts";
import { DeliveryError } from "../providers/delivery-error.ts";
import type { AnyProviderDefinition } from "../providers/provider.ts";
import { transportSecretRefs } from "../providers/transport.ts";

export interface SecretReading {
  readonly kube: Kube;
  /** Only Secrets that name the Provider in their annotation `allowed-providers` are used. */
  readonly requireOptIn: boolean;
}

/** Whether the Secret lets itself be used by a Provider of this name: its annotation holds the name, or `*`, in a list with commas. */
function isAllowed(secret: KubeObject, provider: string): boolean {
  const list: unknown = secret.metadata.annotations?.[annotations.allowedProviders];
  return typeof list === "string" && list.split(",").some((entry) => ["*", provider].includes(entry.trim()));
}

async function readSecret(kube: Kube, { namespace, name }: { namespace: string; name: string }, what: string, signal: AbortSignal): Promise<KubeObject | undefined> {
  try {
    return await kube.get(secrets, { namespace, name }, signal);
  } catch (error) {
    if (statusOf(error) !== 403) throw error;
    throw new DeliveryError("SecretForbidden", `the controller may not read Secret ${name} (${what}): this installation has not bound it to read Secrets in namespace ${namespace}`);
  }
}

/**
 * The values of all Secrets that the Provider names, by `<name>/<key>`.
 * @throws DeliveryError `SecretNotFound`, `SecretForbidden`, `SecretNotAllowed`; KubeError.
 */
export async function readSecrets({ kube, requireOptIn }: SecretReading, { metadata, spec }: Provider, definition: AnyProviderDefinition, signal: AbortSignal): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  const read = new Map<string, KubeObject | undefined>();
  for (const { name, key, what, optional = false } of [...definition.secretRefs(spec[definition.section]), ...transportSecretRefs(spec)]) {
    if (!read.has(name)) read.set(name, await readSecret(kube, { namespace: metadata.namespace, name }, what, signal));
    const secret = read.get(name);
    if (secret === undefined) throw new DeliveryError("SecretNotFound", `Secret ${name} (${what}) does not exist in namespace ${metadata.namespace}`);
    if (requireOptIn && !isAllowed(secret, metadata.name)) {
      throw new DeliveryError("SecretNotAllowed", `Secret ${name} (${what}) does not allow this Provider: its annotation ${annotations.allowedProviders} must name ${metadata.name}, or be *`);
    }
    const data = secret["data"] as Readonly<Record<string, string>> | undefined;
    const encoded = data !== undefined && Object.hasOwn(data, key) ? data[key] : undefined;
    if (optional && (encoded === undefined || encoded === "")) continue;
    if (encoded === undefined || encoded === "") throw new DeliveryError("SecretNotFound", `Secret ${name} has no key ${key} (${what})`);
    values.set(`${name}/${key}`, Buffer.from(encoded, "base64").toString("utf8"));
  }
  return values;
}
