import type { RunEvent } from "../../src/api/run-event.ts";
import { compilePattern } from "../../src/filter/index.ts";
import type { NamedFilter } from "./filter-cases.ts";
import { ours, type Engine } from "./filter-engines.ts";
import { median, timePass, type Timing } from "./filter-timing.ts";

/** Rounds of every measurement, and how long one is. */
export const rounds = 5;
export const roundNanoseconds = 40_000_000;
const compilations = 15;

let fillers = 0;

/** Compiled patterns are kept; new ones push all others out, so that a filter's own pattern is compiled while it is timed. */
function forgetPatterns(expression: string): void {
  const end = expression.includes("matches") ? fillers + 256 : fillers;
  for (; fillers < end; fillers += 1) {
    compilePattern(`filler${fillers}`);
  }
}

/** Microseconds until a filter has been compiled and evaluated once: some of the work is left for the first evaluation. */
export function timeCompilation<Prepared, Compiled>(engine: Engine<Prepared, Compiled>, expression: string, event: Prepared): number {
  const times = Array.from({ length: compilations }, () => {
    forgetPatterns(expression);
    const start = process.hrtime.bigint();
    const compiled = engine.compile(expression);
    if (compiled !== undefined) {
      engine.evaluate(compiled, event);
    }
    return Number(process.hrtime.bigint() - start) / 1000;
  });
  return median(times);
}

/** Evaluations per second of a group of filters. */
export const rateOf = ({ passes, nanoseconds: [took = 0] }: Timing, evaluations: number): number => (passes * evaluations * 1e9) / took;

export interface Figures {
  readonly evalsPerSecond: number;
  readonly compileMicros: number;
  readonly result: boolean | "error";
}

/** Ours alone: the machine-readable contract. */
export function measureOurs(filters: readonly NamedFilter[], events: readonly RunEvent[]): Record<string, Figures> {
  const views = events.map(ours.prepare);
  const measured = filters.map(({ name, expression }) => {
    const program = ours.compile(expression);
    return { name, expression, program, pass: ours.pass(program === undefined ? [] : [program], views), rates: [] as number[] };
  });
  for (let round = 0; round < rounds; round += 1) {
    for (const { pass, rates } of measured) {
      rates.push(rateOf(timePass(pass, views.length, roundNanoseconds), views.length));
    }
  }
  const [first] = views;
  return Object.fromEntries(measured.map(({ name, expression, program, rates }) => {
    const result = first === undefined || program === undefined ? "error" : ours.evaluate(program, first);
    const compileMicros = first === undefined ? Number.NaN : timeCompilation(ours, expression, first);
    return [name, { evalsPerSecond: Math.round(median(rates)), compileMicros: Math.round(compileMicros * 10) / 10, result: result === "error" ? result : result === "true" }];
  }));
}
