/**
 * `npm run bench:filter-cost [-- --json]` prints for expressions near the bound, evaluated on the largest run that RunEvent's
 * schema allows, how many steps they are charged at worst, how long they take, and nanoseconds per step. The bound is right when
 * the largest figure times `limits.steps` is about 5 ms.
 */
import { parseArgs } from "node:util";
import { compile, runEventEnvironment } from "../../src/filter/index.ts";
import { limits } from "../../src/filter/limits.ts";
import { costCases, largest, type CostCase } from "./cost-cases.ts";

interface Figures {
  readonly name: string;
  readonly steps: number;
  readonly milliseconds: number;
  readonly nanosecondsPerStep: number;
  /** Of the worst evaluation that this kind of expression could be stretched to. */
  readonly worstMilliseconds: number;
  readonly outcome: string;
}

function measure({ name, expression, piece = "x" }: CostCase): Figures {
  const { program, errors } = compile(expression, { environment: runEventEnvironment, result: "bool" });
  if (program === undefined) {
    throw new Error(`${name}: ${errors[0]?.message ?? ""}`);
  }
  const event = largest(piece);
  const rounds: number[] = [];
  let outcome = "";
  for (let round = 0; round < 15; round += 1) {
    const start = process.hrtime.bigint();
    const result = program.evaluate(event);
    rounds.push(Number(process.hrtime.bigint() - start));
    outcome = result.kind === "value" ? JSON.stringify(result.value) : result.kind === "error" ? result.code : result.what;
  }
  const median = rounds.toSorted((a, b) => a - b)[7] ?? 0;
  const perStep = median / program.cost;
  return { name, steps: program.cost, milliseconds: median / 1e6, nanosecondsPerStep: perStep, worstMilliseconds: (perStep * limits.steps) / 1e6, outcome };
}

const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
const figures = costCases.map(measure);
if (values.json) {
  console.log(JSON.stringify(figures));
} else {
  console.log(`${"expression".padEnd(26)}${"steps".padStart(9)}${"ms".padStart(9)}${"ns/step".padStart(9)}${"ms at the bound".padStart(18)}  result`);
  for (const { name, steps, milliseconds, nanosecondsPerStep, worstMilliseconds, outcome } of figures) {
    console.log(`${name.padEnd(26)}${String(steps).padStart(9)}${milliseconds.toFixed(3).padStart(9)}${nanosecondsPerStep.toFixed(1).padStart(9)}${worstMilliseconds.toFixed(2).padStart(18)}  ${outcome}`);
  }
  console.log(`largest: ${Math.max(...figures.map(({ worstMilliseconds }) => worstMilliseconds)).toFixed(2)} ms at ${limits.steps} steps`);
}
