import { failuresAt, plan, type Plan } from "./plan.ts";
import { fail, type Run } from "./run.ts";
import type { Typed } from "./typed.ts";
import { problems } from "./values.ts";

type Node<Op extends Typed["op"]> = Extract<Typed, { op: Op }>;

/** The plan of a condition: true, false, or undefined with its fault. */
export function planCondition(typed: Typed, shared: Plan): Run {
  const run = plan(typed, shared);
  if (typed.type.kind === "bool") {
    return run;
  }
  const failures = failuresAt(typed.offset, shared);
  return (evaluation) => {
    const value = run(evaluation);
    return value === undefined || typeof value === "boolean" ? value : fail(evaluation, failures(problems.wrongType));
  };
}

/** `&&`: false wins over a fault on the other side, whichever side that is. */
export function planAnd(typed: Node<"and">, shared: Plan): Run {
  const left = planCondition(typed.left, shared);
  const right = planCondition(typed.right, shared);
  return (evaluation) => {
    const first = left(evaluation);
    if (first === false) {
      return false;
    }
    if (first === true) {
      return right(evaluation);
    }
    const { fault } = evaluation;
    return right(evaluation) === false ? false : fail(evaluation, fault);
  };
}

/** `||`: true wins over a fault on the other side, whichever side that is. */
export function planOr(typed: Node<"or">, shared: Plan): Run {
  const left = planCondition(typed.left, shared);
  const right = planCondition(typed.right, shared);
  return (evaluation) => {
    const first = left(evaluation);
    if (first === true) {
      return true;
    }
    if (first === false) {
      return right(evaluation);
    }
    const { fault } = evaluation;
    return right(evaluation) === true ? true : fail(evaluation, fault);
  };
}

export function planNot(typed: Node<"not">, shared: Plan): Run {
  const operand = planCondition(typed.operand, shared);
  return (evaluation) => {
    const value = operand(evaluation);
    return value === undefined ? undefined : !value;
  };
}

/** `?:`: only the chosen side is evaluated; a fault of the condition is one of the whole. */
export function planConditional(typed: Node<"conditional">, shared: Plan): Run {
  const condition = planCondition(typed.condition, shared);
  const yes = plan(typed.yes, shared);
  const no = plan(typed.no, shared);
  return (evaluation) => {
    const chosen = condition(evaluation);
    if (chosen === undefined) {
      return undefined;
    }
    return chosen === true ? yes(evaluation) : no(evaluation);
  };
}
