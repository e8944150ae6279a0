import { fieldPath } from "./field-path.ts";
import { isObject, own, textOf, type JsonObject } from "./json-value.ts";
import type { Findings, Problem } from "./problem.ts";

const labelKey = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/u;
const labelValue = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/u;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

/** What a schema cannot say about a selector of labels: keys, values, and operators that do not go with their values. */
export function checkLabels(selector: JsonObject, path: readonly string[]): Findings {
  const labels = own(selector, "matchLabels");
  const errors = Object.entries(isObject(labels) ? labels : {}).flatMap(([key, value]) => checkLabel(key, value, fieldPath([...path, "matchLabels", key])));
  for (const [index, requirement] of listOf(own(selector, "matchExpressions")).entries()) {
    errors.push(...checkRequirement(requirement, fieldPath([...path, "matchExpressions", index])));
  }
  return { errors, warnings: errors.length > 0 ? [] : contradictions(selector, path) };
}

function checkLabel(key: string, value: unknown, field: string): Problem[] {
  const errors: Problem[] = [];
  if (!labelKey.test(key)) errors.push({ field, code: "FieldInvalid", message: "Invalid value: the key is not that of a label: `name` or `prefix/name`, each name at most 63 characters" });
  if (typeof value === "string" && !labelValue.test(value)) errors.push({ field, code: "FieldInvalid", message: "Invalid value: the value is not that of a label: at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit" });
  return errors;
}

function checkRequirement(requirement: unknown, field: string): Problem[] {
  const operator = textOf(own(requirement, "operator")) ?? "";
  const key = textOf(own(requirement, "key")) ?? "";
  const count = listOf(own(requirement, "values")).length;
  const errors: Problem[] = [];
  if (!labelKey.test(key)) errors.push({ field: `${field}.key`, code: "FieldInvalid", message: "Invalid value: not the key of a label: `name` or `prefix/name`, each name at most 63 characters" });
  if (["In", "NotIn"].includes(operator) && count === 0) errors.push({ field: `${field}.values`, code: "FieldRequired", message: "Required value: must be given when the operator is In or NotIn" });
  if (["Exists", "DoesNotExist"].includes(operator) && count > 0) {
    errors.push({ field: `${field}.values`, code: "FieldForbidden", message: "Forbidden: may not be given when the operator is Exists or DoesNotExist" });
  }
  return errors;
}

interface Requirement {
  readonly field: string;
  readonly key: string;
  readonly operator: string;
  readonly values: readonly unknown[];
}

/** What a label may be after some requirements. */
interface Allowed {
  /** undefined: anything. */
  readonly values: ReadonlySet<unknown> | undefined;
  readonly absent: boolean;
}

function narrowed({ values, absent }: Allowed, { operator, values: named }: Requirement): Allowed {
  switch (operator) {
    case "In":
      return { values: new Set(values === undefined ? named : named.filter((value) => values.has(value))), absent: false };
    case "NotIn":
      return { values: values && new Set([...values].filter((value) => !named.includes(value))), absent };
    case "Exists":
      return { values, absent: false };
    default:
      return { values: new Set(), absent };
  }
}

/** Requirements on one label that nothing can meet together. */
function contradictions(selector: JsonObject, path: readonly string[]): Problem[] {
  const labels = own(selector, "matchLabels");
  const exact = Object.entries(isObject(labels) ? labels : {}).map(([key, value]): Requirement => ({ field: "", key, operator: "In", values: [value] }));
  const others = listOf(own(selector, "matchExpressions")).map((requirement, index): Requirement => ({
    field: fieldPath([...path, "matchExpressions", index]),
    key: textOf(own(requirement, "key")) ?? "",
    operator: textOf(own(requirement, "operator")) ?? "",
    values: listOf(own(requirement, "values")),
  }));
  const known = new Map<string, Allowed>();
  return [...exact, ...others].flatMap((requirement): Problem[] => {
    const allowed = narrowed(known.get(requirement.key) ?? { values: undefined, absent: true }, requirement);
    const was = known.get(requirement.key);
    known.set(requirement.key, allowed);
    const isImpossible = ({ values, absent }: Allowed): boolean => values?.size === 0 && !absent;
    if (!isImpossible(allowed) || (was !== undefined && isImpossible(was))) return [];
    return [{ field: requirement.field, code: "SelectsNothing", message: `nothing meets this and the requirements on ${JSON.stringify(requirement.key)} before it` }];
  });
}
