import { execFile, fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Notification } from "../../src/api/notification.ts";
import { selectionOf } from "../../src/controller/activity.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { freePort } from "../support/control-plane/components.ts";
import { applyCrds } from "../support/control-plane/crds.ts";
import { tektonCrds, type Crd } from "../support/control-plane/tekton-crds.ts";
import { goProgram } from "../support/go-program.ts";
import { collectionPath, objectPath, type KubeObject } from "../support/kube-client.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import type { Footprint } from "../support/measured-serve.ts";
import { startReceiver } from "../support/receivers.ts";
import { eventually } from "../support/wait.ts";
import type { Built } from "./build.ts";
import { imageEnvironment } from "./image-environment.ts";
import { fill, type Filled } from "./scale-fill.ts";

/** A control plane with a cluster's worth of objects. */
export interface Scene {
  readonly plane: ControlPlane;
  readonly runs: readonly Filled[];
  readonly deliveries: number;
  readonly notifications: readonly KubeObject[];
  /** Messages that have arrived. */
  readonly sent: () => number;
}

export interface ScaleResult {
  /** Milliseconds from the start of the process until what ended before it had arrived at the receiver. */
  readonly caughtUpMs: number;
  /** Milliseconds from the start of the process until every Notification's status was written. */
  readonly shownMs: number;
  readonly idle: Footprint;
  /** Of one core, while nothing happens. */
  readonly idleCpu: number;
  /** Messages that were sent in the end, and of how many runs that ended. */
  readonly sent: number;
  readonly ended: number;
  /** Requests to the API server for each delivery: reads, and writes. */
  readonly reads: number;
  readonly writes: number;
  /** What is written to etcd for each delivery. */
  readonly bytes: number;
  readonly after: Footprint;
}

const ownNamespace = "tekton-integrations";
const notificationsInAll = 200;
const inNamespaces = 20;
const endedInAll = 200;
/** Runs that ended while there was no controller. */
const endedBefore = 20;
const group = "integrations.tekton.ornew.io";
const dayMs = 86_400_000;

/** Requests of others than watches, by verb, that the API server has answered for kinds that the controller reads and writes. */
async function requests({ client }: ControlPlane): Promise<{ readonly reads: number; readonly writes: number }> {
  const { body } = await client.send("GET", "/metrics", { accept: "text/plain" });
  const lines = String(body).split("\n").filter((line) => line.startsWith("apiserver_request_total{"));
  const sum = (fits: (line: string) => boolean): number => lines.filter(fits).reduce((total, line) => total + Number(line.split(" ").at(-1)), 0);
  return {
    reads: sum((line) => /verb="(GET|LIST)"/.test(line) && /resource="(taskruns|customruns|pipelineruns|deliveries)"/.test(line)),
    writes: sum((line) => /verb="(POST|PUT|PATCH|APPLY|DELETE)"/.test(line) && /group="(integrations\.tekton\.ornew\.io|events\.k8s\.io)"/.test(line)),
  };
}

/** The status of a Notification that has been there for long, and that has settled all until now. */
async function grownOld({ client }: ControlPlane, object: KubeObject): Promise<KubeObject> {
  const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
  const selection = selectionOf(object as unknown as Notification);
  const status = { observedGeneration: 1, activeSince: iso(Date.now() - 90 * dayMs), caughtUpAt: iso(Date.now() - 60_000), selection };
  return client.call("PUT", `${objectPath(object)}/status`, { body: { ...object, status } });
}

async function configure(plane: ControlPlane, namespaces: readonly string[], url: string, tasks: boolean): Promise<KubeObject[]> {
  const made: KubeObject[] = [];
  const create = (object: KubeObject): Promise<KubeObject> => plane.client.call("POST", collectionPath(object.apiVersion, object.kind, object.metadata.namespace), { body: object });
  for (const name of [...namespaces, ownNamespace]) await create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  for (const namespace of namespaces) await create(cloudEventsProvider(namespace, "service", url));
  for (let index = 0; index < notificationsInAll; index += 1) {
    const namespace = namespaces[index % namespaces.length] ?? "";
    // One in each namespace reports every end; the others look for something that there is not.
    const other = tasks ? `tasks.exists(t, t.name == "other-${index}")` : `pipeline == "other-${index}" && "image-digest" in results`;
    made.push(await grownOld(plane, await create(notification(namespace, `n-${index}`, "service", { expression: index < namespaces.length ? "terminal" : other }))));
  }
  return made;
}

/** Every Notification's status speaks of what became of its spec. */
const allLookedAt = async ({ plane, notifications }: Scene): Promise<boolean> => {
  const { items } = await plane.client.call<{ items: { status?: { conditions?: readonly unknown[] } }[] }>("GET", `/apis/${group}/v1alpha1/notifications`);
  return items.filter(({ status }) => status?.conditions !== undefined).length === notifications.length;
};

async function endRuns({ plane: { client } }: Scene, runs: readonly Filled[]): Promise<void> {
  for (const { namespace, name } of runs) {
    const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    const condition = { type: "Succeeded", status: "True", reason: "Succeeded", message: "Tasks Completed: 3", lastTransitionTime: now };
    await client.call("PATCH", `/apis/tekton.dev/v1/namespaces/${namespace}/pipelineruns/${name}/status`, { body: { status: { completionTime: now, conditions: [condition] } }, contentType: "application/merge-patch+json" });
  }
}

/** The API server holds every object once for each version that is served. */
const inOneVersion = (crd: Crd): Crd => ({ ...crd, spec: { ...crd.spec, versions: crd.spec.versions.filter(({ storage }) => storage) } });

/**
 * Fills a control plane that was started without Tekton's CRDs. `scale` 1: 50,000 PipelineRuns with 150,000 TaskRuns, 1 % of them active, 10,000 Deliveries, 200
 * Notifications in 20 namespaces. `tasks`: the filters ask about tasks.
 */
export async function prepareScale(plane: ControlPlane, scale: number, tasks: boolean, progress: (line: string) => void): Promise<Scene & { readonly close: () => Promise<void> }> {
  await applyCrds(plane.client, (await tektonCrds()).map(inOneVersion));
  // Its garbage collector holds every object too, and goes through all of them.
  await plane.stopControllerManager();
  let sent = 0;
  const receiver = await startReceiver({
    respond: () => {
      sent += 1;
      return { status: 202 };
    },
  });
  const pipelineRuns = Math.round(50_000 * scale);
  const deliveries = Math.round(pipelineRuns / 5);
  const namespaces = Array.from({ length: inNamespaces }, (_, index) => `team-${index}`);
  const notifications = await configure(plane, namespaces, receiver.url, tasks);
  const reportedBy = new Map(notifications.slice(0, namespaces.length).map((each) => [each.metadata.namespace ?? "", each]));
  const begun = performance.now();
  const seconds = (): number => Math.round((performance.now() - begun) / 1000);
  const runs = await fill(plane, { pipelineRuns, namespaces, activePerThousand: 10, deliveries, reportedBy }, (done) => {
    progress(`${done} PipelineRuns stored after ${seconds()} s`);
  });
  // An API server that has been running for a while, and whose objects Tekton's own controllers watch, has all of them at hand.
  const watchOfNothing = "watch=true&resourceVersion=0&timeoutSeconds=1&fieldSelector=metadata.name%3Dnone";
  const kinds = [...["pipelineruns", "taskruns"].map((plural) => `tekton.dev/v1/${plural}`), ...["providers", "notifications", "deliveries"].map((plural) => `${group}/v1alpha1/${plural}`)];
  for (const kind of kinds) await eventually(`${kind} are at hand`, async () => (await plane.client.send("GET", `/apis/${kind}?${watchOfNothing}`)).status === 200, 900_000);
  progress(`filled after ${seconds()} s`);
  return { plane, runs, deliveries: runs.filter(({ active }, index) => !active && index < deliveries).length, notifications, sent: () => sent, close: receiver.close };
}

async function ask(child: ChildProcess): Promise<Footprint> {
  const answer = once(child, "message") as Promise<[Footprint]>;
  child.send("footprint");
  const [footprint] = await answer;
  return footprint;
}

/** Starts the controller with the settings of the image (Dockerfile), and measures what it takes. */
export async function measureScale(scene: Scene, built: Built, idleMs: number, progress: (line: string) => void): Promise<ScaleResult> {
  const { plane, sent } = scene;
  const active = scene.runs.filter((run) => run.active);
  await endRuns(scene, active.slice(0, endedBefore));
  const metricsPort = await freePort();
  const startedAt = performance.now();
  const flags = ["--controller", "--kubeconfig", plane.kubeconfig, "--namespace", ownNamespace, "--bind-address", "127.0.0.1", "--metrics-port", String(metricsPort), "--development", "--log-level", "warn"];
  const child = fork(built.path("test/support/measured-serve.ts"), flags, { execArgv: ["--expose-gc"], env: { ...process.env, ...imageEnvironment(progress) } });
  try {
    await eventually("the controller is ready", async () => (await fetch(`http://127.0.0.1:${metricsPort}/readyz`).catch(() => undefined))?.status === 200, 300_000);
    progress(`ready after ${Math.round(performance.now() - startedAt)} ms`);
    await eventually("what ended before is reported", () => sent() >= endedBefore, 300_000);
    const caughtUpMs = performance.now() - startedAt;
    await eventually("every Notification is looked at", () => allLookedAt(scene), 300_000);
    const shownMs = performance.now() - startedAt;
    await sleep(10_000);
    const before = await ask(child);
    const idleFrom = performance.now();
    await sleep(idleMs);
    const idle = await ask(child);
    const idleCpu = (idle.cpu - before.cpuAfter) / 1000 / (performance.now() - idleFrom);

    const ending = active.slice(endedBefore, endedBefore + endedInAll);
    const [requestsBefore, sentBefore] = [await requests(plane), sent()];
    await endRuns(scene, ending);
    await eventually("the ends are reported", () => sent() - sentBefore >= ending.length, 60_000);
    await sleep(3_000);
    const requestsAfter = await requests(plane);
    const { items } = await plane.client.call<{ items: (KubeObject & { spec: { runRef: { uid: string } } })[] }>("GET", `/apis/${group}/v1alpha1/deliveries`);
    const uids = new Set(ending.map(({ uid }) => uid));
    const records = items.filter(({ spec }) => uids.has(spec.runRef.uid));
    // It is created, and its status is written once.
    const bytes = records.reduce((sum, { status: _, ...created }) => sum + Buffer.byteLength(JSON.stringify(created)), 0) + records.reduce((sum, record) => sum + Buffer.byteLength(JSON.stringify(record)), 0);
    return {
      caughtUpMs,
      shownMs,
      idle,
      idleCpu,
      sent: sent() - sentBefore,
      ended: ending.length,
      reads: (requestsAfter.reads - requestsBefore.reads) / ending.length,
      writes: (requestsAfter.writes - requestsBefore.writes) / ending.length,
      bytes: bytes / ending.length,
      after: await ask(child),
    };
  } finally {
    if (child.exitCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
  }
}

/** What client-go's informers take for the same objects. */
export interface InformerResult {
  readonly objects: number;
  readonly syncedMs: number;
  readonly rss: number;
  readonly heap: number;
  readonly peak: number;
}

/** Rejects with a sentence where the program cannot be built. */
export async function measureInformer({ plane }: Scene, runKinds: readonly string[]): Promise<InformerResult> {
  const program = await goProgram(join(import.meta.dirname, "informer"), "informer");
  const kinds = [...runKinds.map((kind) => `tekton.dev/v1/${kind}`), ...["providers", "notifications", "deliveries"].map((kind) => `${group}/v1alpha1/${kind}`)];
  const { stdout } = await promisify(execFile)(program, [plane.kubeconfig, ...kinds]);
  return JSON.parse(stdout) as InformerResult;
}
