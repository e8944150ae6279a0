import { deliveryStates, type Delivery } from "../api/delivery.ts";
import type { Kube } from "../kube/kube.ts";
import { deliveries } from "../kube/resources.ts";
import { usage } from "./arguments.ts";
import { defaultNamespace } from "./simulate-setup.ts";

/** Of commands that ask a cluster. */
export const kubeconfigOption = { type: "string", value: "FILE", description: "How to reach the API server. Default: as kubectl finds it." } as const;

/** The options by which commands choose Deliveries. */
export const deliveryOptions = {
  namespace: { type: "string", short: "n", value: "NAME", description: "Default: that of your kubeconfig's context." },
  "all-namespaces": { type: "boolean", short: "A", description: "Of all namespaces." },
  notification: { type: "string", value: "NAME", description: "Of this Notification." },
  run: { type: "string", value: "NAME", description: "Of this run." },
  state: { type: "string", value: "STATE", multiple: true, values: deliveryStates, description: `In this state: ${deliveryStates.join(", ")}. Repeatable.` },
  kubeconfig: kubeconfigOption,
} as const;

/** Which Deliveries are meant; what is left out leaves all of them. */
export interface DeliveryChoice {
  readonly namespace?: string | undefined;
  readonly "all-namespaces"?: boolean | undefined;
  readonly notification?: string | undefined;
  readonly run?: string | undefined;
  readonly state?: readonly string[] | undefined;
}

/** The Deliveries that are meant, by namespace, then by age. Throws UsageInvalid, or KubeError when they may not be listed. */
export async function findDeliveries(kube: Kube, choice: DeliveryChoice, signal: AbortSignal): Promise<Delivery[]> {
  if (choice.namespace !== undefined && choice["all-namespaces"] === true) throw usage("-n and -A exclude each other");
  const namespace = choice["all-namespaces"] === true ? undefined : (choice.namespace ?? kube.namespace ?? defaultNamespace);
  const { items } = await kube.listAll(deliveries, { namespace }, signal);
  const { notification, run, state } = choice;
  return (items as unknown as Delivery[])
    .filter(({ spec, status }) => (notification === undefined || spec.notificationRef.name === notification) && (run === undefined || spec.runRef.name === run) && (state === undefined || state.includes(status?.state ?? "")))
    .sort((a, b) => a.metadata.namespace.localeCompare(b.metadata.namespace) || a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp));
}
