import { keyOf, type KubeObject, type ObjectRef } from "./resources.ts";

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
  readonly get: (namespace: string | undefined, name: string) => T | undefined;
  readonly values: () => IterableIterator<T>;
  readonly size: () => number;
  /** A list begins: until {@link endList}, objects come with `upsert`. A list that breaks off is simply begun again. */
  beginList(): void;
  /** The list is complete: what it did not hold is gone. */
  endList(): void;
  upsert(object: KubeObject): void;
  remove(object: KubeObject): void;
}

export interface StoreOptions<T> {
  transform(object: KubeObject): T;
  keep(value: T): T;
  readonly handlers: ReflectorHandlers<T>;
  /** A transform or a handler threw; the object is passed over, the rest goes on. */
  onFault(what: "transform" | "handler", key: string, error: unknown): void;
}

export function createStore<T>(options: StoreOptions<T>): ReflectorStore<T> {
  const { handlers } = options;
  /** By namespace, then by name: of tens of thousands of keys a copy of each would be most of what is kept here. */
  const entries = new Map<string, Map<string, Entry<T>>>();
  let size = 0;
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
  const entryOf = ({ namespace = "", name }: ObjectRef): Entry<T> | undefined => entries.get(namespace)?.get(name);
  const put = ({ namespace = "", name }: ObjectRef, entry: Entry<T>): void => {
    const named = entries.get(namespace) ?? new Map<string, Entry<T>>();
    if (!named.has(name)) size += 1;
    entries.set(namespace, named.set(name, entry));
  };
  const forget = ({ namespace = "", name }: ObjectRef, lastValue: T, how: "seen" | "missed"): void => {
    const named = entries.get(namespace);
    named?.delete(name);
    if (named?.size === 0) entries.delete(namespace);
    size -= 1;
    const key = keyOf(namespace === "" ? undefined : namespace, name);
    guarded("handler", key, () => handlers.onDelete?.(key, lastValue, how));
  };

  return {
    get: (namespace, name) => entryOf({ namespace, name })?.value,
    values: function* () {
      for (const named of entries.values()) for (const { value } of named.values()) yield value;
    },
    size: () => size,
    beginList: () => {
      list += 1;
    },
    endList: () => {
      for (const [namespace, named] of entries) {
        for (const [name, entry] of named) if (entry.list !== list) forget({ namespace, name }, entry.value, "missed");
      }
      if (synced) return;
      synced = true;
      guarded("handler", "", () => handlers.onSynced?.());
    },
    upsert: (object) => {
      const key = keyOf(object.metadata.namespace, object.metadata.name);
      const { uid = "", resourceVersion = "" } = object.metadata;
      const known = entryOf(object.metadata);
      if (known !== undefined) known.list = list;
      const same = known?.uid === uid;
      // A list after an interruption holds mostly what is known already.
      if (same && known.resourceVersion === resourceVersion) return;
      const value = guarded("transform", key, () => options.transform(object));
      if (known !== undefined && !same) forget(object.metadata, known.value, "missed");
      if (value === undefined) return;
      put(object.metadata, { uid, resourceVersion, value: options.keep(value.result), list });
      guarded("handler", key, () => handlers.onUpsert?.(key, value.result, same ? known.value : undefined));
    },
    remove: (object) => {
      const key = keyOf(object.metadata.namespace, object.metadata.name);
      const known = entryOf(object.metadata);
      if (known === undefined) return;
      // A deletion of an object that has a successor already says nothing about the successor.
      if (object.metadata.uid !== undefined && object.metadata.uid !== known.uid) return;
      const last = guarded("transform", key, () => options.transform(object));
      forget(object.metadata, last === undefined ? known.value : last.result, "seen");
    },
  };
}
