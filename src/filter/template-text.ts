import { doubleText, timestampText } from "./conversions.ts";
import { limits } from "./limits.ts";
import { Bytes, Double, Duration, fromJson, keysOf, lookUp, Timestamp, TypeValue, Uint, type JsonObject, type Value, type ValueMap } from "./values.ts";

/** How templates write values (docs/filters.md, Templates). */

/** A text that grows up to a bound, in UTF-16 units; what comes after it is dropped. */
export interface TextSink {
  text: string;
  readonly maxLength: number;
}

/** Adds to the text; what does not fit is cut off. */
export function write(sink: TextSink, text: string): void {
  const room = sink.maxLength - sink.text.length;
  if (room > 0) sink.text += text.length <= room ? text : text.slice(0, room);
}

const isFull = (sink: TextSink): boolean => sink.text.length >= sink.maxLength;

/** Hours, minutes and seconds, without those that are zero: `3m12s`, `2h`, `1h0.5s`, `-5s`, `0s`. */
function spanText({ seconds, nanos }: Duration): string {
  const total = BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
  const size = total < 0n ? -total : total;
  const whole = size / 1_000_000_000n;
  const fraction = String(size % 1_000_000_000n).padStart(9, "0").replace(/0+$/, "");
  const second = `${whole % 60n}${fraction === "" ? "" : `.${fraction}`}`;
  const parts = [[String(whole / 3600n), "h"], [String((whole / 60n) % 60n), "m"], [second, "s"]] as const;
  const shown = parts.filter(([count]) => count !== "0").map((part) => part.join("")).join("");
  return `${total < 0n ? "-" : ""}${shown === "" ? "0s" : shown}`;
}

/** A value that is no list and no map; undefined for one of those. */
function plainText(value: Value): string | undefined {
  if (value === null) return "";
  if (typeof value !== "object") return String(value);
  if (value instanceof Double) return doubleText(value);
  if (value instanceof Uint) return value.value.toString();
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return spanText(value);
  if (value instanceof Bytes) return value.value.toString("base64");
  return value instanceof TypeValue ? value.name : undefined;
}

function writeNested(sink: TextSink, value: Value, depth: number): void {
  const plain = plainText(value);
  if (plain !== undefined) {
    write(sink, plain);
    return;
  }
  if (depth > limits.templateDepth) {
    write(sink, "…");
    return;
  }
  const list = Array.isArray(value);
  if (depth > 1) write(sink, list ? "[" : "{");
  if (list) writeList(sink, value, depth);
  else writeMap(sink, value as JsonObject | ValueMap, depth);
  if (depth > 1) write(sink, list ? "]" : "}");
}

function writeList(sink: TextSink, list: readonly unknown[], depth: number): void {
  for (const [index, element] of list.entries()) {
    if (isFull(sink)) return;
    if (index > 0) write(sink, ", ");
    writeNested(sink, fromJson(element) ?? null, depth + 1);
  }
}

const byText = (a: { text: string }, b: { text: string }): number => (a.text < b.text ? -1 : Number(a.text > b.text));

function writeMap(sink: TextSink, map: JsonObject | ValueMap, depth: number): void {
  const keys = keysOf(map).map((key) => ({ key, text: plainText(key) ?? "" })).sort(byText);
  for (const [index, { key, text }] of keys.entries()) {
    if (isFull(sink)) return;
    write(sink, `${index > 0 ? ", " : ""}${text}: `);
    writeNested(sink, fromJson(lookUp(map, key)) ?? null, depth + 1);
  }
}

/**
 * Adds a value as text: strings, numbers and bools as they are, null as nothing, timestamps as RFC 3339, durations as `3m12s`,
 * bytes as base64, lists joined by `, `, maps as `key: value` in the order of their keys; lists and maps inside others in
 * `[...]` and `{...}`.
 */
export function writeValue(sink: TextSink, value: Value): void {
  writeNested(sink, value, 1);
}
