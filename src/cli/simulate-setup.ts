import type { Notification } from "../api/notification.ts";
import type { Provider } from "../api/provider.ts";
import { CodedError } from "../errors.ts";
import { apiVersionOf, type KubeObject, type Resource } from "../kube/resources.ts";
import { checkManifest } from "../webhook/check-manifest.ts";
import { checkedKind } from "../webhook/check-object.ts";
import { withDefaults } from "../webhook/defaults.ts";
import type { Manifest } from "./manifests.ts";

/** The configuration that is played through. */
export interface Setup {
  readonly providers: readonly Provider[];
  readonly notifications: readonly Notification[];
  /** Labels of the Namespaces that are given, by name, with the one that the API server gives to each. */
  readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** Where objects without a namespace go, as with kubectl. */
export const defaultNamespace = "default";

/** The object as the API server would store it: with its defaults and a namespace. */
function complete(object: unknown, namespace: string): unknown {
  const { metadata, ...rest } = withDefaults(object) as { metadata: object };
  return { ...rest, metadata: { ...metadata, namespace } };
}

interface NamespaceObject {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly metadata?: { readonly name?: unknown; readonly labels?: Readonly<Record<string, string>> };
}

/**
 * Takes Providers, Notifications and the labels of Namespaces out of files; other objects are passed over. `namespaceOf`: of those that name none.
 * Throws UsageInvalid for one that admission would refuse.
 */
export function readSetup(manifests: readonly Manifest[], namespaceOf = defaultNamespace): Setup {
  const providers: Provider[] = [];
  const notifications: Notification[] = [];
  const namespaces = new Map<string, Readonly<Record<string, string>>>();
  for (const { file, document, object } of manifests) {
    const kind = checkedKind(object);
    const { apiVersion, kind: named, metadata } = (object ?? {}) as NamespaceObject;
    if (apiVersion === "v1" && named === "Namespace" && typeof metadata?.name === "string") namespaces.set(metadata.name, { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name });
    if (kind === undefined) continue;
    const namespace = (object as { metadata?: { namespace?: string } }).metadata?.namespace ?? namespaceOf;
    const [error] = checkManifest(object, { namespace }).errors;
    if (error !== undefined) throw new CodedError("UsageInvalid", `${file}, document ${document}: ${error.field}: ${error.message} (lint shows all errors)`);
    if (kind === "Provider") providers.push(complete(object, namespace) as Provider);
    else notifications.push(complete(object, namespace) as Notification);
  }
  return { providers, notifications, namespaces };
}

/** The same of an object that the cluster holds. Throws UsageInvalid for one that this version would refuse. */
export const readStored = (resource: Resource, object: KubeObject): Setup =>
  readSetup([{ file: `${resource.kind} ${String(object.metadata.namespace)}/${object.metadata.name}`, document: 1, object: { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind } }]);
