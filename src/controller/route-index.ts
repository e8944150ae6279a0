import { runKinds, runStatuses, type RunEvent } from "../api/run-event.ts";
import type { Matcher } from "./match.ts";
import { addTo, removeFrom } from "./multi-map.ts";
import type { Route } from "./plan.ts";
import { providerKeyOf } from "./routes.ts";

/** What of a state of a run the index looks at. */
type Looked = Pick<RunEvent, "namespace" | "kind" | "status">;

/** The routes by Notification, by the runs that they can match, and by Provider. Keys are `namespace/name`. */
export interface Routes {
  readonly get: (key: string) => Route | undefined;
  readonly set: (key: string, route: Route) => void;
  readonly delete: (key: string) => void;
  /** The namespaces of the Notifications that may select runs of the namespace. */
  readonly holders: (runNamespace: string) => Set<string>;
  /** The holder's Notifications that can match the state by namespace, kind and status. Suspended ones match nothing. */
  readonly candidates: (holder: string, state: Looked) => Iterable<readonly [key: string, route: Route]>;
  /** Keys of the Notifications that refer to the Provider. */
  readonly through: (providerKey: string) => Iterable<string>;
}

/** Kinds and statuses of a filter as one number, so that the Notifications that have them in common are one set. */
type Shape = number;

const kindBit = (kind: RunEvent["kind"]): number => 1 << runKinds.indexOf(kind);
const statusBit = (status: RunEvent["status"]): number => 1 << (runKinds.length + runStatuses.indexOf(status));
const shapeOf = ({ kinds, statuses }: Matcher): Shape => [...[...kinds].map(kindBit), ...[...statuses].map(statusBit)].reduce((shape, bit) => shape | bit, 0);

/** Stands for all namespaces. */
const everywhere = "*";

/** The namespaces whose runs the Notification can report. */
const servedNamespaces = ({ reach: { served } }: Route): Iterable<string> => served ?? [everywhere];

/** The Notifications of one namespace that select runs of another (mostly the same) one. */
type Shelf = Map<Shape, Map<string, Route>>;

export function createRoutes(): Routes {
  const routes = new Map<string, Route>();
  const byProvider = new Map<string, Set<string>>();
  /** By the runs' namespace, then by the Notifications' own. */
  const shelves = new Map<string, Map<string, Shelf>>();

  const place = (key: string, route: Route): void => {
    const { notification, matcher } = route;
    const shape = shapeOf(matcher);
    addTo(byProvider, providerKeyOf(notification), key);
    if (notification.spec.suspend === true) return;
    const holder = notification.metadata.namespace;
    for (const namespace of servedNamespaces(route)) {
      const byHolder = shelves.get(namespace) ?? new Map<string, Shelf>();
      const shelf = byHolder.get(holder) ?? new Map<Shape, Map<string, Route>>();
      shelf.set(shape, (shelf.get(shape) ?? new Map<string, Route>()).set(key, route));
      shelves.set(namespace, byHolder.set(holder, shelf));
    }
  };

  const displace = (key: string, route: Route): void => {
    const { notification, matcher } = route;
    const shape = shapeOf(matcher);
    removeFrom(byProvider, providerKeyOf(notification), key);
    const holder = notification.metadata.namespace;
    for (const namespace of servedNamespaces(route)) {
      const byHolder = shelves.get(namespace);
      const shelf = byHolder?.get(holder);
      if (byHolder === undefined || shelf === undefined) continue;
      shelf.get(shape)?.delete(key);
      if (shelf.get(shape)?.size === 0) shelf.delete(shape);
      if (shelf.size === 0) byHolder.delete(holder);
      if (byHolder.size === 0) shelves.delete(namespace);
    }
  };

  const remove = (key: string): void => {
    const known = routes.get(key);
    if (known !== undefined) displace(key, known);
    routes.delete(key);
  };

  return {
    get: (key) => routes.get(key),
    set: (key, route) => {
      remove(key);
      routes.set(key, route);
      place(key, route);
    },
    delete: remove,
    holders: (runNamespace) => new Set([runNamespace, everywhere].flatMap((namespace) => [...(shelves.get(namespace)?.keys() ?? [])])),
    *candidates(holder, { namespace, kind, status }) {
      const wanted = kindBit(kind) | statusBit(status);
      for (const selected of [namespace, everywhere]) {
        for (const [shape, found] of shelves.get(selected)?.get(holder) ?? []) if ((shape & wanted) === wanted) yield* found;
      }
    },
    through: (providerKey) => byProvider.get(providerKey) ?? [],
  };
}
