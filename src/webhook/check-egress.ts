import { isIP } from "node:net";
import { addressAllowed, egressFor, isClusterHost, type EgressPolicy } from "../providers/egress.ts";
import type { Findings, Problem } from "./problem.ts";

/** A URL that a Provider names. */
export interface NamedUrl {
  readonly field: string;
  readonly url: string;
  /** Of a proxy: only its host is asked about, since what goes through it is encrypted all the same. */
  readonly isProxy?: boolean;
}

export interface EgressOptions {
  /** Of the Provider; undefined where it is not known. */
  readonly namespace: string | undefined;
  /** Left out: that of the installation is not known here. What every installation denies is an error, what some deny a warning. */
  readonly egress?: EgressPolicy;
}

/** Denies what can be denied: what no policy allows is the same under every other. */
const strictest: EgressPolicy = { development: false };

/** Whether no installation lets a Provider reach the host. */
function isNeverAllowed(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  return isIP(host) !== 0 && !addressAllowed(host, { development: true }, true);
}

function refusalOf(url: URL, policy: EgressPolicy, { namespace, isProxy }: { readonly namespace: string | undefined; readonly isProxy: boolean }): string | undefined {
  const egress = egressFor(policy, namespace);
  try {
    if (isProxy) egress.checkHost(url.hostname);
    else egress.checkUrl(url);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : "may not be reached";
  }
}

/** What can be known of a URL before its name is looked up: the rest is found when the connection is made. */
function judge({ field, url: text, isProxy = false }: NamedUrl, { namespace, egress }: EgressOptions): Findings {
  const url = URL.parse(text);
  const nothing: Findings = { errors: [], warnings: [] };
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return nothing;
  const found = (message: string): readonly Problem[] => [{ field, code: "EgressDenied", message }];
  const refusal = refusalOf(url, egress ?? strictest, { namespace, isProxy });
  if (refusal === undefined) return nothing;
  if (egress !== undefined || isNeverAllowed(url.hostname)) return { errors: found(`Forbidden: ${refusal}`), warnings: [] };
  // Whose namespace a host of the cluster is in cannot be said of a file that names none.
  if (namespace === undefined && isClusterHost(url.hostname)) return nothing;
  return { errors: [], warnings: found(`${refusal}, unless the installation allows it (--egress-allow-hosts, --egress-allow-http)`) };
}

/** Whether the installation lets a Provider of the namespace reach what these URLs name, as far as their text tells. */
export function checkEgress(urls: readonly NamedUrl[], options: EgressOptions): Findings {
  const parts = urls.map((url) => judge(url, options));
  return { errors: parts.flatMap(({ errors }) => errors), warnings: parts.flatMap(({ warnings }) => warnings) };
}
