import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeObject } from "./kube-client.ts";

const folder = join(import.meta.dirname, "../testdata/tekton-runs");

/** One line of a recording: a watch event as an API server sent it. */
export interface RecordedEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** RFC 3339 with milliseconds. */
  readonly receivedAt: string;
  readonly object: KubeObject;
}

/** The names of all recordings in `test/testdata/tekton-runs`, such as `failed-step`. */
export function recordingNames(): string[] {
  return readdirSync(folder).filter((file) => file.endsWith(".jsonl")).map((file) => file.slice(0, -".jsonl".length)).sort();
}

/** The events of a recording, in the order in which they happened. */
export function readRecording(name: string): RecordedEvent[] {
  const lines = readFileSync(join(folder, `${name}.jsonl`), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as RecordedEvent);
}

/** How the objects of a recording are changed before they are played in. */
export interface Rewriting {
  /** Takes the place of every object's namespace. */
  readonly namespace?: string;
  /** Appended with `-` to every run's name, wherever it occurs, so that a recording can be played many times. */
  readonly suffix?: string;
  /** Milliseconds added to every time in the objects. */
  readonly shift: number;
}

/** New uids by recorded ones; filled while a recording is played. */
export type Uids = ReadonlyMap<string, string>;

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const timeField = /(?:Time|Timestamp|At)$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

function shifted(text: string, milliseconds: number): string {
  const moved = new Date(Date.parse(text) + milliseconds).toISOString();
  return text.includes(".") ? moved : moved.replace(/\.\d+Z$/, "Z");
}

/** The names that no other name of the recording begins with: a child is named after its parent, so these rename all. */
function stems(events: readonly RecordedEvent[]): string[] {
  const names = [...new Set(events.map(({ object }) => object.metadata.name))];
  return names.filter((name) => !names.some((other) => other !== name && name.startsWith(`${other}-`)));
}

/** Returns the function that rewrites an object of `events`; uids are looked up at each call. */
export function rewriter(events: readonly RecordedEvent[], uids: Uids, { namespace, suffix, shift }: Rewriting): (object: KubeObject) => KubeObject {
  const names = suffix === undefined ? undefined : new RegExp(`(?<![a-z0-9-])(${stems(events).join("|")})(?![a-z0-9])`, "g");
  const text = (value: string, key: string): string => {
    if (timeField.test(key) && time.test(value)) return shifted(value, shift);
    const mapped = value.replace(uuid, (uid) => uids.get(uid) ?? uid);
    return names === undefined ? mapped : mapped.replace(names, `$1-${suffix ?? ""}`);
  };
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === "string") return text(value, key);
    if (Array.isArray(value)) return value.map((item) => walk(item, key));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, walk(inner, name)]));
  };
  return (object) => {
    const rewritten = walk(object, "") as KubeObject;
    if (namespace !== undefined) rewritten.metadata.namespace = namespace;
    return rewritten;
  };
}
