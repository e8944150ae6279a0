import { parseArgs } from "node:util";
import { CodedError } from "../errors.ts";
import { readManifests } from "./manifests.ts";
import { readText } from "./read-text.ts";
import { readSetup } from "./simulate-setup.ts";
import { readRunEvents } from "./simulate-runs.ts";
import { simulate, type Simulated } from "./simulate-play.ts";
import type { Command, CommandIo } from "./command.ts";

const help = `Usage: tekton-integrations simulate -f CONFIG --runs FILE [-o json]

Shows which Notification reports which state of which run, why not, and the exact requests that would be sent.
Nothing is sent and no network is used.

  -f, --filename PATH  files or folders with Providers and Notifications (more than once; - for standard input)
      --runs FILE      runs: a list, a multi-document file, or JSON lines of watch events {"type", "object"} (- for standard input)
  -o, --output FORMAT  json: one JSON object per line. Default: for people

Exit code: 0 done, 2 the command line or a file is not understood.
`;

function forPeople({ notification, run, status, reason, matched, why, faults = [], requests }: Simulated): string {
  const head = `${run.kind} ${run.namespace}/${run.name}  ${status}${reason === "" ? "" : ` (${reason})`}  ->  ${notification}: `;
  const left = faults.map((fault) => `  left empty: ${fault}\n`).join("");
  if (requests.length === 0) return `${head}${matched ? "selected, nothing to send" : "not selected"}${why === undefined ? "" : ` (${why})`}\n${left}`;
  const sent = requests.map(({ method, url, body }) => `  ${method} ${url}\n  ${JSON.stringify(body)}\n`);
  const ending = why === undefined ? "" : ` to end what was begun (${why})`;
  return `${head}${requests.length === 1 ? "1 request" : `${requests.length} requests`}${ending}\n${left}${sent.join("")}`;
}

async function runSimulate(args: readonly string[], io: CommandIo): Promise<number> {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: { filename: { type: "string", short: "f", multiple: true }, runs: { type: "string" }, output: { type: "string", short: "o" } },
    }));
  } catch (cause) {
    throw new CodedError("UsageInvalid", cause instanceof Error ? cause.message : String(cause), { cause });
  }
  if (values.filename === undefined || values.runs === undefined) throw new CodedError("UsageInvalid", "both -f and --runs are needed; see --help");
  if (values.output !== undefined && values.output !== "json") throw new CodedError("UsageInvalid", "-o knows json only");
  if ([...values.filename, values.runs].filter((name) => name === "-").length > 1) throw new CodedError("UsageInvalid", "only one of -f and --runs can be standard input");
  const setup = readSetup(await readManifests(values.filename, io.stdin));
  if (setup.notifications.length === 0) throw new CodedError("UsageInvalid", `there is no Notification in ${values.filename.join(", ")}`);
  for (const line of simulate(setup, readRunEvents(await readText(values.runs, io), values.runs))) {
    io.out(values.output === "json" ? `${JSON.stringify(line)}\n` : forPeople(line));
  }
  return 0;
}

export const simulateCommand: Command = {
  name: "simulate",
  summary: "show what would be sent for given runs, and why not",
  help,
  run: (args, io) => runSimulate(args, io),
};
