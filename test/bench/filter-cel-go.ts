import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { RunEvent } from "../../src/api/run-event.ts";
import { runEventEnvironment } from "../../src/filter/index.ts";
import { celGoBinary, declarationOf, renamed, renamedEvent } from "../conformance/cel-go-peer.ts";
import type { Result, Timing } from "./filter-timing.ts";

/** What cel-go makes of the filters that it is given. */
export interface Loaded {
  readonly programs: readonly { readonly microseconds: number; readonly error?: string; readonly results: readonly Result[] | null }[];
  /** Of the heap, for all programs together. */
  readonly bytes: number;
}

/** cel-go in a process of its own, waiting for what to do. */
export interface CelGo {
  load(expressions: readonly string[], events: readonly RunEvent[], compilations: number): Promise<Loaded>;
  time(groups: readonly (readonly number[])[], nanoseconds: number): Promise<Timing>;
  close(): Promise<void>;
}

/** Starts cel-go; rejects with a sentence when it cannot be built. */
export async function startCelGo(): Promise<CelGo> {
  const child = spawn(await celGoBinary(), ["bench"], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (command: object): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await lines.next();
    if (done === true) {
      throw new Error("cel-go ended early");
    }
    return JSON.parse(value) as unknown;
  };
  child.stdin.write(`${declarationOf(runEventEnvironment)}\n`);
  return {
    load: async (expressions, events, compilations) => (await ask({ load: { expressions: expressions.map(renamed), events: events.map(renamedEvent), compilations } })) as Loaded,
    time: async (groups, nanoseconds) => (await ask({ time: { groups, nanoseconds } })) as Timing,
    close: async () => {
      child.stdin.end();
      await once(child, "close");
    },
  };
}
