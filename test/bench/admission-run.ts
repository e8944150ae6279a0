import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { runEventEnvironment } from "../../src/filter/index.ts";
import { declarationOf } from "../conformance/cel-go-peer.ts";
import { freePort } from "../support/control-plane/components.ts";
import { goProgram } from "../support/go-program.ts";
import { selfSignedCertificate } from "../support/self-signed-certificate.ts";
import { eventually } from "../support/wait.ts";
import { imageEnvironment } from "./image-environment.ts";
import type { Measured, Order } from "./admission-load.ts";

export const contenders = ["ours", "Go", "floor"] as const;
export type Contender = (typeof contenders)[number];

export interface Arena {
  readonly measure: (contender: Contender, order: Omit<Order, "port" | "ca" | "judged">) => Promise<Measured>;
  /** Bytes: now, and the most there ever were. */
  readonly memory: (contender: Contender) => { readonly rss: number; readonly peak: number };
  readonly stop: () => Promise<void>;
}

export interface ArenaOptions {
  /** Where a module of the benchmark is: as it stands, or built. */
  readonly path: (module: string) => string;
}

interface Server {
  readonly child: ChildProcess;
  readonly port: number;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });

/** Both with the settings of the image. */
async function startNode(path: string, kind: Contender, folder: string): Promise<Server> {
  const env = { ...process.env, ...imageEnvironment((line) => { console.error(line); }) };
  const child = spawn(process.execPath, [path, kind, folder], { stdio: ["pipe", "pipe", "inherit"], env });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, port: Number(line.toString().trim()) };
}

async function startGo(folder: string): Promise<Server> {
  const program = await goProgram(join(import.meta.dirname, "admission-peer"), "admission-peer");
  const port = await freePort();
  const child = spawn(program, [folder, String(port)], { stdio: ["pipe", "ignore", "inherit"] });
  child.stdin.write(`${declarationOf(runEventEnvironment)}\n`);
  await eventually("the webhook in Go listens", () => answers(port));
  return { child, port };
}

/** Starts the servers, each in a process of its own. Rejects with a sentence where the one in Go cannot be built. */
export async function openArena({ path }: ArenaOptions): Promise<Arena> {
  const folder = mkdtempSync(join(tmpdir(), "tekton-integrations-admission-"));
  const { key, cert } = await selfSignedCertificate("127.0.0.1");
  writeFileSync(join(folder, "tls.key"), key);
  writeFileSync(join(folder, "tls.crt"), cert);
  const servers = new Map<Contender, Server>();
  const stop = async (): Promise<void> => {
    for (const { child } of servers.values()) {
      const ended = child.exitCode === null ? once(child, "exit") : Promise.resolve();
      child.stdin?.end();
      await ended;
    }
    rmSync(folder, { recursive: true });
  };
  try {
    for (const contender of contenders) servers.set(contender, contender === "Go" ? await startGo(folder) : await startNode(path("test/bench/admission-serve.ts"), contender, folder));
  } catch (error) {
    await stop();
    throw error;
  }
  const serverOf = (contender: Contender): Server => {
    const server = servers.get(contender);
    if (server === undefined) throw new Error(`${contender} has not been started`);
    return server;
  };
  return {
    stop,
    measure: async (contender, order) => {
      const child = spawn(process.execPath, [path("test/bench/admission-load.ts")], { stdio: ["pipe", "pipe", "inherit"] });
      child.stdin.end(JSON.stringify({ ...order, port: serverOf(contender).port, ca: cert, judged: contender !== "floor" } satisfies Order));
      return JSON.parse(await text(child.stdout)) as Measured;
    },
    memory: (contender) => {
      const status = readFileSync(`/proc/${serverOf(contender).child.pid ?? 0}/status`, "utf8");
      const bytes = (name: string): number => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
      return { rss: bytes("VmRSS"), peak: bytes("VmHWM") };
    },
  };
}
