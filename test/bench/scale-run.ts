import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { deliveryName } from "../../src/controller/ledger.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { freePort } from "../support/control-plane/components.ts";
import { objectPath, collectionPath, type KubeObject } from "../support/kube-client.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import type { Footprint } from "../support/measured-serve.ts";
import { startReceiver } from "../support/receivers.ts";
import { eventually } from "../support/wait.ts";
import { fill, inParallel, type Filled } from "./scale-fill.ts";

export interface ScaleOptions {
  /** 1: 50,000 PipelineRuns with 150,000 TaskRuns, 10,000 Deliveries, 200 Notifications. */
  readonly scale: number;
  /** Whether Notifications are made of tasks, so that TaskRuns are watched. */
  readonly tasks: boolean;
  readonly idleMs: number;
  readonly progress: (line: string) => void;
}

export interface ScaleResult {
  readonly pipelineRuns: number;
  readonly deliveries: number;
  readonly notifications: number;
  /** Milliseconds from the start of the process until it is ready and has looked at every Notification. */
  readonly caughtUpMs: number;
  readonly idle: Footprint;
  /** Of one core, while nothing happens. */
  readonly idleCpu: number;
  /** Messages that were sent in the end, and of how many runs that ended. */
  readonly sent: number;
  readonly ended: number;
  /** Requests to the API server for each delivery. */
  readonly requests: number;
  /** What is written to etcd for each delivery. */
  readonly bytes: number;
  readonly after: Footprint;
}

const ownNamespace = "tekton-integrations";
const notificationsInAll = 200;
const inNamespaces = 20;
const endedInAll = 200;

const total = async ({ client }: ControlPlane): Promise<number> => {
  const { body } = await client.send("GET", "/metrics", { accept: "text/plain" });
  const lines = String(body).split("\n").filter((line) => line.startsWith("apiserver_request_total{") && /group="(integrations\.tekton\.ornew\.io|events\.k8s\.io)"/.test(line) && !/verb="(WATCH|LIST|GET)"/.test(line));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
};

async function configure(plane: ControlPlane, namespaces: readonly string[], url: string, tasks: boolean): Promise<KubeObject[]> {
  const made: KubeObject[] = [];
  for (const namespace of namespaces) await plane.client.call("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } } });
  await plane.client.call("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata: { name: ownNamespace } } });
  for (const namespace of namespaces) {
    const provider = tasks ? cloudEventsProvider(namespace, "service", url) : gitHubLike(namespace);
    await plane.client.call("POST", collectionPath(provider.apiVersion, provider.kind, namespace), { body: provider });
  }
  await inParallel(notificationsInAll, async (index) => {
    const namespace = namespaces[index % namespaces.length] ?? "";
    // One in each namespace reports everything; the others look for something that there is not.
    const filter = index < namespaces.length ? { expression: "terminal" } : { expression: `pipeline == "other-${index}" && "image-digest" in results` };
    const object = notification(namespace, `n-${index}`, "service", filter);
    made.push(await plane.client.call("POST", collectionPath(object.apiVersion, object.kind, namespace), { body: object }));
  });
  return made;
}

/** A Provider whose messages are not made of tasks. Its Secret does not exist, so that nothing is sent. */
function gitHubLike(namespace: string): KubeObject {
  const spec = { type: "GitHubApp", githubApp: { appId: 1, privateKey: { secretRef: { name: "none" } } } };
  return { apiVersion: "integrations.tekton.ornew.io/v1alpha1", kind: "Provider", metadata: { name: "service", namespace }, spec };
}

/** Records of runs that were reported before, as the controller writes them. */
async function record({ client }: ControlPlane, count: number, runs: readonly Filled[], notifications: readonly KubeObject[]): Promise<void> {
  const everything = new Map(notifications.filter(({ metadata: { name } }) => Number(name.slice(2)) < inNamespaces).map((each) => [each.metadata.namespace, each]));
  const over = runs.filter(({ active }) => !active);
  await inParallel(count, async (index) => {
    const run = over[index];
    const of = run === undefined ? undefined : everything.get(run.namespace);
    if (run === undefined || of === undefined) return;
    const ref = { name: of.metadata.name, uid: of.metadata.uid ?? "" };
    const object: KubeObject = {
      apiVersion: of.apiVersion,
      kind: "Delivery",
      metadata: { namespace: run.namespace, name: deliveryName({ notification: { ...ref, namespace: run.namespace }, runUid: run.uid }) },
      spec: { notificationRef: ref, runRef: { apiVersion: "tekton.dev/v1", kind: "PipelineRun", namespace: run.namespace, name: run.name, uid: run.uid } },
    };
    const stored = await client.call("POST", collectionPath(object.apiVersion, object.kind, run.namespace), { body: object });
    const status = { state: "Delivered", destinations: [{ key: "event", state: "Delivered", sentStatus: "Failed", sentCount: 1, sentAt: "2026-01-01T00:00:00Z", attempts: 1 }] };
    await client.call("PUT", `${objectPath(stored)}/status`, { body: { ...stored, status } });
  });
}

async function ask(child: ChildProcess): Promise<Footprint> {
  const answer = once(child, "message") as Promise<[Footprint]>;
  child.send("footprint");
  const [footprint] = await answer;
  return footprint;
}

/** Every Notification's status speaks of its spec. */
const allLookedAt = async ({ client }: ControlPlane, count: number): Promise<boolean> => {
  const { items } = await client.call<{ items: { status?: { observedGeneration?: number } }[] }>("GET", "/apis/integrations.tekton.ornew.io/v1alpha1/notifications");
  return items.filter(({ status }) => status?.observedGeneration !== undefined).length === count;
};

async function endRuns({ client }: ControlPlane, runs: readonly Filled[]): Promise<void> {
  await inParallel(runs.length, async (index) => {
    const { namespace = "", name = "" } = runs[index] ?? {};
    const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    const condition = { type: "Succeeded", status: "True", reason: "Succeeded", message: "Tasks Completed: 3", lastTransitionTime: now };
    await client.call("PATCH", `/apis/tekton.dev/v1/namespaces/${namespace}/pipelineruns/${name}/status`, { body: { status: { completionTime: now, conditions: [condition] } }, contentType: "application/merge-patch+json" });
  });
}

interface Prepared {
  readonly runs: readonly Filled[];
  readonly deliveries: number;
  readonly notifications: number;
}

/** Fills a control plane. */
export async function prepareScale(plane: ControlPlane, scale: number, tasks: boolean, url: string, progress: (line: string) => void): Promise<Prepared> {
  const pipelineRuns = Math.round(50_000 * scale);
  const deliveries = Math.round(pipelineRuns / 5);
  const namespaces = Array.from({ length: inNamespaces }, (_, index) => `team-${index}`);
  const notifications = await configure(plane, namespaces, url, tasks);
  const begun = performance.now();
  const seconds = (): number => Math.round((performance.now() - begun) / 1000);
  const runs = await fill(plane, { pipelineRuns, namespaces, activePerThousand: 10 }, (done) => {
    progress(`${done} PipelineRuns after ${seconds()} s`);
  });
  await record(plane, deliveries, runs, notifications);
  progress(`filled after ${seconds()} s`);
  return { runs, deliveries, notifications: notifications.length };
}

/** Fills a control plane, starts the controller, and measures what it takes. */
export async function measureScale(plane: ControlPlane, { scale, tasks, idleMs, progress }: ScaleOptions): Promise<ScaleResult> {
  let sent = 0;
  const receiver = await startReceiver({
    respond: () => {
      sent += 1;
      return { status: 202 };
    },
  });
  let child: ChildProcess | undefined;
  try {
    const { runs, deliveries, notifications } = await prepareScale(plane, scale, tasks, receiver.url, progress);
    await sleep(2_000);

    const metricsPort = await freePort();
    const startedAt = performance.now();
    child = fork(join(import.meta.dirname, "../support/measured-serve.ts"), ["--controller", "--kubeconfig", plane.kubeconfig, "--namespace", ownNamespace, "--bind-address", "127.0.0.1", "--metrics-port", String(metricsPort), "--development", "--log-level", "warn"], { execArgv: ["--expose-gc", "--max-semi-space-size=4"], env: { ...process.env, MALLOC_ARENA_MAX: "1" } });
    await eventually("the controller is ready", async () => (await fetch(`http://127.0.0.1:${metricsPort}/readyz`).catch(() => undefined))?.status === 200, 300_000);
    progress(`ready after ${Math.round(performance.now() - startedAt)} ms`);
    await eventually("every Notification is looked at", () => allLookedAt(plane, notifications), 300_000);
    const caughtUpMs = performance.now() - startedAt;
    await sleep(10_000);
    const before = await ask(child);
    const idleFrom = performance.now();
    await sleep(idleMs);
    const idle = await ask(child);
    const idleCpu = (idle.cpu - before.cpuAfter) / 1000 / (performance.now() - idleFrom);

    const ending = runs.filter(({ active }) => active).slice(0, endedInAll);
    const requestsBefore = await total(plane);
    await endRuns(plane, ending);
    if (tasks) await eventually("the ends are reported", () => sent >= ending.length, 60_000);
    await sleep(3_000);
    const requests = ((await total(plane)) - requestsBefore) / Math.max(1, ending.length);
    const records = await plane.client.call<{ items: KubeObject[] }>("GET", "/apis/integrations.tekton.ornew.io/v1alpha1/deliveries?limit=500");
    const bytes = (records.items.reduce((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)), 0) / Math.max(1, records.items.length)) * 2;
    return { pipelineRuns: runs.length, deliveries, notifications, caughtUpMs, idle, idleCpu, sent, ended: ending.length, requests, bytes, after: await ask(child) };
  } finally {
    if (child !== undefined && child.exitCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    await receiver.close();
  }
}
