import { parse } from "node:querystring";
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

/** Where a message goes at Slack, its title, and what its blocks say. */
function readableSlack({ channel = "", ts, thread_ts: thread, text = "", blocks = "[]", attachments = "[]" }: Readonly<Record<string, string>>): string[] {
  const [attachment] = JSON.parse(attachments) as readonly Json[];
  const place = { channel, ...(ts !== undefined && { edited: ts }), ...(thread !== undefined && { "reply to": thread }) };
  return [JSON.stringify(place), text, ...textsIn([JSON.parse(blocks), attachment?.["blocks"]]).flatMap((said) => said.split("\n").map((part) => `| ${part}`))];
}

/** The texts of Block Kit. */
function textsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const { text, type } = value as Json;
  if (typeof text === "string" && (type === "plain_text" || type === "mrkdwn")) return [text];
  return Object.values(value).flatMap(textsIn);
}

/** A message to a topic of SNS; other calls of AWS are shown as they are. */
function readableSns(form: Readonly<Record<string, string>>): string[] {
  const { Action, Subject, Message = "{}" } = form;
  const names = Object.entries(form).filter(([name]) => name.endsWith(".Name"));
  const attributes = Object.fromEntries(names.map(([key, name]) => [name, form[key.replace(/Name$/, "Value.StringValue")]]));
  return [JSON.stringify({ Action, Subject, attributes }), `data ${JSON.stringify(readableData(JSON.parse(Message) as Json))}`];
}

function readablePubSub({ messages }: Json): string[] {
  return (messages as readonly { readonly data: string; readonly [name: string]: unknown }[]).flatMap(({ data, ...rest }) => [
    JSON.stringify(rest),
    `data ${JSON.stringify(readableData(JSON.parse(Buffer.from(data, "base64").toString("utf8")) as Json))}`,
  ]);
}

/** A CloudEvent in binary mode: its attributes are headers. */
function readableBinary({ headers, json }: Received): string[] {
  const attributes = Object.entries(headers).filter(([name]) => name.startsWith("ce-")).map(([name, value]) => [name.slice(3), decodeURIComponent(value)]);
  return readableEvent({ ...(Object.fromEntries(attributes) as Json), data: json });
}

function readable(request: Received): string[] {
  const { path, headers, json, body } = request;
  if (headers["content-type"]?.startsWith("application/cloudevents+json") === true) return readableEvent(json as Json);
  if (headers["ce-id"] !== undefined) return readableBinary(request);
  if (path.startsWith("/api/chat.")) return readableSlack({ ...parse(body) } as Record<string, string>);
  if (body.startsWith("Action=Publish")) return readableSns({ ...parse(body) } as Record<string, string>);
  if (path.endsWith(":publish")) return readablePubSub(json as Json);
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
