import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { Provider, TransportSpec } from "../api/provider.ts";
import { DeliveryError } from "./delivery-error.ts";
import type { Transport } from "./http.ts";
import type { SecretNeeded, SectionProblem } from "./provider.ts";
import { checkUrl } from "./url.ts";

/** More are a mistake, and take time to read. */
const maxCertificates = 64;

const certificate = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----/g;

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function problemOfBundle(bundle: string): string | undefined {
  if (bundle.includes("PRIVATE KEY-----")) return "holds a private key, which belongs in a Secret: take it out, and regard it as known to others";
  const found = bundle.match(certificate) ?? [];
  if (found.length === 0) return "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)";
  if (found.length > maxCertificates) return `holds ${found.length} certificates: at most ${maxCertificates} are taken`;
  const wrong = found.findIndex((pem) => !isCertificate(pem));
  if (wrong >= 0) return `holds something that is no certificate: number ${wrong + 1} cannot be read`;
  return bundle.replace(certificate, "").includes("-----") ? "holds something besides certificates in PEM form" : undefined;
}

/** What the schema cannot say about `tls` and `proxy`, with paths below `spec`. */
export function checkTransport({ tls, proxy }: TransportSpec): readonly SectionProblem[] {
  const bundle = tls?.caBundle === undefined ? undefined : problemOfBundle(tls.caBundle);
  return [...(bundle === undefined ? [] : [{ path: ["tls", "caBundle"], code: "FieldInvalid" as const, message: bundle }]), ...checkUrl(proxy?.url, ["proxy", "url"])];
}

const clientKeys = ["tls.crt", "tls.key"] as const;
const proxyKeys = ["username", "password"] as const;

/** Every key of a Secret that `tls` and `proxy` name. */
export function transportSecretRefs({ tls, proxy }: TransportSpec): readonly SecretNeeded[] {
  const certificateOf = tls?.clientCertificate?.secretRef.name;
  const loginOf = proxy?.secretRef?.name;
  return [
    ...(certificateOf === undefined ? [] : clientKeys.map((key) => ({ name: certificateOf, key, what: "the client certificate" }))),
    ...(loginOf === undefined ? [] : proxyKeys.map((key) => ({ name: loginOf, key, what: "the login at the proxy" }))),
  ];
}

function readCertificate(name: string, secrets: ReadonlyMap<string, string>): { readonly cert: string; readonly key: string } {
  const [cert = "", key = ""] = clientKeys.map((field) => secrets.get(`${name}/${field}`));
  try {
    createSecureContext({ cert, key });
    if (!isCertificate(cert)) throw new Error("no certificate");
  } catch {
    // The parser's error may quote what it read.
    throw new DeliveryError("SecretMalformed", `Secret ${name}: tls.crt is no certificate in PEM form, or tls.key is not its key`);
  }
  return { cert, key };
}

function readLogin(name: string, secrets: ReadonlyMap<string, string>): string {
  const [user = "", password = ""] = proxyKeys.map((field) => (secrets.get(`${name}/${field}`) ?? "").replace(/[\r\n]+$/, ""));
  if (user === "" || /[:\p{Cc}]/u.test(user) || /\p{Cc}/u.test(password)) throw new DeliveryError("SecretMalformed", `Secret ${name}: username or password is empty, of more than one line, or the user name has a colon`);
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

/**
 * How a Provider's requests travel.
 * @param secrets by `<name>/<key>`, with those that {@link transportSecretRefs} names; throws SecretMalformed
 */
export function transportOf({ metadata: { namespace }, spec: { tls, proxy } }: Provider, secrets: ReadonlyMap<string, string>): Transport {
  const certificateOf = tls?.clientCertificate?.secretRef.name;
  const loginOf = proxy?.secretRef?.name;
  return {
    namespace,
    ...(tls?.caBundle !== undefined && { ca: tls.caBundle }),
    ...(certificateOf !== undefined && { certificate: readCertificate(certificateOf, secrets) }),
    ...(proxy !== undefined && { proxy: { url: proxy.url, ...(loginOf !== undefined && { authorization: readLogin(loginOf, secrets) }) } }),
  };
}
