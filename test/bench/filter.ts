/**
 * `npm run -s bench:filter -- [--filters FILE] [--event FILE] [--json]`: evaluations per second and compile time of filters.
 * FILE of filters: `{"filters": [{"name", "expression"}]}`; FILE of events: one RunEvent or a list of them, evaluated in turn.
 * With --json only ours, as JSON; without it a table with `cel-js` beside it, rounds interleaved. Medians of five rounds.
 */
import * as celJs from "cel-js";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { RunEvent } from "../../src/api/run-event.ts";
import { compile, compilePattern, runEventEnvironment, type Program } from "../../src/filter/index.ts";
import { builtInFilters, recordedEvent, type NamedFilter } from "./filter-cases.ts";

type Result = boolean | "error";

/** One engine's way with one filter. */
interface Subject {
  readonly prepare?: () => void;
  readonly compile: () => (event: RunEvent) => Result;
}

interface Figures {
  readonly evalsPerSecond: number;
  readonly compileMicros: number;
  readonly result: Result;
}

const rounds = 5;
const roundNanoseconds = 40_000_000n;
const compilations = 15;

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

function evaluator(program: Program): (event: RunEvent) => Result {
  return (event) => {
    const outcome = program.evaluate(event);
    return outcome.kind === "value" && typeof outcome.value === "boolean" ? outcome.value : "error";
  };
}

/** Refuses filters that do not compile: an error costs nothing to "evaluate", and would read as a record. */
function checkFilters(filters: readonly NamedFilter[]): void {
  for (const { name, expression } of filters) {
    const [error] = compile(expression, { environment: runEventEnvironment }).errors;
    if (error !== undefined) {
      throw new Error(`filter ${name}, ${error.line}:${error.column}: ${error.message}`);
    }
  }
}

let fillers = 0;

/** Compiled patterns are kept; new ones push all others out, so that a filter's own pattern is compiled while it is timed. */
function forgetPatterns(expression: string): void {
  const end = expression.includes("matches") ? fillers + 256 : fillers;
  for (; fillers < end; fillers += 1) {
    compilePattern(`filler${fillers}`);
  }
}

function ours({ expression }: NamedFilter): Subject {
  return {
    prepare: () => {
      forgetPatterns(expression);
    },
    // An environment of its own is a cache of its own.
    compile: () => {
      const { program } = compile(expression, { environment: { ...runEventEnvironment } });
      return program === undefined ? () => "error" : evaluator(program);
    },
  };
}

function celJsSubject({ expression }: NamedFilter): Subject {
  return {
    compile: () => {
      const parsed = celJs.parse(expression);
      if (!parsed.isSuccess) {
        return () => "error";
      }
      return (event) => {
        try {
          const value = celJs.evaluate(parsed.cst, event);
          return typeof value === "boolean" ? value : "error";
        } catch {
          return "error";
        }
      };
    },
  };
}

const now = (): bigint => process.hrtime.bigint();

function timeCompilation(subject: Subject): number {
  subject.prepare?.();
  const start = now();
  subject.compile();
  return Number(now() - start) / 1000;
}

/** Evaluations per second over one round. */
function timeRound(evaluate: (event: RunEvent) => Result, events: readonly RunEvent[]): number {
  const start = now();
  let done = 0;
  let seen = 0;
  while (now() - start < roundNanoseconds) {
    for (let batch = 0; batch < 100; batch += 1) {
      for (const event of events) {
        seen += evaluate(event) === true ? 1 : 0;
      }
    }
    done += 100 * events.length;
  }
  // Read, so that no evaluation can be left out as unused.
  return seen < 0 ? 0 : (done * 1e9) / Number(now() - start);
}

function measure(subjects: readonly Subject[], events: readonly RunEvent[]): Figures[] {
  const [first] = events;
  if (first === undefined) {
    throw new Error("there is no event to evaluate on");
  }
  const prepared = subjects.map((subject) => ({ subject, evaluate: subject.compile(), rates: [] as number[], times: [] as number[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const { subject, evaluate, rates, times } of prepared) {
      rates.push(timeRound(evaluate, events));
      for (let index = 0; index < compilations; index += 1) {
        times.push(timeCompilation(subject));
      }
    }
  }
  return prepared.map(({ evaluate, rates, times }) => ({
    evalsPerSecond: Math.round(median(rates)),
    compileMicros: Math.round(median(times) * 10) / 10,
    result: evaluate(first),
  }));
}

const columns = [24, 14, 12, 14, 12, 8, 0];
const row = (cells: readonly string[]): string => cells.map((cell, at) => (at === 0 || at === 6 ? cell.padEnd(columns[at] ?? 0) : cell.padStart(columns[at] ?? 0))).join("  ");

function verdict(a: Figures, b: Figures): string {
  if (b.result === a.result) {
    return "agrees";
  }
  return b.result === "error" ? "cel-js cannot" : `cel-js is WRONG: ${b.result}, ours ${a.result}`;
}

function printTable(filters: readonly NamedFilter[], events: readonly RunEvent[]): void {
  const speed = (figures: Figures): string => `${Math.round(figures.evalsPerSecond / 1000).toLocaleString("en")}k/s`;
  console.log(`${filters.length} filters, ${events.length} event(s), median of ${rounds} interleaved rounds, Node ${process.version}`);
  console.log(row(["filter", "ours", "compile us", "cel-js", "compile us", "ratio", "result"]));
  const ratios: number[] = [];
  for (const filter of filters) {
    const [own, other] = measure([ours(filter), celJsSubject(filter)], events);
    if (own === undefined || other === undefined) {
      continue;
    }
    const agrees = own.result === other.result && own.result !== "error";
    const ratio = own.evalsPerSecond / other.evalsPerSecond;
    ratios.push(...(agrees ? [ratio] : []));
    console.log(row([filter.name, speed(own), String(own.compileMicros), agrees ? speed(other) : "-", agrees ? String(other.compileMicros) : "-", agrees ? `${ratio.toFixed(1)}x` : "-", verdict(own, other)]));
  }
  console.log(`ratio where both give the same value (${ratios.length} of ${filters.length}): median ${median(ratios).toFixed(1)}x, least ${Math.min(...ratios).toFixed(1)}x`);
}

function main(): void {
  const { values } = parseArgs({ options: { filters: { type: "string" }, event: { type: "string" }, json: { type: "boolean", default: false } } });
  const filters = values.filters === undefined ? builtInFilters : (JSON.parse(readFileSync(values.filters, "utf8")) as { filters: NamedFilter[] }).filters;
  const given: unknown = values.event === undefined ? recordedEvent("failed-step") : JSON.parse(readFileSync(values.event, "utf8"));
  const events = (Array.isArray(given) ? given : [given]) as RunEvent[];
  checkFilters(filters);
  if (values.json) {
    console.log(JSON.stringify(Object.fromEntries(filters.map((filter) => [filter.name, measure([ours(filter)], events)[0]])), undefined, 2));
  } else {
    printTable(filters, events);
  }
}

main();
