import type { TSchema } from "typebox";
import { celTypeKeyword, type CelAnnotation } from "../api/cel-schema.ts";
import { shorten } from "../api/text.ts";
import type { KubeObject } from "../kube/resources.ts";

export type Json = Readonly<Record<string, unknown>>;

export const record = (value: unknown): Json => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {});
export const array = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** A time that is one: the status of a CustomRun is written by whoever runs it. */
export const time = (value: unknown): string | undefined =>
  typeof value === "string" && rfc3339.test(value) && !Number.isNaN(Date.parse(value)) ? value : undefined;

/** Keys that messages are made of. */
const needed = /^(?:[a-z0-9.-]+\.)?tekton\.dev\/|^integrations\.tekton\.ornew\.io\//;

/** The string-valued entries, as a map without a prototype: labels may be called `__proto__`. Of too many, those that are needed stay. */
function strings(value: unknown, maxLength: number, maxEntries: number): Readonly<Record<string, string>> {
  const result = Object.create(null) as Record<string, string>;
  const kept = Object.entries(record(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string" && entry[1].length <= maxLength && entry[0] !== "kubectl.kubernetes.io/last-applied-configuration",
  );
  const ordered = kept.length <= maxEntries ? kept : kept.toSorted(([a], [b]) => Number(needed.test(b)) - Number(needed.test(a)));
  for (const [key, entry] of ordered.slice(0, maxEntries)) result[key] = entry;
  return result;
}

/** What is kept of a value; undefined: nothing. */
type Trim = (value: unknown) => unknown;

/** The part of a JSON Schema that says what is kept. */
interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly [celTypeKeyword]?: CelAnnotation;
}

function trimmerOfText({ maxLength = 0, pattern, [celTypeKeyword]: annotation }: Schema): Trim {
  if (annotation === "timestamp") return time;
  if (pattern === undefined) return (value) => (typeof value === "string" ? shorten(value, maxLength) : undefined);
  const form = new RegExp(pattern);
  return (value) => (typeof value === "string" && value.length <= maxLength && form.test(value) ? value : undefined);
}

function trimmerOfList({ items = {}, maxItems }: Schema): Trim {
  const trimItem = trimmerOfNode(items);
  return (value) => (Array.isArray(value) ? (value as unknown[]).slice(0, maxItems).map(trimItem).filter((item) => item !== undefined) : undefined);
}

function trimmerOfObject({ properties = {} }: Schema): Trim {
  const fields = Object.entries(properties).map(([name, schema]) => [name, trimmerOfNode(schema)] as const);
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const result: Record<string, unknown> = {};
    for (const [name, trimField] of fields) {
      const kept = Object.hasOwn(value, name) ? trimField((value as Json)[name]) : undefined;
      if (kept !== undefined) result[name] = kept;
    }
    return result;
  };
}

function trimmerOfNode(schema: Schema): Trim {
  if (schema.patternProperties !== undefined) {
    const [{ maxLength = 0 } = {}] = Object.values(schema.patternProperties);
    return (value) => strings(value, maxLength, schema.maxProperties ?? 0);
  }
  switch (schema.type) {
    case "string": return trimmerOfText(schema);
    case "integer": return (value) => (Number.isSafeInteger(value) ? value : undefined);
    case "array": return trimmerOfList(schema);
    case "object": return trimmerOfObject(schema);
    default: return (value) => value ?? undefined;
  }
}

/**
 * Cuts values down to what a schema declares: fields it does not name are left out, lists and texts are cut at their bounds,
 * and what is of another type is left out, as if it were not there.
 */
export const trimmerOf = (schema: TSchema): Trim => trimmerOfNode(schema);

/** Who wrote which field is half of an object, and nobody asks for it. */
export function withoutManagedFields(object: KubeObject): Json {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
