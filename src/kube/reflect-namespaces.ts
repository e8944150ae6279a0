import type { Reflector, ReflectorHealth, ReflectorOptions, ReflectorState } from "./reflector-options.ts";
import { reflect } from "./reflector.ts";

/** The first of these that one of the watches is in. All of them together are `absent`, or `watching`, only when each is. */
const worst: readonly ReflectorState[] = ["failing", "starting", "listing", "watching", "absent"];

function together(all: readonly ReflectorHealth[]): ReflectorHealth {
  const sum = (of: (one: ReflectorHealth) => number): number => all.reduce((total, one) => total + of(one), 0);
  const times = all.map(({ lastEventAt }) => lastEventAt);
  return {
    state: worst.find((state) => all.some((one) => one.state === state)) ?? "watching",
    objects: sum(({ objects }) => objects),
    events: sum(({ events }) => events),
    resumes: sum(({ resumes }) => resumes),
    relists: sum(({ relists }) => relists),
    reconnects: sum(({ reconnects }) => reconnects),
    errors: sum(({ errors }) => errors),
    handlerErrors: sum(({ handlerErrors }) => handlerErrors),
    // Of the one that has been silent the longest.
    lastEventAt: times.reduce((first, time) => (first === undefined || time === undefined ? undefined : Math.min(first, time))),
  };
}

/**
 * One kind in some namespaces, each followed by a watch of its own, as if it were one watch; without namespaces, in all of
 * the cluster by one watch. Needs no rights outside the namespaces.
 */
export function reflectNamespaces<T>(options: Omit<ReflectorOptions<T>, "namespace">, namespaces: readonly string[], signal: AbortSignal): Reflector<T> {
  const [first, ...more] = namespaces;
  if (first === undefined) return reflect(options, signal);
  const byNamespace = new Map([first, ...more].map((namespace) => [namespace, reflect({ ...options, namespace }, signal)]));
  const all = [...byNamespace.values()];
  return {
    get: (namespace = "", name) => byNamespace.get(namespace)?.get(namespace, name),
    values: function* () {
      for (const one of all) yield* one.values();
    },
    get isSynced() {
      return all.every((one) => one.isSynced);
    },
    synced: Promise.all(all.map(({ synced }) => synced)).then(() => undefined),
    health: () => together(all.map((one) => one.health())),
    done: Promise.all(all.map(({ done }) => done)).then(() => undefined),
  };
}
