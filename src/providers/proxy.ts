import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { isIP, type LookupFunction, type Socket } from "node:net";
import { familyOf, rangesOf } from "./address-ranges.ts";
import { DeliveryError } from "./delivery-error.ts";

/** A proxy that makes tunnels (CONNECT, RFC 9110, 9.3.6). */
export interface Proxy {
  /** http or https; nothing but scheme, host and port counts. */
  readonly url: string;
  /** The value of Proxy-Authorization. */
  readonly authorization?: string;
}

/** The platform's proxies, as HTTPS_PROXY, HTTP_PROXY and NO_PROXY name them. */
export interface PlatformProxies {
  readonly https?: Proxy;
  readonly http?: Proxy;
  /** Hosts that are reached without: a name with all below it (`example.com`, `.example.com`), an address, a range, each also with a port; `*`: all. */
  readonly none: readonly string[];
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, "").replace(/\.$/, "").toLowerCase();

const inRange = (host: string, range: string): boolean => isIP(host) !== 0 && rangesOf([range]).check(host, familyOf(host));

function isNamed(host: string, port: string, entry: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return inRange(host, entry);
  const withPort = /^(?<name>\[[^\]]*\]|[^:]*):(?<port>[0-9]+)$/.exec(entry)?.groups;
  if (withPort !== undefined && withPort["port"] !== port) return false;
  const name = bare(withPort?.["name"] ?? entry).replace(/^\*?\./, "");
  if (name === "") return false;
  return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
}

/** The platform's proxy for a URL; undefined where there is none, or NO_PROXY names the host. */
export function platformProxyFor({ protocol, hostname, port }: Pick<URL, "protocol" | "hostname" | "port">, { https, http, none }: PlatformProxies): Proxy | undefined {
  const proxy = protocol === "https:" ? https : http;
  const number = port === "" ? (protocol === "https:" ? "443" : "80") : port;
  return none.some((entry) => isNamed(bare(hostname), number, entry)) ? undefined : proxy;
}

/** How a tunnel is made. */
export interface TunnelOptions {
  readonly proxy: Proxy;
  /** `host:port` to be reached. */
  readonly target: string;
  readonly lookup: LookupFunction | undefined;
  /** For a proxy that is spoken to over TLS. */
  readonly ca: string | undefined;
  readonly timeoutMs: number;
}

const refused = (host: string, status: number): DeliveryError =>
  new DeliveryError(status === 407 ? "CredentialsRefused" : "ServiceUnreachable", `the proxy ${host} answered ${status} instead of making a connection`);

/** A connection to the target through the proxy. Rejects with a {@link DeliveryError}, or the error of the network. */
export function openTunnel({ proxy, target, lookup, ca, timeoutMs }: TunnelOptions): Promise<Socket> {
  const { protocol, hostname, port, host } = new URL(proxy.url);
  const request = protocol === "https:" ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const asking = request({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
      method: "CONNECT",
      path: target,
      headers: { host: target, ...(proxy.authorization !== undefined && { "proxy-authorization": proxy.authorization }) },
      agent: false,
      ...(lookup !== undefined && { lookup }),
      ...(ca !== undefined && { ca }),
    });
    const timer = setTimeout(() => {
      asking.destroy(new DeliveryError("ServiceUnreachable", `the proxy ${host} made no connection in time`));
    }, timeoutMs);
    asking.once("close", () => {
      clearTimeout(timer);
    });
    asking.once("connect", ({ statusCode = 0 }, socket: Socket, first) => {
      clearTimeout(timer);
      // Whoever is given the socket hears of its end in ways of their own.
      socket.on("error", () => undefined);
      if (statusCode === 200 && first.length === 0) resolve(socket);
      else {
        socket.destroy();
        reject(statusCode === 200 ? new DeliveryError("ServiceUnreachable", `the proxy ${host} sent something before it was asked`) : refused(host, statusCode));
      }
    });
    asking.on("error", reject);
    asking.end();
  });
}
