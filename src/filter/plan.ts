import type { Place } from "./diagnostics.ts";
import { planHas, planIndex, planLocal, planSelect, planVariable } from "./plan-access.ts";
import { planCall, planEqual, planMatch } from "./plan-call.ts";
import { planAnd, planConditional, planNot, planOr } from "./plan-logic.ts";
import { planMacro } from "./plan-macro.ts";
import { fail, type Absent, type Failures, type Run } from "./run.ts";
import type { Typed } from "./typed.ts";
import { Double, keyOf, problems, ValueMap, type Problem, type Value } from "./values.ts";

/** What the plans of all nodes share. */
export interface Plan {
  readonly place: (offset: number) => Place;
  /** One object per path, so that a fault can be told by identity. */
  readonly absents: Map<Typed, Absent>;
}

/** Turns a checked expression into closures over plain JSON. */
export function plan(typed: Typed, shared: Plan): Run {
  switch (typed.op) {
    case "constant": return planConstant(typed.value);
    case "variable": return planVariable(typed, shared);
    case "local": return planLocal(typed);
    case "select": return planSelect(typed, shared);
    case "index": return planIndex(typed, shared);
    case "has": return planHas(typed, shared);
    default: return planOperation(typed, shared);
  }
}

function planOperation(typed: Typed, shared: Plan): Run {
  switch (typed.op) {
    case "and": return planAnd(typed, shared);
    case "or": return planOr(typed, shared);
    case "not": return planNot(typed, shared);
    case "conditional": return planConditional(typed, shared);
    case "equal": return planEqual(typed, shared);
    case "match": return planMatch(typed, shared);
    case "call": return planCall(typed, shared);
    case "list": return planList(typed, shared);
    case "map": return planMap(typed, shared);
    case "macro": return planMacro(typed, shared);
    default: return planConstant(null);
  }
}

export const planConstant = (value: Value): Run => () => value;

/** The failures of a node, made once per code. */
export function failuresAt(offset: number, shared: Plan): Failures {
  const place = shared.place(offset);
  const made = new Map<Problem, ReturnType<Failures>>();
  return (problem) => {
    const known = made.get(problem) ?? Object.freeze({ kind: "error", code: problem.code, ...place } as const);
    made.set(problem, known);
    return known;
  };
}

function planList(typed: Extract<Typed, { op: "list" }>, shared: Plan): Run {
  const constants = typed.elements.flatMap((element) => (element.op === "constant" ? [element.value] : []));
  if (constants.length === typed.elements.length) {
    return planConstant(Object.freeze(constants));
  }
  const elements = typed.elements.map((element) => plan(element, shared));
  return (evaluation) => {
    const list: Value[] = [];
    for (const element of elements) {
      const value = element(evaluation);
      if (value === undefined) {
        return undefined;
      }
      list.push(value);
    }
    return list;
  };
}

/** The text that stands for a key in a map literal; a problem for what cannot be one. */
function literalKey(key: Value, taken: ReadonlyMap<string, unknown>): string | Problem {
  const text = key instanceof Double ? undefined : keyOf(key);
  if (text === undefined) {
    return problems.wrongType;
  }
  return taken.has(text) ? problems.invalidValue : text;
}

function planMap(typed: Extract<Typed, { op: "map" }>, shared: Plan): Run {
  const entries = typed.entries.map((entry) => ({ key: plan(entry.key, shared), value: plan(entry.value, shared), failures: failuresAt(entry.key.offset, shared) }));
  return (evaluation) => {
    const map = new Map<string, readonly [Value, Value]>();
    for (const entry of entries) {
      const key = entry.key(evaluation);
      const value = key === undefined ? undefined : entry.value(evaluation);
      if (key === undefined || value === undefined) {
        return undefined;
      }
      const text = literalKey(key, map);
      if (typeof text !== "string") {
        return fail(evaluation, entry.failures(text));
      }
      map.set(text, [key, value]);
    }
    return new ValueMap(map);
  };
}
