import { lookup as systemLookup, type LookupAddress, type LookupOptions } from "node:dns";
import { isIP, isIPv6, type BlockList, type LookupFunction } from "node:net";
import { familyOf, rangesOf } from "./address-ranges.ts";
import { DeliveryError } from "./delivery-error.ts";

/** What the platform lets Providers reach. */
export interface EgressPolicy {
  /** Loopback addresses and plain http are allowed. Never with in-cluster configuration. */
  readonly development: boolean;
  /** Plain http is allowed. */
  readonly allowHttp?: boolean;
  /** Hosts, or `*.` and what they end in, that may be reached wherever they are in the cluster or in a denied range. */
  readonly allowHosts?: readonly string[];
  /** Ranges that are denied besides those that always are: the addresses of Services, usually. */
  readonly denied?: () => BlockList;
  /** The domain of names in the cluster; `cluster.local` when left out. */
  readonly clusterDomain?: string;
}

/** Asks for the addresses of a name; `dns.lookup` with `all`. */
export type Resolve = (hostname: string, options: LookupOptions & { readonly all: true }, callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void) => void;

const loopback = rangesOf(["127.0.0.0/8", "::1/128"]);

/** Addresses that no Provider may reach: this host, link-local (cloud metadata too), multicast and reserved ranges. */
const alwaysDenied = rangesOf([
  "0.0.0.0/8",
  "169.254.0.0/16",
  "100.100.100.200/32",
  "168.63.129.16/32",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/128",
  "fe80::/10",
  "fd00:ec2::254/128",
  "ff00::/8",
]);

/** The IPv4 address inside an IPv6 one: mapped (`::ffff:127.0.0.1`), translated (RFC 6052, RFC 2765) or compatible; in any spelling. */
function embeddedIPv4(address: string): string | undefined {
  const url = URL.parse(`http://[${address}]/`);
  const match = /^\[(?:::ffff:|::ffff:0:|64:ff9b::|::)([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(url?.hostname ?? "");
  if (match === null) return undefined;
  const high = Number.parseInt(match[1] ?? "", 16);
  const low = Number.parseInt(match[2] ?? "", 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/**
 * Whether the policy lets a Provider connect to the address.
 * @param exempt whether ranges that are not always denied do not count: for Services of the Provider's own namespace, and hosts that are allowed by name
 */
export function addressAllowed(address: string, policy: EgressPolicy, exempt = false): boolean {
  const plain = isIPv6(address) ? (embeddedIPv4(address) ?? address) : address;
  const family = familyOf(plain);
  if (loopback.check(plain, family)) return policy.development;
  if (alwaysDenied.check(plain, family)) return false;
  return exempt || policy.denied?.().check(plain, family) !== true;
}

/** What a host is looked up as, and whether its addresses may be in ranges that are not always denied. */
interface LookedUp {
  readonly name: string;
  readonly exempt: boolean;
}

/** The name of a host in the cluster, `namespace` undefined where it is in none; undefined for any other host. */
function clusterName(host: string, ownNamespace: string | undefined, domain: string): { readonly service: string; readonly namespace: string | undefined } | undefined {
  const inCluster = host.endsWith(`.${domain}`) || host === domain;
  const name = inCluster ? host.slice(0, -domain.length - 1) : host;
  const labels = name.split(".");
  if (labels.length > 1 && labels.at(-1) === "svc") return { service: labels.slice(0, -2).join("."), namespace: labels.length >= 3 ? labels.at(-2) : undefined };
  if (inCluster) return { service: name, namespace: undefined };
  if (labels.length === 1) return { service: name, namespace: ownNamespace };
  return undefined;
}

const matchesAny = (host: string, patterns: readonly string[]): boolean => patterns.some((pattern) => (pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern));

const outside = (host: string): DeliveryError =>
  new DeliveryError("EgressDenied", `${host} is a host of the cluster outside the Provider's namespace, which Providers may not reach`);

const denied = (host: string): DeliveryError =>
  new DeliveryError("EgressDenied", `${host} is, or resolves to, an address that Providers may not reach (loopback, link-local, metadata, multicast, or a range that this installation denies)`);

/** Whether the host is one of the cluster's own: `name`, or `name.namespace.svc` with or without the cluster's domain. */
export const isClusterHost = (hostname: string, domain = "cluster.local"): boolean => {
  const host = lowerHost(hostname);
  return isIP(host) === 0 && !isThisHost(host) && clusterName(host, undefined, domain) !== undefined;
};

const lowerHost = (hostname: string): string => hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "").toLowerCase();

/** Names that are loopback addresses everywhere (RFC 6761). */
const isThisHost = (host: string): boolean => host === "localhost" || host.endsWith(".localhost");

/** The rules for the Providers of one namespace. */
export interface Egress {
  /** Throws EgressDenied for a URL that may not be sent to whatever its name resolves to. */
  readonly checkUrl: (url: URL) => void;
  /** The same for a host alone. */
  readonly checkHost: (hostname: string) => void;
  /** A DNS lookup that fails when any address of the name is denied, so that what was checked is what is connected to. */
  readonly lookup: LookupFunction;
}

/**
 * The rules for the Providers of a namespace; without one, for those of none.
 * Names are looked up as they are, without search domains: those would make `hooks.other` a Service in the namespace `other`.
 */
export function egressFor(policy: EgressPolicy, namespace: string | undefined, resolve: Resolve = systemLookup): Egress {
  const { development, clusterDomain: domain = "cluster.local", allowHosts = [] } = policy;

  /** To be tried in this order until one exists. */
  const namesOf = (host: string): readonly LookedUp[] => {
    if (isThisHost(host)) {
      if (!development) throw denied(host);
      return [{ name: host, exempt: false }];
    }
    const found = clusterName(host, namespace, domain);
    const allowed = matchesAny(host, allowHosts);
    if (found !== undefined) {
      const full = `${found.service}.${found.namespace ?? ""}.svc.${domain}`;
      const exempt = allowed || matchesAny(full, allowHosts) || (namespace !== undefined && found.namespace === namespace);
      if (!exempt) throw outside(host);
      return [{ name: found.namespace === undefined ? `${host}.` : `${full}.`, exempt }];
    }
    const absolute = { name: development ? host : `${host}.`, exempt: allowed };
    const [service, last, ...more] = host.split(".");
    const own = namespace !== undefined && last === namespace && more.length === 0;
    return own ? [{ name: `${service ?? ""}.${namespace}.svc.${domain}.`, exempt: true }, absolute] : [absolute];
  };

  const checkHost: Egress["checkHost"] = (hostname) => {
    const host = lowerHost(hostname);
    if (isIP(host) === 0) namesOf(host);
    else if (!addressAllowed(host, policy, matchesAny(host, allowHosts))) throw denied(host);
  };

  return {
    checkHost,
    checkUrl: (url) => {
      checkHost(url.hostname);
      if (url.protocol === "http:" && !development && policy.allowHttp !== true) {
        throw new DeliveryError("EgressDenied", "plain http is not allowed by this installation: use an https URL");
      }
    },
    lookup: (hostname, options, callback) => {
      const attempt = ([next, ...others]: readonly LookedUp[]): void => {
        if (next === undefined) {
          callback(Object.assign(new Error("no address"), { code: "ENOTFOUND" }), "", 0);
          return;
        }
        resolve(next.name, { ...options, all: true }, (error, addresses) => {
          const [first] = error === null ? addresses : [];
          if (error !== null && (error.code !== "ENOTFOUND" || others.length === 0)) callback(error, "", 0);
          else if (first === undefined) attempt(others);
          else if (!addresses.every(({ address }) => addressAllowed(address, policy, next.exempt))) callback(denied(hostname), "", 0);
          else if (options.all === true) callback(null, addresses);
          else callback(null, first.address, first.family);
        });
      };
      try {
        attempt(namesOf(lowerHost(hostname)));
      } catch (error) {
        callback(error as Error, "", 0);
      }
    },
  };
}
