import type { Notification } from "../api/notification.ts";
import { notResolved, takesRuns } from "../api/sharing.ts";
import type { Caches } from "./caches.ts";
import type { Connections } from "./connections.ts";
import { providerKeyOf } from "./routes.ts";
import type { Gate } from "./sending.ts";

/** Whether messages may go, as things stand. */
export interface Gates {
  /** For the Notification at all. */
  readonly of: (notification: Notification) => Gate;
  /** For a run of the namespace. Asked right before it is sent: what a Provider takes, and labels of Namespaces, may have changed since the run was judged. */
  readonly forRun: (notification: Notification, runNamespace: string) => Gate;
}

const notTaken = "the Provider does not take runs of this namespace: its spec.runNamespaces do not include it";

export function createGates(caches: Pick<Caches, "providerFor" | "labelsOf">, connections: Pick<Connections, "current">): Gates {
  const of = (notification: Notification): Gate => {
    const provider = caches.providerFor(notification);
    if (provider === undefined) return { ready: false, code: "ProviderNotFound", message: notResolved(notification) };
    if (provider.spec.suspend === true) return { ready: false, code: "ProviderSuspended", message: "the Provider is suspended" };
    return connections.current(providerKeyOf(notification)) ?? { ready: "soon" };
  };
  return {
    of,
    forRun: (notification, runNamespace) => {
      const provider = caches.providerFor(notification);
      const taken = provider === undefined || takesRuns(provider, notification.metadata.namespace, runNamespace, caches.labelsOf);
      return taken ? of(notification) : { ready: false, code: "RunsNotCovered", message: notTaken };
    },
  };
}
