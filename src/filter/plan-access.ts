import { failuresAt, plan, type Plan } from "./plan.ts";
import { fail, settle, type Absent, type Evaluation, type Failures, type Run } from "./run.ts";
import { parseDuration, parseTimestamp } from "./times.ts";
import { startOf, type Typed } from "./typed.ts";
import type { CelType } from "./types.ts";
import { Double, fromJson, isJsonObject, lookUp, numeric, problems, ValueMap, type JsonObject, type Problem, type Value } from "./values.ts";

type Node<Op extends Typed["op"]> = Extract<Typed, { op: Op }>;

function absentOf(typed: Typed, shared: Plan): Absent {
  const known = shared.absents.get(typed);
  if (known !== undefined) {
    return known;
  }
  const absent: Absent = Object.freeze({ kind: "absent", what: "path" in typed ? typed.path : "", ...shared.place(startOf(typed)) });
  shared.absents.set(typed, absent);
  return absent;
}

/** How a value of a declared type is read out of JSON, where that is more than taking it. */
function readerOf(type: CelType): ((raw: unknown) => Value | undefined | Problem) | undefined {
  switch (type.kind) {
    case "timestamp": return (raw) => (typeof raw === "string" ? parseTimestamp(raw) : problems.wrongType);
    case "duration": return (raw) => (typeof raw === "string" ? parseDuration(raw) : problems.wrongType);
    case "double": return (raw) => (typeof raw === "number" ? new Double(raw) : problems.wrongType);
    case "string":
    case "bool":
    case "object":
    case "list": return undefined;
    default: return fromJson;
  }
}

/** Reads a field that is declared, and so is none of a prototype. */
function declaredField(name: string, type: CelType, absent: Absent, failures: Failures): (evaluation: Evaluation, object: JsonObject) => Value | undefined {
  const read = readerOf(type);
  return (evaluation, object) => {
    const raw = object[name];
    if (raw === undefined) {
      return fail(evaluation, absent);
    }
    if (read === undefined) {
      return raw as Value;
    }
    const value = read(raw);
    return value === undefined ? fail(evaluation, absent) : settle(evaluation, value, failures);
  };
}

export function planVariable(typed: Node<"variable">, shared: Plan): Run {
  const field = declaredField(typed.name, typed.type, absentOf(typed, shared), failuresAt(typed.offset, shared));
  return (evaluation) => field(evaluation, evaluation.event);
}

export function planLocal(typed: Node<"local">): Run {
  const { slot } = typed;
  return (evaluation) => evaluation.slots[slot];
}

/** The operand of a path: when it is absent itself, the longer path is what is missing. */
function operandOf(typed: Node<"select" | "index">, shared: Plan): Run {
  const run = plan(typed.operand, shared);
  const inner = absentOf(typed.operand, shared);
  const outer = absentOf(typed, shared);
  return (evaluation) => {
    const value = run(evaluation);
    if (value === undefined && evaluation.fault === inner) {
      evaluation.fault = outer;
    }
    return value;
  };
}

export function planSelect(typed: Node<"select">, shared: Plan): Run {
  const operand = operandOf(typed, shared);
  const absent = absentOf(typed, shared);
  const failures = failuresAt(typed.offset, shared);
  if (typed.operand.type.kind === "object") {
    const field = declaredField(typed.field, typed.type, absent, failures);
    return (evaluation) => {
      const object = operand(evaluation);
      return object === undefined ? undefined : field(evaluation, object as JsonObject);
    };
  }
  const { field } = typed;
  return (evaluation) => {
    const map = operand(evaluation);
    if (map === undefined) {
      return undefined;
    }
    if (!(map instanceof ValueMap) && !isJsonObject(map)) {
      return fail(evaluation, failures(problems.wrongType));
    }
    const value = lookUp(map, field);
    return value === undefined ? fail(evaluation, absent) : value;
  };
}

function element(container: Value, key: Value): Value | undefined | Problem {
  if (Array.isArray(container)) {
    const number = numeric(key);
    if (number === undefined) {
      return problems.wrongType;
    }
    const at = Number(number);
    return Number.isInteger(at) && at >= 0 && at < container.length ? fromJson(container[at]) : undefined;
  }
  return container instanceof ValueMap || isJsonObject(container) ? lookUp(container, key) : problems.wrongType;
}

export function planIndex(typed: Node<"index">, shared: Plan): Run {
  const operand = operandOf(typed, shared);
  const key = plan(typed.key, shared);
  const absent = absentOf(typed, shared);
  const failures = failuresAt(typed.key.offset, shared);
  return (evaluation) => {
    const container = operand(evaluation);
    if (container === undefined) {
      return undefined;
    }
    const at = key(evaluation);
    if (at === undefined) {
      return undefined;
    }
    const value = element(container, at);
    return value === undefined ? fail(evaluation, absent) : settle(evaluation, value, failures);
  };
}

/** `has(a.b)`: false when b is absent, and when a is an object that is declared and absent itself. */
export function planHas(typed: Node<"has">, shared: Plan): Run {
  const operand = plan(typed.operand, shared);
  const { field } = typed;
  if (typed.operand.type.kind === "object") {
    const inner = absentOf(typed.operand, shared);
    return (evaluation) => {
      const object = operand(evaluation);
      if (object === undefined) {
        return evaluation.fault === inner ? false : undefined;
      }
      return (object as JsonObject)[field] !== undefined;
    };
  }
  const failures = failuresAt(typed.offset, shared);
  return (evaluation) => {
    const map = operand(evaluation);
    if (map === undefined) {
      return undefined;
    }
    return map instanceof ValueMap || isJsonObject(map) ? lookUp(map, field) !== undefined : fail(evaluation, failures(problems.wrongType));
  };
}
