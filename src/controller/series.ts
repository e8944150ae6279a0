import type { RunStatus } from "../api/run-event.ts";

/** A finished run, as the runs after it see it. */
export interface FinishedRun {
  readonly uid: string;
  readonly name: string;
  readonly status: RunStatus;
  readonly reason: string;
  /** RFC 3339; absent: it never said. */
  readonly completionTime?: string;
  /** When it ended, milliseconds since the epoch. */
  readonly endedAt: number;
}

/** The finished runs of each series, so that a run can be compared with the one before it. */
export interface Series {
  /** The run belongs to the series, and has ended. A run that is named again replaces what was known of it. */
  readonly add: (key: string, run: FinishedRun) => void;
  /**
   * The last run of the series that had ended when a run was created; times of Kubernetes have whole seconds, and the same
   * second counts as before. Never the run itself.
   * @param createdAt milliseconds since the epoch
   */
  readonly before: (key: string, run: { readonly uid: string; readonly createdAt: number }) => FinishedRun | undefined;
  /** The last finished run of each series, the series that ended a run last first. */
  readonly latest: () => readonly (readonly [key: string, run: FinishedRun])[];
}

/** Of one series: as many as may end while another one runs. */
const maxRuns = 20;

/** Later ends last; of one moment, in the order of their uids, which is the same for everybody. */
const order = (a: FinishedRun, b: FinishedRun): number => a.endedAt - b.endedAt || (a.uid < b.uid ? -1 : Number(a.uid > b.uid));

/** Keeps at most `maxSeries` series; the ones that ended a run longest ago are forgotten first. */
export function createSeries(maxSeries: number): Series {
  /** By key; the one that ended a run longest ago first. */
  const kept = new Map<string, FinishedRun[]>();
  return {
    add: (key, run) => {
      const others = (kept.get(key) ?? []).filter(({ uid }) => uid !== run.uid);
      kept.delete(key);
      kept.set(key, [...others, run].toSorted(order).slice(-maxRuns));
      const [oldest] = kept.keys();
      if (kept.size > maxSeries && oldest !== undefined) kept.delete(oldest);
    },
    before: (key, { uid, createdAt }) => kept.get(key)?.findLast((run) => run.uid !== uid && Math.floor(run.endedAt / 1000) <= Math.floor(createdAt / 1000)),
    latest: () => [...kept].reverse().flatMap(([key, runs]) => runs.slice(-1).map((run) => [key, run] as const)),
  };
}
