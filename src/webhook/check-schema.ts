import { readFileSync } from "node:fs";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import formatsPlugin from "ajv-formats";
import type { ErrorCode } from "../errors.ts";
import { didYouMean } from "../filter/suggest.ts";
import { fieldPath, pointerSegments } from "./field-path.ts";
import { isLargerThan, isObject, type JsonObject } from "./json-value.ts";
import type { Problem } from "./problem.ts";

/** Beyond this many errors the rest is not worded: looking for what was meant by ten thousand names takes longer than the call may. */
const maxErrors = 500;

/** The kinds that users write. */
export type CheckedKind = "Provider" | "Notification";

/** Beyond this many members and elements only the first error is looked for: a list of a million wrong entries is not worth a million errors. */
const maxMembersForAllErrors = 10_000;

interface Validators {
  readonly all: ValidateFunction;
  readonly first: ValidateFunction;
}

const validators = new Map<CheckedKind, Validators>();

/** Compiled from `schemas/` once. */
function validatorsOf(kind: CheckedKind): Validators {
  const known = validators.get(kind);
  if (known !== undefined) return known;
  const file = new URL(`../../schemas/${kind.toLowerCase()}.json`, import.meta.url);
  const schema = JSON.parse(readFileSync(file, "utf8")) as JsonObject;
  const compile = (allErrors: boolean): ValidateFunction => {
    const ajv = new Ajv({ allErrors, strict: false, verbose: true });
    formatsPlugin.default(ajv);
    return ajv.compile(schema);
  };
  const compiled = { all: compile(true), first: compile(false) };
  validators.set(kind, compiled);
  return compiled;
}

/** Compiles the schemas, which takes about 100 ms each, before the first object waits for it. */
export function prepareSchemas(): void {
  validatorsOf("Provider");
  validatorsOf("Notification");
}

/**
 * Holds an object against its kind's schema: every error with its field, worded as the API server words them. `status` is
 * not looked at: users do not write it.
 */
export function checkSchema(kind: CheckedKind, object: JsonObject): readonly Problem[] {
  const { status: _, ...written } = object;
  const { all, first } = validatorsOf(kind);
  const validate = isLargerThan(written, maxMembersForAllErrors) ? first : all;
  if (validate(written)) return [];
  const errors = (validate.errors ?? []).filter((error) => !insideRule.test(error.schemaPath)).slice(0, maxErrors);
  const rules = errors.filter((error) => isRule(error));
  const others = errors.filter((error) => !isRule(error)).map((error) => toProblem(error, written));
  const broken = rules.map((error) => toProblem(error, written)).filter(({ field }) => !others.some((other) => explains(other, field)));
  return [...others, ...broken];
}

/** What ajv says about the branches of a rule. The rule's own sentence says it better. */
const insideRule = /\/allOf\/\d+\/(?:oneOf|anyOf)\/./u;
const isRule = (error: ErrorObject): boolean => error.keyword === "oneOf" || error.keyword === "anyOf";

/** A wrong value of the discriminator breaks the rule about it too; one error is enough. */
const explains = (problem: Problem, rulePath: string): boolean =>
  problem.field === rulePath || (problem.field === `${rulePath}.type` && problem.code !== "FieldRequired");

function toProblem(error: ErrorObject, root: JsonObject): Problem {
  const segments = pointerSegments(error.instancePath, root);
  const param = (name: string): unknown => (error.params as JsonObject)[name];
  if (error.keyword === "required") return { field: fieldPath([...segments, String(param("missingProperty"))]), code: "FieldRequired", message: "Required value" };
  if (error.keyword === "additionalProperties") {
    const name = String(param("additionalProperty"));
    const known = isObject(error.parentSchema?.["properties"]) ? Object.keys(error.parentSchema["properties"]) : [];
    return { field: fieldPath([...segments, name]), code: "FieldUnknown", message: `Unknown field${didYouMean(name, known)}` };
  }
  if (error.keyword === "uniqueItems" && Array.isArray(error.data)) {
    const index = Math.max(Number(param("i")), Number(param("j")));
    return { field: fieldPath([...segments, index]), code: "FieldDuplicate", message: `Duplicate value: ${quote(error.data[index])}` };
  }
  const { code, message } = describe(error, param);
  return { field: fieldPath(segments), code, message };
}

function describe(error: ErrorObject, param: (name: string) => unknown): { code: ErrorCode; message: string } {
  const limit = String(param("limit"));
  switch (error.keyword) {
    case "type":
      return { code: "FieldTypeInvalid", message: `Invalid value: ${typeName(error.data)}: must be of type ${String(param("type"))}` };
    case "enum": {
      const allowed = (param("allowedValues") as unknown[]).map((value) => JSON.stringify(value)).join(", ");
      const meant = typeof error.data === "string" ? didYouMean(error.data, (param("allowedValues") as unknown[]).map(String)) : "";
      return { code: "FieldNotSupported", message: `Unsupported value: ${quote(error.data)}: supported values: ${allowed}${meant}` };
    }
    case "oneOf":
    case "anyOf":
      return { code: "RuleBroken", message: `Invalid value: ${String(error.parentSchema?.["description"] ?? "its fields do not agree")}` };
    case "maxLength":
      return { code: "FieldTooLong", message: `Too long: may not be more than ${limit} characters` };
    case "maxItems":
    case "maxProperties":
      return { code: "FieldTooMany", message: `Too many: ${String(Object.keys(error.data as object).length)}: must have at most ${limit} items` };
    default:
      return { code: "FieldInvalid", message: `Invalid value: ${quote(error.data)}: ${bound(error.keyword, limit) ?? error.message ?? "is not valid"}` };
  }
}

function bound(keyword: string, limit: string): string | undefined {
  switch (keyword) {
    case "minItems":
      return `should have at least ${limit} items`;
    case "minLength":
      return `should be at least ${limit} characters long`;
    case "minimum":
      return `should be greater than or equal to ${limit}`;
    case "maximum":
      return `should be less than or equal to ${limit}`;
    default:
      return undefined;
  }
}

const typeName = (value: unknown): string => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);

/** The user's value, short enough for a message; of lists and objects only the kind. */
function quote(value: unknown): string {
  if (typeof value === "object" && value !== null) return JSON.stringify(typeName(value));
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80).toWellFormed()}…` : value);
}
