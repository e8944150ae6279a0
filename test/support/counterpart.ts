import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { goProgram } from "./go-program.ts";
import { lacking, requireTool } from "./require.ts";

export type CounterpartName = "cloudevents" | "github" | "pubsub" | "slack" | "sns";

/** An independent implementation of a service, running: a program of test/counterparts. */
export interface RunningCounterpart {
  /** What it said when it was ready: its address as `url`, and what a client needs. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** What it understood of the requests, in its own words. */
  readonly received: <Item>() => Promise<readonly Item[]>;
}

/** Starts one, ended with the test; undefined: the test has been marked as skipped, since Go or its modules are missing. */
export async function startCounterpart(t: TestContext, name: CounterpartName): Promise<RunningCounterpart | undefined> {
  if (!requireTool(t, "go", ["version"])) return undefined;
  let binary: string;
  try {
    binary = await goProgram(join(import.meta.dirname, "../counterparts"), "counterparts");
  } catch (error) {
    lacking(t, `the counterparts cannot be built: ${(error as Error).message}`);
    return undefined;
  }
  const child = spawn(binary, [name], { stdio: ["pipe", "pipe", "pipe"] });
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => {
      resolve();
    });
  });
  t.after(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (complaint = `${complaint}${chunk}`.slice(-2000)));
  const ready = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: child.stdout }).once("line", resolve)),
    ended.then(() => {
      throw new Error(`the counterpart ${name} ended before it was ready: ${complaint}`);
    }),
  ]);
  const said = JSON.parse(ready) as Record<string, unknown>;
  return {
    ready: said,
    received: async <Item>() => {
      const answer = await fetch(`${String(said["url"])}/-/received`);
      const body = (await answer.json()) as Item[];
      if (!answer.ok) throw new Error(JSON.stringify(body));
      return body;
    },
  };
}
