import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlane } from "../support/control-plane.ts";
import { cacheDirectory } from "../support/control-plane/cache.ts";
import { isSameProcess, processStart } from "../support/control-plane/process-identity.ts";
import { kubeClient } from "../support/kube-client.ts";

interface RecordedProcess {
  readonly name: string;
  readonly pid: number;
  /** Tells the process from a later one with the same id. */
  readonly start: string;
}

/** What is remembered of the control plane that `npm run cluster -- up` left running. */
export interface ClusterState {
  readonly kubeconfig: string;
  readonly kubectl: string;
  readonly server: string;
  readonly caFile: string;
  readonly version: string;
  readonly source: string;
  readonly directory: string;
  readonly processes: readonly RecordedProcess[];
}

const endsWithin = 10_000;

function stateFile(): string {
  return join(cacheDirectory(), "cluster.json");
}

export function readState(): ClusterState | undefined {
  if (!existsSync(stateFile())) return undefined;
  return JSON.parse(readFileSync(stateFile(), "utf8")) as ClusterState;
}

/** Records a control plane; written whole or not at all. */
export function writeState(plane: ControlPlane): ClusterState {
  const { kubeconfig, kubectlPath: kubectl, server, caFile, version, source, directory } = plane;
  const processes = [...plane.processes].map(([name, pid]) => ({ name, pid, start: processStart(pid) ?? "" }));
  const state = { kubeconfig, kubectl, server, caFile, version, source, directory, processes };
  const partial = `${stateFile()}.${process.pid}`;
  writeFileSync(partial, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(partial, stateFile());
  return state;
}

/** Whether all its processes are those that were started, and the API server answers. */
export async function isRunning(state: ClusterState): Promise<boolean> {
  if (!existsSync(state.caFile) || !state.processes.every(({ pid, start }) => isSameProcess(pid, start))) return false;
  const client = kubeClient(state.server, state.caFile, "");
  try {
    return (await client.send("GET", "/readyz")).status === 200;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

function alive(state: ClusterState): RecordedProcess[] {
  return state.processes.filter(({ pid, start }) => isSameProcess(pid, start));
}

function signal({ pid }: RecordedProcess, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended in this moment.
  }
}

/** Ends what is left of the recorded control plane and forgets it: its supervisor tidies up; what that leaves is ended here. */
export async function endCluster(state: ClusterState): Promise<void> {
  const supervisor = alive(state).find(({ name }) => name === "supervisor");
  if (supervisor !== undefined) signal(supervisor, "SIGTERM");
  const deadline = performance.now() + (supervisor === undefined ? 0 : endsWithin);
  while (alive(state).length > 0 && performance.now() < deadline) await sleep(50);
  for (const left of alive(state)) signal(left, "SIGKILL");
  while (alive(state).length > 0) await sleep(20);
  rmSync(state.directory, { recursive: true, force: true, maxRetries: 5 });
  rmSync(stateFile(), { force: true });
}
