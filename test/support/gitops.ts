import { join } from "node:path";
import { askProgram, goProgram } from "./go-program.ts";
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
export async function gitOpsVerdicts(objects: readonly KubeObject[], lua: string): Promise<readonly GitOpsVerdicts[]> {
  const program = await goProgram(join(import.meta.dirname, "../gitops"), "gitops");
  return askProgram(program, objects.map((object) => JSON.stringify({ object, lua })));
}
