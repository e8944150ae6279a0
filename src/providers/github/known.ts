import type { Clock } from "../../telemetry/clock.ts";

/** So many are remembered; those that were written longest ago are forgotten first. */
const maxKnown = 10_000;

/** Clocks of the API server and of this process may be apart by this much. */
const skewMs = 60_000;

/** A run of this age may have been forgotten. */
const oldMs = 600_000;

/** What is there. */
export interface Found {
  readonly id: string;
}

/** Which of the things that are written over and over exist at GitHub already, by names of their own. */
export interface Known {
  /** What is there; `missing`: nothing is; `unknown`: GitHub has to be asked. */
  readonly of: (name: string, runCreatedAt: string | undefined) => Found | "missing" | "unknown";
  /** It is there. */
  readonly note: (name: string, found: Found) => void;
  /** It is to be written, and may be there from now on; or it is no longer what it was. */
  readonly doubt: (name: string) => void;
}

/**
 * What belongs to one run cannot exist when the run is younger than this memory and nothing was written for it, so that the
 * first report of a run needs no look-up.
 */
export function createKnown(clock: Clock): Known {
  const since = clock.now();
  const written = new Map<string, Found | undefined>();
  const keep = (name: string, found: Found | undefined): void => {
    written.delete(name);
    written.set(name, found);
    const [oldest] = written.keys();
    if (written.size > maxKnown && oldest !== undefined) written.delete(oldest);
  };
  return {
    of: (name, runCreatedAt) => {
      if (written.has(name)) return written.get(name) ?? "unknown";
      const created = runCreatedAt === undefined ? Number.NaN : Date.parse(runCreatedAt);
      return created > since + skewMs && created > clock.now() - oldMs ? "missing" : "unknown";
    },
    note: keep,
    doubt: (name) => {
      keep(name, undefined);
    },
  };
}
