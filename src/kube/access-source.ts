import type { Clock } from "../telemetry/clock.ts";
import type { Access, AccessOptions, AccessSource } from "./access.ts";
import { kubeconfigReader } from "./kubeconfig.ts";
import { readServiceAccount } from "./service-account.ts";

const kubeconfigMaxAgeMs = 10_000;
// The kubelet renews a projected token long before it ends; client-go reads it again every minute too.
const serviceAccountMaxAgeMs = 60_000;

/** Reads nothing yet: the first `current()` does. */
export function accessSource(options: AccessOptions, clock: Clock): AccessSource {
  const { kubeconfig } = options;
  return kubeconfig === undefined
    ? cached(() => () => readServiceAccount(options), serviceAccountMaxAgeMs, clock)
    : cached(() => kubeconfigReader(kubeconfig), kubeconfigMaxAgeMs, clock);
}

/** `open` makes a reader with a memory of its own (an exec plugin's token, say); a refresh starts with a new one. */
function cached(open: () => () => Promise<Access>, maxAgeMs: number, clock: Clock): AccessSource {
  let read = open();
  let known: { readonly access: Promise<Access>; readonly readAt: number } | undefined;
  return {
    current: () => {
      if (known === undefined || clock.monotonic() - known.readAt > maxAgeMs) {
        const access = read();
        const entry = { access, readAt: clock.monotonic() };
        known = entry;
        access.catch(() => {
          if (known === entry) known = undefined;
        });
      }
      return known.access;
    },
    refresh: () => {
      known = undefined;
      read = open();
    },
  };
}
