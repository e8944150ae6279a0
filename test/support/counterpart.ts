import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { goProgram } from "./go-program.ts";
import { requireGoProgram } from "./require.ts";

export type CounterpartName = "cloudevents" | "github" | "pubsub" | "slack" | "sns";

/** An independent implementation of a service, running: a program of test/counterparts. */
export interface RunningCounterpart {
  /** What it said when it was ready: its address as `url`, and what a client needs. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** What it understood of the requests, in its own words. */
  readonly received: <Item>() => Promise<readonly Item[]>;
  /** How many requests there were. */
  readonly requests: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

async function get<Body>(url: string): Promise<Body> {
  const answer = await fetch(url);
  const body = (await answer.json()) as Body;
  if (!answer.ok) throw new Error(JSON.stringify(body));
  return body;
}

/** The program with all of them. Rejects with a sentence when it cannot be built. */
export const counterpartsBinary = (): Promise<string> => goProgram(join(import.meta.dirname, "../counterparts"), "counterparts");

/** Starts one of them. */
export async function runCounterpart(binary: string, name: CounterpartName): Promise<RunningCounterpart> {
  const child = spawn(binary, [name], { stdio: ["pipe", "pipe", "pipe"] });
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => {
      resolve();
    });
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
  const url = String(said["url"]);
  return {
    ready: said,
    received: <Item>() => get<Item[]>(`${url}/-/received`),
    requests: () => get<number>(`${url}/-/requests`),
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Starts one, ended with the test; undefined: the test has been marked as skipped, since Go or its modules are missing. */
export async function startCounterpart(t: TestContext, name: CounterpartName): Promise<RunningCounterpart | undefined> {
  const binary = await requireGoProgram(t, "the counterparts", counterpartsBinary);
  if (binary === undefined) return undefined;
  const counterpart = await runCounterpart(binary, name);
  t.after(counterpart.stop);
  return counterpart;
}
