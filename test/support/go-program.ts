import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { go } from "./control-plane/build.ts";
import { cacheDirectory, withLock, workingDirectory } from "./control-plane/cache.ts";

function hashOf(folder: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(folder).sort()) hash.update(name).update("\0").update(readFileSync(join(folder, name))).update("\0");
  return hash.digest("hex").slice(0, 16);
}

/** The program whose Go module is in the folder, built when it has not been from these sources. Rejects with a sentence when that fails. */
export async function goProgram(sources: string, name: string): Promise<string> {
  const folder = join(cacheDirectory(), `${name}-${hashOf(sources)}`);
  const binary = join(folder, name);
  if (existsSync(binary)) return binary;
  return withLock(name, () => undefined, async () => {
    if (existsSync(binary)) return binary;
    const partial = workingDirectory(cacheDirectory());
    try {
      await go(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", join(partial, name), "."], { in: sources });
      mkdirSync(folder, { recursive: true });
      renameSync(join(partial, name), binary);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
    return binary;
  });
}

/** Runs a program that reads a line of JSON for each question, and gives its answers: each line that it writes, read as JSON. `signal` ends it. */
export async function askProgram<Answer>(binary: string, lines: readonly string[], signal?: AbortSignal): Promise<readonly Answer[]> {
  const output = await new Promise<string>((resolve, reject) => {
    const child = spawn(binary, [], { stdio: ["pipe", "pipe", "pipe"], signal });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    // A program that ends early says why on its standard error.
    child.stdin.on("error", () => undefined);
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`${basename(binary)} ended with exit code ${code ?? "?"}: ${stderr.trim()}`));
    });
    child.stdin.end(`${lines.join("\n")}\n`);
  });
  return output.trimEnd().split("\n").map((line) => JSON.parse(line) as Answer);
}
