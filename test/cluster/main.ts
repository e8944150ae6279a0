/** `npm run cluster -- up | down | status [-o json]`: a local control plane that stays until it is taken down. */
import { parseArgs } from "node:util";
import { ControlPlaneUnavailable, startControlPlane } from "../support/control-plane.ts";
import { withLock } from "../support/control-plane/cache.ts";
import { type ClusterState, endCluster, isRunning, readState, writeState } from "./state.ts";

const usage = `Usage: npm run cluster -- COMMAND

Commands:
  up                start a local control plane, or find the one that runs; the last line is KUBECONFIG=<path>
  down              end it and remove all of its files
  status [-o json]  say whether it runs, and where
`;

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function running(): Promise<ClusterState | undefined> {
  const state = readState();
  return state !== undefined && (await isRunning(state)) ? state : undefined;
}

async function start(): Promise<ClusterState> {
  const left = readState();
  if (left !== undefined) {
    tell("the control plane of an earlier `up` no longer runs as a whole; removing what is left of it");
    await endCluster(left);
  }
  const plane = await startControlPlane({ progress: tell });
  const state = writeState(plane);
  await plane.detach();
  await plane.client.close();
  return state;
}

async function up(): Promise<void> {
  const found = await running();
  const state = found ?? (await start());
  tell(`${found === undefined ? "started" : "already running"}: Kubernetes ${state.version} (${state.source}) at ${state.server}, with Tekton's CRDs`);
  tell(`its kubectl: ${state.kubectl}`);
  process.stdout.write(`KUBECONFIG=${state.kubeconfig}\n`);
}

async function down(): Promise<void> {
  const state = readState();
  if (state === undefined) {
    tell("no control plane is running");
    return;
  }
  await endCluster(state);
  tell(`ended the control plane at ${state.server}`);
}

async function status(json: boolean): Promise<void> {
  const state = await running();
  if (json) {
    const { kubeconfig = null, server = null, version = null, source = null } = state ?? {};
    process.stdout.write(`${JSON.stringify({ running: state !== undefined, kubeconfig, server, version, source })}\n`);
    return;
  }
  if (state === undefined) process.stdout.write("not running\n");
  else process.stdout.write(`running: Kubernetes ${state.version} (${state.source}) at ${state.server}\nKUBECONFIG=${state.kubeconfig}\n`);
}

/** A command as it was typed, or what is wrong with it. */
function parse(argv: readonly string[]): { command: string; json: boolean } | { error: string } {
  try {
    const { positionals, values } = parseArgs({ args: [...argv], allowPositionals: true, options: { output: { type: "string", short: "o" }, help: { type: "boolean", short: "h" } } });
    const [command, ...rest] = positionals;
    if (values.help === true) return { command: "help", json: false };
    if (command === undefined) return { error: "a command is missing" };
    if (!["up", "down", "status"].includes(command)) return { error: `unknown command "${command}"` };
    if (rest.length > 0) return { error: `unexpected argument "${rest.join(" ")}"` };
    if (values.output !== undefined && command !== "status") return { error: `"${command}" has no option -o` };
    if (values.output !== undefined && values.output !== "json") return { error: `-o ${values.output}: only json is known` };
    return { command, json: values.output === "json" };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const parsed = parse(argv);
  if ("error" in parsed) {
    tell(`cluster: ${parsed.error}\n\n${usage}`);
    return 2;
  }
  if (parsed.command === "help") {
    process.stdout.write(usage);
    return 0;
  }
  if (parsed.command === "status") {
    await status(parsed.json);
    return 0;
  }
  const waiting = (): void => {
    tell("another `cluster` command is at work; waiting for it");
  };
  try {
    await withLock("cluster", waiting, parsed.command === "up" ? up : down);
    return 0;
  } catch (error) {
    if (!(error instanceof ControlPlaneUnavailable)) throw error;
    tell(`cluster: no control plane can be had on this machine: ${error.message}`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
