/**
 * Schemas of what filters see. Annotation `x-cel-type` names the CEL type where JSON Schema alone cannot say it; everything
 * else maps by its JSON Schema type (string, bool, integer -> int, list, object). `x-known-values` names the usual values of
 * a string that may have others too.
 */
import { Type } from "typebox";

/** CEL types that a JSON Schema type does not imply. */
export type CelAnnotation = "timestamp" | "duration" | "dyn" | "map(string, string)" | "map(string, dyn)";

/** The annotations' keys in the JSON Schema. */
export const celTypeKeyword = "x-cel-type";
export const knownValuesKeyword = "x-known-values";

/** What every field says of itself. */
export interface Documentation {
  readonly description: string;
  readonly examples?: unknown[];
}

const cel = (type: CelAnnotation) => ({ [celTypeKeyword]: type });

export const closed = { additionalProperties: false } as const;

/** The name of a Kubernetes object. */
export const name = (documentation: Documentation) => Type.String({ maxLength: 253, ...documentation });

/** A moment in RFC 3339's form. */
export const timestamp = (description: string) =>
  Type.String({ format: "date-time", maxLength: 35, description, examples: ["2026-11-22T15:59:27Z"], ...cel("timestamp") });

/** A span in seconds, as RunEvent writes it. */
export const duration = (description: string) =>
  Type.String({ pattern: "^[0-9]{1,12}(\\.[0-9]{1,9})?s$", maxLength: 23, description, examples: ["192s"], ...cel("duration") });

/** A span in Go's form, as users write it into specs. */
export const goDuration = (description: string) =>
  Type.String({ pattern: "^([0-9]+(\\.[0-9]*)?(h|ms|m|s|us|µs|ns))+$|^0$", maxLength: 64, description, examples: ["1h0m0s"], ...cel("duration") });

/** A map of texts. */
export const strings = (maxLength: number, documentation: Documentation) =>
  Type.Record(Type.String(), Type.String({ maxLength }), { maxProperties: 256, ...documentation, ...cel("map(string, string)") });

/** A map of anything. */
export const values = (documentation: Documentation) =>
  Type.Record(Type.String(), Type.Unknown(cel("dyn")), { maxProperties: 256, ...documentation, ...cel("map(string, dyn)") });

/** Anything. */
export const anything = (documentation: Documentation) => Type.Unknown({ ...documentation, ...cel("dyn") });
