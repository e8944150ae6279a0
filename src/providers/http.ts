import { Agent, buildConnector, fetch as undiciFetch, type RequestInit, type Response } from "undici";
import { DeliveryError } from "./delivery-error.ts";
import { egressFor, type EgressPolicy, type Resolve } from "./egress.ts";
import { fence } from "./fence.ts";
import { openTunnel, platformProxyFor, type PlatformProxies, type Proxy } from "./proxy.ts";

/** The one outbound client: every request that a provider makes goes through it. */
export interface Http {
  /**
   * Like the standard `fetch`, but addresses are checked when the connection is made, redirects are not followed, and an
   * answer's body is bounded. Rejects with a {@link DeliveryError} when no answer came.
   */
  readonly fetch: (url: string, init: RequestInit & { readonly signal: AbortSignal }) => Promise<Response>;
  readonly close: () => Promise<void>;
}

/** How requests travel, for one Provider. */
export interface Transport {
  /** Of the Provider; hosts of the cluster can be reached there only. */
  readonly namespace?: string;
  /** PEM: certificates that servers' certificates are checked against, instead of those of the public. */
  readonly ca?: string;
  /** PEM: what servers are shown that ask for a certificate. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** For every request; the platform's proxies do not count then. */
  readonly proxy?: Proxy;
}

export interface HttpOptions {
  /** Undefined: for endpoints of the platform's own, which no rules of Providers concern. */
  readonly policy: EgressPolicy | undefined;
  /** Whether requests may still be begun; asked right before each is written. */
  readonly mayBegin?: () => boolean;
  readonly proxies?: PlatformProxies;
  readonly resolve?: Resolve;
}

/** No service has more to say about one message. */
const maxAnswerBytes = 1024 * 1024;

const connectTimeoutMs = 10_000;

/** The first error in the chain of causes that says what happened on the network. */
function networkCause(error: unknown): { code?: string; found?: DeliveryError } {
  for (let current = error, depth = 0; current instanceof Error && depth < 8; current = current.cause, depth += 1) {
    if (current instanceof DeliveryError) return { found: current };
    const code = (current as NodeJS.ErrnoException).code;
    if (typeof code === "string" && /^[A-Z0-9_]{3,64}$/.test(code)) return { code };
  }
  return {};
}

/** What a failed request means: our own refusal, a time-out, or no connection. The URL's path and query are left out. */
export function requestFailed(error: unknown, host: string, signal: AbortSignal): DeliveryError {
  const { code, found } = networkCause(error);
  if (found !== undefined) return found;
  if (signal.aborted && (signal.reason as Error | undefined)?.name === "TimeoutError") {
    return new DeliveryError("ServiceTimeout", `${host} did not answer in time`, { cause: error });
  }
  return new DeliveryError("ServiceUnreachable", `no answer from ${host}${code === undefined ? "" : ` (${code})`}`, { cause: error });
}

/** Makes the connections of a transport: straight, or through a tunnel. */
function connectorFor({ policy, proxies = { none: [] }, resolve }: HttpOptions, { namespace, ca, certificate, proxy }: Transport): buildConnector.connector {
  const egress = policy === undefined ? undefined : egressFor(policy, namespace, resolve);
  const tls = { timeout: connectTimeoutMs, ...(ca !== undefined && { ca }), ...certificate };
  const straight = buildConnector({ ...tls, ...(egress !== undefined && { lookup: egress.lookup }) });
  const secured = buildConnector(tls);
  return (options, callback) => {
    const { protocol, hostname, port } = options;
    const through = proxy ?? platformProxyFor(options, proxies);
    if (through === undefined) {
      straight(options, callback);
      return;
    }
    const begin = async (): Promise<void> => {
      // The platform's own proxies may be anywhere.
      if (proxy !== undefined) egress?.checkHost(new URL(proxy.url).hostname);
      const lookup = proxy === undefined ? undefined : egress?.lookup;
      const target = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port === "" ? (protocol === "https:" ? "443" : "80") : port}`;
      const socket = await openTunnel({ proxy: through, target, lookup, ca, timeoutMs: connectTimeoutMs });
      if (protocol === "https:") secured({ ...options, httpSocket: socket }, callback);
      else callback(null, socket);
    };
    begin().catch((error: unknown) => {
      callback(error as Error, null);
    });
  };
}

/** Makes the outbound client of one transport; its connections are shared by all senders that are given it. */
export function createHttp(options: HttpOptions, transport: Transport = {}): Http {
  const { policy, mayBegin = () => true, resolve } = options;
  const egress = policy === undefined ? undefined : egressFor(policy, transport.namespace, resolve);
  const agent = new Agent({ connect: connectorFor(options, transport), maxResponseSize: maxAnswerBytes, connections: 32, keepAliveTimeout: 10_000 });
  const dispatcher = agent.compose(fence(mayBegin));
  return {
    fetch: async (target, init) => {
      const url = new URL(target);
      try {
        egress?.checkUrl(url);
        return await undiciFetch(url, { ...init, redirect: "manual", dispatcher });
      } catch (error) {
        throw requestFailed(error, url.host, init.signal);
      }
    },
    close: async () => {
      await agent.close();
    },
  };
}
