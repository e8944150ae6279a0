import { systemClock, type Clock } from "../telemetry/clock.ts";
import { accessSource } from "./access-source.ts";
import type { AccessOptions, AccessSource } from "./access.ts";
import { splitLines } from "./json-lines.ts";
import { failedAnswer, KubeError, statusOf } from "./kube-error.ts";
import { decodeList, decodeObject, decodeWatchEvent, type ListPage, type WatchEvent } from "./objects.ts";
import { objectPath, type PathOptions } from "./paths.ts";
import { apiVersionOf, resourceName, secrets, type KubeObject, type ObjectRef, type Resource } from "./resources.ts";
import { createTransport, readText, type HttpRequest, type Transport } from "./transport.ts";

export interface ConnectOptions extends AccessOptions {
  readonly clock?: Clock;
  readonly userAgent?: string;
  /** For everything but lists (twice as long) and the body of a watch (the caller's signal). Default 30 s. */
  readonly requestTimeoutMs?: number;
  readonly maxConnections?: number;
  /** Default 256 MiB: a page of 500 objects of the largest size that etcd takes is below it in practice. */
  readonly maxAnswerBytes?: number;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects per page. */
  readonly limit?: number;
  readonly continue?: string | undefined;
}

export interface PageOptions extends ListOptions {
  /** What the API server has at hand, at once and without pages; it may be a moment old. Else what was true when it was asked for. */
  readonly fromCache?: boolean;
  /** A larger answer is an error, `KubernetesAnswerInvalid`. */
  readonly maxBytes?: number;
}

export interface WatchOptions extends Omit<ListOptions, "limit" | "continue"> {
  readonly resourceVersion?: string | undefined;
  /** First the existing objects as ADDED, then a bookmark with `initialEventsEnd`, then changes ("WatchList"). */
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds: number;
  /** Default 16 MiB. */
  readonly maxLineBytes?: number;
  /** The server accepted the watch. */
  readonly onOpen?: () => void;
}

export interface WriteOptions {
  /** Whose fields these are; see server-side apply. */
  readonly fieldManager: string;
  /** Take fields over from other managers. */
  readonly force?: boolean;
}

export interface DeleteOptions {
  /** Only if the object still has this uid; else 409. */
  readonly uid?: string;
}

export type PatchType = "application/merge-patch+json" | "application/json-patch+json";

export interface Patch {
  readonly type: PatchType;
  readonly body: unknown;
  readonly subresource?: "status";
}

/**
 * The API server. Everything rejects with a {@link KubeError} (or a CodedError `KubernetesConfigurationInvalid` about the
 * kubeconfig), and with the signal's reason when the signal aborts. Nothing is retried here except a read on a connection
 * that the server had closed, and a 401 once when the token on disk has changed.
 */
export interface Kube {
  /** Our own namespace: the ServiceAccount's, or the kubeconfig context's; undefined when neither names one. */
  readonly namespace: string | undefined;
  /** Scheme, host and port of the API server. */
  readonly server: string;
  /** undefined when there is no such object. */
  get(resource: Resource, ref: ObjectRef, signal: AbortSignal): Promise<KubeObject | undefined>;
  /** One page. */
  list(resource: Resource, options: PageOptions, signal: AbortSignal): Promise<ListPage>;
  /** All pages (500 objects each unless `limit` says otherwise); starts over when the list expires half-way. */
  listAll(resource: Resource, options: ListOptions, signal: AbortSignal): Promise<{ items: KubeObject[]; resourceVersion: string }>;
  create(resource: Resource, object: KubeObject, signal: AbortSignal): Promise<KubeObject>;
  /** Asks for what is answered and not stored, such as a SubjectAccessReview: the `status` of the answer. */
  review(resource: Resource, spec: object, signal: AbortSignal): Promise<unknown>;
  /** Replaces the object; with `metadata.resourceVersion` only if it is still the stored one (else 409). */
  update(resource: Resource, object: KubeObject, signal: AbortSignal): Promise<KubeObject>;
  updateStatus(resource: Resource, object: KubeObject, signal: AbortSignal): Promise<KubeObject>;
  patch(resource: Resource, ref: ObjectRef, patch: Patch, signal: AbortSignal): Promise<KubeObject>;
  /** Server-side apply: creates the object, or sets exactly the fields given. */
  apply(resource: Resource, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject>;
  /** Server-side apply of `status` alone. */
  applyStatus(resource: Resource, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject>;
  /** False when there was no such object. */
  delete(resource: Resource, ref: ObjectRef, options: DeleteOptions, signal: AbortSignal): Promise<boolean>;
  /** Events until the server ends the stream. An ERROR event is thrown as a KubeError with its code as `status`. */
  watch(resource: Resource, options: WatchOptions, signal: AbortSignal): AsyncGenerator<WatchEvent, void>;
  /** Closes all connections. */
  close(): Promise<void>;
}

const pageSize = 500;
const maxStatusBytes = 1024 * 1024;
const defaultLineBytes = 16 * 1024 * 1024;

/** Reads the configuration; talks to the API server only when asked to. */
export async function connect(options: ConnectOptions): Promise<Kube> {
  const clock = options.clock ?? systemClock;
  const source = accessSource(options, clock);
  const access = await source.current();
  return createKube({ server: access.server.origin, namespace: access.namespace }, source, { ...options, clock });
}

interface Place {
  readonly server: string;
  readonly namespace: string | undefined;
}

function createKube(place: Place, source: AccessSource, options: ConnectOptions & { clock: Clock }): Kube {
  const transport = createTransport(source, {
    clock: options.clock,
    userAgent: options.userAgent ?? "tekton-integrations",
    maxConnections: options.maxConnections ?? 16,
    maxAnswerBytes: options.maxAnswerBytes ?? 256 * 1024 * 1024,
  });
  const timeoutMs = options.requestTimeoutMs ?? 30_000;
  const call = (target: Target, request: Omit<HttpRequest, "path" | "timeoutMs"> & Partial<HttpRequest>, signal: AbortSignal) =>
    send(transport, target, { timeoutMs, path: objectPath(target.resource, target), ...request }, signal);

  const write = async (target: Target, request: Pick<HttpRequest, "method" | "body" | "contentType">, signal: AbortSignal): Promise<KubeObject> =>
    decodeObject(await call(target, request, signal), target.resource);

  const apply = (subresource: "status" | undefined) => (resource: Resource, object: KubeObject, options_: WriteOptions, signal: AbortSignal) =>
    write(
      {
        ...at("apply", resource, object.metadata),
        subresource,
        query: { fieldManager: options_.fieldManager, force: String(options_.force ?? false) },
      },
      // Every JSON document is YAML; the API server knows apply patches by this type only.
      { method: "PATCH", body: JSON.stringify({ ...object, apiVersion: apiVersionOf(resource), kind: resource.kind }), contentType: "application/apply-patch+yaml" },
      signal,
    );

  const put = (subresource: "status" | undefined) => (resource: Resource, object: KubeObject, signal: AbortSignal) =>
    write({ ...at("update", resource, object.metadata), subresource }, { method: "PUT", body: JSON.stringify(object) }, signal);

  const list: Kube["list"] = async (resource, options_, signal) => {
    const { namespace, fromCache = false, maxBytes, ...query } = options_;
    const target = { verb: "list", resource, namespace, query: fromCache ? { ...query, resourceVersion: "0" } : query };
    const answer = await call(target, { method: "GET", timeoutMs: 2 * timeoutMs, ...(maxBytes !== undefined && { maxBytes }) }, signal);
    return decodeList(answer, resource);
  };

  return {
    ...place,
    get: async (resource, ref, signal) => {
      try {
        return await write(at("get", resource, ref), { method: "GET" }, signal);
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    },
    list,
    listAll: (resource, options_, signal) => listAll(list, resource, options_, signal),
    create: (resource, object, signal) => {
      const target = { verb: "create", resource, namespace: object.metadata.namespace, shownName: object.metadata.name };
      return write(target, { method: "POST", body: JSON.stringify(object) }, signal);
    },
    review: async (resource, spec, signal) => {
      const body = JSON.stringify({ apiVersion: apiVersionOf(resource), kind: resource.kind, spec });
      const answer = await call({ verb: "create", resource }, { method: "POST", body }, signal);
      return typeof answer === "object" && answer !== null && "status" in answer ? answer.status : undefined;
    },
    update: put(undefined),
    updateStatus: put("status"),
    patch: (resource, ref, patch, signal) =>
      write({ ...at("patch", resource, ref), subresource: patch.subresource }, { method: "PATCH", body: JSON.stringify(patch.body), contentType: patch.type }, signal),
    apply: apply(undefined),
    applyStatus: apply("status"),
    delete: async (resource, ref, options_, signal) => {
      const body = JSON.stringify({ kind: "DeleteOptions", apiVersion: "v1", ...(options_.uid === undefined ? {} : { preconditions: { uid: options_.uid } }) });
      try {
        await call(at("delete", resource, ref), { method: "DELETE", body }, signal);
        return true;
      } catch (error) {
        if (statusOf(error) === 404) return false;
        throw error;
      }
    },
    watch: (resource, options_, signal) => watch(transport, resource, { timeoutMs, ...options_ }, signal),
    close: () => transport.close(),
  };
}

interface Target extends PathOptions {
  readonly verb: string;
  readonly resource: Resource;
  /** The name for messages where the path has none. */
  readonly shownName?: string;
}

const at = (verb: string, resource: Resource, ref: ObjectRef): Target => ({ verb, resource, namespace: ref.namespace, name: ref.name });

/** For example `get secrets ci/github-app`. */
function describe(target: Target): string {
  const name = target.name ?? target.shownName;
  const resource = resourceName(target.resource) + (target.subresource === undefined ? "" : `/${target.subresource}`);
  if (name === undefined) return `${target.verb} ${resource}${target.namespace === undefined ? "" : ` in ${target.namespace}`}`;
  return `${target.verb} ${resource} ${target.namespace === undefined ? "" : `${target.namespace}/`}${name}`;
}

async function send(transport: Transport, target: Target, request: HttpRequest, signal: AbortSignal): Promise<unknown> {
  const answer = await transport.request(request, signal).catch((error: unknown) => {
    throw named(error, target);
  });
  const body = parseJson(answer.text);
  if (answer.status >= 400) throw refusal(target, answer, body);
  if (body === undefined) throw new KubeError("KubernetesAnswerInvalid", `${describe(target)}: the answer is not JSON`, { status: 0 });
  return body;
}

const refusal = (target: Target, answer: { status: number; retryAfterMs?: number }, body: unknown): KubeError =>
  failedAnswer({
    what: describe(target),
    httpStatus: answer.status,
    body,
    retryAfterMs: answer.retryAfterMs,
    quoteServer: target.resource !== secrets,
  });

/** Says which request it was; errors of the transport cannot know. */
function named(error: unknown, target: Target): unknown {
  if (!(error instanceof KubeError)) return error;
  return new KubeError(error.code, `${describe(target)}: ${error.message}`, { reason: error.reason, cause: error.cause });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function listAll(list: Kube["list"], resource: Resource, options: ListOptions, signal: AbortSignal): Promise<{ items: KubeObject[]; resourceVersion: string }> {
  for (let restarts = 0; ; restarts += 1) {
    const items: KubeObject[] = [];
    let token: string | undefined;
    try {
      for (;;) {
        const page = await list(resource, { limit: pageSize, ...options, continue: token }, signal);
        for (const item of page.items) items.push(item);
        token = page.continue;
        if (token === undefined) return { items, resourceVersion: page.resourceVersion };
      }
    } catch (error) {
      // The snapshot behind the token is gone; half of an old list and half of a new one would be neither.
      if (statusOf(error) !== 410 || token === undefined || restarts === 4) throw error;
    }
  }
}

async function* watch(
  transport: Transport,
  resource: Resource,
  options: WatchOptions & { timeoutMs: number },
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void> {
  const target: Target = {
    verb: "watch",
    resource,
    namespace: options.namespace,
    query: {
      watch: "true",
      allowWatchBookmarks: "true",
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      resourceVersion: options.resourceVersion,
      timeoutSeconds: options.timeoutSeconds,
      ...(options.sendInitialEvents === true ? { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" } : {}),
    },
  };
  try {
    const stream = await transport.stream({ method: "GET", path: objectPath(resource, target), timeoutMs: options.timeoutMs }, signal);
    if (stream.status >= 400) {
      throw refusal(target, stream, parseJson(await readText(stream.chunks, maxStatusBytes)));
    }
    options.onOpen?.();
    for await (const line of splitLines(stream.chunks, options.maxLineBytes ?? defaultLineBytes)) {
      const event = decodeWatchEvent(parseJson(line), resource);
      if (event === undefined) continue;
      if (event.type === "ERROR") throw failedAnswer({ what: describe(target), httpStatus: 0, body: event.status, quoteServer: resource !== secrets });
      yield event;
    }
  } catch (error) {
    throw error instanceof KubeError && error.status === 0 ? named(error, target) : error;
  }
}

