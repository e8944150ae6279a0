import { isIP } from "node:net";
import { isSignedBy, type Certificate } from "./certificate-text.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

/** How long each of the two lives, milliseconds. */
export const lifeMs = { authority: 365 * day, leaf: 30 * day };

/** Certificates begin so long before they are made: clocks of nodes differ. */
export const skewMs = 60 * minute;

/** A certificate is replaced when so much of its life is over. */
const renewAt = 2 / 3;

/** So long every API server has trusted an authority before a leaf of it is served. */
export const overlapMs = 5 * minute;

/** A certificate with its private key, both PEM. */
export interface Signer {
  readonly certificate: Certificate;
  readonly key: string;
}

/** The authorities as the Secret holds them. */
export interface Authorities {
  /** Signs leaves. */
  readonly current: Signer | undefined;
  /** Signs them next; trusted already. */
  readonly next: Signer | undefined;
  /** Signed leaves that may still be served. */
  readonly former: readonly Certificate[];
}

/** What is to be done to the authorities. */
export type AuthorityStep =
  | { readonly step: "none" }
  /** There is none that can be used: a new one signs from now on; `former` are still trusted. */
  | { readonly step: "begin"; readonly former: readonly Certificate[] }
  /** The current one grows old. */
  | { readonly step: "prepare" }
  /** The next one is trusted everywhere: it becomes the current one. */
  | { readonly step: "promote" }
  /** What is left of the former ones. */
  | { readonly step: "retire"; readonly former: readonly Certificate[] };

const isDue = ({ validFrom, validTo }: Certificate, now: number): boolean => now >= validFrom + (validTo - validFrom) * renewAt;
const madeAt = ({ validFrom }: Certificate): number => validFrom + skewMs;
const isSettled = (certificate: Certificate, now: number): boolean => now >= madeAt(certificate) + overlapMs;

/** What the API server trusts now. */
export interface Trust {
  readonly any: readonly Certificate[];
  readonly byAll: (certificate: Certificate) => boolean;
}

/**
 * The next step in the life of the authorities, as a pure function of what is stored and trusted: a new authority joins the bundle
 * before any leaf of it is served, and an old one leaves it after the last leaf of it has expired.
 */
export function nextAuthorityStep({ current, next, former }: Authorities, leaf: Certificate | undefined, trust: Trust, now: number): AuthorityStep {
  if (current === undefined || now >= current.certificate.validTo) {
    // Its Secret was lost: what is served meanwhile is still to be trusted.
    const known = [...former, ...trust.any].filter((candidate) => leaf !== undefined && now < candidate.validTo && isSignedBy(leaf, candidate));
    return { step: "begin", former: [...new Map(known.map((certificate) => [certificate.fingerprint, certificate])).values()] };
  }
  if (next === undefined && isDue(current.certificate, now)) return { step: "prepare" };
  if (next !== undefined && isSettled(next.certificate, now) && trust.byAll(next.certificate)) return { step: "promote" };
  const mayBeServed = (authority: Certificate): boolean => now < madeAt(current.certificate) + overlapMs + lifeMs.leaf || (leaf !== undefined && isSignedBy(leaf, authority));
  const needed = former.filter((authority) => now < authority.validTo && mayBeServed(authority));
  return needed.length < former.length ? { step: "retire", former: needed } : { step: "none" };
}

/** The certificates that the API server is to trust. */
export const bundleOf = ({ current, next, former }: Authorities): readonly Certificate[] => [...[current, next].flatMap((signer) => signer?.certificate ?? []), ...former];

export interface LeafInput {
  readonly leaf: Certificate | undefined;
  readonly authorities: Authorities & { readonly current: Signer };
  /** The names that it is called by. */
  readonly names: readonly string[];
  readonly trust: Trust;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Whether the current authority is to sign a new leaf now. */
export function needsLeaf({ leaf, authorities, names, trust, now }: LeafInput): boolean {
  const { current } = authorities;
  if (leaf === undefined || now >= leaf.validTo || !bundleOf(authorities).some((authority) => isSignedBy(leaf, authority))) return true;
  // What is served works still: a leaf of an authority that not everybody trusts yet would not.
  if (!isSettled(current.certificate, now) || !trust.byAll(current.certificate)) return false;
  const covers = (name: string): boolean => (isIP(name) === 0 ? leaf.x509.checkHost(name, { subject: "never" }) : leaf.x509.checkIP(name)) !== undefined;
  return !names.every(covers) || isDue(leaf, now) || !isSignedBy(leaf, current.certificate);
}
