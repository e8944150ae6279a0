import type { RunKind } from "../api/run-event.ts";
import { runKinds } from "../api/run-event.ts";
import { runObjectSchema, type RunObject } from "../api/run-object.ts";
import type { KubeObject } from "../kube/resources.ts";
import { array, record, trimmerOf, withoutManagedFields, type Json } from "./trim-object.ts";

/** One condition of a run, as far as it is read. */
export interface RunCondition {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime?: string;
}

/** What is kept of a run: enough for every RunEvent that will be made of it, and no more. */
export interface TrimmedRun {
  readonly apiVersion: string;
  readonly kind: RunKind;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generateName?: string;
  readonly creationTimestamp: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The run that owns this one. */
  readonly owner?: { readonly kind: RunKind; readonly name: string; readonly uid: string };
  /** Name of the referenced Pipeline or Task. */
  readonly reference?: string;
  readonly params: readonly unknown[];
  readonly results: readonly unknown[];
  readonly condition?: RunCondition;
  readonly startTime?: string;
  readonly completionTime?: string;
  /** Names of the pipeline's tasks in the order of its definition. */
  readonly taskOrder: readonly string[];
  /** The object itself, cut down: what `run` gives to filters. */
  readonly object: RunObject;
  /** The object as it is, without `managedFields`, where a message is made of it. */
  readonly whole?: Json;
  /** `spec.status`: what was asked of the run, such as `Cancelled`. */
  readonly requested?: string;
}

const maxNameLength = 253;

const string = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const name = (value: unknown): string | undefined => string(value)?.slice(0, maxNameLength);

const trimObject = trimmerOf(runObjectSchema);

function conditionOf(status: RunObject["status"]): RunCondition | undefined {
  const condition = status?.conditions?.find(({ type }) => type === "Succeeded");
  if (condition === undefined) return undefined;
  const { status: value = "Unknown", reason = "", message = "", lastTransitionTime } = condition;
  return { status: value === "" ? "Unknown" : value, reason, message, ...(lastTransitionTime !== undefined && { lastTransitionTime }) };
}

function ownerOf(metadata: Json): TrimmedRun["owner"] {
  for (const owner of array(metadata["ownerReferences"]).map(record)) {
    const kind = runKinds.find((known) => known === owner["kind"]);
    const ownerName = string(owner["name"]);
    const uid = string(owner["uid"]);
    const ofTekton = string(owner["apiVersion"])?.startsWith("tekton.dev/") === true;
    if (ofTekton && owner["controller"] === true && kind !== undefined && ownerName !== undefined && uid !== undefined) return { kind, name: ownerName, uid };
  }
  return undefined;
}

function taskOrderOf(spec: Json, status: Json): string[] {
  const definition = record(status["pipelineSpec"] ?? spec["pipelineSpec"]);
  return [...array(definition["tasks"]), ...array(definition["finally"])].flatMap((task) => string(record(task)["name"]) ?? []);
}

/** Leaves out what has no value, so that absent fields are absent. */
function present<Value extends object>(value: Value): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as { [Key in keyof Value]: Exclude<Value[Key], undefined> };
}

/** The object with its three parts, however broken it is. */
function whole(object: KubeObject): object {
  return { ...object, metadata: { labels: {}, annotations: {}, ...object.metadata }, spec: record(object["spec"]), status: record(object["status"]) };
}

const identityOf = ({ name, namespace, uid, creationTimestamp, labels, annotations }: Partial<NonNullable<RunObject["metadata"]>> = {}) => ({
  namespace: namespace ?? "",
  name: name ?? "",
  uid: uid ?? "",
  creationTimestamp: creationTimestamp ?? "",
  labels: labels ?? {},
  annotations: annotations ?? {},
});

const referenceOf = (spec: RunObject["spec"]): string | undefined => name(spec?.pipelineRef?.name) ?? name(spec?.taskRef?.name) ?? name(spec?.customRef?.name);

/** Cuts a run of the API server down as it is decoded. `kind` is known from where it was listed; `keepWhole`: see {@link TrimmedRun.whole}. */
export function trimRun(object: KubeObject, kind: RunKind, keepWhole = false): TrimmedRun {
  const kept = trimObject(whole(object)) as RunObject;
  const { metadata, spec, status } = kept;
  return {
    apiVersion: object.apiVersion,
    kind,
    ...identityOf(metadata),
    params: spec?.params ?? [],
    results: status?.results ?? [],
    taskOrder: taskOrderOf(record(object["spec"]), record(object["status"])),
    object: kept,
    ...present({
      generateName: string(metadata?.generateName),
      owner: ownerOf(object.metadata as Json),
      reference: referenceOf(spec),
      condition: conditionOf(status),
      startTime: status?.startTime,
      completionTime: status?.completionTime,
      requested: string(spec?.status),
      whole: keepWhole ? withoutManagedFields(object) : undefined,
    }),
  };
}
