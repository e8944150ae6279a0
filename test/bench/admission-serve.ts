/** A server of the admission benchmark in a process of its own: `ours` or `floor`, with the certificate in a folder. Ends when its standard input does. */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Provider } from "../../src/api/provider.ts";
import { systemClock } from "../../src/telemetry/clock.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createRedactor } from "../../src/telemetry/redact.ts";
import { createWebhook } from "../../src/webhook/server.ts";
import { fixedCertificate } from "../support/fixed-certificate.ts";

const [kind, folder = ""] = process.argv.slice(2);
const certificate = { key: readFileSync(join(folder, "tls.key"), "utf8"), cert: readFileSync(join(folder, "tls.crt"), "utf8") };
const tell = (port: number): void => {
  process.stdout.write(`${port}\n`);
};
const stop = new AbortController();
process.stdin.resume().once("end", () => {
  stop.abort();
});

/** What any webhook in Node.js does at least: TLS, HTTP, the body read and parsed, an answer with its uid. */
function serveFloor(): void {
  const server = createServer({ ...certificate, minVersion: "TLSv1.2", keepAliveTimeout: 120_000 }, (request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part)).once("end", () => {
      const { request: { uid } } = JSON.parse(Buffer.concat(parts).toString("utf8")) as { request: { uid: string } };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: { uid, allowed: true } }));
    });
  });
  server.listen(0, "127.0.0.1", () => {
    tell((server.address() as AddressInfo).port);
  });
  stop.signal.addEventListener("abort", () => {
    server.close();
    server.closeAllConnections();
  });
}

/** Ours, as `serve` has it, but for the calls to the API server: everybody may do everything, and the Provider is there. */
async function serveOurs(): Promise<void> {
  const redactor = createRedactor();
  const webhook = createWebhook({
    certificates: fixedCertificate(certificate),
    telemetry: { log: createLogger("error", redactor), metrics: createMetrics(), redactor, clock: systemClock },
    reviews: { isAllowed: () => Promise.resolve(true) },
    reader: { find: () => Promise.resolve({ metadata: { namespace: "ci" }, spec: { type: "CloudEvents", cloudEvents: {} } } as unknown as Provider) },
    port: 0,
    host: "127.0.0.1",
    drainMs: 0,
    onListening: tell,
  });
  await webhook.run(stop.signal);
}

if (kind === "floor") serveFloor();
else await serveOurs();
