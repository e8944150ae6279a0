import { collectionPath, objectPath, type KubeClient, type KubeObject } from "./kube-client.ts";

/** A PipelineRun that tests drive by hand, as Tekton's controller would. */
export interface MadeRun {
  readonly name: string;
  readonly uid: string;
  /** Writes the Succeeded condition, and the times that go with it. */
  readonly become: (status: "Unknown" | "True" | "False", reason: string) => Promise<void>;
  readonly remove: () => Promise<void>;
}

export interface MadeRunOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

const seconds = (): string => new Date().toISOString().replace(/\.\d+Z$/, "Z");

/** Creates a PipelineRun without any status. */
export async function makeRun(client: KubeClient, namespace: string, name: string, options: MadeRunOptions = {}): Promise<MadeRun> {
  const object: KubeObject = {
    apiVersion: "tekton.dev/v1",
    kind: "PipelineRun",
    metadata: { name, namespace, labels: { ...options.labels }, annotations: { ...options.annotations } },
    spec: { pipelineRef: { name: "made" }, ...options.spec },
  };
  let current = await client.call("POST", collectionPath(object.apiVersion, object.kind, namespace), { body: object });
  return {
    name,
    uid: current.metadata.uid ?? "",
    become: async (status, reason) => {
      const { startTime = seconds() } = (current.status ?? {}) as { startTime?: string };
      const condition = { type: "Succeeded", status, reason, message: `made ${reason}`, lastTransitionTime: seconds() };
      const next = { startTime, conditions: [condition], ...(status !== "Unknown" && { completionTime: seconds() }) };
      current = await client.call("PUT", `${objectPath(current)}/status`, { body: { ...current, status: next } });
    },
    remove: async () => {
      await client.call("DELETE", objectPath(current));
    },
  };
}
