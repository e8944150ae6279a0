import { connect as tlsConnect, type TLSSocket } from "node:tls";
import type { TestContext } from "node:test";
import { Agent, request } from "undici";
import type { Provider } from "../../src/api/provider.ts";
import type { AccessReviews } from "../../src/kube/access-reviews.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createRedactor } from "../../src/telemetry/redact.ts";
import type { Telemetry } from "../../src/telemetry/telemetry.ts";
import type { CertificateSource, ServingCertificate } from "../../src/webhook/certificates.ts";
import type { ProviderReader } from "../../src/webhook/check-provider.ts";
import { serverLimits, type ServerLimits } from "../../src/webhook/limits.ts";
import { createWebhook, type Webhook } from "../../src/webhook/server.ts";
import { recordingLogger, type LogLine } from "../kube/reflector-harness.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";
import { selfSignedCertificate } from "../support/self-signed-certificate.ts";
import { goodProvider } from "./objects.ts";

interface Certificates extends CertificateSource {
  put(certificate: ServingCertificate): void;
  valid: boolean;
}

/** A source whose certificate a test puts in. */
export function certificatesByHand(): Certificates {
  let current: ServingCertificate | undefined;
  let tell: ((certificate: ServingCertificate) => void) | undefined;
  return {
    valid: true,
    get: () => current,
    healthy() {
      return current !== undefined && this.valid;
    },
    start: (onChange, signal) =>
      new Promise((resolve) => {
        tell = onChange;
        if (current !== undefined) onChange(current);
        signal.addEventListener("abort", () => {
          resolve();
        });
      }),
    put: (certificate) => {
      current = certificate;
      tell?.(certificate);
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A webhook that listens on 127.0.0.1, with a clock that stands still. */
interface Running {
  readonly webhook: Webhook;
  readonly port: number;
  readonly certificate: ServingCertificate;
  readonly certificates: Certificates;
  readonly clock: ManualClock;
  readonly log: LogLine[];
  readonly telemetry: Telemetry;
  readonly stop: () => void;
  readonly over: Promise<void>;
  readonly post: (path: string, body: string | Buffer, headers?: Record<string, string>) => Promise<Answer>;
  readonly get: (path: string) => Promise<Answer>;
}

/** Allows everything to everybody. */
export const allowAll: AccessReviews = { isAllowed: () => Promise.resolve(true) };

/** Finds a Provider of the type that the Notifications here are for. */
export const reader: ProviderReader = { find: () => Promise.resolve(goodProvider as unknown as Provider) };

interface Begun {
  readonly reviews?: AccessReviews;
  /** Those that are not the usual ones. */
  readonly limits?: Partial<ServerLimits>;
}

/** Starts a webhook that ends with the test. */
export async function begin(test: TestContext, { reviews = allowAll, limits = {} }: Begun = {}): Promise<Running> {
  const certificate = await selfSignedCertificate("127.0.0.1");
  const certificates = certificatesByHand();
  certificates.put(certificate);
  const log: LogLine[] = [];
  const clock = manualClock();
  const telemetry: Telemetry = { log: recordingLogger(log), metrics: createMetrics(), redactor: createRedactor(), clock };
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const webhook = createWebhook({ certificates, telemetry, reviews, reader, limits: { ...serverLimits, ...limits }, port: 0, host: "127.0.0.1", onListening: listening.resolve });
  const over = webhook.run(stop.signal);
  const port = await listening.promise;
  const agent = new Agent({ connect: { ca: certificate.cert }, keepAliveTimeout: 60_000 });
  const waking = async (): Promise<void> => {
    for (const ms of [5_000, 10_000]) {
      await Promise.race([clock.sleeping((left) => left === ms), over]);
      clock.advance(ms);
    }
  };
  test.after(async () => {
    stop.abort();
    await agent.destroy();
    void waking();
    await over;
  });
  const send = async (method: "GET" | "POST", path: string, body: string | Buffer | null, headers: Record<string, string>): Promise<Answer> => {
    const answer = await request(`https://127.0.0.1:${port}${path}`, { method, dispatcher: agent, body, headers });
    const text = await answer.body.text();
    return { status: answer.statusCode, text, body: text.startsWith("{") ? (JSON.parse(text) as unknown) : undefined, headers: answer.headers };
  };
  return {
    webhook,
    port,
    certificate,
    certificates,
    clock,
    log,
    telemetry,
    stop: () => {
      stop.abort();
    },
    over,
    post: (path, body, headers = { "content-type": "application/json" }) => send("POST", path, body, headers),
    get: (path) => send("GET", path, null, {}),
  };
}

/** A connection that speaks TLS already. */
export const tlsSocket = (port: number, ca: string, options: Record<string, unknown> = {}): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const socket = tlsConnect({ port, host: "127.0.0.1", ca, ...options }, () => {
      resolve(socket);
    });
    socket.once("error", reject);
  });
