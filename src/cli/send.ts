import { runKinds } from "../api/run-event.ts";
import { egressOf, readConfig, type Config } from "../config.ts";
import { createDeniedRanges } from "../controller/denied-ranges.ts";
import type { Kube } from "../kube/kube.ts";
import { createOutbound } from "../providers/outbound.ts";
import { systemClock } from "../telemetry/clock.ts";
import type { Logger } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { createRedactor } from "../telemetry/redact.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { readArguments, usage, type Values } from "./arguments.ts";
import type { Command, CommandIo } from "./command.ts";
import { kubeconfigOption } from "./find-deliveries.ts";
import { formatted, outputOption } from "./output.ts";
import { messagesOf, sendMessages, type SendReport } from "./send-message.ts";
import { readSendable, type Ref, type Wanted } from "./send-setup.ts";
import { serveArguments, serveOptions } from "./serve-options.ts";
import { defaultNamespace } from "./simulate-setup.ts";
import { connectAsUser, userKubeconfig } from "./user-cluster.ts";

const ofController = serveOptions((name) => name.startsWith("egress-") || ["cluster-domain", "development", "run-url-template"].includes(name));

const ownOptions = {
  provider: { type: "string", value: "[NS/]NAME", description: "Through this Provider." },
  notification: { type: "string", value: "NAME", description: "As this Notification says it, and through its Provider. Its filter is not asked." },
  run: { type: "string", value: "[NS/]NAME", description: "About this run, in the state that it is in now." },
  kind: { type: "string", value: "KIND", values: runKinds, description: `Of this kind: ${runKinds.join(", ")}. Default: PipelineRun.` },
  namespace: { type: "string", short: "n", value: "NAME", description: "Where they are. Default: that of your kubeconfig's context." },
  "dry-run": { type: "boolean", description: "Show the requests, send none, and read no Secret." },
  kubeconfig: kubeconfigOption,
  output: outputOption("One object"),
} as const;

type OwnValues = Values<typeof ownOptions>;

function refOf(text: string, namespace: string): Ref {
  const [first = "", second, ...more] = text.split("/");
  const ref = second === undefined ? { namespace, name: first } : { namespace: first, name: second };
  if (more.length > 0 || ref.namespace === "" || ref.name === "") throw usage(`${JSON.stringify(text)} is neither NAME nor NAMESPACE/NAME`);
  return ref;
}

function wantedOf({ provider, notification, run, kind, namespace }: OwnValues, own: string): Wanted {
  if (run === undefined || (provider === undefined && notification === undefined)) throw usage("--run is needed, and --provider or --notification; see --help");
  const at = namespace ?? own;
  return {
    namespace: at,
    provider: provider === undefined ? undefined : refOf(provider, at),
    notification,
    run: refOf(run, at),
    kind: runKinds.find((known) => known === kind) ?? "PipelineRun",
  };
}

/** What the parts of the controller have to say, for people. */
function telemetryFor(note: (text: string) => void): Telemetry {
  const redactor = createRedactor();
  const tell: Logger["warn"] = (message, { error } = {}) => {
    note(redactor.clean(error instanceof Error ? `${message} (${error.message})` : message));
  };
  const log: Logger = { debug: () => undefined, info: () => undefined, warn: tell, error: tell };
  return { log, metrics: createMetrics(), redactor, clock: systemClock };
}

function forPeople({ provider, notification, run, status, reason, why, faults = [], messages }: SendReport, paint: NonNullable<CommandIo["paint"]>): string {
  const by = notification === undefined ? "" : `${notification} through `;
  const head = `${run.kind} ${run.namespace}/${run.name}  ${status}${reason === "" ? "" : ` (${reason})`}  ->  ${by}${provider}`;
  if (messages.length === 0) return `${head}: nothing to send (${why ?? ""})\n`;
  const lines = messages.map(({ destination, state, externalRef, error, request }) => {
    if (state === "NotSent") return `  ${request.method} ${request.url}\n  ${JSON.stringify(request.body)}\n`;
    if (error !== undefined) return `  ${destination}: ${paint("out", "red", "not sent")}: ${error.code}: ${error.message}\n`;
    return `  ${destination}: ${paint("out", "green", "sent")}${externalRef === undefined ? "" : ` (${externalRef})`}\n`;
  });
  const notes = [...(why === undefined ? [] : [`  the filter would not select it (${why})\n`]), ...faults.map((fault) => `  left empty: ${fault}\n`)];
  return `${head}\n${notes.join("")}${lines.join("")}`;
}

interface Sending {
  readonly values: OwnValues;
  readonly config: Config;
  readonly kube: Kube;
  readonly note: (text: string) => void;
}

async function send({ values, config, kube, note }: Sending, signal: AbortSignal): Promise<SendReport> {
  const wanted = wantedOf(values, kube.namespace ?? defaultNamespace);
  const sendable = await readSendable({ kube, urlTemplate: config.runUrlTemplate, note }, wanted, signal);
  const { report, messages } = messagesOf(sendable, wanted.notification === undefined ? undefined : `${wanted.namespace}/${wanted.notification}`);
  if (values["dry-run"] === true || messages.length === 0) return report;
  const telemetry = telemetryFor(note);
  const denied = createDeniedRanges({ kube, cidrs: config.egressDenyCidrs, telemetry });
  await denied.known(signal);
  const outbound = createOutbound({ policy: { ...egressOf(config), denied: denied.current }, proxies: config.proxies });
  try {
    return { ...report, messages: await sendMessages({ kube, outbound, telemetry }, sendable, messages, signal) };
  } finally {
    await outbound.close();
  }
}

async function runSend(args: readonly string[], io: CommandIo, signal: AbortSignal): Promise<number> {
  const { values } = readArguments(args, { ...ofController, ...ownOptions });
  const config = readConfig(serveArguments(ofController, values));
  if (config.development && userKubeconfig(values.kubeconfig) === undefined) throw usage("--development is refused with the in-cluster configuration");
  const kube = await connectAsUser(values.kubeconfig);
  try {
    const note = (text: string): void => {
      io.err(`send: ${text}\n`);
    };
    const report = await send({ values, config, kube, note }, signal);
    io.out(values.output === undefined ? forPeople(report, io.paint ?? ((_stream, _style, text) => text)) : formatted(values.output, report));
    return report.messages.length > 0 && report.messages.every(({ state }) => state !== "Failed") ? 0 : 1;
  } finally {
    await kube.close();
  }
}

export const sendCommand: Command = {
  name: "send",
  summary: "send one message about a run now, with your own rights",
  usage: ["--provider [NS/]NAME --run [NS/]NAME [OPTIONS]", "--notification NAME --run [NS/]NAME [OPTIONS]"],
  description: [
    "Sends one message about the state that a run is in now, through the Provider as it is in the cluster. Everything is read with your",
    "own rights, the Provider's Secret too; the rules of sharing and of what may be reached are the controller's. Nothing is written to",
    "the cluster: there is no Delivery of it, and the controller does not know of it.",
  ],
  options: { ...ownOptions, ...ofController },
  exits: { 0: "sent, or shown", 1: "not sent, or there is nothing to send", 2: "the command line is not understood" },
  examples: [
    "tekton-integrations send -n ci --provider events --run shop-x7k2 --dry-run",
    "tekton-integrations send -n ci --notification pipeline-runs --run shop-x7k2 --dry-run -o yaml",
    "tekton-integrations send -n ci --provider events --run shop-x7k2",
  ],
  run: runSend,
};
