import { readManifests } from "./manifests.ts";
import { readText } from "./read-text.ts";
import { readLive, type Live } from "./simulate-live.ts";
import { defaultNamespace, readSetup } from "./simulate-setup.ts";
import { readRunEvents } from "./simulate-runs.ts";
import { simulate, type Simulated } from "./simulate-play.ts";
import { readArguments, usage, type Values as ValuesOf } from "./arguments.ts";
import type { Command, CommandIo } from "./command.ts";
import { kubeconfigOption } from "./find-deliveries.ts";
import { formatted, outputOption } from "./output.ts";
import { connectAsUser } from "./user-cluster.ts";

function forPeople({ notification, run, status, reason, matched, why, predicates = [], faults = [], requests }: Simulated): string {
  const head = `${run.kind} ${run.namespace}/${run.name}  ${status}${reason === "" ? "" : ` (${reason})`}  ->  ${notification}: `;
  const explained = predicates.map(({ name, holds, why: not = "" }) => `  ${holds ? "yes" : "no "} ${name}${holds ? "" : `: ${not}`}\n`).join("");
  const left = explained + faults.map((fault) => `  left empty: ${fault}\n`).join("");
  if (requests.length === 0) return `${head}${matched ? "selected, nothing to send" : "not selected"}${why === undefined ? "" : ` (${why})`}\n${left}`;
  const sent = requests.map(({ method, url, body }) => `  ${method} ${url}\n  ${JSON.stringify(body)}\n`);
  const ending = why === undefined ? "" : ` to end what was begun (${why})`;
  return `${head}${requests.length === 1 ? "1 request" : `${requests.length} requests`}${ending}\n${left}${sent.join("")}`;
}

const options = {
  filename: { type: "string", short: "f", value: "PATH", multiple: true, description: "Files or folders with Providers and Notifications, - for standard input. Repeatable. With --live: to try on the runs of the cluster, in place of its own." },
  runs: { type: "string", value: "FILE", description: 'Runs: a list, a multi-document file, or JSON lines of watch events {"type", "object"}; - for standard input.' },
  explain: { type: "boolean", description: "Say of each part of the filter whether it holds, not only of the first that does not." },
  live: { type: "boolean", description: "Read the cluster: every run in the state that it is in now." },
  namespace: { type: "string", short: "n", value: "NAME", multiple: true, description: "With --live: whose Notifications. Repeatable. Default: that of your kubeconfig's context." },
  kubeconfig: kubeconfigOption,
  output: outputOption("One object per Notification and state"),
} as const;

type Values = ValuesOf<typeof options>;

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
  const { values } = readArguments(args, options);
  const { setup, changes } = await (values.live === true ? fromCluster(values, io, signal) : fromFiles(values, io));
  for (const line of simulate(setup, changes, values.explain === true)) io.out(values.output === undefined ? forPeople(line) : formatted(values.output, line));
  return 0;
}

export const simulateCommand: Command = {
  name: "simulate",
  summary: "show what would be sent for given runs, and why not",
  usage: ["-f PATH --runs FILE [-o FORMAT]", "--live [-n NAME] [-f PATH] [--kubeconfig FILE] [-o FORMAT]"],
  description: [
    "Shows which Notification reports which state of which run, why not, and the exact requests that would be sent. Nothing is sent.",
    "With files, no network is used. With --live, Notifications, Providers and runs are read from the cluster with your own rights, and",
    "no Secret; what you may not read is said on standard error, and the rest is shown.",
  ],
  options,
  exits: { 0: "done", 1: "the cluster does not answer or does not let you read any Notification", 2: "the command line or a file is not understood" },
  examples: [
    "tekton-integrations simulate -f examples/github-commit-statuses.yaml --runs test/testdata/tekton-runs/failed-step.jsonl",
    "tekton-integrations simulate -f examples/slack.yaml --runs test/testdata/tekton-runs/failed-step.jsonl --explain",
    "tekton-integrations simulate --live -n ci",
    "tekton-integrations simulate --live -n ci -f examples/slack.yaml -o yaml",
  ],
  run: runSimulate,
};
