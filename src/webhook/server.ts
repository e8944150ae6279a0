import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import { installation } from "../api/installation.ts";
import { CodedError, type ErrorCode } from "../errors.ts";
import type { EgressPolicy } from "../providers/egress.ts";
import type { OwnIdentityNamespaces } from "../providers/own-identity.ts";
import type { ReadinessCheck } from "../telemetry/health.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { boundBodies } from "./body-budget.ts";
import type { CertificateSource } from "./certificates.ts";
import type { ProviderReader } from "./check-provider.ts";
import type { AccessReviews } from "../kube/access-reviews.ts";
import { prepareSchemas } from "./check-schema.ts";
import { decideMutation } from "./decide.ts";
import { serverLimits, type ServerLimits } from "./limits.ts";
import { createListener, useCertificate } from "./listener.ts";
import { decodeReview, reviewAnswer, type AdmissionRequest, type AdmissionResponse } from "./review.ts";
import { createValidation } from "./validate.ts";

export interface WebhookOptions {
  readonly certificates: CertificateSource;
  /** Says what requesters may do. */
  readonly reviews: AccessReviews;
  /** Finds the Providers that Notifications refer to. */
  readonly reader: ProviderReader;
  readonly telemetry: Telemetry;
  /** Default: none. */
  readonly ownIdentityNamespaces?: OwnIdentityNamespaces;
  /** Where Providers may send, as far as it is known at admission. Default: what is denied where nothing is allowed besides. */
  readonly egress?: EgressPolicy;
  /** 0 takes a free port. */
  readonly port: number;
  /** Default: all addresses. */
  readonly host?: string | undefined;
  /** After the signal: how long requests are still taken, while endpoints forget this Pod. Default 5 s. */
  readonly drainMs?: number;
  /** After that: how long requests under way may take. Default 10 s. */
  readonly graceMs?: number;
  /** Default: {@link serverLimits}. */
  readonly limits?: ServerLimits;
  /** The server listens. */
  readonly onListening?: (port: number) => void;
}

export interface Webhook {
  readonly check: ReadinessCheck;
  /** Serves until the signal aborts and everything under way is answered. Rejects when the port cannot be had. */
  run(signal: AbortSignal): Promise<void>;
}

/** The admission webhook over TLS. It listens as soon as there is a certificate. */
export function createWebhook(options: WebhookOptions): Webhook {
  const { certificates, telemetry, reviews, reader, ownIdentityNamespaces = new Set(), egress, limits = serverLimits } = options;
  let state: "starting" | "serving" | "draining" = "starting";
  const missing = (): string | undefined => {
    if (state === "draining") return "is shutting down";
    if (!certificates.healthy()) return certificates.get() === undefined ? "waits for its certificate" : "its certificate has expired";
    return state === "starting" ? "does not listen yet" : undefined;
  };
  const app = webhookApp({ telemetry, reviews, reader, ownIdentityNamespaces, egress, limits, missing, isDraining: () => state === "draining" });
  const server = createListener(limits, app);

  const listen = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port: options.port, ...(options.host === undefined ? {} : { host: options.host }) }, () => {
        server.off("error", reject);
        resolve();
      });
    });

  return {
    check: { name: "webhook", missing },
    run: async (signal) => {
      const first = Promise.withResolvers<undefined>();
      const watching = certificates.start((certificate) => {
        useCertificate(server, certificate);
        first.resolve(undefined);
      }, signal);
      prepareSchemas();
      await Promise.race([first.promise, watching]);
      if (certificates.get() === undefined) return;
      await listen();
      state = "serving";
      const { port } = server.address() as AddressInfo;
      telemetry.log.info("the webhook listens", { port });
      options.onListening?.(port);
      await watching;
      state = "draining";
      await close(server, options);
    },
  };
}

/** Still takes requests for a while, then none, then waits for those under way. */
async function close(server: Server, { telemetry: { clock }, drainMs = 5_000, graceMs = 10_000 }: WebhookOptions): Promise<void> {
  if (drainMs > 0) await clock.sleep(drainMs);
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  server.closeIdleConnections();
  const enough = new AbortController();
  await Promise.race([closed, clock.sleep(graceMs, enough.signal).catch(() => undefined)]);
  enough.abort();
  server.closeAllConnections();
  await closed;
}

interface AppOptions {
  readonly telemetry: Telemetry;
  readonly reviews: AccessReviews;
  readonly ownIdentityNamespaces: OwnIdentityNamespaces;
  readonly egress: EgressPolicy | undefined;
  readonly reader: ProviderReader;
  readonly limits: ServerLimits;
  readonly missing: () => string | undefined;
  readonly isDraining: () => boolean;
}

function webhookApp({ telemetry, reviews, reader, ownIdentityNamespaces, egress, limits, missing, isDraining }: AppOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  // A kept connection would go on bringing requests to a server that wants to end.
  const endWhenDraining: RequestHandler = (_request, response, next) => {
    if (isDraining()) response.setHeader("connection", "close");
    next();
  };
  const body = [endWhenDraining, requireJson, boundBodies(limits, tooMany), express.json({ limit: limits.bodyBytes, type: () => true, inflate: false, strict: false }), endWhenDraining];
  // Most requests are reviews, and Express tries its routes in this order.
  app.post(installation.validatePath, ...body, answer("validate", createValidation({ reviews, reader, ownIdentityNamespaces, ...(egress !== undefined && { egress }), log: telemetry.log }), telemetry));
  app.post(installation.mutatePath, ...body, answer("mutate", (review) => Promise.resolve(decideMutation(review)), telemetry));
  app.use(endWhenDraining);
  app.get("/healthz", (_request, response) => {
    response.type("text/plain").send("ok\n");
  });
  app.get("/readyz", (_request, response) => {
    const reason = missing();
    response
      .status(reason === undefined ? 200 : 503)
      .type("text/plain")
      .send(reason === undefined ? "ok\n" : `webhook: ${reason}\n`);
  });
  app.use((request, response) => {
    const known = [installation.mutatePath, installation.validatePath].some((path) => path === request.path);
    refuse(response, known ? 405 : 404, "ReviewInvalid", known ? "only POST is answered here" : `there are ${installation.validatePath} and ${installation.mutatePath}, /healthz and /readyz`);
  });
  app.use(handleError(telemetry, limits.bodyBytes));
  return app;
}

const requireJson: RequestHandler = (request, response, next) => {
  // API servers write it so.
  const isJson = request.headers["content-type"] === "application/json" || request.is("application/json") === "application/json";
  if (isJson) next();
  else refuse(response, 415, "ReviewInvalid", "the content type must be application/json");
};

/** API servers take this as a call that is to be made again in a second, as long as their own limit of time allows. */
const tooMany: RequestHandler = (_request, response) => {
  response.setHeader("retry-after", "1");
  // What is left of the body is not waited for.
  response.setHeader("connection", "close");
  refuse(response, 429, "TooManyReviews", "too many requests are under way: try again in a moment");
};

function refuse(response: Parameters<RequestHandler>[1], status: number, code: ErrorCode, message: string): void {
  response.status(status).json({ code, message });
}

/** Answers a review: HTTP 200 for everything that was decided, a failure of our own included. */
function answer(endpoint: "mutate" | "validate", decide: (request: AdmissionRequest, signal: AbortSignal) => Promise<AdmissionResponse>, { clock, log, metrics }: Telemetry): RequestHandler {
  return async (request, response) => {
    const begun = clock.monotonic();
    const gone = new AbortController();
    // The API server waits no longer.
    response.once("close", () => {
      if (!response.writableEnded) gone.abort();
    });
    const review = decodeReview(request.body);
    let decided: AdmissionResponse;
    try {
      decided = await decide(review, gone.signal);
    } catch (error) {
      log.error("a review could not be decided", { endpoint, kind: review.kind.kind, error });
      const status = { code: 500, reason: "InternalError", message: "the webhook failed while it judged this object; its log says more" };
      decided = endpoint === "mutate" ? { uid: review.uid, allowed: true } : { uid: review.uid, allowed: false, status };
    }
    const known = review.kind.kind === "Provider" || review.kind.kind === "Notification" ? review.kind.kind : "other";
    metrics.add("admission_reviews_total", { endpoint, kind: known, decision: decided.allowed ? "allowed" : "denied" });
    // Head and body together in one write; Express would look for more to do.
    const text = JSON.stringify(reviewAnswer(decided));
    response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": Buffer.byteLength(text) }).end(text);
    metrics.observe("admission_duration_seconds", { endpoint }, (clock.monotonic() - begun) / 1000);
  };
}

/** The body could not be read, or is no review: 4xx with a sentence, which the API server shows. */
const handleError =
  ({ log }: Telemetry, maxBodyBytes: number): ErrorRequestHandler =>
  (error: unknown, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    if (error instanceof CodedError) {
      refuse(response, 400, error.code, error.message);
      return;
    }
    const { status, type } = typeof error === "object" && error !== null ? (error as { status?: unknown; type?: unknown }) : {};
    if (type === "entity.too.large") refuse(response, 413, "ReviewTooLarge", `the body is larger than ${maxBodyBytes} bytes`);
    else if (type === "entity.parse.failed") refuse(response, 400, "ReviewInvalid", "the body is not JSON");
    else if (status === 415) refuse(response, 415, "ReviewInvalid", "the body must be JSON in UTF-8, not compressed");
    else if (typeof status === "number" && status >= 400 && status < 500) refuse(response, status, "ReviewInvalid", "the body could not be read");
    else {
      log.error("a request failed", { error });
      refuse(response, 500, "AdmissionFailed", "the webhook failed; its log says more");
    }
  };
