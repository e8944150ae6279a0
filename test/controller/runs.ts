import type { RunEvent, RunKind } from "../../src/api/run-event.ts";
import { trimRun, type RunCondition, type TrimmedRun } from "../../src/controller/trim-run.ts";
import { readRecording, recordingNames, type RecordedEvent } from "../support/replay-recording.ts";

export const runUid = "c9129e44-6291-4dfa-8a21-b553b70c6267";
export const sha = "0f98b1f7eda33a4e9cfaab09506aa8094044085f";

/** A PipelineRun that was just created, with what a test sets. */
export function trimmed(fields: Partial<TrimmedRun> = {}): TrimmedRun {
  return {
    apiVersion: "tekton.dev/v1",
    kind: "PipelineRun",
    namespace: "ci",
    name: "build-1",
    uid: runUid,
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: {},
    annotations: {},
    params: [],
    results: [],
    taskOrder: [],
    object: {},
    ...fields,
  };
}

export const condition = (status: string, reason = "", message = ""): RunCondition => ({ status, reason, message });

/** A state of a run as filters and providers see it; Running unless a test says otherwise. */
export function runEvent(fields: Partial<RunEvent> = {}): RunEvent {
  return {
    kind: "PipelineRun",
    name: "build-1",
    namespace: "ci",
    uid: runUid,
    labels: {},
    annotations: {},
    params: {},
    results: {},
    status: "Running",
    reason: "Running",
    message: "",
    terminal: false,
    pipeline: "build",
    commit: { owner: "example-org", repo: "shop-api", sha },
    tasks: [],
    deleted: false,
    run: {},
    ...fields,
  };
}

/** The event of a run that ended so. */
export const ended = (status: "Succeeded" | "Failed" | "Cancelled" | "TimedOut", fields: Partial<RunEvent> = {}): RunEvent =>
  runEvent({ status, reason: status, terminal: true, completionTime: "2026-01-01T00:10:00Z", ...fields });

export const kindOf = ({ object }: RecordedEvent): RunKind => object.kind as RunKind;

/** Every recorded watch event, with the name of its recording and its place in it; see {@link trimRun} for `whole`. */
export function recorded(whole = false): { readonly where: string; readonly event: RecordedEvent; readonly run: TrimmedRun }[] {
  return recordingNames().flatMap((name) =>
    readRecording(name).map((event, index) => ({ where: `${name}:${index + 1}`, event, run: trimRun(event.object, kindOf(event), whole) })),
  );
}

/** Freezes a value and all below it, so that whoever changes it is found out. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
