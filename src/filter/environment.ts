import { celTypeKeyword, knownValuesKeyword, type CelAnnotation } from "../api/cel-schema.ts";
import { runEventSchema } from "../api/run-event.ts";
import { listOf, mapOf, types, type CelType, type Field, type ObjectType } from "./types.ts";

/** What expressions are written about: the names they can use, with types. Compared by identity. */
export interface Environment {
  readonly name: string;
  readonly variables: ReadonlyMap<string, Field>;
  /** Variables that an expression should read only together with one of others, and what is to be said where it does not. */
  readonly guards?: ReadonlyMap<string, { readonly variables: readonly string[]; readonly absent: string }>;
}

/** The part of a JSON Schema that a declaration is read from. */
interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly description?: string;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly [celTypeKeyword]?: CelAnnotation;
  readonly [knownValuesKeyword]?: readonly string[];
}

const annotated: Readonly<Record<CelAnnotation, CelType>> = {
  timestamp: types.timestamp,
  duration: types.duration,
  dyn: types.dyn,
  "map(string, string)": mapOf(types.string, types.string),
  "map(string, dyn)": mapOf(types.string, types.dyn),
};

const scalars: Readonly<Record<string, CelType>> = { string: types.string, boolean: types.bool, integer: types.int, number: types.double };

/** The type with the bounds that the schema declares. */
function bounded(type: CelType, schema: Schema): CelType {
  const usual = schema[knownValuesKeyword];
  if (type.kind === "string" && usual !== undefined) {
    return { ...type, usual, ...(schema.maxLength !== undefined && { max: schema.maxLength }) };
  }
  const max = schema.maxLength ?? schema.maxItems ?? schema.maxProperties;
  if (max === undefined || (type.kind !== "string" && type.kind !== "list" && type.kind !== "map")) {
    return type;
  }
  const [values] = Object.values(schema.patternProperties ?? {});
  return type.kind === "map" && values !== undefined ? { ...type, max, value: bounded(type.value, values) } : { ...type, max };
}

function typeOf(schema: Schema, name: string): CelType {
  const annotation = schema[celTypeKeyword];
  if (annotation !== undefined) {
    return bounded(annotated[annotation], schema);
  }
  if (schema.enum !== undefined) {
    const known = schema.enum.filter((value) => typeof value === "string");
    return { kind: "string", known, max: Math.max(...known.map((value) => value.length)) };
  }
  if (schema.type === "object") {
    return objectOf(schema, name);
  }
  if (schema.items !== undefined) {
    return bounded(listOf(typeOf(schema.items, `${name}[]`)), schema);
  }
  return bounded(scalars[schema.type ?? ""] ?? types.dyn, schema);
}

function objectOf(schema: Schema, name: string): ObjectType {
  const required = new Set(schema.required);
  const fields = Object.entries(schema.properties ?? {}).map(([key, field]): [string, Field] => [
    key,
    { type: typeOf(field, `${name}.${key}`), optional: !required.has(key), description: field.description ?? "" },
  ]);
  return { kind: "object", name, fields: new Map(fields) };
}

/** An environment whose variables are the properties of an object schema. */
export function environmentOf(name: string, schema: unknown): Environment {
  return { name, variables: objectOf(schema as Schema, name).fields };
}

/** The environment of filters and templates: the fields of RunEvent, declared once, in its schema. */
export const runEventEnvironment: Environment = {
  ...environmentOf("RunEvent", runEventSchema),
  guards: new Map([["duration", { variables: ["terminal", "status", "completionTime"], absent: "is absent until the run has ended" }]]),
};
