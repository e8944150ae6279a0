import { runKinds, type RunKind } from "../api/run-event.ts";
import type { Reflector } from "../kube/reflector-options.ts";
import type { Clock } from "../telemetry/clock.ts";
import { abortWithAny, type Ending } from "./ending.ts";

/** The watch of one kind, as far as it matters whether it is there. */
type RunReflector = Pick<Reflector<unknown>, "isSynced" | "synced" | "health" | "done">;

export interface RunWatchesOptions<Watch extends RunReflector> {
  readonly clock: Clock;
  /** Begins to follow a kind until the signal aborts. */
  readonly follow: (kind: RunKind, signal: AbortSignal) => Watch;
  /** Whether anybody needs the kind. PipelineRuns are always followed. */
  readonly wants: (kind: RunKind) => boolean;
  /** All runs of the kind are known: it is followed from now on. */
  readonly onFollowed: (kind: RunKind) => void;
  /** The kind is followed no longer. */
  readonly onLeft: (kind: RunKind) => void;
}

/** The watches of runs, each there as long as somebody needs it and a while longer, so that edits do not list everything again. */
export interface RunWatches<Watch extends RunReflector> {
  /** Looks again at who needs what. Before the first time nothing is followed. */
  readonly review: () => void;
  readonly all: () => readonly Watch[];
  /** Whether all runs of the kind are known. */
  readonly isWatched: (kind: RunKind) => boolean;
  /** Whether nothing is to be waited for: all runs of the kind are known, or the kind is not served. */
  readonly isSettled: (kind: RunKind) => boolean;
  /** Whether that is so for all kinds that somebody needs. */
  readonly isComplete: () => boolean;
  /** Resolves after the signal aborted and every watch ended. */
  readonly done: () => Promise<void>;
}

/** Long enough for somebody who edits a Notification, or takes it away and puts it back. */
const leaveAfterMs = 60_000;

interface Followed<Watch> {
  readonly watch: Watch;
  readonly ending: Ending;
  readonly stop: AbortController;
  /** Nobody needs it: it ends when a while has passed, unless this aborts. */
  leaving: AbortController | undefined;
}

export function createRunWatches<Watch extends RunReflector>(options: RunWatchesOptions<Watch>, signal: AbortSignal): RunWatches<Watch> {
  const { clock } = options;
  const followed = new Map<RunKind, Followed<Watch>>();
  /** Kinds whose last watch has not ended yet. */
  const ending = new Map<RunKind, Promise<void>>();

  const isWanted = (kind: RunKind): boolean => kind === "PipelineRun" || options.wants(kind);

  const begin = (kind: RunKind): void => {
    const stop = new AbortController();
    const end = abortWithAny(signal, stop.signal);
    const watch = options.follow(kind, end.signal);
    followed.set(kind, { watch, ending: end, stop, leaving: undefined });
    watch.synced.then(() => {
      if (followed.get(kind)?.watch === watch) options.onFollowed(kind);
    }, () => undefined);
  };

  const leave = async (kind: RunKind, { watch, ending: end, stop }: Followed<Watch>): Promise<void> => {
    followed.delete(kind);
    stop.abort();
    await watch.done;
    end.dispose();
    ending.delete(kind);
    options.onLeft(kind);
    // Somebody may need it again.
    review();
  };

  const beginToLeave = (kind: RunKind, known: Followed<Watch>): void => {
    const leaving = new AbortController();
    known.leaving = leaving;
    const { signal: over, dispose } = abortWithAny(signal, leaving.signal);
    clock.sleep(leaveAfterMs, over).then(
      () => {
        ending.set(kind, leave(kind, known));
      },
      () => undefined,
    ).finally(dispose);
  };

  const review = (): void => {
    for (const kind of runKinds) {
      const known = followed.get(kind);
      const wanted = isWanted(kind);
      if (known === undefined) {
        if (wanted && !ending.has(kind) && !signal.aborted) begin(kind);
      } else if (!wanted) {
        if (known.leaving === undefined) beginToLeave(kind, known);
      } else {
        known.leaving?.abort();
        known.leaving = undefined;
      }
    }
  };

  const isSettled = (kind: RunKind): boolean => {
    const watch = followed.get(kind)?.watch;
    return watch !== undefined && (watch.isSynced || watch.health().state === "absent");
  };

  return {
    review,
    all: () => [...followed.values()].map(({ watch }) => watch),
    isWatched: (kind) => followed.get(kind)?.watch.isSynced === true,
    isSettled,
    isComplete: () => runKinds.every((kind) => isSettled(kind) || !isWanted(kind)),
    done: async () => {
      await Promise.all([...[...followed.values()].map(({ watch }) => watch.done), ...ending.values()]);
    },
  };
}
