import type { Overload } from "./overload.ts";
import { failuresAt, plan, planConstant, type Plan } from "./plan.ts";
import { fail, settle, type Evaluation, type Failures, type Run } from "./run.ts";
import type { Typed } from "./typed.ts";
import { admits, isDynamic, type CelType } from "./types.ts";
import { equal, Problem, problems, type Value } from "./values.ts";

type Node<Op extends Typed["op"]> = Extract<Typed, { op: Op }>;

/** Types whose values are equal exactly when JavaScript's `===` says so. */
const identical = new Set<CelType["kind"]>(["string", "bool", "int"]);

/** A test of one operand, applied to its value; `negated` turns it round. */
function planTest(operand: Run, test: (value: Value, evaluation: Evaluation) => boolean, negated: boolean): Run {
  return (evaluation) => {
    const value = operand(evaluation);
    return value === undefined ? undefined : test(value, evaluation) !== negated;
  };
}

function planIdentical(left: Run, right: Run, negated: boolean): Run {
  return (evaluation) => {
    const first = left(evaluation);
    if (first === undefined) {
      return undefined;
    }
    const second = right(evaluation);
    return second === undefined ? undefined : (first === second) !== negated;
  };
}

export function planEqual(typed: Node<"equal">, shared: Plan): Run {
  const { negated } = typed;
  const left = plan(typed.left, shared);
  const right = plan(typed.right, shared);
  const literal = typed.right.op === "constant" && typeof typed.right.value === "string" ? typed.right.value : undefined;
  if (literal !== undefined) {
    return planTest(left, (value) => value === literal, negated);
  }
  if (typed.left.type.kind === typed.right.type.kind && identical.has(typed.left.type.kind)) {
    return planIdentical(left, right, negated);
  }
  return (evaluation) => {
    const first = left(evaluation);
    if (first === undefined) {
      return undefined;
    }
    const second = right(evaluation);
    return second === undefined ? undefined : equal(first, second, evaluation) !== negated;
  };
}

export function planMatch(typed: Node<"match">, shared: Plan): Run {
  const operand = plan(typed.operand, shared);
  const failures = failuresAt(typed.offset, shared);
  const { pattern } = typed;
  return (evaluation) => {
    const text = operand(evaluation);
    if (text === undefined) {
      return undefined;
    }
    return typeof text === "string" ? settle(evaluation, pattern.test(text, evaluation), failures) : fail(evaluation, failures(problems.wrongType));
  };
}

/** `x in ["a", "b"]` with texts only. */
function planMembership(typed: Node<"call">, shared: Plan): Run | undefined {
  const [value, list] = typed.args;
  if (typed.name !== "@in" || value === undefined || list?.op !== "list") {
    return undefined;
  }
  const texts = list.elements.flatMap((element) => (element.op === "constant" && typeof element.value === "string" ? [element.value] : []));
  if (texts.length !== list.elements.length) {
    return undefined;
  }
  const members = new Set<Value>(texts);
  return planTest(plan(value, shared), (found) => members.has(found), false);
}

type Comparison = (a: number | bigint, b: number | bigint) => boolean;

const comparisons: Readonly<Record<string, Comparison>> = {
  "_<_": (a, b) => a < b,
  "_<=_": (a, b) => a <= b,
  "_>_": (a, b) => a > b,
  "_>=_": (a, b) => a >= b,
};

/** An order of two ints. */
function planIntOrder(typed: Node<"call">, shared: Plan): Run | undefined {
  const holds = Object.hasOwn(comparisons, typed.name) ? comparisons[typed.name] : undefined;
  const [left, right] = typed.args;
  if (holds === undefined || left?.type.kind !== "int" || right?.type.kind !== "int") {
    return undefined;
  }
  const first = plan(left, shared);
  const second = plan(right, shared);
  return (evaluation) => {
    const a = first(evaluation);
    if (a === undefined) {
      return undefined;
    }
    const b = second(evaluation);
    return b === undefined ? undefined : holds(a as number | bigint, b as number | bigint);
  };
}

/** A call of constants, run now. */
function planFolded(typed: Node<"call">): Run | undefined {
  const [overload, ...others] = typed.overloads;
  const constants = typed.args.flatMap((argument) => (argument.op === "constant" ? [argument.value] : []));
  if (overload === undefined || others.length > 0 || constants.length !== typed.args.length) {
    return undefined;
  }
  const [a = null, b = null, c = null, d = null] = constants;
  const value = overload.run({ steps: 1000 }, a, b, c, d);
  return value instanceof Problem ? undefined : planConstant(value);
}

type Runs = readonly [Run | undefined, Run | undefined, Run | undefined, Run | undefined];

/** Calls the one overload that the types leave. */
function planDirect(overload: Overload, [first, second]: Runs, failures: Failures): Run {
  const { run } = overload;
  return (evaluation) => {
    const a = first === undefined ? null : first(evaluation);
    if (a === undefined) {
      return undefined;
    }
    const b = second === undefined ? null : second(evaluation);
    return b === undefined ? undefined : settle(evaluation, run(evaluation, a, b, null, null), failures);
  };
}

/** Calls the overload that the values ask for. */
function planDispatched(overloads: readonly Overload[], args: readonly Run[], failures: Failures): Run {
  return (evaluation) => {
    const values: Value[] = [];
    for (const argument of args) {
      const value = argument(evaluation);
      if (value === undefined) {
        return undefined;
      }
      values.push(value);
    }
    const overload = overloads.find(({ params }) => params.every((param, at) => admits(param, values[at] ?? null)));
    const [a = null, b = null, c = null, d = null] = values;
    return settle(evaluation, overload === undefined ? problems.wrongType : overload.run(evaluation, a, b, c, d), failures);
  };
}

export function planCall(typed: Node<"call">, shared: Plan): Run {
  const special = planMembership(typed, shared) ?? planIntOrder(typed, shared) ?? planFolded(typed);
  if (special !== undefined) {
    return special;
  }
  const args = typed.args.map((argument) => plan(argument, shared));
  const failures = failuresAt(typed.offset, shared);
  const [overload, ...others] = typed.overloads;
  const known = overload !== undefined && others.length === 0 && typed.args.every((argument, at) => !isDynamic(argument.type) || overload.params[at]?.kind === "dyn");
  return known && args.length <= 2 ? planDirect(overload, [args[0], args[1], args[2], args[3]], failures) : planDispatched(typed.overloads, args, failures);
}
