import { runKinds, type RunKind } from "../api/run-event.ts";
import { resourceOfRun, secrets } from "../kube/resources.ts";
import type { CheckedKind } from "./check-schema.ts";
import { fieldPath } from "./field-path.ts";
import { at, isObject, own, textOf } from "./json-value.ts";

/** What the requester must be allowed to do (`ResourceAttributes` of a SubjectAccessReview). */
export interface Attributes {
  readonly verb: "get" | "list";
  readonly group: string;
  readonly resource: string;
  /** "": in every namespace. */
  readonly namespace: string;
  /** "": every object. */
  readonly name: string;
}

/** A right that an object asks of whoever writes it. */
export interface Question {
  /** The field that asks for it. */
  readonly field: string;
  readonly attributes: Attributes;
  /** Why, for people: a half sentence. */
  readonly why: string;
}

/** No object that passes the schema has more. */
const maxSecrets = 64;
const maxDepth = 12;

/** The names of all Secrets below a value, with their paths: wherever a field is called `secretRef`. */
function secretsIn(value: unknown, path: readonly (string | number)[], depth = 0): { readonly name: string; readonly path: readonly (string | number)[] }[] {
  if (typeof value !== "object" || value === null || depth > maxDepth) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    const name = key === "secretRef" ? textOf(own(inner, "name")) : undefined;
    return name === undefined ? secretsIn(inner, at, depth + 1) : [{ name, path: [...at, "name"] }];
  });
}

const everywhere = [""] as const;

/** The namespaces that a selector reaches beyond the object's own; `[""]`: all of them, as for labels, which anybody may put on a Namespace later. */
function reachOf(selector: unknown): readonly string[] {
  if (!isObject(selector)) return [];
  const names = own(selector, "matchNames");
  return Array.isArray(names) ? (names as unknown[]).filter((name) => typeof name === "string") : everywhere;
}

const toList = (field: string, kind: RunKind, namespace: string, why: string): Question => {
  const { group, plural } = resourceOfRun[kind];
  return { field, attributes: { verb: "list", group, resource: plural, namespace, name: "" }, why };
};

/** A Provider decides where its Secrets and messages about runs go. */
function questionsOfProvider(spec: unknown, namespace: string): Question[] {
  const named = secretsIn(spec, ["spec"]).slice(0, maxSecrets);
  const ofSecrets = named.map(({ name, path }): Question => ({
    field: fieldPath(path),
    attributes: { verb: "get", group: secrets.group, resource: secrets.plural, namespace, name },
    why: "a Provider decides where the values of its Secrets go",
  }));
  const ofRuns = [namespace, ...reachOf(own(spec, "runNamespaces"))].flatMap((of, index) =>
    runKinds.map((kind) => toList(index === 0 ? "spec" : "spec.runNamespaces", kind, of, "a Provider decides where messages about runs go")));
  return [...ofSecrets, ...ofRuns];
}

/** A Notification shows what it selects; of a PipelineRun also its tasks. */
function questionsOfNotification(spec: unknown, namespace: string): Question[] {
  const named = at(spec, "filter", "kinds");
  const selected = runKinds.filter((kind) => (Array.isArray(named) ? (named as unknown[]).includes(kind) : kind === "PipelineRun"));
  const kinds = selected.includes("PipelineRun") ? runKinds : selected;
  const selector = at(spec, "filter", "namespaceSelector");
  return [namespace, ...reachOf(selector)].flatMap((of, index) =>
    kinds.map((kind) => toList(index === 0 ? "spec.filter" : "spec.filter.namespaceSelector", kind, of, kinds === selected || selected.includes(kind) ? "a Notification shows the runs that it selects" : "messages about a PipelineRun show its tasks")));
}

/**
 * The rights that an object asks of whoever writes it, each once: judged for the whole object, since whoever changes one field of it decides
 * about the rest. Pure, and indifferent to what is malformed: the schema judges that.
 */
export function questionsOf(kind: CheckedKind, object: unknown, namespace: string): readonly Question[] {
  const spec = own(object, "spec");
  const questions = kind === "Provider" ? questionsOfProvider(spec, namespace) : questionsOfNotification(spec, namespace);
  const first = new Map<string, Question>();
  for (const question of questions) {
    const key = JSON.stringify(question.attributes);
    if (!first.has(key)) first.set(key, question);
  }
  return [...first.values()];
}
