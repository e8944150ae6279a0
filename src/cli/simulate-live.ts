import type { Labels } from "../api/fits-labels.ts";
import type { Notification } from "../api/notification.ts";
import type { Provider } from "../api/provider.ts";
import { goesByLabels } from "../api/sharing.ts";
import { runKinds, type RunKind } from "../api/run-event.ts";
import { readsNamespaceLabels } from "../controller/reach.ts";
import { providerKeyOf } from "../controller/routes.ts";
import { trimRun, type TrimmedRun } from "../controller/trim-run.ts";
import { CodedError } from "../errors.ts";
import type { Kube } from "../kube/kube.ts";
import { KubeError, statusOf } from "../kube/kube-error.ts";
import { namespaces as namespaceResource, notifications as notificationResource, providers as providerResource, resourceName, resourceOfRun, type KubeObject, type Resource } from "../kube/resources.ts";
import type { RunChange } from "./simulate-runs.ts";
import { readStored, type Setup } from "./simulate-setup.ts";

export interface LiveOptions {
  /** Read with the rights of whoever runs the command. */
  readonly kube: Pick<Kube, "get" | "listAll">;
  /** Whose Notifications are read. */
  readonly namespaces: readonly string[];
  /** From files. Where it has Notifications, they take the place of those in the cluster; its Providers come before the cluster's. */
  readonly given: Setup;
  /** Told what could not be read, and what is missing therefore. */
  readonly note: (text: string) => void;
}

export interface Live {
  readonly setup: Setup;
  /** The state that each run is in now; children come before all others, then by time of creation. */
  readonly changes: readonly RunChange[];
}

/** "" stands for all namespaces. */
type Place = string;

const wherever = (place: Place): string => (place === "" ? "in all namespaces" : `in namespace ${place}`);

/** Why something could not be read, if that is no reason to end. Throws all else. */
function excuse(error: unknown, verb: string, resource: Resource, place: Place): string {
  if (statusOf(error) === 403) return `you may not ${verb} ${resourceName(resource)} ${wherever(place)}`;
  if (statusOf(error) === 404) return `the cluster does not serve ${resourceName(resource)}`;
  throw error;
}

/** Reads what `simulate` plays from the cluster. It reads no Secret. Throws KubeError when the API server does not answer, or when no Notification may be read. */
export async function readLive(options: LiveOptions, signal: AbortSignal): Promise<Live> {
  const notifications = options.given.notifications.length > 0 ? options.given.notifications : await readNotifications(options, signal);
  const providers = await readProviders(options, notifications, signal);
  const labels = await readLabels(options, notifications, providers, signal);
  const runs = await readRuns(options, notifications, signal);
  return { setup: { notifications, providers, namespaces: new Map([...labels, ...options.given.namespaces]) }, changes: runs.map((run) => ({ deleted: false, run })) };
}

/** The objects as `simulate` takes them; of one that this version would refuse it is said why, and it is left out. */
function judged({ note }: LiveOptions, resource: Resource, objects: readonly KubeObject[]): Setup[] {
  return objects.flatMap((object): Setup[] => {
    try {
      return [readStored(resource, object)];
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      note(`${error.message}; it is left out`);
      return [];
    }
  });
}

async function readNotifications(options: LiveOptions, signal: AbortSignal): Promise<Notification[]> {
  const read: Notification[] = [];
  const refused: string[] = [];
  for (const namespace of options.namespaces) {
    try {
      const { items } = await options.kube.listAll(notificationResource, { namespace }, signal);
      if (items.length === 0) options.note(`there is no Notification ${wherever(namespace)}`);
      read.push(...judged(options, notificationResource, items).flatMap((setup) => setup.notifications));
    } catch (error) {
      refused.push(excuse(error, "list", notificationResource, namespace));
    }
  }
  if (refused.length === options.namespaces.length) throw new KubeError("KubernetesRequestFailed", refused.join("; "), { status: 403 });
  for (const why of refused) options.note(`${why}: its Notifications are missing`);
  return read;
}

async function readProviders(options: LiveOptions, notifications: readonly Notification[], signal: AbortSignal): Promise<Provider[]> {
  const { given, kube, note } = options;
  const known = new Set(given.providers.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
  const read: Provider[] = [...given.providers];
  for (const key of new Set(notifications.map(providerKeyOf))) {
    if (known.has(key)) continue;
    const [namespace = "", name = ""] = key.split("/");
    try {
      const object = await kube.get(providerResource, { namespace, name }, signal);
      if (object !== undefined) read.push(...judged(options, providerResource, [object]).flatMap((setup) => setup.providers));
    } catch (error) {
      note(`${excuse(error, "get", providerResource, namespace)}: the Provider ${key} counts as missing, so what would be sent through it is not shown`);
    }
  }
  return read;
}

/** Labels of the Namespaces that Notifications select, or Providers take runs of or are offered to, by them: of all where all may be meant. */
async function readLabels(options: LiveOptions, notifications: readonly Notification[], providers: readonly Provider[], signal: AbortSignal): Promise<Map<string, Labels>> {
  const byKey = new Map(providers.map((provider) => [`${provider.metadata.namespace}/${provider.metadata.name}`, provider]));
  const providerOf = (notification: Notification): Provider | undefined => byKey.get(providerKeyOf(notification));
  if (notifications.some((notification) => readsNamespaceLabels(notification, providerOf(notification)))) return readAllLabels(options, signal);
  const asked = notifications.filter((notification) => goesByLabels(providerOf(notification)?.spec.allowedNamespaces)).map(({ metadata }) => metadata.namespace);
  return readLabelsOf(new Set(asked), options, signal);
}

async function readAllLabels({ kube, note }: LiveOptions, signal: AbortSignal): Promise<Map<string, Labels>> {
  try {
    const { items } = await kube.listAll(namespaceResource, {}, signal);
    return new Map(items.map(({ metadata: { name, labels = {} } }) => [name, labels]));
  } catch (error) {
    note(`${excuse(error, "list", namespaceResource, "")}: their labels count as unknown, so nothing is selected and no Provider offered by them`);
    return new Map();
  }
}

async function readLabelsOf(names: ReadonlySet<string>, { kube, note }: LiveOptions, signal: AbortSignal): Promise<Map<string, Labels>> {
  const labels = new Map<string, Labels>();
  for (const name of names) {
    try {
      labels.set(name, (await kube.get(namespaceResource, { name }, signal))?.metadata.labels ?? {});
    } catch (error) {
      note(`${excuse(error, "get", namespaceResource, name)}: its labels count as unknown, and no Provider as offered by them`);
    }
  }
  return labels;
}

/** Where the runs are that the Notifications can select. */
function placesOf(notifications: readonly Notification[]): Place[] {
  const places = notifications.flatMap(({ metadata, spec }) => {
    const selector = spec.filter?.namespaceSelector;
    if (selector === undefined) return [metadata.namespace];
    return selector.matchNames === undefined ? [""] : [...selector.matchNames];
  });
  return places.includes("") ? [""] : [...new Set(places)];
}

async function readRuns({ kube, note }: LiveOptions, notifications: readonly Notification[], signal: AbortSignal): Promise<TrimmedRun[]> {
  const runs: TrimmedRun[] = [];
  const read = async (kind: RunKind, place: Place): Promise<void> => {
    const resource = resourceOfRun[kind];
    try {
      const { items } = await kube.listAll(resource, place === "" ? {} : { namespace: place }, signal);
      for (const item of items) runs.push(trimRun(item, kind, true));
    } catch (error) {
      note(`${excuse(error, "list", resource, place)}: ${kind === "PipelineRun" ? "those runs" : "those runs, and the tasks of PipelineRuns,"} are missing`);
    }
  };
  for (const place of placesOf(notifications)) for (const kind of runKinds) await read(kind, place);
  // The tasks of a run are known before it is judged.
  const rank = ({ owner }: TrimmedRun): number => (owner === undefined ? 1 : 0);
  return runs.sort((a, b) => rank(a) - rank(b) || a.creationTimestamp.localeCompare(b.creationTimestamp) || a.uid.localeCompare(b.uid));
}
