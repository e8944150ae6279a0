import { apiVersion } from "../api/group.ts";
import { checkObject, checkedKind, type CheckOptions } from "./check-object.ts";
import { withDefaults } from "./defaults.ts";
import { at, isObject, own, textOf } from "./json-value.ts";
import type { Findings, Problem } from "./problem.ts";

/**
 * The webhook's checks for an object that has not been to an API server: first what the API server itself would ask for (a
 * kind, a name), then the mutation, the schema and the meaning.
 */
export function checkManifest(object: unknown, options: CheckOptions): Findings {
  const errors = checkHead(object);
  if (checkedKind(object) === undefined) return { errors, warnings: [] };
  const findings = checkObject(withDefaults(object), options);
  // Missing metadata is a missing name, which has been said.
  return { errors: [...errors, ...findings.errors.filter(({ field }) => field !== "metadata")], warnings: findings.warnings };
}

const objectName = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/u;

function checkHead(object: unknown): Problem[] {
  if (!isObject(object)) return [{ field: "", code: "FieldTypeInvalid", message: "Invalid value: the document is not an object" }];
  const errors: Problem[] = [];
  for (const field of ["apiVersion", "kind"]) if (textOf(own(object, field)) === undefined) errors.push({ field, code: "FieldRequired", message: "Required value" });
  if (errors.length > 0) return errors;
  if (own(object, "apiVersion") !== apiVersion) errors.push({ field: "apiVersion", code: "KindNotSupported", message: `Unsupported value: supported values: ${JSON.stringify(apiVersion)}` });
  else if (checkedKind(object) === undefined) errors.push({ field: "kind", code: "KindNotSupported", message: 'Unsupported value: supported values: "Provider", "Notification"' });
  const name = at(object, "metadata", "name");
  if (name === undefined && textOf(at(object, "metadata", "generateName")) === undefined) {
    errors.push({ field: "metadata.name", code: "FieldRequired", message: "Required value: name or generateName is required" });
  } else if (name !== undefined && typeof name !== "string") {
    errors.push({ field: "metadata.name", code: "FieldTypeInvalid", message: `Invalid value: ${typeof name}: must be of type string; in YAML, put it in quotes` });
  } else if (name !== undefined && (name.length > 253 || !objectName.test(name))) {
    errors.push({ field: "metadata.name", code: "FieldInvalid", message: "Invalid value: a name has at most 253 lower-case letters, digits, `-` and `.`, and begins and ends with a letter or digit" });
  }
  return errors;
}
