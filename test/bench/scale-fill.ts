import type { ControlPlane } from "../support/control-plane.ts";
import { applyCrds } from "../support/control-plane/crds.ts";
import { tektonCrds, type Crd } from "../support/control-plane/tekton-crds.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { readRecording } from "../support/replay-recording.ts";

export interface FillOptions {
  readonly pipelineRuns: number;
  readonly namespaces: readonly string[];
  /** How many of a thousand are still running. */
  readonly activePerThousand: number;
}

/** A PipelineRun that was created. */
export interface Filled {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly active: boolean;
}

const atOnce = 32;
const dayMs = 86_400_000;

/** Calls `work` for all numbers below `count`, 32 at a time. */
export async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

type Status = Record<string, unknown> & { conditions: Record<string, unknown>[] };

/** The last states of the runs of a recording: the PipelineRun, and its TaskRuns. */
function templates(): { readonly pipelineRun: KubeObject; readonly taskRuns: readonly KubeObject[] } {
  const last = new Map<string, KubeObject>();
  for (const { object } of readRecording("failed-step")) last.set(`${object.kind}/${object.metadata.name}`, object);
  const all = [...last.values()];
  const [pipelineRun] = all.filter(({ kind }) => kind === "PipelineRun");
  const taskRuns = all.filter(({ kind }) => kind === "TaskRun");
  if (pipelineRun === undefined || taskRuns.length === 0) throw new Error("the recording has no runs");
  return { pipelineRun, taskRuns };
}

const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

function copyOf(template: KubeObject, namespace: string, name: string, end: number | undefined, more: Partial<KubeObject["metadata"]> = {}): KubeObject {
  const { labels, annotations } = template.metadata;
  const { completionTime: _, childReferences, ...status } = template.status as Status;
  const children = [0, 1, 2].map((child) => ({ apiVersion: "tekton.dev/v1", kind: "TaskRun", name: `${name}-task-${child}`, pipelineTaskName: `task-${child}` }));
  const [condition] = status.conditions;
  const running = { type: "Succeeded", status: "Unknown", reason: "Running", message: "Not all Tasks have finished executing", lastTransitionTime: iso(Date.now()) };
  return {
    apiVersion: template.apiVersion,
    kind: template.kind,
    metadata: { name, namespace, ...(labels && { labels }), ...(annotations && { annotations }), ...more },
    spec: template.spec,
    status: {
      ...status,
      ...(childReferences !== undefined && { childReferences: children }),
      ...(end === undefined ? { conditions: [running] } : { completionTime: iso(end), conditions: [{ ...condition, lastTransitionTime: iso(end) }] }),
    },
  };
}

/** Without a status subresource an object is created with its status, in one request. */
const withoutStatus = (crd: Crd): Crd => ({ ...crd, spec: { ...crd.spec, versions: crd.spec.versions.map((version) => Object.fromEntries(Object.entries(version).filter(([field]) => field !== "subresources")) as Crd["spec"]["versions"][number]) } });

/** Creates PipelineRuns with three TaskRuns each; those that are over ended within the last 30 days. */
export async function fill({ client }: ControlPlane, { pipelineRuns, namespaces, activePerThousand }: FillOptions, progress: (done: number) => void): Promise<Filled[]> {
  const { pipelineRun, taskRuns } = templates();
  const crds = await tektonCrds();
  await applyCrds(client, crds.map(withoutStatus));
  const filled: Filled[] = [];
  await inParallel(pipelineRuns, async (index) => {
    const namespace = namespaces[index % namespaces.length] ?? "";
    const name = `shop-api-on-pull-request-${index.toString(36).padStart(5, "0")}`;
    const active = index % 1000 < activePerThousand;
    const end = active ? undefined : Date.now() - 3_600_000 - Math.floor(((index * 7919) % 1000) * ((30 * dayMs) / 1000));
    const path = `/apis/tekton.dev/v1/namespaces/${namespace}`;
    const parent = await client.call("POST", `${path}/pipelineruns`, { body: copyOf(pipelineRun, namespace, name, end) });
    const uid = parent.metadata.uid ?? "";
    const owner = { apiVersion: "tekton.dev/v1", kind: "PipelineRun", name, uid, controller: true, blockOwnerDeletion: true };
    await Promise.all([0, 1, 2].map((child) => {
      const template = taskRuns[child % taskRuns.length] ?? pipelineRun;
      const labels = { ...template.metadata.labels, "tekton.dev/pipelineRun": name, "tekton.dev/pipelineRunUID": uid };
      return client.call("POST", `${path}/taskruns`, { body: copyOf(template, namespace, `${name}-task-${child}`, end, { labels, ownerReferences: [owner] }) });
    }));
    filled.push({ namespace, name, uid, active });
    if (filled.length % 1000 === 0) progress(filled.length);
  });
  await applyCrds(client, crds);
  return filled;
}
