/**
 * `npm run bench:soak -- [--minutes 30] [--kill-every SECONDS] [--logs FOLDER] [--json]`: runs come and go while the connections of two controllers to the API server are
 * cut every 30 s, the one that leads is killed every 5 minutes (or so often), and the receiver is away for a third of the time in the middle. Judged
 * from the receiver's record alone: every end must have arrived. Prints what was lost and repeated, and the memory over time.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { freePort } from "../support/control-plane/components.ts";
import { supervise } from "../support/control-plane/supervise.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { install, ownNamespace } from "../support/installation.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification, toldBy } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { eventually } from "../support/wait.ts";
import { imageEnvironment } from "./image-environment.ts";

const namespace = "soak";
const cutEveryMs = 30_000;
const runEveryMs = 500;
const perSecond = 1000;
const replicas = ["soak-a", "soak-b"];

interface Played {
  readonly name: string;
  readonly uid: string;
  readonly end: string;
  /** Seconds since the beginning. */
  readonly endedAt: number;
  readonly removedAt?: number;
}

const { values } = parseArgs({ options: { minutes: { type: "string", default: "30" }, "kill-every": { type: "string", default: "300" }, json: { type: "boolean", default: false }, logs: { type: "string" } } });
// Memory as it would be in the image.
Object.assign(process.env, imageEnvironment((line) => {
  console.error(line);
}));
const durationMs = Number(values.minutes) * 60_000;
const killEveryMs = Number(values["kill-every"]) * 1000;

/** A run from its creation to its end, and half of the time to its deletion. */
async function playRun({ client }: ControlPlane, index: number, elapsed: () => number): Promise<Played> {
  const run = await makeRun(client, namespace, `run-${index}`);
  await run.become("Unknown", "Running");
  await sleep(200);
  const failed = index % 3 === 0;
  await run.become(failed ? "False" : "True", failed ? "Failed" : "Succeeded");
  const endedAt = elapsed();
  if (index % 2 === 0) await run.remove();
  return { name: run.name, uid: run.uid, end: failed ? "Failed" : "Succeeded", endedAt, ...(index % 2 === 0 && { removedAt: elapsed() }) };
}

/** Resident memory of a process, in MB; 0 for one that was killed and does not run again yet. */
function memoryOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const pages = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(pages ?? 0) / 1024);
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url);
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

async function every(ms: number, signal: AbortSignal, work: () => Promise<void> | void): Promise<void> {
  const passed = async (): Promise<boolean> =>
    sleep(ms, undefined, { signal }).then(
      () => true,
      () => false,
    );
  while (await passed()) await work();
}

async function soak(plane: ControlPlane): Promise<number> {
  const installation = await install(plane);
  await installation.controller.kill("SIGTERM");
  const server = /"?server"?: "?(https:[^"\s]+)/.exec(readFileSync(installation.controller.kubeconfig, "utf8"))?.[1] ?? "";
  const proxy = await startCuttingProxy(new URL(server));
  const folder = mkdtempSync(join(tmpdir(), "soak-"));
  const supervisor = await supervise();
  const sink = await startCloudEventsSink();
  try {
    const kubeconfig = join(folder, "kubeconfig");
    writeFileSync(kubeconfig, readFileSync(installation.controller.kubeconfig, "utf8").replace(server, proxy.url));
    const start = async (name: string): Promise<string> => {
      const port = await freePort();
      const flags = ["--controller", "--kubeconfig", kubeconfig, "--namespace", ownNamespace, "--bind-address", "127.0.0.1", "--metrics-port", String(port), "--development", "--instance", name];
      await supervisor.start(name, process.execPath, [join(import.meta.dirname, "../../src/main.ts"), "serve", ...flags]);
      return `http://127.0.0.1:${port}/readyz`;
    };
    // What is pruned before any controller has begun to watch is nobody's to tell.
    for (const ready of await Promise.all(replicas.map(start))) await eventually("a controller is ready", () => answersOk(ready));
    const leader = async (): Promise<string> => {
      const { spec } = await plane.client.call<{ spec: { holderIdentity: string } }>("GET", `/apis/coordination.k8s.io/v1/namespaces/${ownNamespace}/leases/tekton-integrations-controller`);
      return spec.holderIdentity.replace(/_.*/, "");
    };
    await plane.kubectl(["create", "namespace", namespace]);
    const objects = [cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "all", "events")];
    await plane.kubectl(["apply", "-f", "-"], { input: objects.map((object) => JSON.stringify(object)).join("\n---\n") });

    const stop = new AbortController();
    const counts = { cuts: 0, kills: 0 };
    const killed: string[] = [];
    const begun = performance.now();
    const elapsed = (): number => Math.round((performance.now() - begun) / 100) / 10;
    const memory: number[] = [];
    const faults = Promise.all([
      every(cutEveryMs, stop.signal, () => {
        counts.cuts += 1;
        proxy.cut();
      }),
      every(killEveryMs, stop.signal, async () => {
        counts.kills += 1;
        const name = await leader();
        killed.push(`${name} at ${elapsed()} s`);
        await supervisor.kill(name, "SIGKILL");
        await start(name);
      }),
      every(10 * perSecond, stop.signal, () => {
        memory.push(Math.max(...replicas.map((name) => memoryOf(supervisor.processes.get(name)))));
      }),
      (async () => {
        await sleep(durationMs / 3);
        await sink.goAway();
        await sleep(durationMs / 3);
        await sink.comeBack();
      })(),
    ]);
    const playing: Promise<Played>[] = [];
    while (performance.now() - begun < durationMs) {
      playing.push(playRun(plane, playing.length, elapsed));
      await sleep(runEveryMs);
    }
    const played = await Promise.all(playing);
    stop.abort();
    await faults;
    const told = () => sink.events().map(toldBy);
    const missing = (): Played[] => {
      const ends = new Set(told().map(({ uid, status }) => `${uid} ${status}`));
      return played.filter(({ uid, end }) => !ends.has(`${uid} ${end}`));
    };
    await eventually("every end has arrived", () => missing().length === 0, 400_000).catch(() => undefined);
    for (const { name, end, endedAt, removedAt } of missing()) console.error(`lost: ${name} ${end} at ${endedAt} s, removed at ${removedAt ?? "-"} s`);
    if (missing().length > 0) console.error(`killed: ${killed.join(", ")}`);
    const repeated = told().length - new Set(told().map(({ uid, status }) => `${uid} ${status}`)).size;
    const result = { minutes: durationMs / 60_000, runs: played.length, messages: told().length, lost: missing().length, repeated, ...counts, memoryMB: { first: memory[2] ?? 0, most: Math.max(...memory), last: memory.at(-1) ?? 0 } };
    console.log(values.json ? JSON.stringify(result) : Object.entries(result).map(([name, value]) => `${name.padEnd(10)} ${typeof value === "object" ? JSON.stringify(value) : value}`).join("\n"));
    return result.lost === 0 ? 0 : 1;
  } finally {
    if (values.logs !== undefined) cpSync(supervisor.directory, values.logs, { recursive: true });
    await Promise.all([supervisor.stop(), proxy.close(), sink.close()]);
    rmSync(folder, { recursive: true });
    await installation.stop();
  }
}

const plane = await startControlPlane();
try {
  process.exitCode = await soak(plane);
} finally {
  await plane.stop();
}
