import type { Kube } from "./kube.ts";
import { statusOf } from "./kube-error.ts";
import { apiVersionOf, keyOf, resourceName, type ObjectRef, type Resource } from "./resources.ts";

/** The object whose status is written; an object created anew under the same name has another uid and is written to anew. */
export interface StatusTarget extends ObjectRef {
  readonly uid: string;
}

/** Writes statuses by server-side apply, each only when it differs from what was written last. */
export interface StatusWriter {
  /**
   * `written`: sent and accepted; `unchanged`: the same as last time, nothing sent; `gone`: the object does not exist (any
   * more). The API server does not compare the uid on a status write, so a successor may briefly carry its predecessor's.
   * @throws KubeError for every other refusal; the next call sends again.
   */
  write(resource: Resource, target: StatusTarget, status: object, signal: AbortSignal): Promise<"written" | "unchanged" | "gone">;
  /** The object is gone: what was written to it need not be remembered. */
  forget(resource: Resource, ref: ObjectRef): void;
}

/** Fields that `fieldManager` set before and leaves out now are removed; fields of other managers stay. */
export function createStatusWriter(kube: Kube, fieldManager: string): StatusWriter {
  const last = new Map<string, string>();
  const memoryKey = (resource: Resource, ref: ObjectRef): string => `${resourceName(resource)} ${keyOf(ref.namespace, ref.name)}`;
  return {
    write: async (resource, target, status, signal) => {
      const key = memoryKey(resource, target);
      const content = `${target.uid} ${JSON.stringify(status)}`;
      if (last.get(key) === content) return "unchanged";
      last.delete(key);
      const { namespace, name, uid } = target;
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
        if (statusOf(error) === 404 || statusOf(error) === 409) return "gone";
        throw error;
      }
      last.set(key, content);
      return "written";
    },
    forget: (resource, ref) => {
      last.delete(memoryKey(resource, ref));
    },
  };
}
