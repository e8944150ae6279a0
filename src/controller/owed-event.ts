import { maxOwedBytes } from "../api/delivery.ts";
import type { RunEvent } from "../api/run-event.ts";

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Annotations that a message may still be made of: the commit, the context, the loop guard, the link. */
const neededAnnotations = /^(integrations\.tekton\.ornew\.io|pipelinesascode\.tekton\.dev|github\.integrations\.tekton\.dev|tekton\.dev)\//;

/** What is given up, in this order, until the event fits. */
const cuts: readonly ((event: RunEvent) => RunEvent)[] = [
  (event) => ({ ...event, run: {} }),
  (event) => ({ ...event, annotations: Object.fromEntries(Object.entries(event.annotations).filter(([key]) => neededAnnotations.test(key))) }),
  (event) => ({ ...event, tasks: event.tasks.map((task) => ({ ...task, message: task.message.slice(0, 200) })) }),
  (event) => ({ ...event, message: event.message.slice(0, 1000) }),
  (event) => ({ ...event, params: {} }),
  (event) => ({ ...event, tasks: event.tasks.slice(0, 20).map((task) => ({ ...task, message: "" })) }),
  (event) => ({ ...event, results: {} }),
  (event) => ({ ...event, tasks: [], labels: {} }),
  (event) => ({ ...event, annotations: Object.fromEntries(Object.entries(event.annotations).filter(([, value]) => value.length <= 256).slice(0, 16)) }),
];

/** The RunEvent as it is kept in `status.owed`: cut down, in a fixed order, until it fits into 16 KiB of JSON. */
export function owedEvent(event: RunEvent): RunEvent {
  let result = cuts[0]?.(event) ?? event;
  for (const cut of cuts) {
    if (sizeOf(result) <= maxOwedBytes) return result;
    result = cut(result);
  }
  return result;
}
