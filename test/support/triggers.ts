import { join } from "node:path";
import { askProgram, goProgram } from "./go-program.ts";
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

/** The program that plays EventListeners by Triggers' own code. Rejects with a sentence when it cannot be built. */
export const triggersBinary = (): Promise<string> => goProgram(join(import.meta.dirname, "../triggers"), "triggers");

/** Sends requests to an EventListener; there is an answer for each. */
export const triggered = (binary: string, listener: unknown, requests: readonly ListenerRequest[]): Promise<readonly Triggered[]> =>
  askProgram(binary, requests.map((request) => JSON.stringify({ listener, ...request })));
