/**
 * `npm run -s bench:matching -- [--json]`: how long a changed run takes to find the Notifications that select it, at 200, 2,000
 * and 10,000 Notifications with a mix of filters; spread over 50 namespaces, and all of them in the run's own. Beside it the
 * naive way, which asks every Notification; both must find the same.
 */
import { parseArgs } from "node:util";
import { measureMatching, type MatchedEvent } from "./matching-run.ts";

interface Figures {
  readonly notifications: number;
  readonly namespaces: number;
  readonly events: number;
  /** Microseconds per event. */
  readonly median: number;
  readonly p99: number;
  /** Microseconds per event when every Notification is asked. */
  readonly naiveMedian: number;
  /** Notifications asked and matched per event, medians and most. */
  readonly asked: readonly [number, number];
  readonly matched: readonly [number, number];
  readonly equal: boolean;
}

const sizes = [200, 2_000, 10_000];
const placements = [50, 1];

const percentile = (numbers: readonly number[], share: number): number => numbers.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * numbers.length) - 1)] ?? Number.NaN;
const rounded = (micros: number): number => Math.round(micros * 10) / 10;

function figuresOf(notifications: number, namespaces: number): Figures {
  // The first rounds warm up; the many Notifications of one namespace make up for fewer events.
  const rounds = namespaces === 1 && notifications > 2_000 ? 2 : 6;
  const all: MatchedEvent[] = measureMatching({ notifications, namespaces, rounds });
  const measured = all.slice(Math.floor(all.length / rounds));
  const of = (pick: (event: MatchedEvent) => number, share: number): number => percentile(measured.map(pick), share);
  return {
    notifications,
    namespaces,
    events: measured.length,
    median: rounded(of(({ micros }) => micros, 0.5)),
    p99: rounded(of(({ micros }) => micros, 0.99)),
    naiveMedian: rounded(of(({ naiveMicros }) => naiveMicros, 0.5)),
    asked: [of(({ asked }) => asked, 0.5), of(({ asked }) => asked, 1)],
    matched: [of(({ matched }) => matched, 0.5), of(({ matched }) => matched, 1)],
    equal: all.every(({ equal }) => equal),
  };
}

const row = (cells: readonly (string | number)[]): string => cells.map((cell) => String(cell).padStart(13)).join("");

function printTable(figures: readonly Figures[]): void {
  console.log(`one changed run against all Notifications, microseconds; Node ${process.version}\n`);
  console.log(row(["Notifications", "namespaces", "events", "median", "p99", "naive median", "asked", "most", "matched", "most", ""]));
  for (const { notifications, namespaces, events, median, p99, naiveMedian, asked, matched, equal } of figures) {
    console.log(row([notifications, namespaces, events, median, p99, naiveMedian, ...asked, ...matched, equal ? "equal" : "NOT EQUAL"]));
  }
}

function main(): number {
  const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
  const figures = placements.flatMap((namespaces) => sizes.map((notifications) => figuresOf(notifications, namespaces)));
  if (values.json) console.log(JSON.stringify(figures, undefined, 2));
  else printTable(figures);
  return figures.every(({ equal }) => equal) ? 0 : 1;
}

process.exitCode = main();
