import type { RunEvent } from "../api/run-event.ts";
import type { Notice } from "./notice.ts";

/** A RunEvent as messages carry it (`schemas/run-event.json`): without `run`. */
export type EventData = Omit<RunEvent, "run"> & {
  /** Parts that are empty because the message would have been too large with them. */
  readonly dropped?: readonly string[];
  /** What the Notification's `message` says. */
  readonly notice?: Notice;
};

interface Drop {
  /** As it stands in `dropped`. */
  readonly name: string;
  readonly without: (data: EventData) => EventData;
}

/**
 * What is emptied first, second and so on until a message fits: what receivers miss least comes first. Nothing else in a
 * RunEvent can be large. The list is documented in docs/providers/sns.md and pubsub.md.
 */
export const dropOrder: readonly Drop[] = [
  { name: "annotations", without: (data) => ({ ...data, annotations: {} }) },
  { name: "params", without: (data) => ({ ...data, params: {} }) },
  { name: "tasks[].message", without: (data) => ({ ...data, tasks: data.tasks.map((task) => ({ ...task, message: "" })) }) },
  { name: "results", without: (data) => ({ ...data, results: {} }) },
  { name: "tasks", without: (data) => ({ ...data, tasks: [] }) },
  { name: "labels", without: (data) => ({ ...data, labels: {} }) },
  { name: "message", without: (data) => ({ ...data, message: "" }) },
];

/** Control characters and non-characters that JSON may hold as they are and XML may not: queues that SNS feeds refuse them. */
const notInXml = /[\u007f-\u009f\ufffe\uffff]/g;

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;

const encode = (data: EventData): string => JSON.stringify(data).replace(notInXml, escaped);

/** The RunEvent as messages carry it, with nothing left out. */
export const eventData = ({ run: _, ...event }: RunEvent, notice: Notice | undefined): EventData => ({ ...event, ...(notice !== undefined && { notice }) });

/**
 * The RunEvent as JSON of at most `maxBytes` bytes of UTF-8. Where it is larger, its large parts are emptied in
 * {@link dropOrder}, one after the other, and named in `dropped`: the result is always whole, and valid by its schema.
 */
export function eventJson(event: RunEvent, maxBytes: number, notice?: Notice): string {
  let data = eventData(event, notice);
  let json = encode(data);
  const dropped: string[] = [];
  for (const { name, without } of dropOrder) {
    if (Buffer.byteLength(json) <= maxBytes) return json;
    dropped.push(name);
    data = { ...without(data), dropped };
    json = encode(data);
  }
  return json;
}
