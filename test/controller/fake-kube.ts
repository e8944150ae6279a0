import type { Kube } from "../../src/kube/kube.ts";
import { keyOf, type KubeObject } from "../../src/kube/resources.ts";

export interface KubeCall {
  readonly verb: "get" | "create" | "applyStatus";
  readonly resource: string;
  readonly object: unknown;
}

/** The three verbs that the controller's parts use, over objects in memory; test/integration has the real API server. */
export interface FakeKube {
  readonly kube: Kube;
  readonly calls: KubeCall[];
  /** By `namespace/name`; what `get` finds. */
  readonly objects: Map<string, KubeObject>;
  /** The error that every call of a verb fails with. */
  readonly fail: Partial<Record<KubeCall["verb"], Error>>;
}

export function fakeKube(failures: FakeKube["fail"] = {}): FakeKube {
  const calls: KubeCall[] = [];
  const objects = new Map<string, KubeObject>();
  const fail = { ...failures };
  const call = <Value>(made: KubeCall, value: Value): Promise<Value> => {
    calls.push(made);
    const error = fail[made.verb];
    return error === undefined ? Promise.resolve(value) : Promise.reject(error);
  };
  const notPlayed = (): never => {
    throw new Error("this fake does not play that verb");
  };
  const kube: Kube = {
    namespace: undefined,
    server: "https://fake",
    get: ({ plural }, { namespace, name }) => call({ verb: "get", resource: plural, object: name }, objects.get(keyOf(namespace, name))),
    create: ({ plural }, object) => call({ verb: "create", resource: plural, object }, object),
    applyStatus: ({ plural }, object) => call({ verb: "applyStatus", resource: plural, object }, object),
    list: notPlayed,
    listAll: notPlayed,
    review: notPlayed,
    update: notPlayed,
    updateStatus: notPlayed,
    patch: notPlayed,
    apply: notPlayed,
    delete: notPlayed,
    watch: notPlayed,
    close: () => Promise.resolve(),
  };
  return { kube, calls, objects, fail };
}
