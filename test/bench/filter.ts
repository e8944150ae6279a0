/**
 * `npm run -s bench:filter -- [--filters FILE] [--event FILE] [--json]`: evaluations per second and compile time of filters.
 * FILE of filters: `{"filters": [{"name", "expression"}]}`; FILE of events: one RunEvent or a list of them, evaluated in turn.
 * With --json only ours, as JSON. Without it tables with cel-go and the JavaScript libraries beside it, rounds interleaved: the
 * filters on events of one shape and of many (or on FILE's), and, without files, many different filters on each event. Medians
 * of five rounds. No result survives an evaluation; an event is prepared once for all filters, in each engine's fastest form.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { RunEvent } from "../../src/api/run-event.ts";
import { compile, runEventEnvironment } from "../../src/filter/index.ts";
import { builtInFilters, type NamedFilter } from "./filter-cases.ts";
import { startCelGo } from "./filter-cel-go.ts";
import { measureOurs } from "./filter-measure.ts";
import { eventsOfManyShapes, eventsOfOneShape, recordedEvent } from "./filter-events.ts";
import { compareEach, compareMany } from "./filter-compare.ts";

/** Refuses filters that do not compile: an error costs nothing to "evaluate", and would read as a record. */
function checkFilters(filters: readonly NamedFilter[]): void {
  for (const { name, expression } of filters) {
    const [error] = compile(expression, { environment: runEventEnvironment }).errors;
    if (error !== undefined) {
      throw new Error(`filter ${name}, ${error.line}:${error.column}: ${error.message}`);
    }
  }
}

function readEvents(file: string): readonly RunEvent[] {
  const given = JSON.parse(readFileSync(file, "utf8")) as RunEvent | readonly RunEvent[];
  const events = Array.isArray(given) ? (given as readonly RunEvent[]) : [given as RunEvent];
  if (events.length === 0) {
    throw new Error("there is no event to evaluate on");
  }
  return events;
}

async function printTables(filters: readonly NamedFilter[], events: readonly RunEvent[] | undefined): Promise<void> {
  const celGo = await startCelGo();
  try {
    console.log(`Node ${process.version}, ${filters.length} filters; M/s: million evaluations per second, -: another result or none`);
    if (events !== undefined) {
      await compareEach(celGo, filters, events, `${events.length} event(s)`);
      return;
    }
    await compareEach(celGo, filters, eventsOfOneShape(), "64 differing events of one shape");
    await compareEach(celGo, filters, eventsOfManyShapes(), "16 events of different shapes");
    await compareMany(celGo, eventsOfOneShape());
  } finally {
    await celGo.close();
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { filters: { type: "string" }, event: { type: "string" }, json: { type: "boolean", default: false } } });
  const filters = values.filters === undefined ? builtInFilters : (JSON.parse(readFileSync(values.filters, "utf8")) as { filters: NamedFilter[] }).filters;
  const events = values.event === undefined ? undefined : readEvents(values.event);
  checkFilters(filters);
  if (values.json) {
    console.log(JSON.stringify(measureOurs(filters, events ?? [recordedEvent("failed-step")]), undefined, 2));
    return;
  }
  await printTables(filters, events);
}

await main();
