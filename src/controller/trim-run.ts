import type { RunKind } from "../api/run-event.ts";
import { runKinds } from "../api/run-event.ts";
import { shorten } from "../api/text.ts";
import type { KubeObject } from "../kube/resources.ts";

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
  /** `spec.status`: what was asked of the run, such as `Cancelled`. */
  readonly requested?: string;
}

/** Bounds of the RunEvent's fields, kept from the start so that no run takes more memory than it can ever use. */
const maxAnnotationLength = 8192;
const maxMessageLength = 8192;
const maxReasonLength = 1024;
const maxNameLength = 253;
const maxEntries = 256;

type Json = Readonly<Record<string, unknown>>;

const record = (value: unknown): Json => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {});
const array = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
const string = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const name = (value: unknown): string | undefined => string(value)?.slice(0, maxNameLength);

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** A time that is one: the status of a CustomRun is written by whoever runs it. */
const time = (value: unknown): string | undefined => (typeof value === "string" && rfc3339.test(value) && !Number.isNaN(Date.parse(value)) ? value : undefined);

/** Keys that messages are made of. */
const needed = /^(?:[a-z0-9.-]+\.)?tekton\.dev\/|^integrations\.tekton\.ornew\.io\//;

/** The string-valued entries, as a map without a prototype: labels may be called `__proto__`. Of too many, those that are needed stay. */
function strings(value: unknown, maxLength: number): Readonly<Record<string, string>> {
  const result = Object.create(null) as Record<string, string>;
  const kept = Object.entries(record(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string" && entry[1].length <= maxLength && entry[0] !== "kubectl.kubernetes.io/last-applied-configuration",
  );
  const ordered = kept.length <= maxEntries ? kept : kept.toSorted(([a], [b]) => Number(needed.test(b)) - Number(needed.test(a)));
  for (const [key, entry] of ordered.slice(0, maxEntries)) result[key] = entry;
  return result;
}

function conditionOf(status: Json): RunCondition | undefined {
  const condition = array(status["conditions"]).map(record).find(({ type }) => type === "Succeeded");
  if (condition === undefined) return undefined;
  const lastTransitionTime = time(condition["lastTransitionTime"]);
  return {
    status: string(condition["status"]) ?? "Unknown",
    reason: shorten(string(condition["reason"]) ?? "", maxReasonLength),
    message: shorten(string(condition["message"]) ?? "", maxMessageLength),
    ...(lastTransitionTime !== undefined && { lastTransitionTime }),
  };
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

/** Cuts a run of the API server down as it is decoded. `kind` is known from where it was listed. */
export function trimRun(object: KubeObject, kind: RunKind): TrimmedRun {
  const metadata = object.metadata as Json;
  const spec = record(object["spec"]);
  const status = record(object["status"]);
  const optional: Partial<TrimmedRun> = present({
    generateName: string(metadata["generateName"]),
    owner: ownerOf(metadata),
    reference: name(record(spec["pipelineRef"])["name"]) ?? name(record(spec["taskRef"])["name"]) ?? name(record(spec["customRef"])["name"]),
    condition: conditionOf(status),
    startTime: time(status["startTime"]),
    completionTime: time(status["completionTime"]),
    requested: string(spec["status"]),
  });
  return {
    apiVersion: object.apiVersion,
    kind,
    namespace: string(metadata["namespace"]) ?? "",
    name: string(metadata["name"]) ?? "",
    uid: string(metadata["uid"]) ?? "",
    creationTimestamp: time(metadata["creationTimestamp"]) ?? "",
    labels: strings(metadata["labels"], 63),
    annotations: strings(metadata["annotations"], maxAnnotationLength),
    params: array(spec["params"]).slice(0, maxEntries),
    results: array(status["results"]).slice(0, maxEntries),
    taskOrder: taskOrderOf(spec, status),
    ...optional,
  };
}
