import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { goProgram } from "./go-program.ts";
import type { KubeObject } from "./kube-client.ts";

/** What a tool makes of an object. */
export interface Verdict {
  readonly status: string;
  readonly message: string;
}

export interface GitOpsVerdicts {
  /** By the rules of kstatus, which Flux waits by. */
  readonly kstatus: Verdict;
  /** Of the health check. */
  readonly argocd: Verdict;
}

/** Runs kstatus, and a health check in the Lua of Argo CD, on objects. Rejects with a sentence where the program cannot be built. */
export async function gitOpsVerdicts(objects: readonly KubeObject[], lua: string): Promise<GitOpsVerdicts[]> {
  const program = await goProgram(join(import.meta.dirname, "../gitops"), "gitops");
  const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close") as Promise<[number]>;
  child.stdin.end(objects.map((object) => `${JSON.stringify({ object, lua })}\n`).join(""));
  const said = await text(child.stdout);
  const [code] = await ended;
  if (code !== 0) throw new Error(`gitops ended with ${code}`);
  return said.trimEnd().split("\n").map((line) => JSON.parse(line) as GitOpsVerdicts);
}
