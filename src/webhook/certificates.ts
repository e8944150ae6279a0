import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { installation } from "../api/installation.ts";
import { createBackoff } from "../kube/backoff.ts";
import type { Kube } from "../kube/kube.ts";
import { secrets, type KubeObject } from "../kube/resources.ts";
import { CodedError } from "../errors.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { at, textOf } from "./json-value.ts";

/** PEM texts. `cert` may be a chain. */
export interface ServingCertificate {
  readonly key: string;
  readonly cert: string;
}

/** Where the webhook's certificate comes from. */
export interface CertificateSource {
  /** The newest usable certificate; undefined while there is none. */
  get(): ServingCertificate | undefined;
  /** Keeps looking for a newer one until the signal aborts; `onChange` is called for the first and for every new one. */
  start(onChange: (certificate: ServingCertificate) => void, signal: AbortSignal): Promise<void>;
  /** Whether {@link get} gives a certificate that is valid now. */
  healthy(): boolean;
}

export interface SecretCertificateOptions {
  readonly kube: Kube;
  readonly namespace: string;
  readonly telemetry: Telemetry;
  readonly random?: () => number;
}

const refreshMs = 10_000;
const firstLook = { baseMs: 500, capMs: 10_000 };

/** Reads the certificate from the API server by name, so that a new one is served without waiting for a volume to follow. */
export function secretCertificates(options: SecretCertificateOptions): CertificateSource {
  const { kube, namespace } = options;
  const { clock, log, metrics, redactor } = options.telemetry;
  const backoff = createBackoff({ ...firstLook, ...(options.random === undefined ? {} : { random: options.random }) });
  let current: { readonly certificate: ServingCertificate; readonly validTo: number } | undefined;
  let trouble = "";

  const look = async (onChange: (certificate: ServingCertificate) => void, signal: AbortSignal): Promise<void> => {
    const secret = await kube.get(secrets, { namespace, name: installation.leafSecret }, signal);
    const certificate = readCertificate(secret);
    trouble = "";
    backoff.reset();
    if (current?.certificate.cert === certificate.cert && current.certificate.key === certificate.key) return;
    redactor.learn(certificate.key);
    if (current !== undefined) redactor.forget(current.certificate.key);
    const { serialNumber, validTo } = new X509Certificate(certificate.cert);
    current = { certificate, validTo: Date.parse(validTo) };
    metrics.set("certificate_expiry_timestamp_seconds", { certificate: "leaf" }, current.validTo / 1000);
    log.info("serving a certificate", { serialNumber, validTo });
    onChange(certificate);
  };

  return {
    get: () => current?.certificate,
    healthy: () => current !== undefined && clock.now() < current.validTo,
    start: async (onChange, signal) => {
      const stopped = (): boolean => signal.aborted;
      while (!stopped()) {
        try {
          await look(onChange, signal);
        } catch (error) {
          if (stopped()) return;
          const words = error instanceof Error ? error.message : "";
          if (words !== trouble) log.warn("the webhook's certificate cannot be read; looking again", { error });
          trouble = words;
        }
        await clock.sleep(current === undefined ? backoff.next() : refreshMs, signal).catch(() => undefined);
      }
    },
  };
}

/** @throws CodedError `CertificateUnusable`, without a word of the key. */
function readCertificate(secret: KubeObject | undefined): ServingCertificate {
  const unusable = (what: string): CodedError => new CodedError("CertificateUnusable", `Secret ${installation.leafSecret}: ${what}`);
  if (secret === undefined) throw unusable("does not exist (yet); the controller makes it");
  const decode = (name: string): string => {
    const value = textOf(at(secret, "data", name));
    if (value === undefined || value === "") throw unusable(`${name} is missing`);
    return Buffer.from(value, "base64").toString("utf8");
  };
  const certificate = { key: decode("tls.key"), cert: decode("tls.crt") };
  try {
    createSecureContext(certificate);
  } catch {
    throw unusable("tls.crt and tls.key are not a certificate and its key");
  }
  return certificate;
}
