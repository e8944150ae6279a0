import type { Delivery, DeliveryDestination, DeliverySpec, DeliveryStatus } from "../api/delivery.ts";
import { annotations as own } from "../api/group.ts";
import type { KubeObject } from "../kube/resources.ts";
import { createShared, sharedText } from "./shared-values.ts";

const notificationRefs = createShared<DeliverySpec["notificationRef"]>();

/** Of a place, what tells runs apart is no other record's. */
const targetOf = (target: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(target).map(([name, value]) => [sharedText(name), name === "sha" ? value : sharedText(value)]));

const destinationOf = ({ key, state, target, ...rest }: DeliveryDestination): DeliveryDestination => ({
  ...rest,
  key: sharedText(key),
  state,
  ...(rest.sentStatus !== undefined && { sentStatus: sharedText(rest.sentStatus) as NonNullable<DeliveryDestination["sentStatus"]> }),
  ...(target !== undefined && { target: targetOf(target) }),
});

const statusOf = ({ destinations, ...rest }: DeliveryStatus): DeliveryStatus => ({ ...rest, ...(destinations !== undefined && { destinations: destinations.map(destinationOf) }) });

/**
 * What is kept of a Delivery: there may be tens of thousands. It has passed its schema in the API server, so that nothing is
 * looked at here; labels and owners are for others to read.
 */
export function keptRecord(object: KubeObject): Delivery {
  const { metadata, spec, status } = object as unknown as Delivery;
  const { name, namespace, uid, creationTimestamp, deletionTimestamp } = metadata;
  const { resourceVersion = "" } = object.metadata;
  const word = metadata.annotations?.[own.redeliver];
  const { notificationRef, runRef } = spec;
  const { namespace: of } = notificationRef;
  return {
    metadata: {
      name,
      namespace: sharedText(namespace),
      uid,
      creationTimestamp,
      resourceVersion,
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
      ...(word !== undefined && { annotations: { [own.redeliver]: word } }),
    },
    spec: {
      notificationRef: notificationRefs(JSON.stringify([of, notificationRef.name, notificationRef.uid]), () => ({
        name: notificationRef.name,
        ...(of !== undefined && { namespace: of }),
        uid: notificationRef.uid,
      })),
      runRef: { apiVersion: sharedText(runRef.apiVersion), kind: sharedText(runRef.kind) as typeof runRef.kind, namespace: sharedText(runRef.namespace), name: runRef.name, uid: runRef.uid },
    },
    ...(status !== undefined && { status: statusOf(status) }),
  };
}
