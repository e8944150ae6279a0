import { createPrivateKey } from "node:crypto";
import type { Kube } from "../kube/kube.ts";
import { apiVersionOf, secrets, type KubeObject } from "../kube/resources.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { certificateOf } from "./certificate-text.ts";
import type { Signer } from "./rotation.ts";

export interface CertificateSecretsOptions {
  readonly kube: Kube;
  /** The installation's own namespace. */
  readonly namespace: string;
  readonly telemetry: Pick<Telemetry, "redactor">;
}

/** A Secret with certificates, as far as it can be read. */
export interface StoredCertificates {
  /** undefined: it does not exist. */
  readonly secret: KubeObject | undefined;
  /** The text under a key; "" where there is none. */
  readonly text: (key: string) => string;
  /** The certificate under `<name>.crt` with its key under `<name>.key`; undefined when it is missing or damaged. */
  readonly signer: (name: "tls" | "next") => Signer | undefined;
}

/** Reads a Secret by name; its private keys are masked from then on, wherever they turn up. */
export async function readCertificates({ kube, namespace, telemetry }: CertificateSecretsOptions, name: string, signal: AbortSignal): Promise<StoredCertificates> {
  const secret = await kube.get(secrets, { namespace, name }, signal);
  const data = secret?.["data"];
  const text = (key: string): string => {
    const value: unknown = typeof data === "object" && data !== null ? (data as Record<string, unknown>)[key] : undefined;
    return typeof value === "string" ? Buffer.from(value, "base64").toString("utf8") : "";
  };
  const signer = (of: "tls" | "next"): Signer | undefined => {
    const key = text(`${of}.key`);
    telemetry.redactor.learn(key);
    const certificate = certificateOf(text(`${of}.crt`));
    try {
      return certificate?.x509.checkPrivateKey(createPrivateKey(key)) === true ? { certificate, key } : undefined;
    } catch {
      return undefined;
    }
  };
  return { secret, text, signer };
}

/**
 * Writes these texts as the whole data of the Secret, which is made when it is missing.
 * @throws KubeError 409 when another replica wrote first.
 */
export async function writeCertificates({ kube, namespace, telemetry }: CertificateSecretsOptions, name: string, stored: StoredCertificates, texts: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  for (const [key, text] of Object.entries(texts)) if (key.endsWith(".key")) telemetry.redactor.learn(text);
  const data = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]));
  if (stored.secret !== undefined) {
    await kube.update(secrets, { ...stored.secret, data }, signal);
    return;
  }
  const metadata = { name, namespace, labels: { "app.kubernetes.io/name": "tekton-integrations", "app.kubernetes.io/component": "webhook" } };
  await kube.create(secrets, { apiVersion: apiVersionOf(secrets), kind: secrets.kind, metadata, type: "kubernetes.io/tls", data }, signal);
}
