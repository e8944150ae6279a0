import type { DeliveryDestination, DeliveryStatus } from "../api/delivery.ts";
import { overallState, pairKey, type Pair } from "./ledger.ts";

/**
 * What this process knows to be accepted and could not put on record before its term ended: as long as the API server was
 * away, for instance. The next term goes by it, so that a record that cannot be written causes no second send.
 */
export interface Unrecorded {
  readonly keep: (pair: Pair, destinations: readonly DeliveryDestination[]) => void;
  /** The record with what is known beyond it; each pair is told once. `added`: there is more than the record has. */
  readonly addTo: (pair: Pair, record: DeliveryStatus | undefined) => { readonly status: DeliveryStatus | undefined; readonly added: boolean };
}

/** Another process may have led in between and have sent something later. */
const isLater = (known: DeliveryDestination, recorded: DeliveryDestination | undefined): boolean =>
  known.sentAt !== undefined && (recorded?.sentAt === undefined || Date.parse(known.sentAt) >= Date.parse(recorded.sentAt));

export function createUnrecorded(): Unrecorded {
  const kept = new Map<string, readonly DeliveryDestination[]>();
  return {
    keep: (pair, destinations) => {
      kept.set(pairKey(pair), destinations);
    },
    addTo: (pair, record) => {
      const key = pairKey(pair);
      const known = kept.get(key);
      if (known === undefined) return { status: record, added: false };
      kept.delete(key);
      const destinations = new Map((record?.destinations ?? []).map((destination) => [destination.key, destination]));
      for (const destination of known) if (isLater(destination, destinations.get(destination.key))) destinations.set(destination.key, destination);
      const merged = [...destinations.values()];
      return { status: { ...record, state: overallState(merged), destinations: merged }, added: true };
    },
  };
}
