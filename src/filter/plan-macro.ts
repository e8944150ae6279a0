import { failuresAt, plan, type Plan } from "./plan.ts";
import { planCondition } from "./plan-logic.ts";
import { fail, type Evaluation, type Fault, type Run } from "./run.ts";
import type { TypedMacro } from "./typed.ts";
import { fromJson, isJsonObject, keysOf, problems, ValueMap, type Value } from "./values.ts";

/** A loop over the elements, as one step of it needs to be known. */
interface Loop {
  readonly slot: number;
  readonly cost: number;
  readonly condition: Run;
  readonly transform: Run;
}

/** Sets the variable to an element and pays for the step; false when there is nothing left to pay with. */
function enter(evaluation: Evaluation, loop: Loop, element: unknown): boolean {
  evaluation.steps -= loop.cost;
  evaluation.slots[loop.slot] = fromJson(element) ?? null;
  return evaluation.steps >= 0;
}

type Elements = readonly unknown[];
type LoopRunner = (evaluation: Evaluation, loop: Loop, elements: Elements) => Value | undefined;

/** exists (`wanted` true) and all (`wanted` false): the wanted value ends the loop and wins over faults before it. */
const search = (wanted: boolean): LoopRunner => (evaluation, loop, elements) => {
  let fault: Fault | undefined;
  for (const element of elements) {
    if (!enter(evaluation, loop, element)) {
      return undefined;
    }
    const value = loop.condition(evaluation);
    if (value === wanted) {
      return wanted;
    }
    fault ??= value === undefined ? evaluation.fault : undefined;
  }
  return fault === undefined ? !wanted : fail(evaluation, fault);
};

const existsOne: LoopRunner = (evaluation, loop, elements) => {
  let count = 0;
  for (const element of elements) {
    const value = enter(evaluation, loop, element) ? loop.condition(evaluation) : undefined;
    if (value === undefined) {
      return undefined;
    }
    count += value === true ? 1 : 0;
  }
  return count === 1;
};

/** filter and map: the results of the elements for which the condition holds. */
const collect: LoopRunner = (evaluation, loop, elements) => {
  const results: Value[] = [];
  for (const element of elements) {
    const value = enter(evaluation, loop, element) ? loop.condition(evaluation) : undefined;
    const result = value === true ? loop.transform(evaluation) : value;
    if (result === undefined) {
      return undefined;
    }
    if (value === true) {
      results.push(result);
    }
  }
  return results;
};

const runners: Readonly<Record<TypedMacro["macro"], LoopRunner>> = {
  exists: search(true),
  all: search(false),
  exists_one: existsOne,
  filter: collect,
  map: collect,
};

function elementsOf(range: Value): Elements | undefined {
  if (Array.isArray(range)) {
    return range as Elements;
  }
  return range instanceof ValueMap || isJsonObject(range) ? keysOf(range) : undefined;
}

/** A macro as a loop with early exit, each step of it counted. */
export function planMacro(typed: TypedMacro, shared: Plan): Run {
  const range = plan(typed.range, shared);
  const { slot, cost } = typed;
  const loop: Loop = {
    slot,
    cost,
    condition: typed.condition === undefined ? () => true : planCondition(typed.condition, shared),
    transform: typed.transform === undefined ? (evaluation) => evaluation.slots[slot] : plan(typed.transform, shared),
  };
  const runner = runners[typed.macro];
  const failures = failuresAt(typed.offset, shared);
  return (evaluation) => {
    const value = range(evaluation);
    if (value === undefined) {
      return undefined;
    }
    const elements = elementsOf(value);
    return elements === undefined ? fail(evaluation, failures(problems.wrongType)) : runner(evaluation, loop, elements);
  };
}
