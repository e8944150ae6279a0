import { maxOwedBytes } from "../api/delivery.ts";
import { annotations as own } from "../api/group.ts";
import type { RunEvent } from "../api/run-event.ts";
import { cutToBytes } from "../api/text.ts";
import { oneLine } from "../providers/text.ts";

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Annotations that a message may still be made of: the commit, the context, the loop guard, the link. */
const neededAnnotations = /^(integrations\.tekton\.ornew\.io|pipelinesascode\.tekton\.dev|github\.integrations\.tekton\.dev|tekton\.dev)\//;

/** What a message is made of even when the commit and the link are known: enough of it to make the same message. */
function lastAnnotations(event: RunEvent): Record<string, string> {
  const contextId = event.annotations[own.contextId];
  const loop = event.annotations[own.loop];
  return {
    ...(contextId !== undefined && { [own.contextId]: cutToBytes(oneLine(contextId), 512) }),
    ...(loop !== undefined && { [own.loop]: cutToBytes(loop, 64) }),
  };
}

/** Of the object, what tells older runs from newer ones. */
function ageOf({ run: { metadata } }: RunEvent): RunEvent["run"] {
  if (metadata === undefined) return {};
  const { name, namespace, uid, creationTimestamp } = metadata;
  return { metadata: { name, namespace, uid, ...(creationTimestamp !== undefined && { creationTimestamp }), labels: {}, annotations: {} } };
}

/** What is given up, in this order, until the event fits. */
const cuts: readonly ((event: RunEvent) => RunEvent)[] = [
  (event) => ({ ...event, run: ageOf(event) }),
  (event) => ({ ...event, annotations: Object.fromEntries(Object.entries(event.annotations).filter(([key]) => neededAnnotations.test(key))) }),
  (event) => ({ ...event, tasks: event.tasks.map((task) => ({ ...task, message: cutToBytes(task.message, 200) })) }),
  (event) => ({ ...event, message: cutToBytes(event.message, 1000) }),
  (event) => ({ ...event, params: {} }),
  (event) => ({ ...event, tasks: event.tasks.slice(0, 20).map((task) => ({ ...task, message: "" })) }),
  (event) => ({ ...event, results: {} }),
  (event) => ({ ...event, tasks: [], labels: {} }),
  (event) => ({
    ...event,
    reason: cutToBytes(event.reason, 256),
    message: cutToBytes(event.message, 256),
    annotations: lastAnnotations(event),
  }),
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
