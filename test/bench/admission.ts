/**
 * `npm run bench:admission`: reviews of Notifications, one in ten of them bad, at 500 per second for 20 seconds and then as fast as 16
 * connections can; with every expression another, and with 20 that recur. Beside ours: a webhook on controller-runtime with cel-go, and an
 * empty handler in Node.js. Nobody asks the API server anything. All share this machine's cores with the load generator.
 * Ours judges on one thread, the one in Go on all cores: what ours spends on TLS, HTTP, Express and JSON (about 130 us a review) limits it where
 * filters recur, compiling them (about 35 us, of 75 for the whole judgement) where they do not.
 * `-- --rounds N --seconds N` for a shorter one.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { contenders, openArena, type Contender } from "./admission-run.ts";
import type { Measured } from "./admission-load.ts";
import { buildProgram } from "./build.ts";

const connections = 16;
const perSecond = 500;
const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" }, seconds: { type: "string", default: "20" }, requests: { type: "string", default: "8000" } } });
const [rounds, seconds, requests] = [Number(values.rounds), Number(values.seconds), Number(values.requests)];

const sets = [
  { name: "every expression another", expressions: (count: number) => count },
  { name: "20 expressions that recur", expressions: () => 20 },
];

interface Result {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  readonly perSecond: number;
  readonly wrong: number;
}

function resultOf({ latencies, seconds: took, wrong }: Measured): Result {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1), perSecond: sorted.length / took, wrong };
}

function median(results: readonly Result[]): Result {
  const middle = (of: (result: Result) => number): number => results.map(of).toSorted((a, b) => a - b)[Math.floor(results.length / 2)] ?? Number.NaN;
  return { p50: middle(({ p50 }) => p50), p95: middle(({ p95 }) => p95), p99: middle(({ p99 }) => p99), max: middle(({ max }) => max), perSecond: middle((result) => result.perSecond), wrong: results.reduce((sum, { wrong }) => sum + wrong, 0) };
}

const cells = (...values_: readonly (string | number)[]): string => values_.map((value) => (typeof value === "number" ? value.toFixed(value < 100 ? 2 : 0) : value).padStart(10)).join("");

function print(title: string, results: ReadonlyMap<Contender, Result>): void {
  console.log(`\n${title.padEnd(40)}${cells("p50 ms", "p95 ms", "p99 ms", "max ms", "per second", "wrong")}`);
  for (const [contender, { p50, p95, p99, max, perSecond: rate, wrong }] of results) console.log(`${contender.padEnd(40)}${cells(p50, p95, p99, max, rate, String(wrong))}`);
}

async function main(): Promise<number> {
  console.log(`${rounds} rounds, medians; ${cpus().length} cores, Node.js ${process.version}`);
  const built = await buildProgram(["test/bench/admission-serve.ts", "test/bench/admission-load.ts"]);
  const arena = await openArena({ path: built.path }).catch(async (error: unknown) => {
    await built.remove();
    throw error;
  });
  let wrong = 0;
  try {
    for (const { name, expressions } of sets) {
      const steady = new Map<Contender, Result[]>();
      const fast = new Map<Contender, Result[]>();
      for (let round = 0; round < rounds; round += 1) {
        for (const contender of contenders) {
          const order = { connections, warmUp: 1000, salt: `${round}${expressions(2) === 2 ? "d" : "r"}` };
          const count = perSecond * seconds;
          steady.set(contender, [...(steady.get(contender) ?? []), resultOf(await arena.measure(contender, { ...order, count, expressions: expressions(count), perSecond, salt: `${order.salt}s` }))]);
          fast.set(contender, [...(fast.get(contender) ?? []), resultOf(await arena.measure(contender, { ...order, count: requests, expressions: expressions(requests), salt: `${order.salt}f` }))]);
        }
      }
      const medians = (of: typeof steady): ReadonlyMap<Contender, Result> => new Map(Array.from(of, ([contender, results]) => [contender, median(results)]));
      print(`${name}, ${perSecond}/s for ${seconds} s`, medians(steady));
      print(`${name}, ${connections} connections`, medians(fast));
      wrong += [...steady.values(), ...fast.values()].flat().reduce((sum, result) => sum + result.wrong, 0);
    }
    console.log(`\n${"memory, MB".padEnd(40)}${cells("RSS", "peak")}`);
    for (const contender of contenders) {
      const { rss, peak } = arena.memory(contender);
      console.log(`${contender.padEnd(40)}${cells(rss / 1e6, peak / 1e6)}`);
    }
    console.log(`\nverdicts: ${wrong === 0 ? "equal" : `${wrong} WRONG`}`);
    return wrong === 0 ? 0 : 1;
  } finally {
    await arena.stop();
    await built.remove();
  }
}

process.exitCode = await main();
