import { shorten } from "../api/text.ts";
import { CodedError, type ErrorCode } from "../errors.ts";

interface KubeErrorOptions extends ErrorOptions {
  /** The HTTP status, or the code of a watch's ERROR event. 0: no answer was had. */
  readonly status?: number;
  /** The API server's reason, such as `NotFound`, `Conflict`, `Expired`; ours where no answer was had. */
  readonly reason?: string;
  /** How long the server asked to wait. */
  readonly retryAfterMs?: number;
}

/**
 * A request to the API server that did not succeed. `message` names the verb, the resource, the object and the server's
 * own words (bounded); it never holds a body, a header or a token.
 */
export class KubeError extends CodedError {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, options: KubeErrorOptions = {}) {
    super(code, message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "KubeError";
    this.status = options.status ?? 0;
    this.reason = options.reason ?? "";
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
}

/** The error's HTTP status, or 0 when it is not the API server's answer. */
export const statusOf = (error: unknown): number => (error instanceof KubeError ? error.status : 0);

/** True for a 409 of any reason: somebody else wrote first, or the object already exists. */
export const isConflict = (error: unknown): boolean => statusOf(error) === 409;

const maxServerMessage = 400;

interface StatusFields {
  readonly reason: string;
  readonly message: string;
  readonly code: number;
  readonly retryAfterMs?: number;
}

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads a `Status` object, as error answers and ERROR events carry it; anything else gives empty fields. */
export function decodeStatus(value: unknown): StatusFields {
  const status = isRecord(value) ? value : {};
  const details = isRecord(status["details"]) ? status["details"] : {};
  const seconds = details["retryAfterSeconds"];
  return {
    reason: typeof status["reason"] === "string" ? shorten(status["reason"], 80) : "",
    message: typeof status["message"] === "string" ? status["message"] : "",
    code: typeof status["code"] === "number" ? status["code"] : 0,
    ...(typeof seconds === "number" && seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
  };
}

export interface FailedAnswer {
  /** What was asked, for example `list pipelineruns.tekton.dev in ci`. */
  readonly what: string;
  readonly httpStatus: number;
  readonly body: unknown;
  readonly retryAfterMs?: number | undefined;
  /** False where the server's words could quote what must stay secret. */
  readonly quoteServer: boolean;
}

/** The error for an answer of 400 or above, or for an ERROR event. */
export function failedAnswer(answer: FailedAnswer): KubeError {
  const decoded = decodeStatus(answer.body);
  const status = decoded.code === 0 ? answer.httpStatus : decoded.code;
  const words = answer.quoteServer && decoded.message !== "" ? `: ${shorten(decoded.message, maxServerMessage)}` : "";
  const retryAfterMs = answer.retryAfterMs ?? decoded.retryAfterMs;
  return new KubeError("KubernetesRequestFailed", `${answer.what}: ${[String(status), decoded.reason].join(" ").trim()}${words}`, {
    status,
    reason: decoded.reason,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
