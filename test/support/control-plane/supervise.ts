import { type ChildProcess, fork } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";

/** Variables beside those of this process. */
export type Environment = Readonly<Record<string, string>>;

/** What the supervisor is asked for. */
export type Request =
  | { readonly op: "start"; readonly id: number; readonly name: string; readonly command: string; readonly args: readonly string[]; readonly env: Environment }
  | { readonly op: "kill"; readonly id: number; readonly name: string; readonly signal: NodeJS.Signals }
  | { readonly op: "detach"; readonly id: number };

/** What it says: its folder at first, then an answer to each request, and every end of a process. */
export type Report =
  | { readonly directory: string }
  | { readonly id: number; readonly pid: number }
  | { readonly id: number; readonly error: string }
  | { readonly exited: string };

type Unnumbered = Request extends infer R ? (R extends Request ? Omit<R, "id"> : never) : never;

/** A process that owns other processes and a folder, and ends with whoever started it. */
export interface Supervisor {
  readonly pid: number;
  /** The temporary folder: working directory and place of the logs (`<name>.log`) of all processes. */
  readonly directory: string;
  /** Process ids of the running processes by name. */
  readonly processes: ReadonlyMap<string, number>;
  readonly start: (name: string, command: string, args: readonly string[], env?: Environment) => Promise<void>;
  /** Resolves when the process has ended. */
  readonly kill: (name: string, signal: NodeJS.Signals) => Promise<void>;
  /** From now on the supervisor outlives this process and ends on SIGTERM. */
  readonly detach: () => Promise<void>;
  /** Ends every process and removes the folder. */
  readonly stop: () => Promise<void>;
}

/** Also ends what a supervisor left behind that was killed itself: its process group outlives it. */
function sweep(pid: number, directory: string): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // No process of the group is left.
  }
  if (directory !== "") rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** Holds this process alive only while an answer is awaited: a test that forgets to stop its control plane still ends. */
function hold(child: ChildProcess, awaited: number): void {
  if (awaited > 0) {
    child.ref();
    child.channel?.ref();
  } else {
    child.unref();
    child.channel?.unref();
  }
}

/** Starts a supervisor. It is a process of its own group, so that Ctrl-C reaches only whoever started it. */
export async function supervise(): Promise<Supervisor> {
  const env = { ...process.env };
  // Else the supervisor would take itself for a test file.
  delete env["NODE_TEST_CONTEXT"];
  const options = { detached: true, execArgv: [], env, stdio: ["ignore", "ignore", "ignore", "ipc"] } satisfies Parameters<typeof fork>[2];
  const child = fork(join(import.meta.dirname, "supervisor.ts"), [], options);
  const pid = child.pid ?? 0;
  const processes = new Map<string, number>();
  const waiting = new Map<number, { resolve: (pid: number) => void; reject: (error: Error) => void }>();
  let directory = "";
  let requests = 0;

  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => {
      sweep(pid, directory);
      processes.clear();
      for (const { reject } of waiting.values()) reject(new Error("the control plane's supervisor has ended"));
      waiting.clear();
      resolve();
    });
  });
  const wait = (id: number): Promise<number> =>
    new Promise<number>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      hold(child, waiting.size);
    });
  const ready = wait(0);
  child.on("message", (report: Report) => {
    if ("exited" in report) {
      processes.delete(report.exited);
      return;
    }
    if ("directory" in report) directory = report.directory;
    const id = "directory" in report ? 0 : report.id;
    const waiter = waiting.get(id);
    waiting.delete(id);
    hold(child, waiting.size);
    if ("error" in report) waiter?.reject(new Error(report.error));
    else waiter?.resolve("pid" in report ? report.pid : 0);
  });
  const ask = (request: Unnumbered): Promise<number> => {
    if (!child.connected) return Promise.reject(new Error("the control plane has been stopped"));
    requests += 1;
    const answer = wait(requests);
    child.send({ ...request, id: requests });
    return answer;
  };
  await ready;

  return {
    pid,
    directory,
    processes,
    start: async (name, command, args, env = {}) => {
      processes.set(name, await ask({ op: "start", name, command, args, env }));
    },
    kill: async (name, signal) => {
      await ask({ op: "kill", name, signal });
      processes.delete(name);
    },
    detach: async () => {
      await ask({ op: "detach" });
      child.disconnect();
      child.unref();
    },
    stop: async () => {
      hold(child, 1);
      if (child.connected) child.disconnect();
      else child.kill("SIGTERM");
      await ended;
    },
  };
}
