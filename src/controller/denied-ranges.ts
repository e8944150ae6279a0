import type { BlockList } from "node:net";
import { createBackoff } from "../kube/backoff.ts";
import type { Kube } from "../kube/kube.ts";
import { statusOf } from "../kube/kube-error.ts";
import { serviceCidrs } from "../kube/resources.ts";
import { rangesOf } from "../providers/address-ranges.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

export interface DeniedRangesOptions {
  readonly kube: Pick<Kube, "listAll">;
  /** Ranges that the installation names. */
  readonly cidrs: readonly string[];
  readonly telemetry: Pick<Telemetry, "clock" | "log">;
}

/** Ranges of addresses that Providers may not reach: those the installation names, and those of Services. */
export interface DeniedRanges {
  readonly current: () => BlockList;
  /** Resolves once it is known what ranges Services have, or that the API server does not say. Rejects when the signal aborts. */
  readonly known: (signal: AbortSignal) => Promise<void>;
  /** Looks again now and then, until the signal aborts. Never rejects. */
  readonly follow: (signal: AbortSignal) => Promise<void>;
}

const lookMs = 600_000;

export function createDeniedRanges({ kube, cidrs, telemetry: { clock, log } }: DeniedRangesOptions): DeniedRanges {
  let current = rangesOf(cidrs);
  let warned = false;

  const look = async (signal: AbortSignal): Promise<void> => {
    try {
      const { items } = await kube.listAll(serviceCidrs, {}, signal);
      const served = items.flatMap(({ spec }) => (spec as { readonly cidrs?: readonly string[] } | undefined)?.cidrs ?? []);
      current = rangesOf([...cidrs, ...served]);
    } catch (error) {
      // Not served before Kubernetes 1.33, or not ours to read.
      if (![403, 404].includes(statusOf(error))) throw error;
      if (cidrs.length === 0 && !warned) log.warn("the API server does not tell the addresses of Services: --egress-deny-cidrs should name them, else Providers may reach Services of other namespaces by address", { status: statusOf(error) });
      warned = true;
    }
  };

  return {
    current: () => current,
    known: async (signal) => {
      const backoff = createBackoff({ baseMs: 200, capMs: 10_000 });
      for (;;) {
        try {
          await look(signal);
          return;
        } catch (error) {
          signal.throwIfAborted();
          log.warn("the addresses of Services could not be read; trying again", { error });
          await clock.sleep(backoff.next(), signal);
        }
      }
    },
    follow: async (signal) => {
      for (;;) {
        await clock.sleep(lookMs, signal).catch(() => undefined);
        if (signal.aborted) return;
        await look(signal).catch((error: unknown) => {
          if (!signal.aborted) log.warn("the addresses of Services could not be read again; those known count", { error });
        });
      }
    },
  };
}
