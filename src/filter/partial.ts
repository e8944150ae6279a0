import type { Typed } from "./typed.ts";
import { equal, type Value } from "./values.ts";

/** Values of variables that are taken as known. */
export type Known = Readonly<Record<string, string | boolean>>;

const isSame = (a: Value, b: Value): boolean => equal(a, b, { steps: 1000 });

/** The value of a constant, or of a variable that is known; undefined for all else. */
function valueOf(typed: Typed, known: Known): Value | undefined {
  if (typed.op === "constant") return typed.value;
  return typed.op === "variable" && Object.hasOwn(known, typed.name) ? known[typed.name] : undefined;
}

/** The elements of a list that is written in the expression, as far as they are constants. */
function elementsOf(typed: Typed): readonly (Value | undefined)[] | undefined {
  if (typed.op === "constant" && Array.isArray(typed.value)) return typed.value as readonly Value[];
  return typed.op === "list" ? typed.elements.map((element) => valueOf(element, {})) : undefined;
}

/** Whether the value is in the list; undefined where that cannot be known. */
function isAmong(value: Value, list: readonly (Value | undefined)[]): boolean | undefined {
  if (list.some((element) => element !== undefined && isSame(element, value))) return true;
  return list.includes(undefined) ? undefined : false;
}

/** What `&&` (decisive: false) and `||` (decisive: true) make of two sides: the decisive value wins, whatever the other is. */
const joined = (left: boolean | undefined, right: boolean | undefined, decisive: boolean): boolean | undefined =>
  left === decisive || right === decisive ? decisive : left === undefined || right === undefined ? undefined : !decisive;

function truthOfConditional({ condition, yes, no }: Extract<Typed, { op: "conditional" }>, known: Known): boolean | undefined {
  const chosen = truthKnowing(condition, known);
  if (chosen !== undefined) return truthKnowing(chosen ? yes : no, known);
  const [left, right] = [truthKnowing(yes, known), truthKnowing(no, known)];
  return left === right ? left : undefined;
}

function truthOfEqual({ left, right, negated }: Extract<Typed, { op: "equal" }>, known: Known): boolean | undefined {
  const [first, second] = [valueOf(left, known), valueOf(right, known)];
  return first === undefined || second === undefined ? undefined : isSame(first, second) !== negated;
}

/** Only `in` and a list that is written there are looked at. */
function truthOfCall({ name, args: [element, list] }: Extract<Typed, { op: "call" }>, known: Known): boolean | undefined {
  const value = name !== "@in" || element === undefined ? undefined : valueOf(element, known);
  const elements = value === undefined || list === undefined ? undefined : elementsOf(list);
  return value === undefined || elements === undefined ? undefined : isAmong(value, elements);
}

/** What a condition is, on every event with these values on which it has a value; undefined where that depends on more. */
export function truthKnowing(typed: Typed, known: Known): boolean | undefined {
  switch (typed.op) {
    case "constant":
    case "variable": {
      const value = valueOf(typed, known);
      return typeof value === "boolean" ? value : undefined;
    }
    case "not": {
      const truth = truthKnowing(typed.operand, known);
      return truth === undefined ? undefined : !truth;
    }
    case "and":
    case "or": return joined(truthKnowing(typed.left, known), truthKnowing(typed.right, known), typed.op === "or");
    case "conditional": return truthOfConditional(typed, known);
    case "equal": return truthOfEqual(typed, known);
    case "call": return truthOfCall(typed, known);
    default: return undefined;
  }
}

const textsAmong = (values: readonly (Value | undefined)[]): readonly string[] => values.filter((value) => typeof value === "string");

/** The texts that a condition asks a variable to be: with `==`, or with `in` and a list. What stands below `!` and in `!=` is not asked for. */
export function textsAskedOf(typed: Typed, variable: string): readonly string[] {
  const isVariable = (side: Typed | undefined): boolean => side?.op === "variable" && side.name === variable;
  switch (typed.op) {
    case "and":
    case "or": return [...textsAskedOf(typed.left, variable), ...textsAskedOf(typed.right, variable)];
    case "equal": {
      if (typed.negated) return [];
      return isVariable(typed.left) ? textsAmong([valueOf(typed.right, {})]) : isVariable(typed.right) ? textsAmong([valueOf(typed.left, {})]) : [];
    }
    case "call": {
      const [element, list] = typed.name === "@in" ? typed.args : [];
      return isVariable(element) && list !== undefined ? textsAmong(elementsOf(list) ?? []) : [];
    }
    default: return [];
  }
}
