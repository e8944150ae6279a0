import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlane } from "../support/control-plane.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import { startReceiver } from "../support/receivers.ts";
import { eventually } from "../support/wait.ts";

const namespace = "latency";
const runsPath = `/apis/tekton.dev/v1/namespaces/${namespace}/pipelineruns`;

/** One status update of a run, in milliseconds of `performance.now()`. */
export interface Measured {
  readonly sentAt: number;
  /** The API server's answer was there. */
  readonly storedAt: number;
  /** The request was at the receiver, whole. */
  readonly arrivedAt: number;
}

export interface LatencyResult {
  readonly measured: readonly Measured[];
  /** Requests of the measured part that the receiver got; equal to the updates when nothing was lost or told twice. */
  readonly requests: number;
  /** Updates per second that were reached. */
  readonly rate: number;
}

interface Told {
  readonly uid: string;
  readonly status: string;
}

async function createRuns({ client }: ControlPlane, count: number): Promise<KubeObject[]> {
  const runs: KubeObject[] = [];
  for (let index = 0; index < count; index += 1) {
    const metadata = { namespace, name: `run-${index}`, labels: { "tekton.dev/pipeline": "build" } };
    runs.push(await client.call("POST", runsPath, { body: { apiVersion: "tekton.dev/v1", kind: "PipelineRun", metadata, spec: { pipelineRef: { name: "build" } } } }));
  }
  return runs;
}

function ended(run: KubeObject): KubeObject {
  const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const succeeded = { type: "Succeeded", status: "True", reason: "Succeeded", message: "Tasks Completed: 3 (Failed: 0, Cancelled 0), Skipped: 0", lastTransitionTime: now };
  return { ...run, status: { startTime: now, completionTime: now, conditions: [succeeded] } };
}

/**
 * Creates `updates` runs, waits until all are reported as pending, then ends one after the other at `perSecond`, and measures
 * from each update to the request at a local receiver. The product must be installed in the control plane.
 */
export async function measureLatency(plane: ControlPlane, { updates, perSecond }: { readonly updates: number; readonly perSecond: number }): Promise<LatencyResult> {
  const arrivals: (Told & { readonly at: number })[] = [];
  const receiver = await startReceiver({
    respond: ({ json }) => {
      const { uid, status } = (json as { data: Told }).data;
      arrivals.push({ uid, status, at: performance.now() });
      return { status: 202 };
    },
  });
  try {
    await plane.kubectl(["create", "namespace", namespace]);
    const objects = [cloudEventsProvider(namespace, "events", receiver.url), notification(namespace, "all", "events")];
    await plane.kubectl(["apply", "-f", "-"], { input: objects.map((object) => JSON.stringify(object)).join("\n---\n") });
    await plane.kubectl(["wait", "--for=condition=Ready", "provider,notification", "--all", "--namespace", namespace, "--timeout=30s"]);
    const runs = await createRuns(plane, updates);
    await eventually("every run is reported as pending", () => arrivals.length === updates);
    await sleep(1_000);

    const begun = performance.now();
    const sent = await Promise.all(runs.map(async (run, index) => {
      await sleep(Math.max(0, begun + (index * 1000) / perSecond - performance.now()));
      const sentAt = performance.now();
      await plane.client.call("PUT", `${runsPath}/${run.metadata.name}/status`, { body: ended(run) });
      return { uid: run.metadata.uid ?? "", sentAt, storedAt: performance.now() };
    }));
    const last = Math.max(...sent.map(({ sentAt }) => sentAt));
    await eventually("every end has arrived", () => arrivals.length >= 2 * updates).catch(() => undefined);
    await sleep(500);
    const ends = new Map(arrivals.slice(updates).filter(({ status }) => status === "Succeeded").map(({ uid, at }) => [uid, at]));
    return {
      measured: sent.flatMap(({ uid, ...times }) => (ends.has(uid) ? [{ ...times, arrivedAt: ends.get(uid) ?? 0 }] : [])),
      requests: arrivals.length - updates,
      rate: ((updates - 1) * 1000) / (last - begun),
    };
  } finally {
    await receiver.close();
  }
}
