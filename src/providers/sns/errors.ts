import type { ErrorCode } from "../../errors.ts";
import { codeOfStatus, retryAfterMs } from "../answer.ts";
import { DeliveryError } from "../delivery-error.ts";
import { requestFailed } from "../http.ts";
import { oneLine } from "../text.ts";

/** What a request was for, and whether its answer's text may be shown. */
export interface Doing {
  readonly what: "assume the role" | "check the access key" | "get the controller's own identity" | "publish";
  readonly host: string;
  readonly now: number;
  /** The answer comes from AWS itself, not from a URL that a user gave. */
  readonly trusted: boolean;
  readonly signal: AbortSignal;
}

const codes = new Map<string, ErrorCode>([
  ...["AccessDenied", "AuthorizationError", "ExpiredToken", "IncompleteSignature", "InvalidClientTokenId", "InvalidSecurity", "KMSAccessDenied", "MissingAuthenticationToken", "OptInRequired", "RegionDisabled", "SignatureDoesNotMatch", "UnrecognizedClient"]
    .map((name) => [name, "CredentialsRefused"] as const),
  ...["EndpointDisabled", "KMSDisabled", "KMSInvalidState", "KMSNotFound", "KMSOptInRequired", "NotFound", "PlatformApplicationDisabled"].map((name) => [name, "DestinationRefused"] as const),
  ...["KMSThrottling", "RequestLimitExceeded", "Throttled", "Throttling", "TooManyRequests"].map((name) => [name, "RateLimited"] as const),
  ...["InternalError", "InternalFailure", "RequestExpired", "RequestTimeTooSkewed", "ServiceUnavailable"].map((name) => [name, "ServiceFailed"] as const),
  ...["InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationError", "Validation"].map((name) => [name, "MessageRefused"] as const),
]);

const hints: Readonly<Record<string, string>> = {
  InvalidClientTokenId: "there is no such access key, or a temporary one lacks its session-token",
  SignatureDoesNotMatch: "the secret-access-key does not belong to the access-key-id",
  ExpiredToken: "the session token has expired",
  AuthorizationError: "the identity may not sns:Publish to this topic",
  AccessDenied: "the policy of the identity or the trust policy of the role does not allow it",
  KMSAccessDenied: "the identity may not use the topic's KMS key: kms:GenerateDataKey and kms:Decrypt",
  NotFound: "there is no such topic",
};

/** AWS's own word for what went wrong, without the ending that the SDK gives it; undefined where there is none. */
function nameOf(error: Error): string | undefined {
  const name = error.name.replace(/Exception$/, "");
  return /^[A-Za-z]{3,64}$/.test(name) && !["Error", "TypeError", "SyntaxError", "Unknown"].includes(name) ? name : undefined;
}

/** The parts of the SDK's errors that are read here; without a status the request got no answer. */
interface AnsweredError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

function codeOf(name: string | undefined, status: number, message: string): ErrorCode {
  // A topic that cannot be is no fault of the message.
  if (name === "InvalidParameter" && message.includes("TopicArn")) return "DestinationRefused";
  return (name === undefined ? undefined : codes.get(name)) ?? codeOfStatus(status) ?? "ServiceFailed";
}

/** AWS names the identity and the resource in these, and nothing of the request. */
const shown = new Set(["AuthorizationError", "AccessDenied"]);

/** What is said about an answer, in parentheses. */
function detailOf(name: string | undefined, message: string, trusted: boolean): string {
  const known = name !== undefined && (trusted || codes.has(name)) ? name : undefined;
  if (known === undefined) return "";
  const said = trusted && shown.has(known) ? oneLine(message).slice(0, 300) : hints[known];
  return ` (${said === undefined ? known : `${known}: ${said}`})`;
}

/** The {@link DeliveryError} for whatever the SDK threw. The SDK's own error holds the answer, so it is never the cause. */
export function toDeliveryError(error: unknown, { what, host, now, trusted, signal }: Doing): DeliveryError {
  const { $metadata, $response, message } = error as AnsweredError;
  const status = $metadata?.httpStatusCode;
  if (!(error instanceof Error) || error instanceof DeliveryError || status === undefined) return requestFailed(error, host, signal);
  const name = nameOf(error);
  return new DeliveryError(codeOf(name, status, message), `could not ${what}: ${host} answered ${status}${detailOf(name, message, trusted)}`, {
    status,
    retryAfterMs: retryAfterMs($response?.headers?.["retry-after"], now),
  });
}
