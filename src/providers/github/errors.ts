import type { ErrorCode } from "../../errors.ts";
import { codeOfStatus, retryAfterMs } from "../answer.ts";
import { requestFailed } from "../http.ts";
import { DeliveryError } from "../delivery-error.ts";

/** The parts of Octokit's RequestError that are read here; without `response` the request got no answer. */
interface AnsweredError extends Error {
  readonly status: number;
  readonly response: { readonly headers: Readonly<Record<string, string | undefined>>; readonly data: unknown };
}

/** GitHub's advice for a secondary limit that names no time: wait at least a minute. */
const secondaryLimitMs = 60_000;

function isAnswered(error: unknown): error is AnsweredError {
  return error instanceof Error && error.name === "HttpError" && "response" in error && typeof error.response === "object" && error.response !== null;
}

const field = (data: unknown, name: string): unknown => (typeof data === "object" && data !== null && Object.hasOwn(data, name) ? (data as Readonly<Record<string, unknown>>)[name] : undefined);

function textIn(data: unknown, name: string): string {
  const value = field(data, name);
  return typeof value === "string" ? value.slice(0, 300) : "";
}

const githubMessage = (data: unknown): string => textIn(data, "message");

/** The messages of a 422 that says what is wrong with which field. */
function refusedFields(data: unknown): string[] {
  const errors = field(data, "errors");
  return Array.isArray(errors) ? errors.slice(0, 10).map((error) => textIn(error, "message")) : [];
}

/** GitHub's limit of statuses of one context on one commit. */
const isFull = (data: unknown): boolean => [githubMessage(data), ...refusedFields(data)].some((text) => /maximum number of statuses/i.test(text));

/** How long GitHub asks to wait; undefined when the answer is about no limit. */
function limitWaitMs({ status, response: { headers, data } }: AnsweredError, now: number): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const asked = retryAfterMs(headers["retry-after"], now);
  if (asked !== undefined) return asked;
  if (headers["x-ratelimit-remaining"] === "0") {
    const reset = Number(headers["x-ratelimit-reset"]) * 1000 - now;
    return Number.isFinite(reset) ? Math.min(Math.max(reset, 1000), 3_600_000) : secondaryLimitMs;
  }
  const isSecondary = /secondary rate limit|abuse detection/i.test(githubMessage(data)) || /#(secondary|abuse)-rate-limits/.test(textIn(data, "documentation_url"));
  return status === 429 || isSecondary ? secondaryLimitMs : undefined;
}

function codeOf(status: number, doing: Doing): ErrorCode {
  if (status === 404 && doing.what === "authenticate the App") return "CredentialsRefused";
  if (status === 403 && doing.what !== "authenticate the App") return "DestinationRefused";
  return codeOfStatus(status) ?? "ServiceFailed";
}

/** What a request was for, and whether its answer's text may be shown. */
export interface Doing {
  readonly what:
    | "authenticate the App"
    | "find the installation"
    | "get a token"
    | "set the commit status"
    | "look for the check run"
    | "create the check run"
    | "update the check run"
    | "look for the comment"
    | "write the comment"
    | "edit the comment";
  readonly host: string;
  readonly now: number;
  /** The text of answers comes from github.com itself, not from a URL that a user gave. */
  readonly trusted: boolean;
  readonly signal: AbortSignal;
}

const lacks = (permission: string): string => `the App lacks the permission "${permission}: Read and write" on this repository`;
const unseen = "the repository does not exist, or the App may not see it";

const ofChecks = { 403: lacks("Checks"), 404: unseen, 422: "the commit does not exist there, or GitHub refuses what the check run says" };
const ofComments = {
  403: `${lacks("Pull requests")}, or the conversation is locked`,
  404: "there is no such pull request, or the App may not see the repository",
  410: "issues are switched off in this repository",
  422: "GitHub refuses what the comment says",
};

const hints: Partial<Record<Doing["what"], Partial<Record<number, string>>>> = {
  "authenticate the App": {
    401: "the private key is not one of this App's, or appId is another App's",
    404: "there is no App with this appId",
  },
  "find the installation": { 404: "the App is not installed on this repository, or the repository does not exist" },
  "get a token": { 404: "the installation no longer exists" },
  "set the commit status": {
    403: lacks("Commit statuses"),
    404: unseen,
    422: "the commit does not exist there, or GitHub refuses what the status says",
  },
  "look for the check run": ofChecks,
  "create the check run": ofChecks,
  "update the check run": ofChecks,
  "look for the comment": ofComments,
  "write the comment": ofComments,
  "edit the comment": ofComments,
};

const full = "the commit has 1,000 statuses of this context, and GitHub takes no more: use another context, or report fewer statuses";

/** The {@link DeliveryError} for whatever Octokit threw. */
export function toDeliveryError(error: unknown, doing: Doing): DeliveryError {
  // Octokit's own error holds the whole request; what happened on the network is below it.
  if (!isAnswered(error)) return requestFailed(error instanceof Error && error.name === "HttpError" ? error.cause : error, doing.host, doing.signal);
  const { status } = error;
  const wait = limitWaitMs(error, doing.now);
  if (wait !== undefined) {
    return new DeliveryError("RateLimited", `could not ${doing.what}: ${doing.host} asks to wait (${status})`, { status, retryAfterMs: wait });
  }
  const hint = status === 422 && isFull(error.response.data) ? full : hints[doing.what]?.[status];
  const said = doing.trusted ? githubMessage(error.response.data) : "";
  const detail = [hint, said].filter((part) => part !== undefined && part !== "").join("; ");
  return new DeliveryError(codeOf(status, doing), `could not ${doing.what}: ${doing.host} answered ${status}${detail === "" ? "" : ` (${detail})`}`, {
    status,
    retryAfterMs: retryAfterMs(error.response.headers["retry-after"], doing.now),
  });
}
