/**
 * `node test/support/crashing-serve.ts STEPS_FILE STEP COUNT serve-arguments...`: the shipped program, which writes every step of
 * every delivery to STEPS_FILE, one JSON line each, and ends itself with SIGKILL at the COUNT-th occurrence of STEP.
 */
import { appendFileSync } from "node:fs";
import { serve } from "../../src/cli/serve.ts";
import { readConfig } from "../../src/config.ts";
import type { StepObserver } from "../../src/controller/steps.ts";

const [file = "", at = "", count = "", ...args] = process.argv.slice(2);
let left = Number(count);

const observe: StepObserver = (step, about) => {
  appendFileSync(file, `${JSON.stringify({ step, ...about })}\n`);
  if (step !== at) return;
  left -= 1;
  if (left === 0) process.kill(process.pid, "SIGKILL");
};

const stop = new AbortController();
process.once("SIGTERM", () => {
  stop.abort();
});
await serve(readConfig(args), stop.signal, { observe });
