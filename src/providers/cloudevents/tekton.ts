import type { RunEvent, RunKind } from "../../api/run-event.ts";

/**
 * Tekton's own CloudEvents: the data is the run in v1beta1, without apiVersion and kind. What Tekton changes when it makes
 * v1beta1 of v1 was recorded from its events controller (test/testdata/tekton-cloudevents/README.md), its losses included.
 */

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const objectAt = (object: Json, name: string): Json => (isObject(object[name]) ? object[name] : {});

/** Changes a member that is there. */
function change(object: Json, name: string, how: (value: unknown) => unknown): Json {
  return Object.hasOwn(object, name) ? { ...object, [name]: how(object[name]) } : object;
}

const inObject = (how: (object: Json) => Json) => (value: unknown): unknown => (isObject(value) ? how(value) : value);
const inList = (how: (object: Json) => Json) => (value: unknown): unknown => (Array.isArray(value) ? (value as unknown[]).map(inObject(how)) : value);

function without(object: Json, ...names: string[]): Json {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

/** Gives members other names. */
function renamed(object: Json, names: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [Object.hasOwn(names, name) ? (names[name] ?? name) : name, value]));
}

const container = (object: Json): Json => renamed(object, { computeResources: "resources" });

function taskSpec(spec: Json): Json {
  const steps = change(change(spec, "steps", inList(container)), "sidecars", inList(container));
  return change(steps, "stepTemplate", inObject(container));
}

/** Overrides of steps and sidecars, in a TaskRun or for a task of a PipelineRun. */
function overrides(object: Json): Json {
  const inner = change(change(object, "stepSpecs", inList(container)), "sidecarSpecs", inList(container));
  return renamed(inner, { stepSpecs: "stepOverrides", sidecarSpecs: "sidecarOverrides" });
}

const pipelineTask = (task: Json): Json => change(without(task, "pipelineRef", "pipelineSpec"), "taskSpec", inObject(taskSpec));
const pipelineSpec = (spec: Json): Json => change(change(spec, "tasks", inList(pipelineTask)), "finally", inList(pipelineTask));

/** Tekton writes the labels in the place of the annotations. */
function taskRunSpecMetadata(metadata: Json): Json {
  const bare = without(metadata, "annotations");
  return isObject(metadata["labels"]) ? { ...bare, annotations: metadata["labels"] } : bare;
}

function taskRunSpec(spec: Json): Json {
  const inner = change(overrides(spec), "metadata", inObject(taskRunSpecMetadata));
  return renamed(inner, { serviceAccountName: "taskServiceAccountName", podTemplate: "taskPodTemplate" });
}

function pipelineRunSpec(spec: Json): Json {
  const { serviceAccountName, podTemplate } = objectAt(spec, "taskRunTemplate");
  const up = { ...(serviceAccountName !== undefined && { serviceAccountName }), ...(podTemplate !== undefined && { podTemplate }) };
  const inner = change(change(without(spec, "taskRunTemplate", "managedBy"), "taskRunSpecs", inList(taskRunSpec)), "pipelineSpec", inObject(pipelineSpec));
  return { ...inner, ...up };
}

const pipelineRunStatus = (status: Json): Json => change(renamed(without(status, "spanContext"), { results: "pipelineResults" }), "pipelineSpec", inObject(pipelineSpec));

const taskRunSpecOf = (spec: Json): Json => change(overrides(without(spec, "managedBy")), "taskSpec", inObject(taskSpec));

/** Also the status of an earlier try. */
function taskRunStatus(status: Json): Json {
  const kept = renamed(without(status, "artifacts", "spanContext"), { results: "taskResults" });
  const steps = change(kept, "steps", inList((step) => without(step, "terminationReason")));
  return change(change(steps, "taskSpec", inObject(taskSpec)), "retriesStatus", inList(taskRunStatus));
}

interface Conversion {
  /** The one key of the data. */
  readonly key: string;
  readonly spec: (spec: Json) => Json;
  readonly status: (status: Json) => Json;
  /** What the status always has. */
  readonly always: Json;
}

const same = (value: Json): Json => value;

const conversions: Readonly<Record<RunKind, Conversion>> = {
  PipelineRun: { key: "pipelineRun", spec: pipelineRunSpec, status: pipelineRunStatus, always: {} },
  TaskRun: { key: "taskRun", spec: taskRunSpecOf, status: taskRunStatus, always: { podName: "" } },
  CustomRun: { key: "customRun", spec: same, status: same, always: { extraFields: null } },
};

/** The data of Tekton's event about a run, from the run as the API server has it. */
export function tektonData(kind: RunKind, object: Json): Json {
  const { key, spec, status, always } = conversions[kind];
  const converted = change(without(object, "apiVersion", "kind"), "spec", inObject(spec));
  return { [key]: { ...converted, status: { ...always, ...status(objectAt(object, "status")) } } };
}

const named = (values: Json): Json[] => Object.entries(values).map(([name, value]) => ({ name, value }));

const conditionStatus = ({ terminal, status }: RunEvent): string => (!terminal ? "Unknown" : status === "Succeeded" ? "True" : "False");

/** As much of the run's object as the RunEvent knows, for a run that is gone before its event was accepted. */
export function objectFrom(event: RunEvent): Json {
  const { name, namespace, uid, labels, annotations, params, results, reason, message, startTime, completionTime, run } = event;
  const condition = { type: "Succeeded", status: conditionStatus(event), reason, message };
  const status = {
    ...(reason !== "" && { conditions: [condition] }),
    ...(startTime !== undefined && { startTime }),
    ...(completionTime !== undefined && { completionTime }),
    ...(Object.keys(results).length > 0 && { results: named(results) }),
  };
  return {
    metadata: { name, namespace, uid, ...run.metadata, labels, annotations },
    spec: { ...(Object.keys(params).length > 0 && { params: named(params) }), ...run.spec },
    status: { ...status, ...run.status },
  };
}

const endings: Partial<Readonly<Record<RunEvent["status"], string>>> = { Succeeded: "successful", Failed: "failed", Cancelled: "failed", TimedOut: "failed" };

function stateOf({ kind, status, reason }: RunEvent): string {
  const end = endings[status];
  if (end !== undefined) return end;
  // Without a condition there is no reason.
  if (reason === "" && status === "Pending") return kind === "CustomRun" ? "started" : "queued";
  if (kind === "CustomRun" || reason === "Running") return "running";
  return reason === "Started" ? "started" : "unknown";
}

/** The type of Tekton's event about a run in this state; undefined where Tekton has none: a run that was deleted falls silent. */
export function tektonType(event: RunEvent): string | undefined {
  if (event.deleted) return undefined;
  return `dev.tekton.event.${event.kind.toLowerCase()}.${stateOf(event)}.v1`;
}

/** What Tekton writes into `source`: group, version and kind are empty there. */
export const tektonSource = ({ namespace, name }: RunEvent): string => `/apis///namespaces/${namespace}//${encodeURIComponent(name.toWellFormed())}`;
