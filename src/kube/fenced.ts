import type { Kube } from "./kube.ts";
import { KubeError } from "./kube-error.ts";

/** The same API server, which this process writes to only while `mayWrite` says so; asked right before each write. */
export function fencedKube(kube: Kube, mayWrite: () => boolean): Kube {
  const fenced = <Answer>(write: () => Promise<Answer>): Promise<Answer> =>
    mayWrite() ? write() : Promise.reject(new KubeError("NotLeading", "this controller no longer leads, and writes nothing"));
  return {
    ...kube,
    create: (...given) => fenced(() => kube.create(...given)),
    update: (...given) => fenced(() => kube.update(...given)),
    updateStatus: (...given) => fenced(() => kube.updateStatus(...given)),
    patch: (...given) => fenced(() => kube.patch(...given)),
    apply: (...given) => fenced(() => kube.apply(...given)),
    applyStatus: (...given) => fenced(() => kube.applyStatus(...given)),
    delete: (...given) => fenced(() => kube.delete(...given)),
  };
}
