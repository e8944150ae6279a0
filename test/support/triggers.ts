import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { goProgram } from "./go-program.ts";
import type { KubeObject } from "./kube-client.ts";

/** A request to an EventListener. */
export interface ListenerRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What Tekton Triggers makes of it. */
export interface Triggered {
  /** Why its webhook would refuse the EventListener, or why the request cannot be dealt with. */
  readonly problems?: string;
  readonly created: readonly KubeObject[] | null;
}

/** Sends requests to an EventListener, played by Triggers' own code. Rejects with a sentence where the program cannot be built. */
export async function triggered(listener: unknown, requests: readonly ListenerRequest[]): Promise<Triggered[]> {
  const program = await goProgram(join(import.meta.dirname, "../triggers"), "triggers");
  const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close") as Promise<[number]>;
  child.stdin.end(requests.map((request) => `${JSON.stringify({ listener, ...request })}\n`).join(""));
  const said = await text(child.stdout);
  const [code] = await ended;
  if (code !== 0) throw new Error(`triggers ended with ${code}`);
  return said.trimEnd().split("\n").map((line) => JSON.parse(line) as Triggered);
}
