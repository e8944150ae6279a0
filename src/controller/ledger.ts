import { createHash } from "node:crypto";
import { apiVersion } from "../api/group.ts";
import type { Delivery, DeliveryDestination, DeliverySeries, DeliverySpec, DeliveryState, DeliveryStatus } from "../api/delivery.ts";
import { maxDestinations } from "../api/delivery.ts";
import type { Notification } from "../api/notification.ts";
import type { RunEvent } from "../api/run-event.ts";
import type { Kube } from "../kube/kube.ts";
import { isConflict, statusOf } from "../kube/kube-error.ts";
import { deliveries, type KubeObject } from "../kube/resources.ts";
import { owedEvent } from "./owed-event.ts";

/** Whose fields the controller writes by server-side apply. */
export const fieldManager = "tekton-integrations";

/** A (Notification, run): what one Delivery is about. */
export interface Pair {
  readonly notification: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly runUid: string;
  readonly runNamespace: string;
}

/** Tells pairs apart; begins with the Notification's namespace, as its other keys do. */
export const pairKey = ({ notification, runUid }: Pair): string => `${notification.namespace}/${notification.uid}/${runUid}`;

/** Key of a pair's Notification: `namespace/name`. */
export const notificationKeyOf = ({ notification: { namespace, name } }: Pair): string => `${namespace}/${name}`;

/**
 * Whether the run is of another namespace than the Notification: nothing of it is shown to those who can read the
 * Notification, for they may not be able to read the run.
 */
export const isElsewhere = ({ notification, runNamespace }: Pair): boolean => runNamespace !== notification.namespace;

/** Name of the Delivery of a pair: the same whoever computes it. */
export function deliveryName({ notification, runUid }: Pair): string {
  const digest = createHash("sha256").update(`${notification.uid}/${runUid}`).digest("hex").slice(0, 16);
  return `${notification.name.slice(0, 200).replace(/[-.]+$/, "")}-${digest}`;
}

/**
 * The namespace of the Delivery of a pair: that of Notification and run, where they have one. Else the controller's own, whose
 * readers can read all that it knows.
 */
export const recordNamespace = (pair: Pair, ownNamespace: string): string => (isElsewhere(pair) ? ownNamespace : pair.notification.namespace);

/**
 * The worst state of the destinations. What they were told may be an earlier state than the one that is owed: as long as
 * something is, it is neither delivered nor given up.
 */
export function overallState(destinations: readonly DeliveryDestination[], owed = false): DeliveryState {
  const order: readonly DeliveryState[] = ["Retrying", "Pending", ...(owed ? [] : (["DeadLetter", "Delivered"] as const))];
  return order.find((state) => destinations.some((destination) => destination.state === state)) ?? "Pending";
}

/** Where records are, for a controller that watches these namespaces (none: all of them, and the result is none too). */
export const recordNamespaces = (watchNamespaces: readonly string[], ownNamespace: string): readonly string[] =>
  watchNamespaces.length === 0 ? [] : [...new Set([...watchNamespaces, ownNamespace])];

function specOf(pair: Pair, event: RunEvent): DeliverySpec {
  const { kind, namespace, name, uid } = event;
  return {
    notificationRef: { name: pair.notification.name, ...(isElsewhere(pair) && { namespace: pair.notification.namespace }), uid: pair.notification.uid },
    runRef: { apiVersion: kind === "CustomRun" ? "tekton.dev/v1beta1" : "tekton.dev/v1", kind, namespace, name, uid },
  };
}

/** What a record says besides what it is about. */
export interface RecordContent {
  readonly destinations: readonly DeliveryDestination[];
  readonly owed: boolean;
  /** The word of the last redelivery that was asked for. */
  readonly redelivered: string | undefined;
  /** What runs after this one have to know of it. */
  readonly series?: DeliverySeries | undefined;
}

/** Writes Delivery records. A record exists before its status is written; both are safe to repeat. */
export interface Ledger {
  /** Writes what happened, and with `owed`, or beside a dead letter, the state that it happened to. Throws KubeError. */
  readonly write: (pair: Pair, event: RunEvent, content: RecordContent, signal: AbortSignal) => Promise<void>;
  /** The record is known to exist, from a watch. */
  readonly known: (name: string) => void;
  readonly forget: (name: string) => void;
}

/** `ownNamespace`: the controller's. */
export function createLedger(kube: Kube, ownNamespace: string, notificationOf: (pair: Pair) => Notification | undefined): Ledger {
  const existing = new Set<string>();

  const create = async (pair: Pair, event: RunEvent, signal: AbortSignal): Promise<void> => {
    // An owner has to be of the same namespace.
    const notification = isElsewhere(pair) ? undefined : notificationOf(pair);
    const object: KubeObject = {
      apiVersion,
      kind: "Delivery",
      metadata: {
        name: deliveryName(pair),
        namespace: recordNamespace(pair, ownNamespace),
        labels: { "app.kubernetes.io/managed-by": fieldManager },
        ...(notification !== undefined && {
          ownerReferences: [{ apiVersion, kind: "Notification", name: pair.notification.name, uid: pair.notification.uid, controller: true }],
        }),
      },
      spec: specOf(pair, event),
    };
    try {
      await kube.create(deliveries, object, signal);
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  };

  return {
    write: async (pair, event, { destinations, owed, redelivered, series }, signal) => {
      const [namespace, name] = [recordNamespace(pair, ownNamespace), deliveryName(pair)];
      const key = `${namespace}/${name}`;
      if (!existing.has(key)) {
        await create(pair, event, signal);
        existing.add(key);
      }
      const status: DeliveryStatus = {
        state: overallState(destinations, owed),
        destinations: destinations.slice(0, maxDestinations),
        ...((owed || destinations.some(({ state }) => state === "DeadLetter")) && { owed: owedEvent(event) }),
        ...(series !== undefined && { series }),
        ...(redelivered !== undefined && { redelivered }),
      };
      const object = { apiVersion, kind: "Delivery", metadata: { name, namespace }, status };
      try {
        await kube.applyStatus(deliveries, object, { fieldManager, force: true }, signal);
      } catch (error) {
        // Tenants may delete records; the next attempt creates it anew.
        if (statusOf(error) === 404) existing.delete(key);
        throw error;
      }
    },
    known: (name) => {
      existing.add(name);
    },
    forget: (name) => {
      existing.delete(name);
    },
  };
}

/** What a Delivery says that it is about. */
export const pairOfRecord = ({ metadata, spec: { notificationRef, runRef } }: Delivery): Pair => ({
  notification: { namespace: notificationRef.namespace ?? metadata.namespace, name: notificationRef.name, uid: notificationRef.uid },
  runUid: runRef.uid,
  runNamespace: runRef.namespace,
});

/**
 * Whether a Delivery is what its name and its place say: written for this Notification and run, and by nobody's hand but ours. One that
 * is not counts as if it did not exist. `ownNamespace`: the controller's.
 */
export function isGenuine(delivery: Delivery, ownNamespace: string): boolean {
  const pair = pairOfRecord(delivery);
  const { metadata, spec } = delivery;
  const saysWhere = (spec.notificationRef.namespace !== undefined) === isElsewhere(pair);
  return saysWhere && metadata.name === deliveryName(pair) && metadata.namespace === recordNamespace(pair, ownNamespace);
}
