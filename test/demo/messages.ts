import type { Received, Receiver } from "../support/receivers.ts";
import { indented, line } from "./screen.ts";

/** A receiver as the demo calls it. */
export interface NamedReceiver {
  readonly name: string;
  readonly receiver: Receiver;
}

type Json = Readonly<Record<string, unknown>>;

const shortened = (text: string): string => text.replace(/[0-9a-f]{40}/g, (sha) => `${sha.slice(0, 10)}…`);

/** The run in an event's data, without its labels, annotations and parameters, which take a page. */
function readableData({ kind, name, status, reason, message, pipeline, duration, commit, tasks }: Json): Json {
  const told = (tasks as readonly Json[]).map((task) => `${String(task["name"])}: ${String(task["status"])}`);
  return { kind, name, status, reason, message, pipeline, ...(duration !== undefined && { duration }), commit, tasks: told };
}

function readableEvent({ data, ...attributes }: Json): string[] {
  const { id, type, subject, time, tektonloop } = attributes;
  return [JSON.stringify({ type, subject, id, time, tektonloop }), `data ${JSON.stringify(readableData(data as Json))}`];
}

function readable({ headers, json, body }: Received): string[] {
  if (headers["content-type"]?.startsWith("application/cloudevents+json") === true) return readableEvent(json as Json);
  return json === undefined ? [body] : [JSON.stringify(json)];
}

function show(name: string, request: Received): void {
  line(`  -> ${name.padEnd(11)} ${shortened(`${request.method} ${request.path}`)}  ${request.outcome}`);
  if (request.body !== "") for (const part of readable(request)) indented(shortened(part), 17);
}

/** Shows each request as it arrives, until the returned function is called, which shows the rest. */
export function showMessages(receivers: readonly NamedReceiver[]): () => void {
  const shown = new Map<Receiver, number>();
  const look = (): void => {
    for (const { name, receiver } of receivers) {
      const from = shown.get(receiver) ?? 0;
      const arrived = receiver.received.slice(from).filter(({ outcome }) => outcome !== "pending");
      for (const request of arrived) show(name, request);
      shown.set(receiver, from + arrived.length);
    }
  };
  const timer = setInterval(look, 20);
  return () => {
    clearInterval(timer);
    look();
  };
}
