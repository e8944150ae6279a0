import { readFileSync } from "node:fs";
import { join } from "node:path";

interface Field {
  readonly type: string;
  readonly repeated?: boolean;
  readonly required?: boolean;
}

type Message = Readonly<Record<string, Field>>;

interface Document {
  readonly messages: Readonly<Record<string, Message>>;
  readonly errors: readonly { readonly status: string; readonly code: number }[];
  readonly limits: {
    readonly requestBytes: number;
    readonly attributes: number;
    readonly attributeKeyBytes: number;
    readonly attributeValueBytes: number;
    readonly orderingKeyBytes: number;
  };
}

const document = JSON.parse(readFileSync(join(import.meta.dirname, "../testdata/contracts/google-pubsub.json"), "utf8")) as Document;

export const pubSubLimits = document.limits;

/** Every error of Google's APIs, with the HTTP status that it comes with. */
export const googleErrors = document.errors;

function wrongScalar(type: string, value: unknown, where: string): string | undefined {
  if (type === "string") return typeof value === "string" ? undefined : `${where} is no text`;
  if (type === "bytes") return typeof value === "string" && Buffer.from(value, "base64").toString("base64") === value ? undefined : `${where} is no base64`;
  if (type === "map<string, string>") {
    const fits = typeof value === "object" && value !== null && Object.values(value).every((each) => typeof each === "string");
    return fits ? undefined : `${where} is no map of texts`;
  }
  return wrongMessage(type, value, where);
}

/** What is wrong with a message in proto3's JSON, by the contract; fields that it does not know count. */
export function wrongMessage(name: string, value: unknown, where = name): string | undefined {
  const message = document.messages[name];
  if (message === undefined) return `the contract knows no ${name}`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return `${where} is no object`;
  for (const [field, inner] of Object.entries(value as Record<string, unknown>)) {
    const { type, repeated = false } = message[field] ?? {};
    if (type === undefined) return `${where}.${field} is unknown`;
    if (repeated !== Array.isArray(inner)) return `${where}.${field} is ${repeated ? "no" : "a"} list`;
    for (const each of repeated ? (inner as unknown[]) : [inner]) {
      const wrong = wrongScalar(type, each, `${where}.${field}`);
      if (wrong !== undefined) return wrong;
    }
  }
  // What a path holds is not in the body.
  const missing = Object.entries(message).find(([field, { required = false }]) => required && field !== "topic" && !(field in value));
  return missing === undefined ? undefined : `${where}.${missing[0]} is missing`;
}

/** An error as Google's APIs answer it. Throws for a status that there is none of. */
export function googleError(status: string, message = "it went wrong"): { readonly status: number; readonly body: unknown } {
  const found = googleErrors.find((error) => error.status === status);
  if (found === undefined) throw new Error(`Google has no status ${status}`);
  return { status: found.code, body: { error: { code: found.code, message, status } } };
}
