/**
 * A program of its own: starts a control plane's processes in a new temporary folder and ends them all, folder included, as soon
 * as the process that asked for them is gone, however it went. Speaks over Node's IPC channel with `supervise.ts`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Report, Request } from "./supervise.ts";

const directory = mkdtempSync(join(tmpdir(), "tekton-integrations-"));
const children = new Map<string, ChildProcess>();
let detached = false;
let ending = false;

function report(message: Report): void {
  if (process.connected) process.send?.(message);
}

function start({ id, name, command, args, env }: Extract<Request, { op: "start" }>): void {
  const log = openSync(join(directory, `${name}.log`), "a");
  const child = spawn(command, args, { stdio: ["ignore", log, log], cwd: directory, env: { ...process.env, ...env } });
  closeSync(log);
  child.on("error", (error) => {
    report({ id, error: error.message });
  });
  child.on("spawn", () => {
    children.set(name, child);
    report({ id, pid: child.pid ?? 0 });
  });
  child.on("exit", () => {
    if (children.get(name) === child) children.delete(name);
    report({ exited: name });
  });
}

function kill({ id, name, signal }: Extract<Request, { op: "kill" }>): void {
  const child = children.get(name);
  if (child === undefined) {
    report({ id, error: `${name} does not run` });
    return;
  }
  child.once("exit", () => {
    report({ id, pid: child.pid ?? 0 });
  });
  child.kill(signal);
}

/** Nothing in the folder is worth a graceful end. */
function end(): void {
  if (ending) return;
  ending = true;
  const alive = [...children.values()];
  const finish = (): void => {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    process.exit(0);
  };
  const ends = alive.map((child) => new Promise((resolve) => child.once("exit", resolve)));
  for (const child of alive) child.kill("SIGKILL");
  void Promise.all(ends).then(finish);
}

process.on("SIGTERM", end);
process.on("SIGINT", end);
process.on("SIGHUP", end);
process.on("disconnect", () => {
  if (!detached) end();
});
process.on("message", (request: Request) => {
  if (ending) return;
  if (request.op === "start") start(request);
  else if (request.op === "kill") kill(request);
  else detached = true;
  if (request.op === "detach") report({ id: request.id, pid: process.pid });
});

// Keeps a detached supervisor alive when no child does.
setInterval(() => undefined, 2 ** 30);

if (process.connected) report({ directory });
else end();
