import type { AccessReviews } from "../kube/access-reviews.ts";
import type { Compilation } from "../filter/index.ts";
import type { EgressPolicy } from "../providers/egress.ts";
import type { OwnIdentityNamespaces } from "../providers/own-identity.ts";
import type { Logger } from "../telemetry/log.ts";
import { checkedKind } from "./check-object.ts";
import { checkPermission } from "./check-permission.ts";
import { compiledFilter } from "./check-selection.ts";
import { checkProvider, type ProviderReader } from "./check-provider.ts";
import { decideValidation, isJudged } from "./decide.ts";
import { own } from "./json-value.ts";
import type { Problem } from "./problem.ts";
import type { AdmissionRequest, AdmissionResponse, Refusal } from "./review.ts";

export interface ValidationOptions {
  readonly reviews: AccessReviews;
  readonly reader: ProviderReader;
  readonly log: Logger;
  /** Default: none. */
  readonly ownIdentityNamespaces?: OwnIdentityNamespaces;
  /** Where Providers may send. Default: what is denied where nothing is allowed besides. */
  readonly egress?: EgressPolicy;
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
export function createValidation({ reviews, reader, log, ownIdentityNamespaces = new Set(), egress }: ValidationOptions): (request: AdmissionRequest, signal: AbortSignal) => Promise<AdmissionResponse> {
  let waiting = 0;
  const missingRights = async (request: AdmissionRequest, signal: AbortSignal): Promise<readonly Problem[] | Refusal> => {
    const kind = checkedKind(request.object);
    if (kind === undefined) return [];
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
  /** Only warns: when it cannot be found out, nothing is said. */
  const aboutProvider = async (request: AdmissionRequest, compilation: Compilation | undefined, signal: AbortSignal): Promise<readonly Problem[]> => {
    if (checkedKind(request.object) !== "Notification") return [];
    return checkProvider({ object: request.object, compilation }, request.namespace, reader, signal).catch((error: unknown) => {
      if (!signal.aborted) log.warn("the Provider of a Notification could not be read; nothing is said about it", { namespace: request.namespace, error });
      return [];
    });
  };
  return async (request, signal) => {
    if (!isJudged(request)) return decideValidation(request);
    const compilation = compiledFilter(own(request.object, "spec"));
    const [missing, warnings] = await Promise.all([missingRights(request, signal), aboutProvider(request, compilation, signal)]);
    const refused = "code" in missing ? missing : undefined;
    const decided = decideValidation(request, { missing: "code" in missing ? [] : missing, more: warnings, compilation, ownIdentityNamespaces, ...(egress !== undefined && { egress }) });
    return refused !== undefined && decided.allowed ? { ...decided, allowed: false, status: refused } : decided;
  };
}
