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
}

export interface ViewsOptions {
  readonly runs: Pick<RunStore, "view">;
  readonly previous: Pick<Previous, "fill">;
  /** `Clock.monotonic`. */
  readonly monotonic: () => number;
}

export function createViews({ runs, previous, monotonic }: ViewsOptions): Views {
  return {
    of: (route, runUid) => {
      const view = runs.view(runUid);
      return view === undefined ? undefined : previous.fill(route, view);
    },
    waitMs: (route, runUid, need) => {
      const until = route.tasks[need] ? runs.view(runUid)?.childrenUntil : undefined;
      return until === undefined ? 0 : Math.max(0, until - monotonic());
    },
  };
}
