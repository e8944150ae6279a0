import { deliveryStates, type Delivery } from "../api/delivery.ts";
import { CodedError } from "../errors.ts";
import type { Kube } from "../kube/client.ts";
import { deliveries } from "../kube/resources.ts";
import { defaultNamespace } from "./simulate-setup.ts";

/** The options by which commands choose Deliveries, for `parseArgs`. */
export const deliveryOptions = {
  namespace: { type: "string", short: "n" },
  "all-namespaces": { type: "boolean", short: "A" },
  notification: { type: "string" },
  run: { type: "string" },
  state: { type: "string", multiple: true },
  kubeconfig: { type: "string" },
} as const;

/** The same, for help texts. */
export const deliveryHelp = `  -n, --namespace NAME     default: that of your kubeconfig's context
  -A, --all-namespaces     of all namespaces
      --notification NAME  of this Notification
      --run NAME           of this run
      --state STATE        in this state: ${deliveryStates.join(", ")} (more than once)
      --kubeconfig FILE    default: as kubectl finds it
`;

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
  const unknown = choice.state?.find((state) => !deliveryStates.some((known) => known === state));
  if (unknown !== undefined) throw new CodedError("UsageInvalid", `--state: ${JSON.stringify(unknown)} is not one of ${deliveryStates.join(", ")}`);
  if (choice.namespace !== undefined && choice["all-namespaces"] === true) throw new CodedError("UsageInvalid", "-n and -A exclude each other");
  const namespace = choice["all-namespaces"] === true ? undefined : (choice.namespace ?? kube.namespace ?? defaultNamespace);
  const { items } = await kube.listAll(deliveries, { namespace }, signal);
  const { notification, run, state } = choice;
  return (items as unknown as Delivery[])
    .filter(({ spec, status }) => (notification === undefined || spec.notificationRef.name === notification) && (run === undefined || spec.runRef.name === run) && (state === undefined || state.includes(status?.state ?? "")))
    .sort((a, b) => a.metadata.namespace.localeCompare(b.metadata.namespace) || a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp));
}
