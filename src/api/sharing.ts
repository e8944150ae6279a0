import { fitsLabels, type Labels } from "./fits-labels.ts";
import type { Notification } from "./notification.ts";
import type { Provider } from "./provider.ts";
import type { LabelSelector, NamespaceSelector } from "./selectors.ts";

/** Whether a selector goes by the labels of Namespace objects. */
export const goesByLabels = (selector: NamespaceSelector | undefined): selector is NamespaceSelector & LabelSelector =>
  selector?.matchLabels !== undefined || selector?.matchExpressions !== undefined;

/** Whether a selector of namespaces holds for one. `labels`: those of the Namespace; undefined where they are not known: then no selector by labels holds. */
export function selectsNamespace(selector: NamespaceSelector, namespace: string, labels: Labels | undefined): boolean {
  if (selector.any === true) return true;
  if (selector.matchNames !== undefined) return selector.matchNames.includes(namespace);
  return labels !== undefined && goesByLabels(selector) && fitsLabels(selector, labels);
}

/** Whether a Provider may be used by Notifications of the namespace: it is their own, or offered to them. */
export function isOffered({ metadata, spec }: Provider, namespace: string, labelsOf: (namespace: string) => Labels | undefined): boolean {
  if (metadata.namespace === namespace) return true;
  const { allowedNamespaces } = spec;
  return allowedNamespaces !== undefined && selectsNamespace(allowedNamespaces, namespace, goesByLabels(allowedNamespaces) ? labelsOf(namespace) : undefined);
}

/**
 * Whether runs of a namespace may be sent through a Provider for Notifications of another (or the same) one: whoever writes the
 * Provider decides where they go, and was asked for the right to list runs there.
 */
export function takesRuns({ metadata, spec }: Provider, notificationNamespace: string, runNamespace: string, labelsOf: (namespace: string) => Labels | undefined): boolean {
  if (runNamespace === notificationNamespace || runNamespace === metadata.namespace) return true;
  const { runNamespaces } = spec;
  return runNamespaces !== undefined && selectsNamespace(runNamespaces, runNamespace, goesByLabels(runNamespaces) ? labelsOf(runNamespace) : undefined);
}

/** What is said of a Provider that does not exist and of one that is not offered alike: nobody learns through it which of the two it is. */
export function notResolved({ metadata, spec: { providerRef } }: Pick<Notification, "metadata" | "spec">): string {
  const { name, namespace = metadata.namespace } = providerRef;
  return namespace === metadata.namespace ? `the Provider ${name} does not exist` : `there is no Provider ${name} in the namespace ${namespace}, or it is not offered to this one`;
}
