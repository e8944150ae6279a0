import { X509Certificate } from "node:crypto";

/** A certificate that was read. */
export interface Certificate {
  readonly pem: string;
  readonly x509: X509Certificate;
  /** SHA-256 of the certificate, in hex: the same for the same certificate, however its text is laid out. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly validFrom: number;
  readonly validTo: number;
}

/** More than any bundle of ours holds; somebody else may have written it. */
const maxCertificates = 16;

/** Reads one certificate in PEM; undefined when it is none. */
export function certificateOf(pem: string): Certificate | undefined {
  try {
    const x509 = new X509Certificate(pem);
    return { pem: x509.toString(), x509, fingerprint: x509.fingerprint256, validFrom: Date.parse(x509.validFrom), validTo: Date.parse(x509.validTo) };
  } catch {
    return undefined;
  }
}

/** The certificates of a PEM bundle, in their order; what is none is passed over. */
export const certificatesIn = (bundle: string): Certificate[] =>
  (bundle.match(/-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----/g) ?? []).slice(0, maxCertificates).flatMap((pem) => certificateOf(pem) ?? []);

/** Whether the leaf carries a signature of the authority. */
export const isSignedBy = (leaf: Certificate, authority: Certificate): boolean => leaf.x509.checkIssued(authority.x509) && leaf.x509.verify(authority.x509.publicKey);
