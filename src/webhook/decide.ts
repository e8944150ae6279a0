import { isDeepStrictEqual } from "node:util";
import { apiVersion, group, version } from "../api/group.ts";
import { cutToBytes } from "../api/text.ts";
import type { ErrorCode } from "../errors.ts";
import type { Compilation } from "../filter/index.ts";
import type { EgressPolicy } from "../providers/egress.ts";
import type { OwnIdentityNamespaces } from "../providers/own-identity.ts";
import { checkObject } from "./check-object.ts";
import { defaultsPatch } from "./defaults.ts";
import { own } from "./json-value.ts";
import { placed, type Findings, type Problem } from "./problem.ts";
import type { AdmissionRequest, AdmissionResponse, Refusal, StatusCause } from "./review.ts";

/** Bounds of an answer: what is more is counted, not listed. */
const maxCauses = 50;
const maxMessageBytes = 16 * 1024;
const maxWarningLength = 256;
const maxWarningsLength = 4_096;

/** Kubernetes' own words for a cause (`metav1.CauseType`), by error code. */
const causeReasons: Partial<Record<ErrorCode, string>> = {
  FieldRequired: "FieldValueRequired",
  FieldTypeInvalid: "FieldValueTypeInvalid",
  FieldNotSupported: "FieldValueNotSupported",
  FieldDuplicate: "FieldValueDuplicate",
  FieldTooLong: "FieldValueTooLong",
  FieldTooMany: "FieldValueTooMany",
  FieldForbidden: "FieldValueForbidden",
  EgressDenied: "FieldValueForbidden",
  PermissionMissing: "FieldValueForbidden",
};

/** Errors about what the requester may do, not about what the object says. */
const isForbidden = ({ code }: Problem): boolean => code === "PermissionMissing";

const isOurs = ({ kind }: AdmissionRequest): boolean => kind.group === group && kind.version === version && ["Provider", "Notification"].includes(kind.kind);

/** The answer of the mutating webhook: always allowed, with a patch where something follows from the object itself. */
export function decideMutation(request: AdmissionRequest): AdmissionResponse {
  const { uid } = request;
  if (!isOurs(request) || request.subResource !== "" || !isWrite(request)) return { uid, allowed: true };
  const patch = defaultsPatch(request.object);
  if (patch.length === 0) return { uid, allowed: true };
  return { uid, allowed: true, patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
}

/**
 * Whether there is something to judge in the request. Finalizers must come off and labels must change, whatever the rules were when the
 * object was stored: an update that leaves the spec as it is has nothing.
 */
export const isJudged = (request: AdmissionRequest): boolean =>
  isWrite(request) && isOurs(request) && request.subResource === "" && !(request.operation === "UPDATE" && sameSpec(request));

/** What a decision depends on besides the request. */
export interface Deciding {
  /** Rights that the requester lacks. */
  readonly missing?: readonly Problem[];
  /** What the object's filter was compiled to; left out: it is compiled here. */
  readonly compilation?: Compilation | undefined;
  /** Warnings about other objects, for what is allowed. */
  readonly more?: readonly Problem[];
  readonly ownIdentityNamespaces?: OwnIdentityNamespaces;
  /** Default: what is denied where nothing is allowed besides. */
  readonly egress?: EgressPolicy;
}

const usualEgress: EgressPolicy = { development: false };

/** The answer of the validating webhook. */
export function decideValidation(request: AdmissionRequest, { missing = [], more = [], compilation, ownIdentityNamespaces = new Set(), egress = usualEgress }: Deciding = {}): AdmissionResponse {
  const { uid } = request;
  if (isWrite(request) && !isOurs(request)) return { uid, allowed: false, status: unknownKind(request) };
  if (!isJudged(request)) return { uid, allowed: true };
  const found = withKnownAsWarnings((object) => checkObject(object, { namespace: request.namespace, ownIdentityNamespaces, egress, ...(object === request.object && { compilation }) }), request);
  const errors = [...found.errors, ...missing];
  const lines = warningLines(errors.length === 0 ? [...found.warnings, ...more] : found.warnings);
  const told = lines.length > 0 ? { warnings: lines } : {};
  return errors.length === 0 ? { uid, allowed: true, ...told } : { uid, allowed: false, status: refusal(request, errors), ...told };
}

/**
 * Errors that the object had before this update become warnings: whoever mends one field need not mend all at once. What the requester lacks is not
 * among them.
 */
function withKnownAsWarnings(check: (object: unknown) => Findings, { operation, object, oldObject }: AdmissionRequest): Findings {
  const found = check(object);
  if (operation !== "UPDATE" || found.errors.length === 0) return found;
  const signature = ({ field, code, message, line, column }: Problem): string => JSON.stringify([field, code, message, line, column]);
  const before = new Set(check(oldObject).errors.map(signature));
  const isKnown = (error: Problem): boolean => before.has(signature(error));
  return { errors: found.errors.filter((error) => !isKnown(error)), warnings: [...found.errors.filter(isKnown), ...found.warnings] };
}

const isWrite = ({ operation }: AdmissionRequest): boolean => operation === "CREATE" || operation === "UPDATE";

function sameSpec({ object, oldObject }: AdmissionRequest): boolean {
  try {
    return isDeepStrictEqual(own(object, "spec"), own(oldObject, "spec"));
  } catch {
    // Too deeply nested to compare.
    return false;
  }
}

const unknownKind = ({ kind }: AdmissionRequest): Refusal => ({
  code: 400,
  reason: "BadRequest",
  message: `${shown(kind.kind)} of ${shown(kind.group)}/${shown(kind.version)} is not checked here, only Provider and Notification of ${apiVersion}; look at the rules of the webhook configuration`,
});

const shown = (text: string, max = 100): string => (text.length > max ? `${text.slice(0, max).toWellFormed()}…` : text);

/** 403 when every error is about what the requester may do; else 422, for which kubectl prints the causes instead of the message. */
function refusal(request: AdmissionRequest, errors: readonly Problem[]): Refusal {
  const causes = errors.slice(0, maxCauses).map(toCause);
  const more = errors.length - causes.length;
  const listed = causes.map(({ field, message }) => `${field}: ${message}`).join("\n");
  // Of whoever calls the webhook without being the API server.
  const name = shown(request.name, 253);
  const count = errors.length === 1 ? "1 error" : `${errors.length} errors`;
  const message = cutToBytes(`${request.kind.kind} ${JSON.stringify(name)}: ${count}\n${listed}${more > 0 ? `\nand ${more} more` : ""}`, maxMessageBytes);
  const details = { group, kind: request.kind.kind, name, causes };
  return errors.every(isForbidden) ? { code: 403, reason: "Forbidden", message, details } : { code: 422, reason: "Invalid", message, details };
}

function toCause(problem: Problem): StatusCause {
  const caret = problem.caret === undefined ? "" : `\n${indented(problem.caret)}`;
  return { reason: causeReasons[problem.code] ?? "FieldValueInvalid", field: problem.field, message: `${placed(problem)}${caret}` };
}

/** Both lines alike, so that the caret stays below its place. */
const indented = (caret: string): string =>
  caret
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");

/** Each a line of its own: the API server sends them as HTTP headers. */
function warningLines(warnings: readonly Problem[]): string[] {
  const lines: string[] = [];
  let length = 0;
  for (const warning of warnings) {
    const line = oneLine(`${warning.field}: ${placed(warning)}`);
    length += line.length;
    if (length > maxWarningsLength) break;
    lines.push(line);
  }
  return lines;
}

function oneLine(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, " ");
  return line.length > maxWarningLength ? `${line.slice(0, maxWarningLength - 1).toWellFormed()}…` : line;
}
