/** Medians of nothing are NaN. */
export const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

export type Result = "true" | "false" | "error";

/** Evaluates something so many times and says how many results were true, so that no evaluation can be left out as unused. */
export type Pass = (times: number) => number;

export interface Timing {
  readonly passes: number;
  /** Of each group. */
  readonly nanoseconds: readonly number[];
}

const now = (): bigint => process.hrtime.bigint();

let seen = 0;

/** Repeats a pass of so many evaluations until the time is over. */
export function timePass(pass: Pass, evaluations: number, nanoseconds: number): Timing {
  // The clock is read seldom enough not to be what is timed.
  const rounds = Math.max(1, Math.floor(2000 / Math.max(1, evaluations)));
  const start = now();
  let passes = 0;
  let took = 0;
  while (took < nanoseconds) {
    seen += pass(rounds);
    passes += rounds;
    took = Number(now() - start);
  }
  return { passes, nanoseconds: [took + Math.min(0, seen)] };
}

/** The same for several groups in turn, each timed by itself: for each of the events, the pass of each group. */
export function timePasses(passes: readonly (readonly Pass[])[], nanoseconds: number): Timing {
  const took = (passes[0] ?? []).map(() => 0);
  const start = now();
  let done = 0;
  for (; Number(now() - start) < nanoseconds; done += 1) {
    for (const groups of passes) {
      groups.forEach((pass, at) => {
        const begin = now();
        seen += pass(1);
        took[at] = (took[at] ?? 0) + Number(now() - begin);
      });
    }
  }
  return { passes: done, nanoseconds: took };
}
