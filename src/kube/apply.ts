import { isDeepStrictEqual } from "node:util";
import type { Kube } from "./kube.ts";
import { statusOf } from "./kube-error.ts";
import { apiVersionOf, keyOf, resourceName, type ObjectRef, type Resource } from "./resources.ts";

/** The object whose status is written, as it was last seen; an object created anew under the same name has another uid and is written to anew. */
export interface StatusTarget {
  readonly metadata: ObjectRef & { readonly uid: string };
  readonly status?: object | undefined;
}

/** Writes statuses by server-side apply, each only when it differs from what was written last, or, before that, from what the object shows. */
export interface StatusWriter {
  /**
   * `written`: sent and accepted; `unchanged`: the object has it, nothing sent; `gone`: the object does not exist (any
   * more). The API server does not compare the uid on a status write, so a successor may briefly carry its predecessor's.
   * @throws KubeError for every other refusal; the next call sends again.
   */
  write(resource: Resource, target: StatusTarget, status: object, signal: AbortSignal): Promise<"written" | "unchanged" | "gone">;
  /** The object under the key (see `keyOf`) is gone: what was written to it need not be remembered. */
  forget(resource: Resource, key: string): void;
}

/** Fields that `fieldManager` set before and leaves out now are removed; fields of other managers stay. */
export function createStatusWriter(kube: Kube, fieldManager: string): StatusWriter {
  /** What was written last, as far as is known: of a request that failed nobody knows. */
  const last = new Map<string, string | undefined>();
  const memoryKey = (resource: Resource, key: string): string => `${resourceName(resource)} ${key}`;
  return {
    write: async (resource, { metadata, status: shown }, status, signal) => {
      const { namespace, name, uid } = metadata;
      const key = memoryKey(resource, keyOf(namespace, name));
      const content = `${uid} ${JSON.stringify(status)}`;
      // What is shown is not kept: it may be older than what the object has by now, which the next call then sees.
      if (last.has(key) ? last.get(key) === content : isDeepStrictEqual(shown, status)) return "unchanged";
      last.set(key, undefined);
      const object = {
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        metadata: { name, uid, ...(namespace === undefined ? {} : { namespace }) },
        status,
      };
      try {
        await kube.applyStatus(resource, object, { fieldManager, force: true }, signal);
      } catch (error) {
        // An apply that names a uid never creates: where the object is missing, the answer is one of these.
        if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
        last.delete(key);
        return "gone";
      }
      last.set(key, content);
      return "written";
    },
    forget: (resource, key) => {
      last.delete(memoryKey(resource, key));
    },
  };
}
