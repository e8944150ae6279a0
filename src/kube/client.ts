import { systemClock, type Clock } from "../telemetry/clock.ts";
import { accessSource } from "./access-source.ts";
import type { AccessOptions, AccessSource } from "./access.ts";
import { statusOf } from "./kube-error.ts";
import { decodeList, decodeObject } from "./objects.ts";
import { objectPath } from "./paths.ts";
import { apiVersionOf, type KubeObject, type Resource } from "./resources.ts";
import { createTransport, type HttpRequest } from "./transport.ts";
import type { Kube, ListOptions, WriteOptions } from "./kube.ts";
import { at, send, type Target } from "./request.ts";
import { watch } from "./watch.ts";

export interface ConnectOptions extends AccessOptions {
  readonly clock?: Clock;
  readonly userAgent?: string;
  /** For everything but lists (twice as long) and the body of a watch (the caller's signal). Default 30 s. */
  readonly requestTimeoutMs?: number;
  readonly maxConnections?: number;
  /** Default 256 MiB: a page of 500 objects of the largest size that etcd takes is below it in practice. */
  readonly maxAnswerBytes?: number;
}

const pageSize = 500;

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
