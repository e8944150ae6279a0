import type { Notification } from "../api/notification.ts";
import { runStatuses } from "../api/run-event.ts";
import type { Provider } from "../api/provider.ts";
import { providerOfType } from "../providers/registry.ts";
import { sectionTemplates } from "../providers/templates.ts";
import { compileFilter } from "./match.ts";
import type { Pair } from "./ledger.ts";
import type { Route } from "./plan.ts";
import { isTerminal } from "./run-status.ts";
import type { TrimmedRun } from "./trim-run.ts";
import { endedAt } from "./normalise-run.ts";

/** Key of the Provider that a Notification refers to: `namespace/name`. */
export const providerKeyOf = ({ metadata, spec }: Notification): string => `${spec.providerRef.namespace ?? metadata.namespace}/${spec.providerRef.name}`;

/** Whether the object may be used: one that is being deleted is as good as gone. */
export const inUse = <Value extends { readonly metadata: { readonly deletionTimestamp?: string } }>(object: Value | undefined): Value | undefined =>
  object?.metadata.deletionTimestamp === undefined ? object : undefined;

/** Makes a Notification ready for judging runs. */
export function makeRoute(notification: Notification, provider: Provider | undefined, activeSince: number): Route {
  const definition = provider === undefined ? undefined : providerOfType(provider.spec.type);
  const providerSection = definition === undefined ? undefined : provider?.spec[definition.section];
  return {
    notification,
    // Without a Provider every status may be wanted: none is ruled out before it is known.
    matcher: compileFilter(notification.spec.filter ?? {}, notification.metadata.namespace, definition?.defaultStatuses ?? runStatuses),
    destination: definition === undefined || providerSection === undefined ? undefined : { definition, providerSection, templates: sectionTemplates(definition, notification.spec[definition.section]) },
    activeSince,
  };
}

export const pairOf = ({ notification: { metadata } }: Route, runUid: string): Pair => ({
  notification: { namespace: metadata.namespace, name: metadata.name, uid: metadata.uid },
  runUid,
});

/** A cheap look before a RunEvent is made: false only where judging could not lead to a message. */
export function mayConcern(route: Route, run: TrimmedRun, hasRecord: boolean): boolean {
  if (!route.matcher.kinds.has(run.kind)) return false;
  if (hasRecord || !isTerminal(run)) return true;
  const end = endedAt(run);
  return end === undefined || Math.floor(end / 1000) >= Math.floor(route.activeSince / 1000);
}

/** The routes by Notification, and by the namespace whose runs they select. */
export interface Routes {
  readonly get: (key: string) => Route | undefined;
  readonly set: (key: string, route: Route) => void;
  readonly delete: (key: string) => void;
  /** Keys of the Notifications that may select runs of the namespace. */
  readonly selecting: (namespace: string) => Iterable<string>;
  /** Keys of the Notifications that refer to the Provider. */
  readonly through: (providerKey: string) => readonly string[];
}

export function createRoutes(): Routes {
  const routes = new Map<string, Route>();
  const byNamespace = new Map<string, Set<string>>();
  return {
    get: (key) => routes.get(key),
    set: (key, route) => {
      routes.set(key, route);
      const { namespace } = route.notification.metadata;
      const keys = byNamespace.get(namespace);
      if (keys === undefined) byNamespace.set(namespace, new Set([key]));
      else keys.add(key);
    },
    delete: (key) => {
      const route = routes.get(key);
      if (route === undefined) return;
      routes.delete(key);
      byNamespace.get(route.notification.metadata.namespace)?.delete(key);
    },
    selecting: (namespace) => byNamespace.get(namespace) ?? [],
    through: (providerKey) => [...routes].filter(([, route]) => providerKeyOf(route.notification) === providerKey).map(([key]) => key),
  };
}
