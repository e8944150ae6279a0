import type { AccessReviews } from "../kube/access-reviews.ts";
import type { OwnIdentityNamespaces } from "../providers/own-identity.ts";
import type { Logger } from "../telemetry/log.ts";
import { checkedKind } from "./check-object.ts";
import { checkPermission } from "./check-permission.ts";
import { decideValidation, isJudged } from "./decide.ts";
import type { Problem } from "./problem.ts";
import type { AdmissionRequest, AdmissionResponse, Refusal } from "./review.ts";

export interface ValidationOptions {
  readonly reviews: AccessReviews;
  readonly log: Logger;
  /** Default: none. */
  readonly ownIdentityNamespaces?: OwnIdentityNamespaces;
}

/** Reviews that wait for the API server at one time; each holds its object in memory. */
const maxWaiting = 256;

const tooMany: Refusal = { code: 429, reason: "TooManyRequests", message: "the webhook of Tekton Integrations has too many requests under way: try again in a moment" };

const unknown: Refusal = {
  code: 503,
  reason: "ServiceUnavailable",
  message: "the webhook of Tekton Integrations could not find out whether you may do what this object asks for: the API server did not answer its SubjectAccessReview; try again in a moment",
};

/**
 * Judges objects together with the rights of whoever writes them. What the object says is told also when the rights cannot be found out; without them nothing
 * is allowed.
 */
export function createValidation({ reviews, log, ownIdentityNamespaces = new Set() }: ValidationOptions): (request: AdmissionRequest, signal: AbortSignal) => Promise<AdmissionResponse> {
  let waiting = 0;
  const missingRights = async (request: AdmissionRequest, signal: AbortSignal): Promise<readonly Problem[] | Refusal> => {
    const kind = checkedKind(request.object);
    if (kind === undefined || !isJudged(request)) return [];
    if (waiting >= maxWaiting) return tooMany;
    waiting += 1;
    try {
      return await checkPermission(kind, request, reviews, signal);
    } catch (error) {
      if (!signal.aborted) log.error("the rights of a requester could not be found out; the object was refused", { kind, namespace: request.namespace, error });
      return unknown;
    } finally {
      waiting -= 1;
    }
  };
  return async (request, signal) => {
    const missing = await missingRights(request, signal);
    const refused = "code" in missing ? missing : undefined;
    const decided = decideValidation(request, { missing: "code" in missing ? [] : missing, ownIdentityNamespaces });
    return refused !== undefined && decided.allowed ? { ...decided, allowed: false, status: refused } : decided;
  };
}
