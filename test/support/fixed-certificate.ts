import type { CertificateSource, ServingCertificate } from "../../src/webhook/certificates.ts";

/** A webhook's certificate that is there from the beginning and stays the same. */
export const fixedCertificate = (certificate: ServingCertificate): CertificateSource => ({
  get: () => certificate,
  healthy: () => true,
  start: (onChange, signal) => {
    onChange(certificate);
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        resolve();
      });
    });
  },
});
