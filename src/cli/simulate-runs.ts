import { parseAllDocuments, type Document } from "yaml";
import { CodedError } from "../errors.ts";
import { runKinds, type RunKind } from "../api/run-event.ts";
import { trimRun, type TrimmedRun } from "../controller/trim-run.ts";
import type { KubeObject } from "../kube/resources.ts";
import { isObject, type JsonObject } from "../webhook/json-value.ts";
import { defaultNamespace } from "./simulate-setup.ts";

/** One change of a run, in the order of the file. */
export interface RunChange {
  readonly deleted: boolean;
  readonly run: TrimmedRun;
}

const broken = (name: string, where: string, what: string): CodedError => new CodedError("UsageInvalid", `${name}${where}: ${what}`);

/** Whether a document is a watch event and not an object: objects have a kind. */
const isWatchEvent = (document: JsonObject): boolean => typeof document["type"] === "string" && isObject(document["object"]) && document["kind"] === undefined;

function changeOf(document: unknown, name: string, where: string): RunChange[] {
  if (!isObject(document)) throw broken(name, where, "neither an object nor a watch event");
  if (Array.isArray(document["items"])) return document["items"].flatMap((item, index) => changeOf(item, name, `${where}, item ${index + 1}`));
  if (isWatchEvent(document)) {
    if (document["type"] === "BOOKMARK" || document["type"] === "ERROR") return [];
    const [change] = changeOf(document["object"], name, where);
    return change === undefined ? [] : [{ ...change, deleted: document["type"] === "DELETED" }];
  }
  const kind = runKinds.find((known: RunKind) => known === document["kind"]);
  if (kind === undefined) return [];
  if (!isObject(document["metadata"]) || typeof document["metadata"]["name"] !== "string") throw broken(name, where, `a ${kind} without metadata.name`);
  const run = trimRun(document as unknown as KubeObject, kind, true);
  const namespace = run.namespace === "" ? defaultNamespace : run.namespace;
  // A run that was written by hand has no uid; all of those would be one.
  return [{ deleted: false, run: { ...run, namespace, uid: run.uid === "" ? `${kind}/${namespace}/${run.name}` : run.uid } }];
}

/** Every line a JSON value of its own, or undefined when the text is something else. */
function jsonLines(text: string): unknown[] | undefined {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 0 || !lines.every((line) => line.startsWith("{") && line.trimEnd().endsWith("}"))) return undefined;
  try {
    return lines.map((line) => JSON.parse(line) as unknown);
  } catch {
    return undefined;
  }
}

const documentsOf = (text: string): Document[] => {
  const documents = parseAllDocuments(text);
  return Array.isArray(documents) ? documents : [];
};

/** Changes of runs from a list, a multi-document file or JSON lines of watch events. Objects of other kinds are passed over. */
export function readRunEvents(text: string, name: string): RunChange[] {
  const lines = jsonLines(text);
  if (lines !== undefined) return lines.flatMap((line, index) => changeOf(line, name, `, line ${index + 1}`));
  return documentsOf(text).flatMap((document, index) => {
    const [error] = document.errors;
    if (error !== undefined) throw broken(name, "", error.message.split("\n")[0] ?? "not YAML");
    const value = document.toJS({ maxAliasCount: 100 }) as unknown;
    const where = `, document ${index + 1}`;
    if (value === null || value === undefined) return [];
    return Array.isArray(value) ? value.flatMap((item: unknown, item_) => changeOf(item, name, `${where}, item ${item_ + 1}`)) : changeOf(value, name, where);
  });
}
