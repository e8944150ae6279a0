import { isRecord, KubeError } from "./kube-error.ts";
import { apiVersionOf, type KubeObject, type ObjectMeta, type Resource } from "./resources.ts";

export interface ListPage {
  readonly items: KubeObject[];
  /** Of the whole list: where a watch goes on from. */
  readonly resourceVersion: string;
  /** Asks for the next page; absent on the last. */
  readonly continue?: string;
}

export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: KubeObject }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string; readonly initialEventsEnd: boolean };

const invalid = (resource: Resource, what: string): KubeError =>
  new KubeError("KubernetesAnswerInvalid", `${resource.plural}: ${what}`, { reason: "InvalidAnswer" });

const isMeta = (value: unknown): value is ObjectMeta => isRecord(value) && typeof value["name"] === "string";

/** Members of a list of a built-in kind come without apiVersion and kind: they are filled in. */
export function decodeObject(value: unknown, resource: Resource): KubeObject {
  if (!isRecord(value) || !isMeta(value["metadata"])) throw invalid(resource, "an object without metadata.name");
  const { apiVersion, kind, metadata } = value;
  if (typeof apiVersion === "string" && typeof kind === "string") return Object.assign(value, { apiVersion, kind, metadata });
  return { ...value, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata };
}

export function decodeList(value: unknown, resource: Resource): ListPage {
  if (!isRecord(value) || !isRecord(value["metadata"])) throw invalid(resource, "a list without metadata");
  const { resourceVersion, continue: token } = value["metadata"];
  // A list of a built-in kind may have null instead of [].
  const items: unknown = value["items"] ?? [];
  if (typeof resourceVersion !== "string" || !Array.isArray(items)) throw invalid(resource, "a list without resourceVersion or items");
  return {
    items: items.map((item) => decodeObject(item, resource)),
    resourceVersion,
    ...(typeof token === "string" && token !== "" ? { continue: token } : {}),
  };
}

/** undefined for a type of event that is not known: a newer server may send one. */
export function decodeWatchEvent(value: unknown, resource: Resource): WatchEvent | { type: "ERROR"; status: unknown } | undefined {
  if (!isRecord(value) || typeof value["type"] !== "string") throw invalid(resource, "a line that is not a watch event");
  const { type, object } = value;
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type, object: decodeObject(object, resource) };
    case "BOOKMARK":
      return decodeBookmark(object, resource);
    case "ERROR":
      return { type, status: object };
    default:
      return undefined;
  }
}

function decodeBookmark(object: unknown, resource: Resource): WatchEvent {
  const metadata = isRecord(object) && isRecord(object["metadata"]) ? object["metadata"] : {};
  const { resourceVersion, annotations } = metadata;
  if (typeof resourceVersion !== "string" || resourceVersion === "") throw invalid(resource, "a bookmark without resourceVersion");
  return {
    type: "BOOKMARK",
    resourceVersion,
    initialEventsEnd: isRecord(annotations) && annotations["k8s.io/initial-events-end"] === "true",
  };
}
