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

/** A sink for structured CloudEvents that holds them against the specification's JSON Schema. */
export interface CloudEventsSink extends Receiver {
  /** The events of the accepted requests, in the order of their arrival. */
  readonly events: () => ReceivedEvent[];
  /** What was wrong with requests, by the specification; such a request is answered with 400. */
  readonly violations: readonly string[];
}

const contract = JSON.parse(readFileSync(join(import.meta.dirname, "../testdata/contracts/cloudevents-1.0.json"), "utf8")) as object;
/** Naming rule of the specification, which its JSON Schema leaves out. */
const attributeName = /^[a-z0-9]{1,20}$/;

function wrong(request: Received, isEvent: (body: unknown) => string | undefined): string | undefined {
  if (request.method !== "POST") return `method ${request.method} instead of POST`;
  const type = request.headers["content-type"] ?? "";
  if (!/^application\/cloudevents\+json(;|$)/.test(type)) return `content-type ${type === "" ? "is missing" : type}`;
  const invalid = isEvent(request.json);
  if (invalid !== undefined) return invalid;
  const names = Object.keys(request.json as object).filter((name) => !attributeName.test(name) && name !== "data_base64");
  return names.length === 0 ? undefined : `attribute names ${names.join(", ")}`;
}

/** Starts a sink that answers 202 to every valid event. */
export async function startCloudEventsSink(options: Pick<ReceiverOptions, "port"> = {}): Promise<CloudEventsSink> {
  const ajv = new Ajv({ strict: false });
  formats.default(ajv);
  const validate = ajv.compile(contract);
  const isEvent = (body: unknown): string | undefined => (validate(body) ? undefined : ajv.errorsText(validate.errors, { dataVar: "event" }));
  const violations: string[] = [];
  const receiver = await startReceiver({
    ...options,
    respond: (request) => {
      const violation = wrong(request, isEvent);
      if (violation === undefined) return { status: 202 };
      violations.push(`${request.method} ${request.path}: ${violation}`);
      return { status: 400, body: { message: violation } };
    },
  });
  return { ...receiver, events: () => receiver.accepted().map(({ json }) => json as ReceivedEvent), violations };
}
