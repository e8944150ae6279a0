import type { TestContext } from "node:test";
import { connect } from "../../src/kube/client.ts";
import { reflect } from "../../src/kube/reflector.ts";
import type { Reflector, ReflectorOptions } from "../../src/kube/reflector-options.ts";
import { pipelineRuns, type KubeObject } from "../../src/kube/resources.ts";
import type { LogFields, Logger } from "../../src/telemetry/log.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";
import { startScriptedApiServer, type ScriptedApiServer } from "../support/scripted-api-server.ts";

/** What the tests keep of a run: its version and its note. */
export interface Trimmed {
  readonly version: string | undefined;
  readonly note: unknown;
}

/** Lines such as `upsert ci/a 5 (was 4)`, in the order the handlers were called. */
export interface HandlerRecord {
  readonly lines: readonly string[];
  push(line: string): void;
  /** Resolves when that many lines are there. */
  reached(count: number): Promise<readonly string[]>;
}

function createRecord(): HandlerRecord {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  return {
    lines,
    push: (line) => {
      lines.push(line);
      for (const look of waiting) look();
    },
    reached: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (lines.length < count) return;
          waiting.delete(look);
          resolve(lines);
        };
        waiting.add(look);
        look();
      }),
  };
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

export function recordingLogger(lines: LogLine[]): Logger {
  const at = (level: string) => (message: string, fields: LogFields = {}) => void lines.push({ level, message, fields });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export interface Harness {
  readonly server: ScriptedApiServer;
  readonly clock: ManualClock;
  readonly record: HandlerRecord;
  readonly log: LogLine[];
  /** Begins to reflect PipelineRuns of all namespaces. Random numbers are all 0.5, so the first back-off is 250 ms. */
  readonly start: (options?: Partial<ReflectorOptions<Trimmed>>) => Reflector<Trimmed>;
}

export async function reflectorHarness(test: TestContext): Promise<Harness> {
  const server = await startScriptedApiServer();
  const clock = manualClock();
  const kube = await connect({ kubeconfig: server.kubeconfig, clock });
  const stop = new AbortController();
  const record = createRecord();
  const log: LogLine[] = [];
  const running: Reflector<Trimmed>[] = [];
  test.after(async () => {
    stop.abort(new Error("the test is over"));
    await Promise.all(running.map((reflector) => reflector.done));
    await kube.close();
    await server.close();
  });
  return {
    server,
    clock,
    record,
    log,
    start: (options) => {
      const reflector = reflect<Trimmed>(
        {
          kube,
          resource: pipelineRuns,
          transform: trim,
          handlers: {
            onUpsert: (key, value, previous) => {
              record.push(`upsert ${key} ${value.version ?? ""}${previous === undefined ? "" : ` (was ${previous.version ?? ""})`}`);
            },
            onDelete: (key, value) => {
              record.push(`delete ${key} ${value.version ?? ""}`);
            },
            onSynced: () => {
              record.push("synced");
            },
          },
          log: recordingLogger(log),
          clock,
          random: () => 0.5,
          ...options,
          settings: { initialState: "pages", ...options?.settings },
        },
        stop.signal,
      );
      running.push(reflector);
      return reflector;
    },
  };
}

export const trim = (object: KubeObject): Trimmed => ({
  version: object.metadata.resourceVersion,
  note: typeof object["spec"] === "object" && object["spec"] !== null && "note" in object["spec"] ? object["spec"].note : undefined,
});
