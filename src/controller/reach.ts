import { createHash } from "node:crypto";
import type { Labels } from "../api/fits-labels.ts";
import type { Notification } from "../api/notification.ts";
import type { Provider } from "../api/provider.ts";
import type { NamespaceSelector } from "../api/selectors.ts";
import { goesByLabels, selectsNamespace, takesRuns } from "../api/sharing.ts";

/** What is known of Namespaces. */
export interface KnownNamespaces {
  readonly names: () => Iterable<string>;
  readonly labelsOf: (name: string) => Labels | undefined;
}

/** Where nothing is known of Namespaces no selector by labels holds. */
const noNamespaces: KnownNamespaces = { names: () => [], labelsOf: () => undefined };

/** The namespaces whose runs a Notification reports, as things stand. */
export interface Reach {
  /** Those that its filter selects; undefined: all. */
  readonly selected: ReadonlySet<string> | undefined;
  /** Of these, those whose runs its Provider takes; undefined: all. */
  readonly served: ReadonlySet<string> | undefined;
  /** The same for equal reaches; "" for the Notification's own namespace alone. */
  readonly digest: string;
}

/** While nothing is known. */
export const nowhere: Reach = { selected: new Set(), served: new Set(), digest: "nowhere" };

const selectorOf = ({ spec }: Pick<Notification, "spec">): NamespaceSelector | undefined => spec.filter?.namespaceSelector;

/** The namespaces that a Notification can select, whatever labels they have; undefined: any. */
export function selectableNamespaces(notification: Pick<Notification, "metadata" | "spec">): readonly string[] | undefined {
  const selector = selectorOf(notification);
  return selector === undefined ? [notification.metadata.namespace] : selector.matchNames;
}

/** Whether labels of Namespaces decide what a Notification reports. */
export function readsNamespaceLabels(notification: Pick<Notification, "spec">, provider: Pick<Provider, "spec"> | undefined): boolean {
  const selector = selectorOf(notification);
  return selector !== undefined && (goesByLabels(selector) || goesByLabels(provider?.spec.runNamespaces));
}

const named = (selector: NamespaceSelector, { names, labelsOf }: KnownNamespaces): readonly string[] =>
  selector.matchNames ?? [...names()].filter((name) => selectsNamespace(selector, name, labelsOf(name)));

/** The namespaces that a selector names, or that have its labels; undefined: all. `own`: the one that is meant without a selector. */
export function selectedBy(selector: NamespaceSelector | undefined, own: string, known: KnownNamespaces = noNamespaces): ReadonlySet<string> | undefined {
  if (selector === undefined) return new Set([own]);
  return selector.any === true ? undefined : new Set(named(selector, known));
}

function servedOf(notification: Notification, provider: Provider | undefined, selected: ReadonlySet<string> | undefined, known: KnownNamespaces): ReadonlySet<string> | undefined {
  if (provider === undefined || provider.spec.runNamespaces?.any === true) return selected;
  const own = notification.metadata.namespace;
  const { runNamespaces } = provider.spec;
  const candidates = selected ?? [own, provider.metadata.namespace, ...(runNamespaces === undefined ? [] : named(runNamespaces, known))];
  return new Set([...candidates].filter((name) => takesRuns(provider, own, name, known.labelsOf)));
}

function digestOf(own: string, served: ReadonlySet<string> | undefined): string {
  if (served === undefined) return "any";
  if (served.size === 1 && served.has(own)) return "";
  return createHash("sha256").update([...served].toSorted().join(" ")).digest("hex").slice(0, 16);
}

/** The namespaces whose runs a Notification reports through the Provider. Without a Provider: that it would, if the Provider took them all. */
export function reachOf(notification: Notification, provider: Provider | undefined, known: KnownNamespaces = noNamespaces): Reach {
  const own = notification.metadata.namespace;
  const selected = selectedBy(selectorOf(notification), own, known);
  const served = servedOf(notification, provider, selected, known);
  return { selected, served, digest: digestOf(own, served) };
}

/** Whether the Notification selects namespaces whose runs its Provider does not take. */
export const isCut = ({ selected, served }: Pick<Reach, "selected" | "served">): boolean => served !== undefined && served.size !== selected?.size;

/** Whether runs of a namespace are among those of {@link Reach.selected} or {@link Reach.served}. */
export const includes = (namespaces: ReadonlySet<string> | undefined, namespace: string): boolean => namespaces === undefined || namespaces.has(namespace);
