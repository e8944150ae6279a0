import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isSameProcess, processStart } from "./process-identity.ts";

/** Where built binaries and the state of `npm run cluster` are kept: outside the checkout, so that every clone shares them. */
export function cacheDirectory(): string {
  const base = process.env["XDG_CACHE_HOME"];
  const directory = join(base !== undefined && base !== "" ? base : join(homedir(), ".cache"), "tekton-integrations");
  mkdirSync(directory, { recursive: true });
  return directory;
}

interface LockOwner {
  readonly pid: number;
  readonly start: string;
}

function readOwner(path: string): LockOwner | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as LockOwner;
  } catch {
    return undefined;
  }
}

function tryLock(path: string): boolean {
  try {
    writeFileSync(path, JSON.stringify({ pid: process.pid, start: processStart(process.pid) ?? "" }), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Runs `work` while no other process on this machine runs under the same `name`. A lock whose owner has died is taken over.
 * `onWait` is called once when another process has to be waited for.
 */
export async function withLock<T>(name: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  const path = join(cacheDirectory(), `${name}.lock`);
  let unreadable = 0;
  let waited = false;
  while (!tryLock(path)) {
    const owner = readOwner(path);
    // A lock that stays empty was left by a process that died between creating and writing it.
    unreadable = owner === undefined ? unreadable + 1 : 0;
    if (unreadable > 10 || (owner !== undefined && !isSameProcess(owner.pid, owner.start))) {
      rmSync(path, { force: true });
      continue;
    }
    if (!waited) onWait();
    waited = true;
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** A new folder inside `parent` for work in progress. Folders left there by processes that were killed are removed first. */
export function workingDirectory(parent: string): string {
  mkdirSync(parent, { recursive: true });
  for (const entry of readdirSync(parent)) {
    const pid = /^\.partial-(\d+)-/.exec(entry)?.[1];
    if (pid !== undefined && processStart(Number(pid)) === undefined) rmSync(join(parent, entry), { recursive: true, force: true });
  }
  const directory = join(parent, `.partial-${process.pid}-${randomBytes(4).toString("hex")}`);
  mkdirSync(directory);
  return directory;
}
