import { lookup as dnsLookup, type LookupAddress } from "node:dns";
import { BlockList, isIP, isIPv6, type LookupFunction } from "node:net";
import { Agent, fetch as undiciFetch, type RequestInit, type Response } from "undici";
import { DeliveryError } from "./delivery-error.ts";
import { fence } from "./fence.ts";

/** What the platform lets Providers reach. */
export interface EgressPolicy {
  /** Loopback addresses and plain http are allowed. Never with in-cluster configuration. */
  readonly development: boolean;
}

/** The one outbound client: every request that a provider makes goes through it. */
export interface Http {
  /**
   * Like the standard `fetch`, but addresses are checked when the connection is made, redirects are not followed, and an
   * answer's body is bounded. Rejects with a {@link DeliveryError} when no answer came.
   */
  readonly fetch: (url: string, init: RequestInit & { readonly signal: AbortSignal }) => Promise<Response>;
  readonly close: () => Promise<void>;
}

/** No service has more to say about one message. */
const maxAnswerBytes = 1024 * 1024;

function blockList(...ranges: readonly (readonly [string, number, "ipv4" | "ipv6"])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix, family] of ranges) list.addSubnet(address, prefix, family);
  return list;
}

const loopback = blockList(["127.0.0.0", 8, "ipv4"], ["::1", 128, "ipv6"]);

/** Addresses that no Provider may reach: this host, link-local (cloud metadata too), multicast and reserved ranges. */
const alwaysDenied = blockList(
  ["0.0.0.0", 8, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["100.100.100.200", 32, "ipv4"],
  ["168.63.129.16", 32, "ipv4"],
  ["224.0.0.0", 4, "ipv4"],
  ["240.0.0.0", 4, "ipv4"],
  ["::", 128, "ipv6"],
  ["fe80::", 10, "ipv6"],
  ["fd00:ec2::254", 128, "ipv6"],
  ["ff00::", 8, "ipv6"],
);

/** The IPv4 address inside an IPv6 one: mapped (`::ffff:127.0.0.1`), translated (RFC 6052, RFC 2765) or compatible; in any spelling. */
function embeddedIPv4(address: string): string | undefined {
  const url = URL.parse(`http://[${address}]/`);
  const match = /^\[(?:::ffff:|::ffff:0:|64:ff9b::|::)([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(url?.hostname ?? "");
  if (match === null) return undefined;
  const high = Number.parseInt(match[1] ?? "", 16);
  const low = Number.parseInt(match[2] ?? "", 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** Whether the policy lets a Provider connect to the address. */
export function addressAllowed(address: string, policy: EgressPolicy): boolean {
  const plain = isIPv6(address) ? (embeddedIPv4(address) ?? address) : address;
  const family = isIPv6(plain) ? "ipv6" : "ipv4";
  if (loopback.check(plain, family)) return policy.development;
  return !alwaysDenied.check(plain, family);
}

const denied = (host: string): DeliveryError =>
  new DeliveryError("EgressDenied", `${host} is, or resolves to, an address that Providers may not reach (loopback, link-local, metadata, multicast)`);

/** A DNS lookup that fails when any address of the name is denied, so that what was checked is what is connected to. */
function guardedLookup(policy: EgressPolicy): LookupFunction {
  return (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) {
        callback(error, "", 0);
        return;
      }
      const [first] = addresses;
      if (first === undefined) callback(Object.assign(new Error("no address"), { code: "ENOTFOUND" }), "", 0);
      else if (!addresses.every(({ address }) => addressAllowed(address, policy))) callback(denied(hostname), "", 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function checkTarget(url: URL, policy: EgressPolicy): void {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && !addressAllowed(host, policy)) throw denied(host);
  if (url.protocol === "http:" && !policy.development) {
    throw new DeliveryError("EgressDenied", "plain http is not allowed by this installation: use an https URL");
  }
}

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

/**
 * Makes the outbound client; its connections are shared by all senders that are given it.
 * @param mayBegin whether requests may still be begun; asked right before each is written
 */
export function createHttp(policy: EgressPolicy, mayBegin: () => boolean = () => true): Http {
  const agent = new Agent({
    connect: { lookup: guardedLookup(policy) },
    maxResponseSize: maxAnswerBytes,
    connections: 32,
    keepAliveTimeout: 10_000,
  });
  const dispatcher = agent.compose(fence(mayBegin));
  return {
    fetch: async (target, init) => {
      const url = new URL(target);
      try {
        checkTarget(url, policy);
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
