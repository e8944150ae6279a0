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
  /** The run belongs to the series, and has ended. A run that is named again replaces what was known of it. Whether anything is different now. */
  readonly add: (key: string, run: FinishedRun) => boolean;
  /**
   * The last run of the series that had ended when a run was created; times of Kubernetes have whole seconds, and the same
   * second counts as before. Never the run itself.
   * @param createdAt milliseconds since the epoch
   */
  readonly before: (key: string, run: { readonly uid: string; readonly createdAt: number }) => FinishedRun | undefined;
  /**
   * At most `count` finished runs: the last one of each series, the series that ended a run last first; then, as far as there
   * is room, the ones before those.
   */
  readonly latest: (count: number) => readonly (readonly [key: string, run: FinishedRun])[];
}

/** Of one series: as many as may end while another one runs. */
const maxRuns = 20;

/** Later ends last; of one moment, in the order of their uids, which is the same for everybody. */
const order = (a: FinishedRun, b: FinishedRun): number => a.endedAt - b.endedAt || (a.uid < b.uid ? -1 : Number(a.uid > b.uid));

const same = (a: FinishedRun | undefined, b: FinishedRun): boolean =>
  a !== undefined && a.status === b.status && a.reason === b.reason && a.endedAt === b.endedAt && a.completionTime === b.completionTime && a.name === b.name;

/** Keeps at most `maxSeries` series, or a few more; the ones that ended a run longest ago are forgotten first. */
export function createSeries(maxSeries: number): Series {
  /** By key; the run that ended last is the last. */
  const kept = new Map<string, readonly FinishedRun[]>();
  const excess = Math.max(1, Math.ceil(maxSeries / 10));

  const byLastEnd = (): (readonly [string, readonly FinishedRun[]])[] =>
    [...kept].toSorted(([, a], [, b]) => {
      const [lastA, lastB] = [a.at(-1), b.at(-1)];
      return lastA === undefined || lastB === undefined ? 0 : order(lastB, lastA);
    });

  const forgetOldest = (): void => {
    if (kept.size < maxSeries + excess) return;
    for (const [key] of byLastEnd().slice(maxSeries)) kept.delete(key);
  };

  return {
    add: (key, run) => {
      const runs = kept.get(key) ?? [];
      if (same(runs.find(({ uid }) => uid === run.uid), run)) return false;
      const others = runs.filter(({ uid }) => uid !== run.uid);
      const now = [...others, run].toSorted(order).slice(-maxRuns);
      kept.set(key, now);
      forgetOldest();
      return now.includes(run);
    },
    before: (key, { uid, createdAt }) => kept.get(key)?.findLast((run) => run.uid !== uid && Math.floor(run.endedAt / 1000) <= Math.floor(createdAt / 1000)),
    latest: (count) => {
      const series = byLastEnd();
      const rounds = Array.from({ length: maxRuns }, (_, round) => 
        series.flatMap(([key, runs]) => {
          const run = runs.at(-1 - round);
          return run === undefined ? [] : [[key, run] as const];
        }),
      );
      return rounds.flat().slice(0, count);
    },
  };
}
