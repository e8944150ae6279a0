import { collectionPath, objectPath, type KubeClient, type KubeObject } from "./kube-client.ts";

/** A run that tests drive by hand, as Tekton's controller would. */
export interface MadeRun {
  readonly name: string;
  readonly uid: string;
  /** Writes the Succeeded condition, and the times that go with it: `at`, or now. */
  readonly become: (status: "Unknown" | "True" | "False", reason: string, at?: string) => Promise<void>;
  readonly remove: () => Promise<void>;
}

export interface MadeRunOptions {
  /** Default: PipelineRun. */
  readonly kind?: "PipelineRun" | "TaskRun" | "CustomRun";
  /** The PipelineRun that it is a child of. */
  readonly parent?: Pick<MadeRun, "name" | "uid">;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

const references = {
  PipelineRun: { pipelineRef: { name: "made" } },
  TaskRun: { taskRef: { name: "made" } },
  CustomRun: { customRef: { apiVersion: "example.com/v1", kind: "Made" } },
} as const;

const seconds = (): string => new Date().toISOString().replace(/\.\d+Z$/, "Z");

/** Creates a run without any status. */
export async function makeRun(client: KubeClient, namespace: string, name: string, options: MadeRunOptions = {}): Promise<MadeRun> {
  const { kind = "PipelineRun", parent } = options;
  const owner = parent === undefined ? {} : { ownerReferences: [{ apiVersion: "tekton.dev/v1", kind: "PipelineRun", name: parent.name, uid: parent.uid, controller: true }] };
  const ofParent = parent === undefined ? {} : { "tekton.dev/pipelineRun": parent.name, "tekton.dev/pipelineRunUID": parent.uid };
  const object: KubeObject = {
    apiVersion: kind === "CustomRun" ? "tekton.dev/v1beta1" : "tekton.dev/v1",
    kind,
    metadata: { name, namespace, ...owner, labels: { ...ofParent, ...options.labels }, annotations: { ...options.annotations } },
    spec: { ...references[kind], ...options.spec },
  };
  let current = await client.call("POST", collectionPath(object.apiVersion, object.kind, namespace), { body: object });
  return {
    name,
    uid: current.metadata.uid ?? "",
    become: async (status, reason, at = seconds()) => {
      const { startTime = at } = (current.status ?? {}) as { startTime?: string };
      const condition = { type: "Succeeded", status, reason, message: `made ${reason}`, lastTransitionTime: at };
      const next = { ...(kind === "TaskRun" && { podName: `${name}-pod` }), startTime, conditions: [condition], ...(status !== "Unknown" && { completionTime: at }) };
      current = await client.call("PUT", `${objectPath(current)}/status`, { body: { ...current, status: next } });
    },
    remove: async () => {
      await client.call("DELETE", objectPath(current));
    },
  };
}
