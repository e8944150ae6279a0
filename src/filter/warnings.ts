import type { Finding } from "./diagnostics.ts";
import type { Environment } from "./environment.ts";
import { childrenOf, startOf, type Typed } from "./typed.ts";
import { equal, type Value } from "./values.ts";

/** Warnings about expressions that are valid, and likely not what was meant. */

type Logic = Extract<Typed, { op: "and" | "or" }>;

/** The parts that a chain of one operator joins. */
function chainOf(typed: Typed, op: Logic["op"], parts: Typed[] = []): readonly Typed[] {
  if (typed.op === op) {
    chainOf(typed.left, op, parts);
    chainOf(typed.right, op, parts);
  } else {
    parts.push(typed);
  }
  return parts;
}

/** The path and the literal of a comparison of the two. */
function comparison(typed: Typed, negated: boolean): { readonly path: string; readonly value: Value } | undefined {
  if (typed.op !== "equal" || typed.negated !== negated) {
    return undefined;
  }
  const [path, literal] = typed.right.op === "constant" ? [typed.left, typed.right] : [typed.right, typed.left];
  return "path" in path && literal.op === "constant" ? { path: path.path, value: literal.value } : undefined;
}

const isSame = (a: Value, b: Value): boolean => equal(a, b, { steps: 1000 });

/** Whether a path is compared with two values in one chain: `x == 1 && x == 2` never holds, `x != 1 || x != 2` always does. */
function contradicts(parts: readonly Typed[], op: Logic["op"]): boolean {
  const values = new Map<string, Value>();
  return parts.some((part) => {
    const compared = comparison(part, op === "or");
    const known = compared === undefined ? undefined : values.get(compared.path);
    if (compared !== undefined && known === undefined) {
      values.set(compared.path, compared.value);
    }
    return compared !== undefined && known !== undefined && !isSame(known, compared.value);
  });
}

function truthOfLogic(typed: Logic): boolean | undefined {
  const decisive = typed.op === "or";
  const parts = chainOf(typed, typed.op);
  const truths = parts.map(truthOf);
  if (truths.includes(decisive) || contradicts(parts, typed.op)) {
    return decisive;
  }
  return truths.includes(undefined) ? undefined : !decisive;
}

/** What a condition is whenever it has a value, where its text alone tells. */
function truthOf(typed: Typed): boolean | undefined {
  switch (typed.op) {
    case "constant": return typeof typed.value === "boolean" ? typed.value : undefined;
    case "and":
    case "or": return truthOfLogic(typed);
    case "not": {
      const truth = truthOf(typed.operand);
      return truth === undefined ? undefined : !truth;
    }
    case "equal": return typed.left.op === "constant" && typed.right.op === "constant" ? isSame(typed.left.value, typed.right.value) !== typed.negated : undefined;
    default: return undefined;
  }
}

/** Where a condition begins. */
const beginOf = (typed: Typed): number => (typed.op === "and" || typed.op === "or" || typed.op === "equal" ? beginOf(typed.left) : startOf(typed));

/** Conditions that are always true or always false, the outermost ones. */
function constantConditions(typed: Typed): readonly Finding[] {
  const truth = truthOf(typed);
  if (truth !== undefined) {
    return [{ code: "FilterAlwaysSame", message: `this condition is always ${truth}, whatever the run`, offset: beginOf(typed) }];
  }
  if (typed.op === "and" || typed.op === "or") {
    return chainOf(typed, typed.op).flatMap(constantConditions);
  }
  return typed.op === "not" ? constantConditions(typed.operand) : [];
}

type Variable = Extract<Typed, { op: "variable" }>;

function variablesOf(typed: Typed, found: Variable[] = []): readonly Variable[] {
  if (typed.op === "variable") {
    found.push(typed);
  }
  for (const child of childrenOf(typed)) {
    variablesOf(child, found);
  }
  return found;
}

/** Variables that are absent most of the time, read by an expression that does not ask when. */
function unguarded(typed: Typed, environment: Environment): readonly Finding[] {
  const used = variablesOf(typed);
  const names = new Set(used.map(({ name }) => name));
  return used.flatMap(({ name, offset }): readonly Finding[] => {
    const guard = environment.guards?.get(name);
    if (guard === undefined || guard.variables.some((variable) => names.has(variable))) {
      return [];
    }
    return [{ code: "FilterUnguarded", message: `\`${name}\` ${guard.absent}; say so with \`${guard.variables[0] ?? ""} && ...\``, offset }];
  });
}

/** The warnings about a filter as a whole. */
export const warningsOf = (typed: Typed, environment: Environment): readonly Finding[] => [...constantConditions(typed), ...unguarded(typed, environment)];
