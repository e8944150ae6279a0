import type { TestContext } from "node:test";
import { Agent, request } from "undici";
import type { Provider } from "../../src/api/provider.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createRedactor } from "../../src/telemetry/redact.ts";
import { createWebhook } from "../../src/webhook/server.ts";
import { recordingLogger, type LogLine } from "../kube/reflector-harness.ts";
import { fixedCertificate } from "../support/fixed-certificate.ts";
import { manualClock } from "../support/manual-clock.ts";
import { selfSignedCertificate } from "../support/self-signed-certificate.ts";
import { goodProvider } from "./objects.ts";

/** A webhook that listens, and takes every requester for one who may do everything. */
export interface Serving {
  readonly post: (path: string, body: string | Buffer) => Promise<{ readonly status: number; readonly text: string }>;
  readonly log: readonly LogLine[];
}

/** Until the end of the test. */
export async function serving(test: TestContext): Promise<Serving> {
  const certificate = await selfSignedCertificate("127.0.0.1");
  const log: LogLine[] = [];
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const webhook = createWebhook({
    certificates: fixedCertificate(certificate),
    telemetry: { log: recordingLogger(log), metrics: createMetrics(), redactor: createRedactor(), clock: manualClock() },
    reviews: { isAllowed: () => Promise.resolve(true) },
    reader: { find: () => Promise.resolve(goodProvider as unknown as Provider) },
    port: 0,
    host: "127.0.0.1",
    drainMs: 0,
    onListening: listening.resolve,
  });
  const over = webhook.run(stop.signal);
  const port = await listening.promise;
  const agent = new Agent({ connect: { ca: certificate.cert }, keepAliveTimeout: 60_000 });
  test.after(async () => {
    await agent.destroy();
    stop.abort();
    await over;
  });
  return {
    log,
    post: async (path, body) => {
      const answer = await request(`https://127.0.0.1:${port}${path}`, { method: "POST", dispatcher: agent, body, headers: { "content-type": "application/json" } });
      return { status: answer.statusCode, text: await answer.body.text() };
    },
  };
}
