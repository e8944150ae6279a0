import { durationText, timestampText } from "./conversions.ts";
import { Bytes, Double, Duration, Timestamp, TypeValue, Uint, ValueMap } from "./values.ts";

const wholeNumber = (value: bigint): number | string => (Number.isSafeInteger(Number(value)) ? Number(value) : value.toString());

/** NaN and the infinities have no number in JSON; protobuf writes their names. */
const fraction = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

function boxed(value: object): unknown {
  if (value instanceof Double) return fraction(value.value);
  if (value instanceof Uint) return wholeNumber(value.value);
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value);
  if (value instanceof Bytes) return value.value.toString("base64");
  if (value instanceof TypeValue) return value.name;
  return undefined;
}

/**
 * A value as JSON, in the forms of protobuf's JSON mapping: integers beyond 2^53 and durations as text, timestamps as
 * RFC 3339, bytes as base64; keys of maps become text.
 */
export function toJson(value: unknown): unknown {
  if (typeof value === "bigint") return wholeNumber(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(toJson);
  const single = boxed(value);
  if (single !== undefined) return single;
  const entries = value instanceof ValueMap ? [...value.entries.values()].map(([key, entry]) => [String(toJson(key)), entry] as const) : Object.entries(value as Record<string, unknown>);
  return Object.fromEntries(entries.map(([key, entry]) => [key, toJson(entry)]));
}
