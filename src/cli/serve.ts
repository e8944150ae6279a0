import { hostname } from "node:os";
import { setFlagsFromString } from "node:v8";
import { egressOf, environmentName, readConfig, type Config } from "../config.ts";
import { keepCertificates } from "../controller/certificates.ts";
import { createController } from "../controller/controller.ts";
import { createDeniedRanges } from "../controller/denied-ranges.ts";
import { together } from "../controller/ending.ts";
import { observeNothing, type StepObserver } from "../controller/steps.ts";
import { CodedError } from "../errors.ts";
import { createAccessReviews } from "../kube/access-reviews.ts";
import { connect } from "../kube/client.ts";
import { createOutbound } from "../providers/outbound.ts";
import { systemClock, type Clock } from "../telemetry/clock.ts";
import { serveHealth, type ReadinessCheck } from "../telemetry/health.ts";
import { createLogger } from "../telemetry/log.ts";
import { debugOnSignal } from "../telemetry/log-level.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { createRedactor } from "../telemetry/redact.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { secretCertificates } from "../webhook/certificates.ts";
import { createProviderReader } from "../webhook/check-provider.ts";
import { createWebhook } from "../webhook/server.ts";
import type { Command } from "./command.ts";
import { serveOptions } from "./serve-options.ts";

/** Where the program is installed when nothing says otherwise. */
const defaultNamespace = "tekton-integrations";

/** What tests put in the place of the real thing. The shipped program has no switch for it. */
export interface Injected {
  readonly clock?: Clock;
  readonly observe?: StepObserver;
}

/** One role of the process: what it needs to be ready, and its life until the signal aborts. */
interface Role {
  readonly check?: ReadinessCheck;
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** Runs the roles that the configuration names, until the signal aborts. */
export async function serve(config: Config, signal: AbortSignal, injected: Injected = {}): Promise<void> {
  const clock = injected.clock ?? systemClock;
  const redactor = createRedactor();
  const log = createLogger(config.logLevel, redactor);
  const telemetry: Telemetry = { log, metrics: createMetrics({ nodeMetrics: true }), redactor, clock };
  const kube = await connect({ ...(config.kubeconfig !== undefined && { kubeconfig: config.kubeconfig }), clock });
  if (config.development && config.kubeconfig === undefined) {
    throw new CodedError("UsageInvalid", "--development is for one's own machine: it is refused with the in-cluster configuration");
  }
  const namespace = config.namespace ?? kube.namespace ?? defaultNamespace;
  // Watches bring more objects than are kept: V8 would rather let garbage pile up, in memory that it hardly gives back.
  if (config.controller) setFlagsFromString("--optimize-for-size");
  const roles: Role[] = [];
  const ownIdentityNamespaces = new Set(config.ambientCredentialsNamespaces);
  const egress = egressOf(config);
  if (config.controller) {
    const denied = createDeniedRanges({ kube, cidrs: config.egressDenyCidrs, telemetry });
    const policy = { ...egress, denied: denied.current };
    const controller = createController({
      kube,
      ownIdentityNamespaces,
      requireSecretOptIn: config.requireSecretOptIn,
      outbound: (mayBegin) => createOutbound({ policy, mayBegin, proxies: config.proxies }),
      telemetry,
      observe: injected.observe ?? observeNothing,
      urlTemplate: config.runUrlTemplate,
      deadlineMs: config.deliveryDeadlineMs,
      instance: config.instance ?? hostname(),
      namespace,
      watchNamespaces: config.watchNamespaces,
      leaseDurationMs: config.leaseDurationMs,
      whileLeading: (stop) => config.certificates === "cert-manager" ? Promise.resolve() : keepCertificates({ kube, namespace, webhookUrl: config.webhookUrl, telemetry }, stop),
    });
    roles.push({
      check: controller.check,
      run: async (stop) => {
        // Nothing is sent before it is known where nothing may be sent.
        await denied.known(stop).catch((error: unknown) => {
          if (!stop.aborted) throw error;
        });
        if (!stop.aborted) await together(stop, controller.run, denied.follow);
      },
    });
  }
  if (config.webhook) {
    roles.push(
      createWebhook({
        certificates: secretCertificates({ kube, namespace, telemetry }),
        reviews: createAccessReviews({ kube, clock }),
        ownIdentityNamespaces,
        egress,
        reader: createProviderReader(kube),
        telemetry,
        port: config.webhookPort,
        host: config.bindAddress,
        // Nothing has to forget this process when it is called by a URL of its own.
        ...(config.webhookUrl !== undefined && { drainMs: 0 }),
      }),
    );
  }
  const health = await serveHealth({ port: config.metricsPort, host: config.bindAddress, metrics: telemetry.metrics, checks: roles.flatMap(({ check }) => check ?? []) });
  const noMoreSignals = debugOnSignal(log);
  log.info("started", { webhook: config.webhook, controller: config.controller, metricsPort: health.port, server: kube.server });
  try {
    await together(signal, ...roles.map(({ run }) => run));
  } finally {
    noMoreSignals();
    log.info("stopping");
    await Promise.allSettled([health.close(), kube.close()]);
  }
}

export const serveCommand: Command = {
  name: "serve",
  summary: "run the admission webhook and the controller",
  usage: ["[OPTIONS]"],
  description: ["Runs the admission webhook and the controller.", `Each option can also be given in the environment, for example ${environmentName("log-level")}=debug.`],
  options: serveOptions(),
  exits: { 0: "ended by a signal", 1: "could not run", 2: "the command line or the environment is not understood" },
  examples: ["tekton-integrations serve --development --metrics-port 0 --webhook-port 0", "tekton-integrations serve --controller --watch-namespace ci --log-level debug"],
  run: async (args, _io, signal) => {
    await serve(readConfig(args), signal);
    return 0;
  },
};
