import type { RunKind } from "../api/run-event.ts";
import type { Kube, ListOptions } from "../kube/kube.ts";
import { KubeError, statusOf } from "../kube/kube-error.ts";
import { resourceOfRun } from "../kube/resources.ts";
import type { Logger } from "../telemetry/log.ts";
import type { RunStore, RunView } from "./run-store.ts";
import { trimRun, type TrimmedRun } from "./trim-run.ts";

export interface ChildrenOptions {
  readonly kube: Pick<Kube, "list">;
  readonly runs: Pick<RunStore, "adopt">;
  readonly log: Logger;
}

/** Lists the children of a run, for messages that are made of them, while their kinds are not watched. */
export interface Children {
  /**
   * The store knows them when it resolves. Whoever asks while it is under way shares the answer. Rejects with a KubeError
   * where it is worth trying again, unless the run has vanished: its children go with it. And with the signal's reason.
   */
  readonly list: (parent: Pick<RunView, "event" | "vanished">, kinds: readonly RunKind[], signal: AbortSignal) => Promise<void>;
}

/** Other requests, such as the renewal of the Lease, must not wait for these. */
const maxAtOnce = 4;

/** Of the objects of all children of a kind; those of more are read in pages. */
const maxBytes = 8 * 1024 * 1024;
const perPage = 20;

/** A RunEvent shows no more than 512 (`tasks`), whoever claims to be a child. */
const maxChildren = 600;

/** What is refused will be refused again, and a message without its tasks is better than none. 410: a page came too late. */
const isWorthAnotherTry = (status: number): boolean => status < 400 || status === 410 || status === 429 || status >= 500;

export function createChildren({ kube, runs, log }: ChildrenOptions): Children {
  const underWay = new Map<string, Promise<void>>();
  const waiting: (() => void)[] = [];
  let free = maxAtOnce;

  const inTurn = async (work: () => Promise<void>): Promise<void> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };

  const inPages = async (kind: RunKind, of: ListOptions, signal: AbortSignal): Promise<readonly TrimmedRun[]> => {
    const found: TrimmedRun[] = [];
    let token: string | undefined;
    do {
      const page = await kube.list(resourceOfRun[kind], { ...of, limit: perPage, continue: token }, signal);
      for (const object of page.items) found.push(trimRun(object, kind));
      token = page.continue;
    } while (token !== undefined && found.length < maxChildren);
    return found;
  };

  const ofKind = async (kind: RunKind, of: ListOptions, signal: AbortSignal): Promise<readonly TrimmedRun[]> => {
    try {
      // A consistent list waits for etcd, up to a tenth of a second. Whether this one is too old, its contents tell.
      const { items } = await kube.list(resourceOfRun[kind], { ...of, fromCache: true, maxBytes }, signal);
      return items.map((object) => trimRun(object, kind));
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== "KubernetesAnswerInvalid") throw error;
      return inPages(kind, of, signal);
    }
  };

  const list: Children["list"] = async ({ event: { namespace, name, uid }, vanished }, kinds, signal) => {
    try {
      const found = await Promise.all(kinds.map((kind) => ofKind(kind, { namespace, labelSelector: `tekton.dev/pipelineRunUID=${uid}` }, signal)));
      runs.adopt(uid, found.flat());
    } catch (error) {
      if (signal.aborted || (!vanished && isWorthAnotherTry(statusOf(error)))) throw error;
      log.warn("the tasks of a run could not be listed; its messages go without them", { run: `${namespace}/${name}`, kinds, error });
      runs.adopt(uid, []);
    }
  };

  return {
    list: (parent, kinds, signal) => {
      const { uid } = parent.event;
      const known = underWay.get(uid);
      if (known !== undefined) return known;
      const listing = inTurn(() => list(parent, kinds, signal)).finally(() => underWay.delete(uid));
      underWay.set(uid, listing);
      return listing;
    },
  };
}
