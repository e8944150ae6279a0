import { keyOf, type KubeObject } from "./resources.ts";

/** What a reflector tells. Called one at a time, in the order of the API server's events; must not wait. */
export interface ReflectorHandlers<T> {
  /** `previous` is undefined for an object not seen before (or created again under the same name). */
  onUpsert?(key: string, value: T, previous: T | undefined): void;
  /** `lastValue` is the last state: the one that the deletion carried, or the last seen where the deletion was missed. */
  onDelete?(key: string, lastValue: T, how: "seen" | "missed"): void;
  /** Once: everything that existed at the start has been told. */
  onSynced?(): void;
}

interface Entry<T> {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly value: T;
  /** The last list that held the object. */
  list: number;
}

/** What the reflector knows, and the one place that decides what a change means. */
export interface ReflectorStore<T> {
  readonly entries: ReadonlyMap<string, { readonly value: T }>;
  /** A list begins: until {@link endList}, objects come with `upsert`. A list that breaks off is simply begun again. */
  beginList(): void;
  /** The list is complete: what it did not hold is gone. */
  endList(): void;
  upsert(object: KubeObject): void;
  remove(object: KubeObject): void;
}

export interface StoreOptions<T> {
  transform(object: KubeObject): T;
  readonly handlers: ReflectorHandlers<T>;
  /** A transform or a handler threw; the object is passed over, the rest goes on. */
  onFault(what: "transform" | "handler", key: string, error: unknown): void;
}

export function createStore<T>(options: StoreOptions<T>): ReflectorStore<T> {
  const { handlers } = options;
  const entries = new Map<string, Entry<T>>();
  let list = 0;
  let synced = false;

  const guarded = <R>(what: "transform" | "handler", key: string, work: () => R): { result: R } | undefined => {
    try {
      return { result: work() };
    } catch (error) {
      options.onFault(what, key, error);
      return undefined;
    }
  };
  const forget = (key: string, lastValue: T, how: "seen" | "missed"): void => {
    entries.delete(key);
    guarded("handler", key, () => handlers.onDelete?.(key, lastValue, how));
  };

  return {
    entries,
    beginList: () => {
      list += 1;
    },
    endList: () => {
      for (const [key, entry] of entries) if (entry.list !== list) forget(key, entry.value, "missed");
      if (synced) return;
      synced = true;
      guarded("handler", "", () => handlers.onSynced?.());
    },
    upsert: (object) => {
      const key = keyOf(object.metadata.namespace, object.metadata.name);
      const { uid = "", resourceVersion = "" } = object.metadata;
      const known = entries.get(key);
      if (known !== undefined) known.list = list;
      const same = known?.uid === uid;
      // A list after an interruption holds mostly what is known already.
      if (same && known.resourceVersion === resourceVersion) return;
      const value = guarded("transform", key, () => options.transform(object));
      if (known !== undefined && !same) forget(key, known.value, "missed");
      if (value === undefined) return;
      entries.set(key, { uid, resourceVersion, value: value.result, list });
      guarded("handler", key, () => handlers.onUpsert?.(key, value.result, same ? known.value : undefined));
    },
    remove: (object) => {
      const key = keyOf(object.metadata.namespace, object.metadata.name);
      const known = entries.get(key);
      if (known === undefined) return;
      // A deletion of an object that has a successor already says nothing about the successor.
      if (object.metadata.uid !== undefined && object.metadata.uid !== known.uid) return;
      const last = guarded("transform", key, () => options.transform(object));
      forget(key, last === undefined ? known.value : last.result, "seen");
    },
  };
}
