import { annotations } from "../api/group.ts";
import type { RunEvent, RunEventTask, RunKind } from "../api/run-event.ts";
import { deletedReason } from "../api/run-reasons.ts";
import { webUrl } from "../api/web-url.ts";
import { commitOf } from "./commit.ts";
import { isTerminal, runStatus } from "./run-status.ts";
import type { TrimmedRun } from "./trim-run.ts";

const maxTasks = 512;

/** What a run shows of its children. */
export type ChildRun = Pick<TrimmedRun, "kind" | "name" | "labels" | "condition" | "startTime" | "completionTime">;

/** What a RunEvent is made of besides the run itself. */
export interface Surroundings {
  /** The run's direct children, in any order. */
  readonly children: readonly ChildRun[];
  /** Link to a run, with `{kind}`, `{plural}`, `{namespace}` and `{name}` as placeholders. */
  readonly urlTemplate?: string | undefined;
  /** The run vanished before it ended. */
  readonly deleted?: boolean;
}

const plurals: Readonly<Record<RunKind, string>> = { PipelineRun: "pipelineruns", TaskRun: "taskruns", CustomRun: "customruns" };

const seconds = (time: string | undefined): number | undefined => {
  const ms = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms / 1000;
};

/** From start to end as `<seconds>s`; clocks and re-created runs can make it negative, which counts as nothing. */
function durationOf(start: string | undefined, end: string | undefined): string | undefined {
  const from = seconds(start);
  const to = seconds(end);
  return from === undefined || to === undefined ? undefined : `${Math.max(0, Math.round((to - from) * 1000) / 1000)}s`;
}

/** `[{name, value}]` as a map without a prototype. */
function namedValues(list: readonly unknown[]): Record<string, unknown> {
  const result = Object.create(null) as Record<string, unknown>;
  for (const entry of list) {
    if (typeof entry !== "object" || entry === null) continue;
    const { name, value } = entry as { name?: unknown; value?: unknown };
    if (typeof name === "string" && value !== undefined && value !== null) result[name] = value;
  }
  return result;
}

/** Name of the pipeline (or of the task, for a run without a pipeline). */
export function pipelineOf(run: TrimmedRun): string {
  const label = run.labels["tekton.dev/pipeline"] ?? (run.owner === undefined ? run.labels["tekton.dev/task"] : undefined);
  return label ?? run.reference ?? run.generateName?.replace(/-+$/, "") ?? "";
}

function urlOf(run: TrimmedRun, template: string | undefined): string | undefined {
  const plural = plurals[run.kind];
  const dashboard = webUrl(run.annotations[annotations.dashboardBaseUrl])?.replace(/\/+$/, "");
  if (dashboard !== undefined) return webUrl(`${dashboard}/#/namespaces/${run.namespace}/${plural}/${run.name}`);
  const fields: Readonly<Record<string, string>> = { kind: run.kind, plural, namespace: run.namespace, name: run.name };
  return webUrl(template?.replace(/\{(\w+)\}/g, (placeholder, field: string) => fields[field] ?? placeholder));
}

function taskOf(child: ChildRun): RunEventTask {
  const duration = isTerminal(child) ? durationOf(child.startTime, child.completionTime) : undefined;
  return {
    name: child.labels["tekton.dev/pipelineTask"] ?? child.name,
    kind: child.kind,
    status: runStatus(child),
    reason: child.condition?.reason ?? "",
    message: child.condition?.message ?? "",
    ...(duration !== undefined && { duration }),
    ignored: child.condition?.reason === "FailureIgnored",
  };
}

function tasksOf(run: TrimmedRun, children: readonly ChildRun[]): RunEventTask[] {
  const place = new Map(run.taskOrder.map((name, index) => [name, index]));
  const placeOf = (child: ChildRun): number => place.get(child.labels["tekton.dev/pipelineTask"] ?? "") ?? run.taskOrder.length;
  return [...children]
    .sort((a, b) => placeOf(a) - placeOf(b) || (a.name < b.name ? -1 : 1))
    .slice(0, maxTasks)
    .map(taskOf);
}

/** Name of the pipeline's task that the run is; undefined: nobody's child. */
export const pipelineTaskOf = (run: TrimmedRun): string | undefined => (run.owner === undefined ? undefined : run.labels["tekton.dev/pipelineTask"]);

type Optional = "startTime" | "completionTime" | "duration" | "pipelineTask" | "parent" | "url";

function optionalFields(run: TrimmedRun, terminal: boolean, urlTemplate: string | undefined): Pick<RunEvent, Optional> {
  const fields: Record<Optional, unknown> = {
    startTime: run.startTime,
    completionTime: terminal ? run.completionTime : undefined,
    duration: terminal ? durationOf(run.startTime, run.completionTime) : undefined,
    pipelineTask: pipelineTaskOf(run),
    parent: run.owner,
    url: urlOf(run, urlTemplate),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Status, reason and message: of the condition, or of the deletion that ended the run before its time. */
function stateOf(run: TrimmedRun, deleted: boolean): Pick<RunEvent, "status" | "reason" | "message"> {
  if (deleted) return { status: "Cancelled", reason: deletedReason, message: "The run was deleted before it ended." };
  return { status: runStatus(run), reason: run.condition?.reason ?? "", message: run.condition?.message ?? "" };
}

/** One state of a run as filters, templates and providers see it. */
export function normaliseRun(run: TrimmedRun, surroundings: Surroundings): RunEvent {
  const deleted = surroundings.deleted === true && !isTerminal(run);
  const terminal = deleted || isTerminal(run);
  return {
    kind: run.kind,
    name: run.name,
    namespace: run.namespace,
    uid: run.uid,
    labels: run.labels,
    annotations: run.annotations,
    params: namedValues(run.params),
    results: namedValues(run.results),
    ...stateOf(run, deleted),
    terminal,
    pipeline: pipelineOf(run),
    commit: commitOf(run.annotations),
    tasks: tasksOf(run, surroundings.children),
    ...optionalFields(run, terminal, surroundings.urlTemplate),
    deleted,
    run: run.object,
  };
}

/** When the run ended, in milliseconds since the epoch: completionTime, else when its condition last changed. */
export function endedAt(run: Pick<TrimmedRun, "completionTime" | "condition">): number | undefined {
  const time = run.completionTime ?? run.condition?.lastTransitionTime;
  const ms = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}
