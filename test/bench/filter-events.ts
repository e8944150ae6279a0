import type { RunEvent, RunKind } from "../../src/api/run-event.ts";
import { normaliseRun } from "../../src/controller/normalise-run.ts";
import { trimRun } from "../../src/controller/trim-run.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { readRecording, recordingNames } from "../support/replay-recording.ts";

/** As it comes out of JSON, with nothing shared between two events. */
const asJson = (event: RunEvent): RunEvent => JSON.parse(JSON.stringify(event)) as RunEvent;

function eventOf(objects: ReadonlyMap<string, KubeObject>, uid: string): RunEvent {
  const runs = Array.from(objects, ([key, object]) => ({ key, run: trimRun(object, object.kind as RunKind) }));
  const found = runs.find(({ key }) => key === uid);
  if (found === undefined) {
    throw new Error(`there is no run ${uid}`);
  }
  return asJson(normaliseRun(found.run, { children: runs.filter(({ key }) => key !== uid).map(({ run }) => run) }));
}

/** All states that the recorded runs went through, as the controller would see them. */
function recordedStates(recording: string): readonly RunEvent[] {
  const objects = new Map<string, KubeObject>();
  return readRecording(recording).map(({ object }) => {
    const uid = object.metadata.uid ?? "";
    objects.set(uid, object);
    return eventOf(objects, uid);
  });
}

/** The last state of a recorded PipelineRun, as the controller would see it. */
export function recordedEvent(recording: string): RunEvent {
  const event = recordedStates(recording).findLast(({ kind }) => kind === "PipelineRun");
  if (event === undefined) {
    throw new Error(`${recording} holds no PipelineRun`);
  }
  return event;
}

const statuses = ["Failed", "Succeeded", "TimedOut", "Cancelled"] as const;

/** One event with other values in the same fields. */
function varied(event: RunEvent, index: number): RunEvent {
  const status = statuses[index % statuses.length] ?? "Failed";
  const copy = asJson(event);
  return {
    ...copy,
    name: `${event.name.slice(0, -5)}${(index + 100_000).toString(36).padStart(5, "0")}`,
    namespace: `${index % 3 === 0 ? "ci" : "team"}-${index % 7}`,
    uid: `${event.uid.slice(0, -2)}${String(index).padStart(2, "0")}`,
    status,
    reason: status,
    duration: `${index % 5}s`,
    labels: { ...copy.labels, "tekton.dev/pipeline": index % 2 === 0 ? "shop-api-on-push" : `shop-${index}` },
    tasks: copy.tasks.map((task, at) => ({ ...task, status: (at + index) % 3 === 0 ? "Failed" : "Succeeded" })),
  };
}

/** 64 events with the same fields, all different. */
export function eventsOfOneShape(): readonly RunEvent[] {
  const base = recordedEvent("failed-step");
  return Array.from({ length: 64 }, (_, index) => asJson(varied(base, index)));
}

/** The names of all fields, in their order, which is what JavaScript engines know objects by. */
const shapeOf = (value: unknown): string =>
  typeof value !== "object" || value === null ? "" : Array.isArray(value) ? `[${value.map(shapeOf).join()}]` : `{${Object.entries(value).map(([key, part]) => `${key}${shapeOf(part)}`).join()}}`;

const topShape = ({ run: _run, ...event }: RunEvent): string => shapeOf(event);

/** 16 states of recorded runs of which no two have the same fields. */
export function eventsOfManyShapes(): readonly RunEvent[] {
  const byShape = new Map<string, RunEvent>();
  for (const event of recordingNames().flatMap(recordedStates)) {
    byShape.set(topShape(event), event);
  }
  const events = [...byShape.values()];
  const step = Math.floor(events.length / 16);
  return Array.from({ length: 16 }, (_, index) => {
    const event = events[index * step];
    if (event === undefined) {
      throw new Error("the recordings have fewer than 16 shapes");
    }
    return event;
  });
}
