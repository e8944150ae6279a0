import { apiVersion } from "../api/group.ts";
import type { OwnIdentityNamespaces } from "../providers/own-identity.ts";
import type { Compilation } from "../filter/index.ts";
import type { EgressPolicy } from "../providers/egress.ts";
import { checkMeaning } from "./check-meaning.ts";
import { checkSchema, type CheckedKind } from "./check-schema.ts";
import { isLargerThan, isObject, own, textOf } from "./json-value.ts";
import type { Findings } from "./problem.ts";

export interface CheckOptions {
  /** The namespace the object is or will be in; undefined where it is not known. */
  readonly namespace: string | undefined;
  /** Left out: not known here, and so not judged. */
  readonly ownIdentityNamespaces?: OwnIdentityNamespaces;
  /** What the filter's expression was compiled to. Left out: it is compiled here. */
  readonly compilation?: Compilation | undefined;
  /** Where the installation lets Providers send. Left out: not known here; what some installations deny is a warning then. */
  readonly egress?: EgressPolicy;
}

/** The kind of an object that is checked here; undefined for everything else. */
export function checkedKind(object: unknown): CheckedKind | undefined {
  const kind = textOf(own(object, "kind"));
  if (textOf(own(object, "apiVersion")) !== apiVersion) return undefined;
  return kind === "Provider" || kind === "Notification" ? kind : undefined;
}

/** Members and elements of a spec in all. One that passes the schema has fewer; a body of 3 MiB has room for a million. */
const maxMembers = 50_000;

/**
 * Everything that can be said about an object by itself: schema and meaning, all errors at once. Pure: no other object is
 * read. What the mutating webhook fills in must be there already (see `withDefaults`).
 */
export function checkObject(object: unknown, options: CheckOptions): Findings {
  const kind = checkedKind(object);
  if (kind === undefined || !isObject(object)) {
    return { errors: [{ field: "kind", code: "KindNotSupported", message: `Unsupported value: only Provider and Notification of ${apiVersion} are checked` }], warnings: [] };
  }
  if (isLargerThan(own(object, "spec"), maxMembers)) {
    return { errors: [{ field: "spec", code: "FieldTooMany", message: `Too many: must have at most ${maxMembers} items, those of all lists and maps inside together` }], warnings: [] };
  }
  const structure = checkSchema(kind, object);
  const malformed = (field: string): boolean => structure.some((found) => found.field === field || found.field.startsWith(`${field}.`) || found.field.startsWith(`${field}[`));
  const meaning = checkMeaning(kind, object, { ...options, malformed });
  return { errors: [...structure, ...meaning.errors], warnings: meaning.warnings };
}
