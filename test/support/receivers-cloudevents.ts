import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { type Received, type Receiver, type ReceiverOptions, startReceiver } from "./receivers.ts";

/** The context attributes and data of a CloudEvent in JSON. */
export interface ReceivedEvent {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time?: string;
  readonly data?: unknown;
  readonly [extension: string]: unknown;
}

/** A sink for CloudEvents, structured or binary, that holds them against the specification's JSON Schema. */
export interface CloudEventsSink extends Receiver {
  /** The events of the accepted requests, in the order of their arrival. */
  readonly events: () => ReceivedEvent[];
  /** What was wrong with requests, by the specification; such a request is answered with 400. */
  readonly violations: readonly string[];
}

const contract = JSON.parse(readFileSync(join(import.meta.dirname, "../testdata/contracts/cloudevents-1.0.json"), "utf8")) as object;
/** Naming rule of the specification, which its JSON Schema leaves out. */
const attributeName = /^[a-z0-9]{1,20}$/;

const isStructured = ({ headers }: Received): boolean => /^application\/cloudevents\+json(;|$)/.test(headers["content-type"] ?? "");

/** An attribute in a header, by the HTTP binding: what is not allowed there as it is has been percent-encoded. */
function decoded(value: string): string {
  if (!/^(?:[\x21\x23\x24\x26-\x7e]|%[0-9A-F]{2})*$/.test(value)) throw new Error(`a header that is not encoded: ${JSON.stringify(value)}`);
  return decodeURIComponent(value);
}

/** The event of a request in either mode, as JSON. */
function eventOf(request: Received): unknown {
  if (isStructured(request)) return request.json;
  const attributes = Object.entries(request.headers).filter(([name]) => name.startsWith("ce-")).map(([name, value]) => [name.slice(3), decoded(value)]);
  return { ...Object.fromEntries(attributes) as object, datacontenttype: request.headers["content-type"], data: request.json };
}

function wrong(request: Received, isEvent: (body: unknown) => string | undefined): string | undefined {
  if (request.method !== "POST") return `method ${request.method} instead of POST`;
  const type = request.headers["content-type"] ?? "";
  if (!isStructured(request) && request.headers["ce-id"] === undefined) return `content-type ${type === "" ? "is missing" : type}`;
  if (request.json === undefined) return "the body is no JSON";
  try {
    const event = eventOf(request);
    const invalid = isEvent(event);
    if (invalid !== undefined) return invalid;
    const names = Object.keys(event as object).filter((name) => !attributeName.test(name) && name !== "data_base64");
    return names.length === 0 ? undefined : `attribute names ${names.join(", ")}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Starts a sink that answers 202 to every valid event; with a `token`, only to those who have it. */
export async function startCloudEventsSink({ token, ...options }: Pick<ReceiverOptions, "port"> & { readonly token?: string } = {}): Promise<CloudEventsSink> {
  const ajv = new Ajv({ strict: false });
  formats.default(ajv);
  const validate = ajv.compile(contract);
  const isEvent = (body: unknown): string | undefined => (validate(body) ? undefined : ajv.errorsText(validate.errors, { dataVar: "event" }));
  const violations: string[] = [];
  const receiver = await startReceiver({
    ...options,
    respond: (request) => {
      if (token !== undefined && request.headers["authorization"] !== `Bearer ${token}`) return { status: 401 };
      const violation = wrong(request, isEvent);
      if (violation === undefined) return { status: 202 };
      violations.push(`${request.method} ${request.path}: ${violation}`);
      return { status: 400, body: { message: violation } };
    },
  });
  return { ...receiver, events: () => receiver.accepted().map((request) => eventOf(request) as ReceivedEvent), violations };
}
