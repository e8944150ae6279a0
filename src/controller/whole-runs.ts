import { providerOfType } from "../providers/registry.ts";
import type { Caches } from "./caches.ts";
import { selectableNamespaces } from "./reach.ts";

/** No name of a namespace. */
const everywhere = "*";

/** Of which namespaces runs are kept whole, because messages are made of the runs' own objects. */
export interface WholeRuns {
  readonly wanted: (namespace: string) => boolean;
  /** A Notification or a Provider changed. */
  readonly changed: () => void;
}

export function createWholeRuns(caches: Pick<Caches, "notifications" | "providerFor">): WholeRuns {
  let namespaces: ReadonlySet<string> | undefined;
  const find = (): ReadonlySet<string> => {
    const found = new Set<string>();
    for (const notification of caches.notifications()) {
      const spec = caches.providerFor(notification)?.spec;
      const definition = spec === undefined ? undefined : providerOfType(spec.type);
      const section = definition === undefined ? undefined : spec?.[definition.section];
      if (section === undefined || definition?.readsObject?.(section) !== true) continue;
      for (const namespace of selectableNamespaces(notification) ?? [everywhere]) found.add(namespace);
    }
    return found;
  };
  return {
    wanted: (namespace) => {
      namespaces ??= find();
      return namespaces.has(namespace) || namespaces.has(everywhere);
    },
    changed: () => {
      namespaces = undefined;
    },
  };
}
