import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import { cryptoProvider, PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";

/** PEM texts. The certificate is its own CA. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A certificate for one IP address or DNS name, valid for an hour. */
export async function selfSignedCertificate(host: string): Promise<Certificate> {
  cryptoProvider.set(webcrypto);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${host}`,
    keys: keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    extensions: [new SubjectAlternativeNameExtension([{ type: isIP(host) === 0 ? "dns" : "ip", value: host }])],
  });
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { key: PemConverter.encode(pkcs8, "PRIVATE KEY"), cert: certificate.toString("pem") };
}
