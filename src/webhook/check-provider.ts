import type { Labels } from "../api/fits-labels.ts";
import type { Notification } from "../api/notification.ts";
import type { Provider } from "../api/provider.ts";
import { goesByLabels, isOffered, notResolved } from "../api/sharing.ts";
import type { Compilation } from "../filter/index.ts";
import type { Kube } from "../kube/kube.ts";
import { namespaces, providers as providerObjects } from "../kube/resources.ts";
import { providerOfType, providers } from "../providers/registry.ts";
import { checkSelection } from "./check-selection.ts";
import { at, isObject, own, textOf } from "./json-value.ts";
import type { Problem } from "./problem.ts";

/** Reads what a Notification refers to. */
export interface ProviderReader {
  /** The Provider that the Notification may use; undefined where there is none, or it is not offered to the namespace. */
  readonly find: (ref: { readonly namespace: string; readonly name: string }, forNamespace: string, signal: AbortSignal) => Promise<Provider | undefined>;
}

export function createProviderReader(kube: Pick<Kube, "get">): ProviderReader {
  return {
    find: async (ref, forNamespace, signal) => {
      const provider = (await kube.get(providerObjects, ref, signal)) as unknown as Provider | undefined;
      if (provider === undefined) return undefined;
      const byLabels = ref.namespace !== forNamespace && goesByLabels(provider.spec.allowedNamespaces);
      const labels: Labels | undefined = byLabels ? (await kube.get(namespaces, { name: forNamespace }, signal))?.metadata.labels : undefined;
      return isOffered(provider, forNamespace, () => labels) ? provider : undefined;
    },
  };
}

/** A Notification, and what its filter's expression was compiled to; see `compiledFilter`. */
export interface CompiledNotification {
  readonly object: unknown;
  readonly compilation: Compilation | undefined;
}

/**
 * What is legal and probably wrong about a Notification's Provider: none that it could use, which is said alike whether it does not exist or
 * is not offered; one of another type than the section that is set; or one that is not told of the statuses that the filter asks for.
 */
export async function checkProvider({ object, compilation }: CompiledNotification, namespace: string, reader: ProviderReader, signal: AbortSignal): Promise<readonly Problem[]> {
  const name = textOf(at(object, "spec", "providerRef", "name"));
  if (name === undefined) return [];
  const of = textOf(at(object, "spec", "providerRef", "namespace"));
  const provider = await reader.find({ namespace: of ?? namespace, name }, namespace, signal);
  if (provider === undefined) {
    const notification = { metadata: { namespace }, spec: { providerRef: { name, ...(of !== undefined && { namespace: of }) } } } as unknown as Notification;
    return [{ field: "spec.providerRef", code: "ProviderNotFound", message: `${notResolved(notification)}; messages wait until there is one` }];
  }
  const spec = own(object, "spec");
  const unused = providers
    .filter(({ section, type }) => type !== provider.spec.type && isObject(own(spec, section)))
    .map(({ section }): Problem => ({ field: `spec.${section}`, code: "SectionUnused", message: `the Provider is of type ${provider.spec.type}, which makes no use of this section` }));
  return [...unused, ...unsent(spec, compilation, provider.spec.type)];
}

/** Statuses that are asked for and that the Provider is not told of by default. Where a section is set, the object alone says which Provider is meant. */
function unsent(spec: unknown, compilation: Compilation | undefined, type: string): readonly Problem[] {
  const definition = providerOfType(type);
  if (definition === undefined || !isObject(spec) || at(spec, "filter", "statuses") !== undefined) return [];
  if (providers.some(({ section }) => isObject(own(spec, section)))) return [];
  return checkSelection(spec, compilation, definition).filter(({ code }) => code === "StatusNotSent");
}
