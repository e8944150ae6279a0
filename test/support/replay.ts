import { isDeepStrictEqual } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { collectionPath, type KubeClient, KubeError, type KubeObject, objectPath } from "./kube-client.ts";
import { readRecording, type RecordedEvent, rewriter, type Rewriting } from "./replay-recording.ts";

export interface ReplayOptions extends Partial<Rewriting> {
  /** Called before each event is played in, with the recorded one and all that were played so far: the place for pauses and faults. */
  readonly before?: (next: RecordedEvent, played: readonly PlayedEvent[]) => Promise<void> | void;
  /** Keeps the recorded distances in time, divided by this number. Default: no pauses. */
  readonly speed?: number;
  /** Stops between two events. */
  readonly signal?: AbortSignal;
}

/** What the API server was made to do for one line of a recording. */
export interface PlayedEvent {
  /** 1-based line of the recording. */
  readonly line: number;
  readonly type: RecordedEvent["type"];
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** The one that this API server gave. */
  readonly uid: string;
  /** After the write; absent when the object is gone. */
  readonly resourceVersion?: string;
  /** The Succeeded condition from this event on; absent before the first one. */
  readonly condition?: { readonly status: string; readonly reason: string; readonly message: string };
}

/** What is known of one recorded object while its recording is played. */
interface Played {
  recorded: KubeObject;
  current: KubeObject;
}

function condition(object: KubeObject): PlayedEvent["condition"] {
  const { conditions } = (object.status ?? {}) as { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
  const succeeded = conditions?.find(({ type }) => type === "Succeeded");
  return succeeded && { status: succeeded.status, reason: succeeded.reason ?? "", message: succeeded.message ?? "" };
}

/** An object as a client may send it: without what only the server sets. */
function sendable(object: KubeObject, current?: KubeObject): KubeObject {
  const { uid: _uid, resourceVersion: _version, generation: _generation, creationTimestamp: _creation, deletionTimestamp: _deletion, deletionGracePeriodSeconds: _grace, managedFields: _fields, ...metadata } = object.metadata;
  const identity = current === undefined ? {} : { uid: current.metadata.uid ?? "", resourceVersion: current.metadata.resourceVersion ?? "" };
  return { ...object, metadata: { ...metadata, ...identity } };
}

/** What the main resource's endpoint stores of an object. */
function definition(object: KubeObject): unknown {
  const { metadata, spec } = sendable(object);
  return { metadata, spec };
}

async function create(client: KubeClient, object: KubeObject): Promise<KubeObject> {
  const { status, ...body } = sendable(object);
  const created = await client.call("POST", collectionPath(object.apiVersion, object.kind, object.metadata.namespace), { body });
  return status === undefined ? created : await client.call("PUT", `${objectPath(object)}/status`, { body: { ...created, status } });
}

async function modify(client: KubeClient, before: Played, recorded: KubeObject, object: KubeObject): Promise<KubeObject> {
  let { current } = before;
  if (recorded.metadata.deletionTimestamp !== undefined && before.recorded.metadata.deletionTimestamp === undefined) {
    current = await client.call("DELETE", objectPath(object), { body: { preconditions: { uid: current.metadata.uid } } });
  }
  if (!isDeepStrictEqual(definition(before.recorded), definition(recorded))) {
    current = await client.call("PUT", objectPath(object), { body: sendable(object, current) });
  }
  if (!isDeepStrictEqual(before.recorded.status, recorded.status)) {
    current = await client.call("PUT", `${objectPath(object)}/status`, { body: sendable(object, current) });
  }
  return current;
}

/** The garbage collector may have been faster with a child, as it was in the recording. */
async function remove(client: KubeClient, { current }: Played, object: KubeObject): Promise<void> {
  const body = { preconditions: { uid: current.metadata.uid }, propagationPolicy: "Background" };
  const pending = current.metadata.deletionTimestamp !== undefined;
  const response = pending
    ? await client.send("PUT", objectPath(object), { body: { ...current, metadata: { ...current.metadata, finalizers: [] } } })
    : await client.send("DELETE", objectPath(object), { body });
  if (response.status > 299 && response.status !== 404) throw new KubeError(pending ? "PUT" : "DELETE", objectPath(object), response);
}

async function ensureNamespaces(client: KubeClient, names: ReadonlySet<string>): Promise<void> {
  for (const name of names) {
    const response = await client.send("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata: { name } } });
    if (response.status !== 201 && response.status !== 409) throw new KubeError("POST", "/api/v1/namespaces", response);
  }
}

/** Whole seconds, rounded up: no time of the run then lies before the moment of the call. */
function shiftToNow(events: readonly RecordedEvent[]): number {
  return Math.ceil((Date.now() - Date.parse(events[0]?.receivedAt ?? "")) / 1000) * 1000;
}

/**
 * Plays a recording of `test/testdata/tekton-runs` through an API server as Tekton would: ADDED creates, MODIFIED updates the
 * object or its status, DELETED deletes; one call after the other, in the recorded order. Namespaces are created as needed. Uids
 * become those that this server gives, wherever they occur. Times move so that the run began now, unless `shift` says otherwise.
 * Resolves with one entry per line. Rejects when the API server refuses anything, such as a write to a run that another client
 * has changed meanwhile.
 */
export async function replay(client: KubeClient, recording: string, options: ReplayOptions = {}): Promise<PlayedEvent[]> {
  const events = readRecording(recording);
  const uids = new Map<string, string>();
  const rewrite = rewriter(events, uids, { ...options, shift: options.shift ?? shiftToNow(events) });
  await ensureNamespaces(client, new Set(events.map(({ object }) => options.namespace ?? object.metadata.namespace ?? "default")));
  const objects = new Map<string, Played>();
  const played: PlayedEvent[] = [];
  for (const [index, event] of events.entries()) {
    const { type, object: recorded } = event;
    const previous = events[index - 1];
    if (options.speed !== undefined && previous !== undefined) {
      await sleep((Date.parse(event.receivedAt) - Date.parse(previous.receivedAt)) / options.speed);
    }
    await options.before?.(event, played);
    options.signal?.throwIfAborted();
    const object = rewrite(recorded);
    const oldUid = recorded.metadata.uid ?? "";
    const known = objects.get(oldUid);
    if ((known === undefined) !== (type === "ADDED")) throw new Error(`${recording}, line ${index + 1}: ${type} of an object that is ${known === undefined ? "not " : ""}there`);
    let current = known?.current;
    if (known === undefined) current = await create(client, object);
    else if (type === "MODIFIED") current = await modify(client, known, recorded, object);
    else await remove(client, known, object);
    const { uid = "", resourceVersion = "" } = current?.metadata ?? {};
    uids.set(oldUid, uid);
    if (current !== undefined) objects.set(oldUid, { recorded, current });
    const succeeded = condition(object);
    played.push({
      line: index + 1,
      type,
      kind: object.kind,
      namespace: object.metadata.namespace ?? "",
      name: object.metadata.name,
      uid,
      ...(type === "DELETED" ? {} : { resourceVersion }),
      ...(succeeded === undefined ? {} : { condition: succeeded }),
    });
  }
  return played;
}
