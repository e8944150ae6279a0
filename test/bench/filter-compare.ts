import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { RunEvent } from "../../src/api/run-event.ts";
import type { EventView, Program } from "../../src/filter/index.ts";
import { builtInFilters, manyFilters, type NamedFilter } from "./filter-cases.ts";
import type { CelGo } from "./filter-cel-go.ts";
import { bufbuild, celJsEngine, marcbachmann, ours, type Engine } from "./filter-engines.ts";
import { rateOf, roundNanoseconds, rounds, timeCompilation } from "./filter-measure.ts";
import { median, timePass, timePasses, type Pass, type Result, type Timing } from "./filter-timing.ts";

/** An engine with its filters and events, whatever form they have in it. */
interface Peer {
  readonly name: string;
  readonly results: (filter: number) => readonly Result[];
  readonly time: (filter: number) => Timing | Promise<Timing>;
  readonly compileMicros: (filter: number) => number;
}

function peerOf<Prepared, Compiled>(engine: Engine<Prepared, Compiled>, filters: readonly NamedFilter[], events: readonly RunEvent[]): Peer {
  const prepared = events.map(engine.prepare);
  const compiled = filters.map(({ expression }) => engine.compile(expression));
  const resultsOf = (filter: Compiled | undefined): readonly Result[] => (filter === undefined ? [] : prepared.map((event) => engine.evaluate(filter, event)));
  return {
    name: engine.name,
    results: (filter) => resultsOf(compiled[filter]),
    time: (filter) => timePass(engine.pass([compiled[filter]].filter((found) => found !== undefined), prepared), prepared.length, roundNanoseconds),
    compileMicros: (filter) => (prepared[0] === undefined ? Number.NaN : timeCompilation(engine, filters[filter]?.expression ?? "", prepared[0])),
  };
}

async function celGoPeer(celGo: CelGo, filters: readonly NamedFilter[], events: readonly RunEvent[]): Promise<Peer> {
  const { programs } = await celGo.load(filters.map(({ expression }) => expression), events, 15);
  return {
    name: "cel-go",
    results: (filter) => programs[filter]?.results ?? [],
    time: (filter) => celGo.time([[filter]], roundNanoseconds),
    compileMicros: (filter) => programs[filter]?.microseconds ?? Number.NaN,
  };
}

const isSame = (a: readonly Result[], b: readonly Result[]): boolean => a.length === b.length && a.every((result, at) => result === b[at]);

/** Rates of one filter in all peers, by peer, rounds interleaved. NaN: another result than ours on some event. */
async function ratesOf(filter: number, peers: readonly Peer[], events: number): Promise<readonly number[]> {
  const expected = peers[0]?.results(filter) ?? [];
  const usable = peers.map((peer) => isSame(peer.results(filter), expected));
  const rates = peers.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, peer] of peers.entries()) {
      if (usable[at] === true) {
        rates[at]?.push(rateOf(await peer.time(filter), events));
      }
    }
  }
  return rates.map(median);
}

const cell = (text: string, width: number): string => text.padStart(width);
const millions = (rate: number): string => (Number.isNaN(rate) ? "-" : (rate / 1e6).toFixed(rate < 1e6 ? 3 : 1));
const factor = (ratio: number): string => (Number.isNaN(ratio) ? "-" : `${ratio.toFixed(1)}x`);

/** The least and the median of ours against another engine, over the filters that both evaluate alike. */
function summary(name: string, ratios: readonly number[]): string {
  const known = ratios.filter((ratio) => !Number.isNaN(ratio));
  return `${name}: ${known.length} of ${ratios.length} filters alike, least ${factor(Math.min(...known))}, median ${factor(median(known))}`;
}

/** A table of filters, each evaluated by all engines on the same events. */
export async function compareEach(celGo: CelGo, filters: readonly NamedFilter[], events: readonly RunEvent[], title: string): Promise<void> {
  const peers = [peerOf(ours, filters, events), await celGoPeer(celGo, filters, events), peerOf(bufbuild, filters, events), peerOf(marcbachmann, filters, events), peerOf(celJsEngine, filters, events)];
  console.log(`\n${title}`);
  console.log(`${"filter, M/s".padEnd(24)}${cell("ours", 8)}${cell("cel-go", 9)}${cell("ratio", 8)}${peers.slice(2).map(({ name }) => cell(name, 22)).join("")}${cell("compile, us: ours", 20)}${cell("cel-go", 8)}`);
  const ratios = peers.map((): number[] => []);
  for (const [index, { name }] of filters.entries()) {
    const rates = await ratesOf(index, peers, events.length);
    const [own = Number.NaN, go = Number.NaN, ...others] = rates;
    rates.forEach((rate, at) => ratios[at]?.push(own / rate));
    const compile = peers.slice(0, 2).map((peer) => peer.compileMicros(index).toFixed(0));
    console.log(`${name.padEnd(24)}${cell(millions(own), 8)}${cell(millions(go), 9)}${cell(factor(own / go), 8)}${others.map((rate) => cell(millions(rate), 22)).join("")}${cell(compile[0] ?? "", 20)}${cell(compile[1] ?? "", 8)}`);
  }
  peers.slice(1).forEach((peer, at) => {
    console.log(`against ${summary(peer.name, ratios[at + 1] ?? [])}`);
  });
}

const count = 2000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heap(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

interface Costs {
  readonly ours: number[];
  readonly celGo: number[];
}

const newCosts = (): Costs => ({ ours: [], celGo: [] });

/** Many filters, all different, each evaluated once on each event; preparing the event is part of it for ours. */
export async function compareMany(celGo: CelGo, events: readonly RunEvent[]): Promise<void> {
  const filters = manyFilters(count);
  const families = builtInFilters.map((_filter, family) => filters.flatMap((_other, index) => (index % builtInFilters.length === family ? [index] : [])));
  const { programs, views, bytes, report } = compileMany(filters, events);
  const go = await celGo.load(filters.map(({ expression }) => expression), events, 1);
  const different = filters.filter((_filter, index) => !isSame(go.programs[index]?.results ?? [], views.map((view) => resultOf(programs[index], view))));
  console.log(`\n${count} different filters, each evaluated once on each of ${events.length} events (${different.length} with another result in cel-go)`);

  const all = filters.map((_filter, index) => index);
  const mixedPass: Pass = () => events.reduce((seen, event) => seen + ours.pass(programs, [ours.prepare(event)])(1), 0);
  const viewPass: Pass = () => events.reduce((seen, event) => seen + ours.prepare(event).fields.length, 0);
  const groups = views.map((view) => families.map((family) => ours.pass(family.flatMap((index) => programs[index] ?? []), [view])));
  const [mixed, prepared, grouped] = [newCosts(), [] as number[], families.map(newCosts)];
  const perEvent = ({ passes, nanoseconds: [took = 0] }: Timing): number => took / (passes * events.length);
  for (let round = 0; round < rounds; round += 1) {
    mixed.ours.push(perEvent(timePass(mixedPass, count * events.length, 4 * roundNanoseconds)));
    mixed.celGo.push(perEvent(await celGo.time([all], 4 * roundNanoseconds)));
    prepared.push(perEvent(timePass(viewPass, 2000, roundNanoseconds)));
    const own = timePasses(groups, 4 * roundNanoseconds);
    const theirs = await celGo.time(families, 4 * roundNanoseconds);
    grouped.forEach((costs, at) => {
      costs.ours.push((own.nanoseconds[at] ?? 0) / own.passes);
      costs.celGo.push((theirs.nanoseconds[at] ?? 0) / theirs.passes);
    });
  }
  const ratios = grouped.map((costs) => median(costs.celGo) / median(costs.ours));
  builtInFilters.forEach(({ name }, at) => {
    const evaluations = (families[at]?.length ?? 0) * events.length;
    const rate = (times: readonly number[]): string => millions((evaluations * 1e9) / median(times));
    console.log(`${name.padEnd(24)}${cell(rate(grouped[at]?.ours ?? []), 8)}${cell(rate(grouped[at]?.celGo ?? []), 9)}${cell(factor(ratios[at] ?? Number.NaN), 8)}`);
  });
  console.log(`against ${summary("cel-go", ratios)}`);
  const micros = (times: readonly number[]): string => `${(median(times) / 1000).toFixed(1)} us`;
  console.log(`per event: ours ${micros(mixed.ours)}, of which ${micros(prepared)} for its view; cel-go ${micros(mixed.celGo)}; ${factor(median(mixed.celGo) / median(mixed.ours))}`);
  console.log(`${report}; cel-go compiles one in ${median(go.programs.map(({ microseconds }) => microseconds)).toFixed(0)} us`);
  console.log(`heap of one: ours ${Math.round(bytes / count)} bytes, cel-go ${Math.round(go.bytes / count)} bytes`);
}

const resultOf = (program: Program | undefined, view: EventView): Result => (program === undefined ? "error" : ours.evaluate(program, view));

interface Many {
  readonly programs: readonly Program[];
  readonly views: readonly EventView[];
  /** Of the heap, for all programs, generated code included. */
  readonly bytes: number;
  readonly report: string;
}

function compileMany(filters: readonly NamedFilter[], events: readonly RunEvent[]): Many {
  const views = events.map(ours.prepare);
  const before = heap();
  const started = process.hrtime.bigint();
  const programs = filters.flatMap(({ expression }) => ours.compile(expression) ?? []);
  const compiled = process.hrtime.bigint();
  ours.pass(programs, views.slice(0, 1))(1);
  const ran = process.hrtime.bigint();
  const perFilter = (from: bigint, to: bigint): string => (Number(to - from) / count / 1000).toFixed(0);
  return { programs, views, bytes: heap() - before, report: `compiling one: ours ${perFilter(started, compiled)} us, and ${perFilter(compiled, ran)} us more when it is first evaluated` };
}
