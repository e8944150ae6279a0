import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Metrics } from "./metrics.ts";

/** One thing that must hold for the process to be ready. */
export interface ReadinessCheck {
  readonly name: string;
  /** What is missing, in a sentence; undefined when all is well. */
  readonly missing: () => string | undefined;
}

export interface HealthServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** What `/readyz` says: 200 and `ok`, or 503 and one line for each check that fails. */
export function readiness(checks: readonly ReadinessCheck[]): { readonly status: 200 | 503; readonly body: string } {
  const failing = checks.map((check) => ({ name: check.name, missing: check.missing() })).filter((check) => check.missing !== undefined);
  if (failing.length === 0) return { status: 200, body: "ok\n" };
  return { status: 503, body: failing.map((check) => `${check.name}: ${check.missing ?? ""}\n`).join("") };
}

/** Serves `/metrics`, `/healthz` and `/readyz` over plain HTTP. Port 0 takes a free one. */
export async function serveHealth(options: {
  readonly port: number;
  readonly host: string | undefined;
  readonly metrics: Metrics;
  readonly checks: readonly ReadinessCheck[];
}): Promise<HealthServer> {
  const server: Server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    const path = request.url?.split("?")[0];
    const answer = (status: number, contentType: string, body: string): void => {
      response.writeHead(status, { "content-type": contentType }).end(body);
    };
    if (request.method !== "GET" && request.method !== "HEAD") answer(405, "text/plain", "only GET\n");
    else if (path === "/healthz") answer(200, "text/plain", "ok\n");
    else if (path === "/readyz") {
      const { status, body } = readiness(options.checks);
      answer(status, "text/plain", body);
    } else if (path === "/metrics") {
      options.metrics.render().then(
        ({ contentType, body }) => {
          answer(200, contentType, body);
        },
        () => {
          answer(500, "text/plain", "metrics cannot be rendered\n");
        },
      );
    } else answer(404, "text/plain", "there are /metrics, /healthz and /readyz\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: options.port, ...(options.host !== undefined && { host: options.host }) }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
