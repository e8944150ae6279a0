import { parseArgs } from "node:util";
import { CodedError } from "../errors.ts";
import { readManifests } from "./manifests.ts";
import { readText } from "./read-text.ts";
import { readLive, type Live } from "./simulate-live.ts";
import { defaultNamespace, readSetup } from "./simulate-setup.ts";
import { readRunEvents } from "./simulate-runs.ts";
import { simulate, type Simulated } from "./simulate-play.ts";
import type { Command, CommandIo } from "./command.ts";
import { connectAsUser } from "./user-cluster.ts";

const help = `Usage: tekton-integrations simulate -f CONFIG --runs FILE [-o json]
       tekton-integrations simulate --live [-n NAMESPACE] [-f CONFIG] [--kubeconfig FILE] [-o json]

Shows which Notification reports which state of which run, why not, and the exact requests that would be sent. Nothing is sent.
With files, no network is used. With --live, Notifications, Providers and runs are read from the cluster with your own rights, and no Secret.

  -f, --filename PATH    files or folders with Providers and Notifications (more than once; - for standard input).
                         With --live: Notifications to try on the runs of the cluster, in place of the cluster's own
      --runs FILE        runs: a list, a multi-document file, or JSON lines of watch events {"type", "object"} (- for standard input)
      --live             read the cluster: every run in the state that it is in now
  -n, --namespace NAME   with --live: whose Notifications (more than once). Default: that of your kubeconfig's context
      --kubeconfig FILE  with --live: how to reach the API server. Default: as kubectl finds it
  -o, --output FORMAT    json: one JSON object per line. Default: for people

Exit code: 0 done, 1 the cluster does not answer or does not let you read any Notification, 2 the command line or a file is not understood.
What you may not read is said on standard error, and the rest is shown.
`;

function forPeople({ notification, run, status, reason, matched, why, faults = [], requests }: Simulated): string {
  const head = `${run.kind} ${run.namespace}/${run.name}  ${status}${reason === "" ? "" : ` (${reason})`}  ->  ${notification}: `;
  const left = faults.map((fault) => `  left empty: ${fault}\n`).join("");
  if (requests.length === 0) return `${head}${matched ? "selected, nothing to send" : "not selected"}${why === undefined ? "" : ` (${why})`}\n${left}`;
  const sent = requests.map(({ method, url, body }) => `  ${method} ${url}\n  ${JSON.stringify(body)}\n`);
  const ending = why === undefined ? "" : ` to end what was begun (${why})`;
  return `${head}${requests.length === 1 ? "1 request" : `${requests.length} requests`}${ending}\n${left}${sent.join("")}`;
}

const optionsOf = {
  filename: { type: "string", short: "f", multiple: true },
  runs: { type: "string" },
  live: { type: "boolean" },
  namespace: { type: "string", short: "n", multiple: true },
  kubeconfig: { type: "string" },
  output: { type: "string", short: "o" },
} as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: optionsOf }).values;
  } catch (cause) {
    throw new CodedError("UsageInvalid", cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

type Values = ReturnType<typeof parse>;

const usage = (message: string): CodedError => new CodedError("UsageInvalid", message);

async function fromFiles({ filename, runs, namespace, kubeconfig }: Values, io: CommandIo): Promise<Live> {
  if (filename === undefined || runs === undefined) throw usage("both -f and --runs are needed, or --live; see --help");
  if (namespace !== undefined || kubeconfig !== undefined) throw usage("-n and --kubeconfig go with --live");
  if ([...filename, runs].filter((name) => name === "-").length > 1) throw usage("only one of -f and --runs can be standard input");
  const setup = readSetup(await readManifests(filename, io.stdin));
  if (setup.notifications.length === 0) throw usage(`there is no Notification in ${filename.join(", ")}`);
  return { setup, changes: readRunEvents(await readText(runs, io), runs) };
}

async function fromCluster({ filename, runs, namespace, kubeconfig }: Values, io: CommandIo, signal: AbortSignal): Promise<Live> {
  if (runs !== undefined) throw usage("--live reads the runs of the cluster: leave --runs out");
  const kube = await connectAsUser(kubeconfig);
  try {
    const own = kube.namespace ?? defaultNamespace;
    const given = readSetup(filename === undefined ? [] : await readManifests(filename, io.stdin), own);
    const note = (text: string): void => {
      io.err(`simulate: ${text}\n`);
    };
    return await readLive({ kube, namespaces: namespace ?? [own], given, note }, signal);
  } finally {
    await kube.close();
  }
}

async function runSimulate(args: readonly string[], io: CommandIo, signal: AbortSignal): Promise<number> {
  const values = parse(args);
  if (values.output !== undefined && values.output !== "json") throw usage("-o knows json only");
  const { setup, changes } = await (values.live === true ? fromCluster(values, io, signal) : fromFiles(values, io));
  for (const line of simulate(setup, changes)) io.out(values.output === "json" ? `${JSON.stringify(line)}\n` : forPeople(line));
  return 0;
}

export const simulateCommand: Command = {
  name: "simulate",
  summary: "show what would be sent for given runs, and why not",
  help,
  run: runSimulate,
};
