import { runKinds, type RunKind } from "../api/run-event.ts";
import type { Route } from "./plan.ts";
import type { Previous } from "./previous.ts";
import type { RunStore, RunView } from "./run-store.ts";

/** What Notifications see of runs: of one state, not all see the same. */
export interface Views {
  /** The run's state as the Notification sees it; undefined when nothing is known of the run. */
  readonly of: (route: Route, runUid: string) => RunView | undefined;
  /**
   * How many milliseconds are left for parts of the state that are still to come and that the Notification needs for its
   * filter (`judging`) or also for its message (`any`); 0: nothing is waited for.
   */
  readonly waitMs: (route: Route, runUid: string, need: "judging" | "any") => number;
  /**
   * Kinds of which the run's children are to be listed before a message is made of the state: the Notification's messages are
   * made of tasks, the kind is not watched, and some of the children have not ended, as far as is known. Of a run that has
   * ended they are listed once, and once more after {@link waitMs} where some had not ended then.
   */
  readonly unlisted: (route: Route, runUid: string) => readonly RunKind[];
}

export interface ViewsOptions {
  readonly runs: Pick<RunStore, "view">;
  readonly previous: Pick<Previous, "fill">;
  /** Whether all runs of the kind are followed. */
  readonly isWatched: (kind: RunKind) => boolean;
  /** `Clock.monotonic`. */
  readonly monotonic: () => number;
}

export function createViews({ runs, previous, isWatched, monotonic }: ViewsOptions): Views {
  const leftMs = (view: Pick<RunView, "childrenUntil">): number => (view.childrenUntil === undefined ? 0 : Math.max(0, view.childrenUntil - monotonic()));

  const unlistedOf = ({ event, restored, listings, unended, ...view }: RunView): readonly RunKind[] => {
    const again = listings === 1 && view.childrenUntil !== undefined && leftMs(view) === 0;
    if (restored || (listings > 0 && !again)) return [];
    // Not everything that makes runs names their children.
    const nameless = event.kind === "PipelineRun" && event.terminal && event.tasks.length === 0 && listings === 0;
    return runKinds.filter((kind) => !isWatched(kind) && (unended.includes(kind) || (nameless && kind === "TaskRun")));
  };

  return {
    of: (route, runUid) => {
      const view = runs.view(runUid);
      return view === undefined ? undefined : previous.fill(route, view);
    },
    waitMs: (route, runUid, need) => {
      const view = route.tasks[need] ? runs.view(runUid) : undefined;
      // What is to be listed may have ended.
      return view === undefined || (need === "any" && unlistedOf(view).length > 0) ? 0 : leftMs(view);
    },
    unlisted: (route, runUid) => {
      const view = route.tasks.any ? runs.view(runUid) : undefined;
      return view === undefined ? [] : unlistedOf(view);
    },
  };
}
