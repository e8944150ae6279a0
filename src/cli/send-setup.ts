import type { Labels } from "../api/fits-labels.ts";
import { apiVersion } from "../api/group.ts";
import type { Notification } from "../api/notification.ts";
import type { Provider } from "../api/provider.ts";
import { runStatuses, type RunKind } from "../api/run-event.ts";
import { goesByLabels, isOffered, notResolved } from "../api/sharing.ts";
import type { Route } from "../controller/plan.ts";
import { includes, readsNamespaceLabels, reachOf } from "../controller/reach.ts";
import { inUse, makeRoute, providerKeyOf } from "../controller/routes.ts";
import { createRunStore, type RunView } from "../controller/run-store.ts";
import { trimRun, type TrimmedRun } from "../controller/trim-run.ts";
import { CodedError } from "../errors.ts";
import type { Kube } from "../kube/kube.ts";
import { KubeError, statusOf } from "../kube/kube-error.ts";
import { namespaces, notifications, providers, resourceName, resourceOfRun, type KubeObject, type Resource } from "../kube/resources.ts";
import { usage } from "./arguments.ts";
import { readSetup, readStored } from "./simulate-setup.ts";

/** An object of a namespace. */
export interface Ref {
  readonly namespace: string;
  readonly name: string;
}

export interface SendSetupOptions {
  /** Reads with the rights of whoever runs the command. */
  readonly kube: Pick<Kube, "get" | "listAll">;
  readonly urlTemplate: string | undefined;
  /** Told what could not be read, and what is missing therefore. */
  readonly note: (text: string) => void;
}

/** What is to be sent; at least one of Notification and Provider. */
export interface Wanted {
  /** Of the Notification, and of the others where they name none. */
  readonly namespace: string;
  readonly provider: Ref | undefined;
  /** Left out: one that says nothing of its own is made up. */
  readonly notification: string | undefined;
  readonly run: Ref;
  readonly kind: RunKind;
}

export interface Sendable {
  readonly provider: Provider;
  readonly route: Route;
  readonly view: RunView;
}

async function read({ kube }: SendSetupOptions, resource: Resource, ref: Ref, signal: AbortSignal): Promise<KubeObject> {
  const object = await kube.get(resource, ref, signal).catch((error: unknown) => {
    if (statusOf(error) !== 403) throw error;
    throw new KubeError("KubernetesRequestFailed", `you may not get ${resourceName(resource)} in namespace ${ref.namespace}: ask for that right`, { status: 403 });
  });
  if (object === undefined) throw new KubeError("KubernetesRequestFailed", `there is no ${resource.kind} ${ref.namespace}/${ref.name}`, { status: 404 });
  return object;
}

/** A Notification that selects this run alone and says nothing of its own. */
function madeUp({ namespace, run, kind }: Wanted, provider: Ref): Notification | undefined {
  const elsewhere = run.namespace === namespace ? {} : { namespaceSelector: { matchNames: [run.namespace] } };
  const filter = { kinds: [kind], children: true, statuses: runStatuses, ...elsewhere };
  const object = { apiVersion, kind: "Notification", metadata: { namespace, name: "send" }, spec: { providerRef: provider, filter } };
  return readSetup([{ file: "--provider", document: 1, object }]).notifications[0];
}

async function notificationOf(options: SendSetupOptions, wanted: Wanted, signal: AbortSignal): Promise<Notification> {
  const { namespace, notification: name, provider } = wanted;
  const made = name === undefined && provider !== undefined ? madeUp(wanted, provider) : undefined;
  if (made !== undefined) return made;
  const stored = await read(options, notifications, { namespace, name: name ?? "" }, signal);
  const [notification] = readStored(notifications, stored).notifications;
  if (notification === undefined) throw usage(`there is no Notification ${namespace}/${name ?? ""}`);
  const key = providerKeyOf(notification);
  if (provider !== undefined && key !== `${provider.namespace}/${provider.name}`) throw usage(`the Notification ${namespace}/${name ?? ""} sends through the Provider ${key}: leave --provider out`);
  return notification;
}

async function providerOf(options: SendSetupOptions, notification: Notification, signal: AbortSignal): Promise<Provider> {
  const [namespace = "", name = ""] = providerKeyOf(notification).split("/");
  const stored = await read(options, providers, { namespace, name }, signal);
  const [provider] = readStored(providers, stored).providers;
  if (provider === undefined) throw new CodedError("ProviderNotFound", notResolved(notification));
  return provider;
}

/** Labels of these Namespaces, where they decide what may be sent. */
async function labelsFor({ kube, note }: SendSetupOptions, names: readonly string[], signal: AbortSignal): Promise<Map<string, Labels>> {
  const found = new Map<string, Labels>();
  for (const name of new Set(names)) {
    try {
      found.set(name, (await kube.get(namespaces, { name }, signal))?.metadata.labels ?? {});
    } catch (error) {
      if (statusOf(error) !== 403) throw error;
      note(`you may not get namespaces: the labels of ${name} count as unknown, and nothing as offered or selected by them`);
    }
  }
  return found;
}

/** The rules of sharing, as the controller keeps them. */
async function routeFor(options: SendSetupOptions, notification: Notification, provider: Provider, run: Ref, signal: AbortSignal): Promise<Route> {
  const { namespace } = notification.metadata;
  const byLabels = goesByLabels(provider.spec.allowedNamespaces) || readsNamespaceLabels(notification, provider);
  const labels = byLabels ? await labelsFor(options, [namespace, run.namespace], signal) : new Map<string, Labels>();
  const labelsOf = (name: string): Labels | undefined => labels.get(name);
  if (inUse(provider) === undefined || !isOffered(provider, namespace, labelsOf)) throw new CodedError("ProviderNotFound", notResolved(notification));
  if (provider.spec.suspend === true) throw new CodedError("ProviderSuspended", `the Provider ${providerKeyOf(notification)} is suspended`);
  const reach = reachOf(notification, provider, { names: () => [namespace, run.namespace], labelsOf });
  if (!includes(reach.selected, run.namespace)) throw new CodedError("RunsNotCovered", `the Notification does not select runs of namespace ${run.namespace}`);
  if (!includes(reach.served, run.namespace)) throw new CodedError("RunsNotCovered", `the Provider's runNamespaces do not include ${run.namespace}`);
  return makeRoute(notification, provider, -Infinity, reach);
}

async function childrenOf({ kube, note }: SendSetupOptions, { namespace, uid }: TrimmedRun, signal: AbortSignal): Promise<TrimmedRun[]> {
  const found: TrimmedRun[] = [];
  for (const kind of ["TaskRun", "CustomRun"] as const) {
    try {
      const { items } = await kube.listAll(resourceOfRun[kind], { namespace, labelSelector: `tekton.dev/pipelineRunUID=${uid}` }, signal);
      found.push(...items.map((item) => trimRun(item, kind)));
    } catch (error) {
      if (![403, 404].includes(statusOf(error))) throw error;
      note(`you may not list ${resourceName(resourceOfRun[kind])} in namespace ${namespace}: the message does not tell of them`);
    }
  }
  return found;
}

/**
 * Reads what is needed for one message, and keeps the rules of sharing. It reads no Secret.
 * Throws UsageInvalid; ProviderNotFound, ProviderSuspended, RunsNotCovered; KubeError, which names a missing right.
 */
export async function readSendable(options: SendSetupOptions, wanted: Wanted, signal: AbortSignal): Promise<Sendable> {
  const notification = await notificationOf(options, wanted, signal);
  const provider = await providerOf(options, notification, signal);
  const route = await routeFor(options, notification, provider, wanted.run, signal);
  const run = trimRun(await read(options, resourceOfRun[wanted.kind], wanted.run, signal), wanted.kind, true);
  const store = createRunStore(options.urlTemplate);
  if (route.tasks.any && wanted.kind === "PipelineRun") for (const child of await childrenOf(options, run, signal)) store.upsert(child);
  if (route.series !== undefined) options.note("the runs before this one are not looked at: `previous` counts as absent");
  store.upsert(run);
  const view = store.view(run.uid);
  if (view === undefined) throw new KubeError("KubernetesAnswerInvalid", `the ${wanted.kind} ${wanted.run.namespace}/${wanted.run.name} has no uid`);
  return { provider, route, view };
}
