import { CodedError } from "../errors.ts";
import type { Requester } from "../kube/access-reviews.ts";
import { at, isObject, own, textOf } from "./json-value.ts";

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** The part of an AdmissionRequest (admission.k8s.io/v1) that decisions are made from. `object` and `oldObject` are what users wrote: anything. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: GroupVersionKind;
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly subResource: string;
  /** "" for an object whose name the API server will make. */
  readonly name: string;
  readonly namespace: string;
  readonly object: unknown;
  readonly oldObject: unknown;
  readonly requester: Requester;
}

const reviewVersion = "admission.k8s.io/v1";
const operations = ["CREATE", "UPDATE", "DELETE", "CONNECT"] as const;

const invalid = (message: string): CodedError => new CodedError("ReviewInvalid", message);

function requiredText(request: unknown, ...path: readonly string[]): string {
  const text = textOf(at(request, ...path));
  if (text === undefined) throw invalid(`request.${path.join(".")}: must be a string`);
  return text;
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? (value as unknown[]).filter((text) => typeof text === "string") : []);

function requesterOf(request: unknown): Requester {
  const extra = at(request, "userInfo", "extra");
  return {
    username: textOf(at(request, "userInfo", "username")) ?? "",
    uid: textOf(at(request, "userInfo", "uid")) ?? "",
    groups: texts(at(request, "userInfo", "groups")),
    extra: Object.fromEntries(Object.entries(isObject(extra) ? extra : {}).map(([key, values]) => [key, texts(values)])),
  };
}

/**
 * Reads an AdmissionReview.
 * @throws CodedError `ReviewInvalid`: there is nothing that could be decided.
 */
export function decodeReview(body: unknown): AdmissionRequest {
  if (!isObject(body)) throw invalid("the body is not an object");
  const apiVersion = textOf(own(body, "apiVersion"));
  if (apiVersion !== reviewVersion) throw invalid(`apiVersion: must be ${reviewVersion}`);
  if (own(body, "kind") !== "AdmissionReview") throw invalid("kind: must be AdmissionReview");
  const request = own(body, "request");
  if (!isObject(request)) throw invalid("request: must be an object");
  const uid = requiredText(request, "uid");
  if (uid === "" || uid.length > 256) throw invalid("request.uid: must have 1 to 256 characters");
  const operation = operations.find((known) => known === own(request, "operation"));
  if (operation === undefined) throw invalid(`request.operation: must be one of ${operations.join(", ")}`);
  return {
    uid,
    kind: { group: requiredText(request, "kind", "group"), version: requiredText(request, "kind", "version"), kind: requiredText(request, "kind", "kind") },
    operation,
    subResource: textOf(own(request, "subResource")) ?? "",
    name: textOf(own(request, "name")) ?? "",
    namespace: textOf(own(request, "namespace")) ?? "",
    object: own(request, "object"),
    oldObject: own(request, "oldObject"),
    requester: requesterOf(request),
  };
}

/** One entry of `details.causes`. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** Why an object is refused, as `metav1.Status`. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: { readonly group: string; readonly kind: string; readonly name: string; readonly causes: readonly StatusCause[] };
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: Refusal;
  readonly warnings?: readonly string[];
  /** Base64 of a JSON Patch. */
  readonly patch?: string;
  readonly patchType?: "JSONPatch";
}

export interface AdmissionReviewAnswer {
  readonly apiVersion: typeof reviewVersion;
  readonly kind: "AdmissionReview";
  readonly response: AdmissionResponse;
}

export const reviewAnswer = (response: AdmissionResponse): AdmissionReviewAnswer => ({ apiVersion: reviewVersion, kind: "AdmissionReview", response });
