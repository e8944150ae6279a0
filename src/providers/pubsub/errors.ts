import type { ErrorCode } from "../../errors.ts";
import { codeOfStatus } from "../answer.ts";
import { DeliveryError } from "../delivery-error.ts";
import { oneLine } from "../text.ts";

/** What the service answered, as far as it is needed. */
export interface Answer {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  /** The name of the gRPC status in Google's error format, such as `NOT_FOUND`; undefined for a body of another form. */
  readonly word: string | undefined;
  /** Google's sentence about it. */
  readonly said: string | undefined;
}

const codes: Readonly<Record<string, ErrorCode>> = {
  INVALID_ARGUMENT: "MessageRefused",
  OUT_OF_RANGE: "MessageRefused",
  NOT_FOUND: "DestinationRefused",
  FAILED_PRECONDITION: "DestinationRefused",
  UNIMPLEMENTED: "DestinationRefused",
  PERMISSION_DENIED: "CredentialsRefused",
  UNAUTHENTICATED: "CredentialsRefused",
  RESOURCE_EXHAUSTED: "RateLimited",
  ABORTED: "ServiceFailed",
  ALREADY_EXISTS: "ServiceFailed",
  CANCELLED: "ServiceFailed",
  DATA_LOSS: "ServiceFailed",
  DEADLINE_EXCEEDED: "ServiceFailed",
  INTERNAL: "ServiceFailed",
  UNAVAILABLE: "ServiceFailed",
  UNKNOWN: "ServiceFailed",
};

const hints: Readonly<Record<string, string>> = {
  PERMISSION_DENIED: "the service account lacks the role Pub/Sub Publisher on the topic",
  UNAUTHENTICATED: "the key of the service account was deleted, or the account was disabled",
  NOT_FOUND: "there is no such topic in the project",
};

/** What Google says about these holds names of resources and nothing of the message. */
const shown = new Set(["PERMISSION_DENIED", "NOT_FOUND", "FAILED_PRECONDITION"]);

/** Reads the body of an answer that is no success. */
export function readGoogleError(body: string): Pick<Answer, "word" | "said"> {
  try {
    const { status, message } = ((JSON.parse(body) as { error?: unknown } | null)?.error ?? {}) as { status?: unknown; message?: unknown };
    const word = typeof status === "string" && Object.hasOwn(codes, status) ? status : undefined;
    return { word, said: word !== undefined && typeof message === "string" ? oneLine(message).slice(0, 300) : undefined };
  } catch {
    return { word: undefined, said: undefined };
  }
}

/**
 * What an answer means that is no acceptance.
 * @param trusted the answer comes from Google itself, not from a URL that a user gave
 */
export function refused({ status, retryAfterMs, word, said }: Answer, host: string, trusted: boolean): DeliveryError {
  const code = (word === undefined ? undefined : codes[word]) ?? codeOfStatus(status) ?? "ServiceFailed";
  const detail = word === undefined ? undefined : trusted && shown.has(word) && said !== undefined ? said : hints[word];
  const about = word === undefined ? "" : ` (${detail === undefined ? word : `${word}: ${detail}`})`;
  const strange = status < 300 ? " with something that names no message" : "";
  return new DeliveryError(code, `could not publish: ${host} answered ${status}${strange}${about}`, { status, retryAfterMs });
}
