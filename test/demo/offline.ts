import { spawn } from "node:child_process";
import { join } from "node:path";
import { examples } from "./expected.ts";
import { heading, indented, line } from "./screen.ts";

const project = join(import.meta.dirname, "../..");

function cli(args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(project, "src/main.ts"), ...args], { cwd: project, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code: code ?? -1, output });
    });
  });
}

async function shown(args: readonly string[], wanted: number): Promise<boolean> {
  line(`\n  $ tekton-integrations ${args.join(" ")}`);
  const { code, output } = await cli(args);
  indented(output.split("\n").map((text) => (text.length > 240 ? `${text.slice(0, 240)}…` : text)).join("\n"), 4);
  if (code !== wanted) line(`  ended with ${code} instead of ${wanted}`);
  return code === wanted;
}

/** The part of the demo that needs no control plane: the same files, judged and simulated. Resolves with the exit code. */
export async function offline(reason: string): Promise<number> {
  line(`\nNo control plane can be had on this machine: ${reason}`);
  line("What follows needs none: the checks of the webhook, and what would be sent for recorded runs.");
  heading("The examples are checked as the webhook would");
  const good = await shown(["lint", ...examples.flatMap((file) => ["-f", `examples/${file}`])], 0);
  const bad = await shown(["lint", "-f", "examples/bad-filter.yaml"], 1);
  heading("What would be sent for a recorded run");
  const simulated = await shown(["simulate", "-f", "examples/github-commit-statuses.yaml", "-f", "examples/filters.yaml", "--runs", "test/testdata/tekton-runs/failed-step.jsonl"], 0);
  line(good && bad && simulated ? "\nDone, without a control plane." : "\nSomething did not go as it should.");
  return good && bad && simulated ? 0 : 1;
}
