import { createHash } from "node:crypto";
import { Pool, ProxyAgent, type Dispatcher } from "undici";
import { CodedError } from "../errors.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Access, AccessSource } from "./access.ts";
import { startDeadline, type Deadline } from "./deadline.ts";
import { KubeError } from "./kube-error.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the server's base URL, with the query. */
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  /** Until the whole answer is there; for a stream, until its headers are. */
  readonly timeoutMs: number;
  /** Of the answer to a request; default: {@link TransportOptions.maxAnswerBytes}. */
  readonly maxBytes?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly retryAfterMs?: number;
  readonly text: string;
}

export interface HttpStream {
  readonly status: number;
  readonly retryAfterMs?: number;
  /** Ends when the server ends it; throws when the connection breaks or the signal aborts. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface Transport {
  request(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
  stream(request: HttpRequest, signal: AbortSignal): Promise<HttpStream>;
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly clock: Clock;
  readonly userAgent: string;
  /** Connections for requests; watches have connections of their own, so that they never stand in a request's way. */
  readonly maxConnections: number;
  /** An answer of more bytes is an error. */
  readonly maxAnswerBytes: number;
}

interface Pools {
  readonly identity: string;
  readonly requests: Dispatcher;
  readonly watches: Dispatcher;
}

/**
 * HTTP/1.1 with keep-alive over connections of our own.
 * Errors are KubeErrors: `KubernetesUnreachable` (refused, reset, TLS, time-out) and `KubernetesAnswerInvalid`; a signal's
 * own reason where the signal aborted.
 */
export function createTransport(source: AccessSource, options: TransportOptions): Transport {
  let pools: Pools | undefined;
  const open = new Set<Dispatcher>();

  const poolsFor = (access: Access): Pools => {
    const identity = identityOf(access);
    if (pools?.identity === identity) return pools;
    for (const old of open) void old.close().finally(() => open.delete(old));
    pools = { identity, requests: openPool(access, options.maxConnections), watches: openPool(access, null) };
    open.add(pools.requests);
    open.add(pools.watches);
    return pools;
  };

  const dispatch = async (which: "requests" | "watches", request: HttpRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> => {
    const access = await source.current();
    return poolsFor(access)[which].request({
      origin: access.server.origin,
      path: access.server.pathname.replace(/\/$/u, "") + request.path,
      method: request.method,
      headers: {
        ...access.headers,
        accept: "application/json",
        "user-agent": options.userAgent,
        ...(request.body === undefined ? {} : { "content-type": request.contentType ?? "application/json" }),
      },
      body: request.body ?? null,
      signal,
    });
  };

  /** A refused token may simply be old: it is read again and the request repeated, once. */
  const dispatchWithFreshToken = async (which: "requests" | "watches", request: HttpRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> => {
    const answer = await dispatch(which, request, signal);
    if (answer.statusCode !== 401) return answer;
    const before = await source.current();
    source.refresh();
    const after = await source.current();
    if (after.headers["authorization"] === before.headers["authorization"] && identityOf(after) === identityOf(before)) return answer;
    await answer.body.dump();
    return dispatch(which, request, signal);
  };

  const timedOut = (request: HttpRequest) => () =>
    new KubeError("KubernetesUnreachable", `no answer within ${request.timeoutMs} ms`, { reason: "Timeout" });

  return {
    request: async (request, signal) => {
      const deadline = startDeadline(request.timeoutMs, timedOut(request), options.clock, signal);
      const attempt = async (): Promise<HttpAnswer> => {
        const answer = await dispatchWithFreshToken("requests", request, deadline.signal);
        return { ...head(answer), text: await readText(answer.body, request.maxBytes ?? options.maxAnswerBytes) };
      };
      try {
        return await attempt().catch((error: unknown) => {
          // A kept connection may be closed by the server just as a request goes out on it; reading again is safe.
          if (request.method === "GET" && !deadline.signal.aborted && isReset(error)) return attempt();
          throw error;
        });
      } catch (error) {
        throw transportError(error, deadline.signal);
      } finally {
        deadline.dispose();
      }
    },
    stream: async (request, signal) => {
      const deadline = startDeadline(request.timeoutMs, timedOut(request), options.clock, signal);
      try {
        const answer = await dispatchWithFreshToken("watches", request, deadline.signal);
        deadline.stop();
        return { ...head(answer), chunks: chunksOf(answer.body, deadline) };
      } catch (error) {
        deadline.dispose();
        throw transportError(error, deadline.signal);
      }
    },
    close: async () => {
      await Promise.all([...open].map((pool) => pool.destroy()));
    },
  };
}

/** Changes when other connections are needed; holds no secret in the clear. */
function identityOf(access: Access): string {
  const hash = createHash("sha256").update(`${access.server.origin} ${access.proxy ?? ""} ${access.tls.servername ?? ""} ${access.tls.rejectUnauthorized ?? true}`);
  for (const part of [access.tls.ca, access.tls.cert, access.tls.key]) hash.update("\0").update(part ?? "");
  return hash.digest("hex");
}

function openPool(access: Access, connections: number | null): Dispatcher {
  // Time limits are the deadline's business. Connections are let go before the API server's own idle limit of 90 s.
  const limits = { connections, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000, keepAliveMaxTimeout: 60_000 };
  const tls = { ...access.tls, keepAlive: true, keepAliveInitialDelay: 30_000, timeout: 10_000 };
  return access.proxy === undefined
    ? new Pool(access.server.origin, { ...limits, connect: tls })
    : new ProxyAgent({ ...limits, uri: access.proxy, requestTls: tls });
}

function head(answer: Dispatcher.ResponseData): { status: number; retryAfterMs?: number } {
  const seconds = Number(answer.headers["retry-after"] ?? Number.NaN);
  return { status: answer.statusCode, ...(seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}) };
}

/** @throws KubeError `KubernetesAnswerInvalid` for more than `maxBytes`. */
export async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new KubeError("KubernetesAnswerInvalid", `an answer of more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes).toString("utf8");
}

async function* chunksOf(body: AsyncIterable<Uint8Array>, deadline: Deadline): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw transportError(error, deadline.signal);
  } finally {
    deadline.dispose();
  }
}

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : "";

const isReset = (error: unknown): boolean => ["ECONNRESET", "UND_ERR_SOCKET", "EPIPE"].includes(codeOf(error));

function transportError(error: unknown, signal: AbortSignal): Error {
  if (signal.aborted && signal.reason instanceof Error) return signal.reason;
  if (error instanceof CodedError) return error;
  const code = codeOf(error);
  // Node's own words name host and port at most, never a header.
  const words = error instanceof Error && error.message !== "" ? error.message : "connection failed";
  return new KubeError("KubernetesUnreachable", code === "" || words.includes(code) ? words : `${words} (${code})`, {
    reason: code === "" ? "ConnectionFailed" : code,
    cause: error,
  });
}
