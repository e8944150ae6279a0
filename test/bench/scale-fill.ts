import { randomUUID } from "node:crypto";
import { deliveryName } from "../../src/controller/ledger.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { etcdClient, type StoredObject } from "../support/etcd-client.ts";
import { collectionPath, objectPath, type KubeObject } from "../support/kube-client.ts";
import { readRecording } from "../support/replay-recording.ts";

export interface FillOptions {
  readonly pipelineRuns: number;
  readonly namespaces: readonly string[];
  /** How many of a thousand are still running. */
  readonly activePerThousand: number;
  /** How many runs ended lately and have a Delivery, and of which Notification of their namespace. */
  readonly deliveries: number;
  readonly reportedBy: ReadonlyMap<string, KubeObject>;
}

/** A PipelineRun that was created. */
export interface Filled {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly active: boolean;
}

const dayMs = 86_400_000;

/** Objects of one transaction: below etcd's limits for what is stored here. */
const atOnce = 80;

type Status = Record<string, unknown> & { conditions: Record<string, unknown>[] };

/**
 * An object as the API server stores it: created by it, and read back. Without its managed fields, which would take half of
 * the API server's memory here, more than one machine has.
 */
async function asStored({ client }: ControlPlane, object: KubeObject, status: unknown): Promise<KubeObject> {
  const created = await client.call("POST", collectionPath(object.apiVersion, object.kind, object.metadata.namespace), { body: object });
  const stored = await client.call("PUT", `${objectPath(created)}/status`, { body: { ...created, status } });
  await client.call("DELETE", objectPath(created));
  const { managedFields: _, ...metadata } = stored.metadata as KubeObject["metadata"] & { managedFields?: unknown };
  return { ...stored, metadata };
}

interface Templates {
  readonly pipelineRun: KubeObject;
  readonly taskRuns: readonly KubeObject[];
  readonly delivery: KubeObject;
}

const delivered = { state: "Delivered", destinations: [{ key: "event", state: "Delivered", sentStatus: "Failed", sentCount: 1, sentAt: new Date().toISOString().replace(/\.\d+Z$/, "Z"), target: { url: "https://events.example.com/tekton" } }] };

/** The last states of the runs of a recording, the PipelineRun and its TaskRuns; and a record as the controller writes it. */
async function templates(plane: ControlPlane, namespace: string, reportedBy: KubeObject): Promise<Templates> {
  const last = new Map<string, KubeObject>();
  for (const { object } of readRecording("failed-step")) last.set(`${object.kind}/${object.metadata.name}`, object);
  const stored = async (object: KubeObject): Promise<KubeObject> => {
    const { labels, annotations } = object.metadata;
    return asStored(plane, { ...object, metadata: { namespace, name: "template", ...(labels && { labels }), ...(annotations && { annotations }) } }, object.status);
  };
  const all = [...last.values()];
  const [pipelineRun] = all.filter(({ kind }) => kind === "PipelineRun");
  if (pipelineRun === undefined) throw new Error("the recording has no PipelineRun");
  const taskRuns: KubeObject[] = [];
  for (const taskRun of all.filter(({ kind }) => kind === "TaskRun")) taskRuns.push(await stored(taskRun));
  const { apiVersion } = reportedBy;
  const spec = { notificationRef: { name: "n", uid: randomUUID() }, runRef: { apiVersion: "tekton.dev/v1", kind: "PipelineRun", namespace, name: "r", uid: randomUUID() } };
  return { taskRuns, pipelineRun: await stored(pipelineRun), delivery: await asStored(plane, { apiVersion, kind: "Delivery", metadata: { namespace, name: "template" }, spec }, delivered) };
}

const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

/** When it was created, and when it ended; undefined: it has not. */
interface Times {
  readonly created: number;
  readonly end: number | undefined;
}

function copyOf(template: KubeObject, metadata: KubeObject["metadata"], { created, end }: Times): KubeObject {
  const { resourceVersion: _, ...rest } = template.metadata;
  const { completionTime: __, childReferences, ...status } = template.status as Status;
  const children = [0, 1, 2].map((child) => ({ apiVersion: "tekton.dev/v1", kind: "TaskRun", name: `${metadata.name}-task-${child}`, pipelineTaskName: `task-${child}` }));
  const [condition] = status.conditions;
  const running = { type: "Succeeded", status: "Unknown", reason: "Running", message: "Not all Tasks have finished executing", lastTransitionTime: iso(created) };
  return {
    ...template,
    metadata: { ...rest, creationTimestamp: iso(created), ...metadata },
    status: {
      ...status,
      startTime: iso(created),
      ...(childReferences !== undefined && { childReferences: children }),
      ...(end === undefined ? { conditions: [running] } : { completionTime: iso(end), conditions: [{ ...condition, lastTransitionTime: iso(end) }] }),
    },
  };
}

const plurals: Readonly<Record<string, string>> = { PipelineRun: "pipelineruns", TaskRun: "taskruns", Delivery: "deliveries" };

const inEtcd = (object: KubeObject): StoredObject => {
  const { namespace = "", name } = object.metadata;
  return { key: `${object.apiVersion.split("/")[0] ?? ""}/${plurals[object.kind] ?? ""}/${namespace}/${name}`, value: `${JSON.stringify(object)}\n` };
};

/** Runs that have a record ended within the last day, the others that are over within the 30 days before. */
function timesOf(index: number, { activePerThousand, deliveries }: FillOptions, now: number): Times {
  if (index % 1000 < activePerThousand) return { created: now - 600_000, end: undefined };
  const share = ((index * 7919) % 1000) / 1000;
  const end = now - 600_000 - Math.floor(index < deliveries ? share * 0.9 * dayMs : (1.1 + share * 29) * dayMs);
  return { created: end - 300_000, end };
}

function recordOf({ delivery }: Templates, run: Filled, notification: KubeObject): KubeObject {
  const { resourceVersion: _, ...metadata } = delivery.metadata;
  const { name, uid = "" } = notification.metadata;
  const pair = { notification: { namespace: run.namespace, name, uid }, runUid: run.uid, runNamespace: run.namespace };
  const owner = { apiVersion: notification.apiVersion, kind: "Notification", name, uid, controller: true };
  return {
    ...delivery,
    metadata: { ...metadata, namespace: run.namespace, name: deliveryName(pair), uid: randomUUID(), ownerReferences: [owner] },
    spec: { notificationRef: { name, uid }, runRef: { apiVersion: "tekton.dev/v1", kind: "PipelineRun", namespace: run.namespace, name: run.name, uid: run.uid } },
  };
}

/** Stores PipelineRuns with three TaskRuns each, and records of some: straight into etcd, as the API server would store them. */
export async function fill(plane: ControlPlane, options: FillOptions, progress: (done: number) => void): Promise<Filled[]> {
  const { namespaces, reportedBy } = options;
  const [first] = reportedBy.values();
  if (first === undefined) throw new Error("nobody reports anything");
  const made = await templates(plane, first.metadata.namespace ?? "", first);
  // What the API server finds at its start it takes up sooner than what changes under it.
  await plane.stopApiServer();
  const etcd = etcdClient(plane.directory);
  const filled: Filled[] = [];
  let batch: StoredObject[] = [];
  let under = Promise.resolve();
  const flush = async (): Promise<void> => {
    const objects = batch;
    batch = [];
    await under;
    under = etcd.put(objects);
  };
  const now = Date.now();
  for (let index = 0; index < options.pipelineRuns; index += 1) {
    const namespace = namespaces[index % namespaces.length] ?? "";
    const name = `shop-api-on-pull-request-${index.toString(36).padStart(5, "0")}`;
    const times = timesOf(index, options, now);
    const run: Filled = { namespace, name, uid: randomUUID(), active: times.end === undefined };
    filled.push(run);
    const owner = { apiVersion: "tekton.dev/v1", kind: "PipelineRun", name, uid: run.uid, controller: true, blockOwnerDeletion: true };
    batch.push(inEtcd(copyOf(made.pipelineRun, { namespace, name, uid: run.uid }, times)));
    for (const child of [0, 1, 2]) {
      const template = made.taskRuns[child % made.taskRuns.length] ?? made.pipelineRun;
      const labels = { ...template.metadata.labels, "tekton.dev/pipelineRun": name, "tekton.dev/pipelineRunUID": run.uid, "tekton.dev/pipelineTask": `task-${child}` };
      // The tasks of a run that is about to end have ended.
      const over = { ...times, end: times.end ?? now - 60_000 };
      batch.push(inEtcd(copyOf(template, { namespace, name: `${name}-task-${child}`, uid: randomUUID(), labels, ownerReferences: [owner] }, over)));
    }
    const notification = reportedBy.get(namespace);
    if (index < options.deliveries && !run.active && notification !== undefined) {
      batch.push(inEtcd(recordOf(made, run, notification)));
    }
    if (batch.length >= atOnce) await flush();
    if (filled.length % 5_000 === 0) progress(filled.length);
  }
  await flush();
  await under;
  await etcd.close();
  await plane.startApiServer();
  return filled;
}
