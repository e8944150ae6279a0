import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goProgram } from "./go-program.ts";

/** What a command said. */
export interface HelmResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Helm itself, built from its Go module when it has not been; with a home of its own. Rejects with a sentence where it cannot be built. */
export async function helm(args: readonly string[]): Promise<HelmResult> {
  const program = await goProgram(join(import.meta.dirname, "../helm"), "helm");
  const home = mkdtempSync(join(tmpdir(), "tekton-integrations-helm-"));
  const env = { ...process.env, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home };
  try {
    return await new Promise((resolve) => {
      execFile(program, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : 1, stdout, stderr });
      });
    });
  } finally {
    rmSync(home, { recursive: true });
  }
}
