import { chargeOf } from "./charges.ts";
import type { Finding } from "./diagnostics.ts";
import { limits } from "./limits.ts";
import { keySize, larger, sizeOfConstant, sizeOfList, sizeOfText, sizeOfType, wholeOf, type Size } from "./sizes.ts";
import { nodeSteps, type Typed, type TypedMacro } from "./typed.ts";

/** The part of an expression that takes most. */
interface Dearest {
  readonly node: Typed;
  /** Steps of all its runs together. */
  readonly steps: number;
  /** How often each of the loops around it runs at most, the outermost first. */
  readonly loops: readonly number[];
}

interface Estimate {
  readonly steps: number;
  readonly size: Size;
  readonly dearest: Dearest | undefined;
}

/** Sizes of the macros' variables by slot. */
type Slots = readonly Size[];

const none = sizeOfText(0);
const enough = Number.MAX_SAFE_INTEGER;

/** An estimate of a node from what it takes itself and those of its children. */
function sum(node: Typed, own: number, size: Size, children: readonly Estimate[]): Estimate {
  const steps = Math.min(enough, children.reduce((total, child) => total + child.steps, own + nodeSteps(node)));
  const self: Dearest = { node, steps: own + nodeSteps(node), loops: [] };
  const dearest = children.reduce<Dearest>((best, child) => (child.dearest !== undefined && child.dearest.steps > best.steps ? child.dearest : best), self);
  return { steps, size, dearest };
}

function estimateMacro(macro: TypedMacro, slots: Slots): Estimate {
  const range = estimate(macro.range, slots);
  const element = macro.range.type.kind === "map" ? keySize : (range.size.inner ?? none);
  const inner = [...slots.slice(0, macro.slot), element];
  const body = [macro.condition, macro.transform].filter((part) => part !== undefined).map((part) => estimate(part, inner));
  const times = range.size.items;
  const repeated = body.map(({ steps, size, dearest }) => ({
    steps: Math.min(enough, steps * times),
    size,
    dearest: dearest === undefined ? undefined : { ...dearest, steps: dearest.steps * times, loops: [times, ...dearest.loops] },
  }));
  const result = macro.transform === undefined ? element : (body[body.length - 1]?.size ?? none);
  const size = macro.macro === "filter" || macro.macro === "map" ? sizeOfList(times, result) : none;
  return sum(macro, times, size, [range, ...repeated]);
}

/** The size of a part of a value: of a declared field as declared, else of the value's elements. */
function sizeOfPart(operand: Typed, container: Size, part: Typed): Size {
  const declared = operand.type.kind === "object" || operand.type.kind === "map";
  return declared && part.type.kind !== "dyn" ? sizeOfType(part.type) : (container.inner ?? sizeOfType(part.type));
}

function estimatePath(typed: Extract<Typed, { op: "select" | "index" }>, slots: Slots): Estimate {
  const operand = estimate(typed.operand, slots);
  const key = typed.op === "index" ? [estimate(typed.key, slots)] : [];
  return sum(typed, 0, sizeOfPart(typed.operand, operand.size, typed), [operand, ...key]);
}

function estimateComposed(typed: Extract<Typed, { op: "list" | "map" }>, slots: Slots): Estimate {
  const parts = typed.op === "list" ? typed.elements : typed.entries.map((entry) => entry.value);
  const keys = typed.op === "list" ? [] : typed.entries.map((entry) => estimate(entry.key, slots));
  const values = parts.map((part) => estimate(part, slots));
  const inner = values.map((value) => value.size).reduce<Size | undefined>((all, size) => (all === undefined ? size : larger(all, size)), undefined);
  return sum(typed, parts.length, sizeOfList(parts.length, inner), [...keys, ...values]);
}

function estimateLogic(typed: Extract<Typed, { op: "and" | "or" | "not" | "conditional" | "equal" | "match" }>, slots: Slots): Estimate {
  switch (typed.op) {
    case "and":
    case "or": return sum(typed, 0, none, [estimate(typed.left, slots), estimate(typed.right, slots)]);
    case "not": return sum(typed, 0, none, [estimate(typed.operand, slots)]);
    case "match": {
      const operand = estimate(typed.operand, slots);
      return sum(typed, typed.pattern.steps(operand.size.text), none, [operand]);
    }
    case "equal": {
      const [left, right] = [estimate(typed.left, slots), estimate(typed.right, slots)];
      return sum(typed, Math.min(wholeOf(left.size), wholeOf(right.size)), none, [left, right]);
    }
    case "conditional": {
      const [yes, no] = [estimate(typed.yes, slots), estimate(typed.no, slots)];
      return sum(typed, 0, larger(yes.size, no.size), [estimate(typed.condition, slots), yes, no]);
    }
  }
}

/** A key of a map is looked up, an element of a list searched for; a list knows its size, a map counts. */
function isDirect(call: Extract<Typed, { op: "call" }>): boolean {
  const kinds = call.args.map((argument) => argument.type.kind);
  return (call.name === "@in" && kinds[1] === "map") || (call.name === "size" && kinds[0] === "list");
}

function estimate(typed: Typed, slots: Slots): Estimate {
  switch (typed.op) {
    case "constant": return sum(typed, 0, sizeOfConstant(typed.value), []);
    case "variable": return sum(typed, 0, sizeOfType(typed.type), []);
    case "local": return sum(typed, 0, slots[typed.slot] ?? none, []);
    case "has": return sum(typed, 0, none, [estimate(typed.operand, slots)]);
    case "select":
    case "index": return estimatePath(typed, slots);
    case "list":
    case "map": return estimateComposed(typed, slots);
    case "macro": return estimateMacro(typed, slots);
    case "call": {
      const args = typed.args.map((argument) => estimate(argument, slots));
      const { steps, size } = isDirect(typed) ? { steps: 0, size: none } : chargeOf(typed.name, args.map((argument) => argument.size));
      return sum(typed, steps, size, args);
    }
    default: return estimateLogic(typed, slots);
  }
}

/** A part as users know it: `exists()`, `contains()`, `==`. */
function nameOf(node: Typed): string {
  switch (node.op) {
    case "macro": return `${node.macro}()`;
    case "match": return "matches()";
    case "call": return /^[_@!-]/.test(node.name) ? node.name.replace(/^@|_/g, "") : `${node.name}()`;
    case "equal": return node.negated ? "!=" : "==";
    case "and": return "&&";
    case "or": return "||";
    default: return "path" in node ? node.path : "this part";
  }
}

const shown = (count: number): string => (count > 1e12 ? "more than a million million" : Math.ceil(count).toLocaleString("en"));

function explain({ node, loops, steps }: Dearest): string {
  const runs = loops.length === 0 ? "" : `, which can run ${loops.length > 4 ? `in ${loops.length} loops in one another` : `${loops.map(shown).join(" x ")} times`}`;
  return `the most expensive part is \`${nameOf(node)}\` here${runs}: ${shown(steps)} steps`;
}

/**
 * The most steps that an evaluation can take, from the sizes that the variables' types declare; and what is wrong with an expression
 * that can take more than an evaluation may.
 */
export function checkCost(typed: Typed): { readonly cost: number; readonly tooExpensive: Finding | undefined } {
  const { steps, dearest } = estimate(typed, []);
  const cost = Math.ceil(steps);
  if (steps <= limits.steps || dearest === undefined) {
    return { cost, tooExpensive: undefined };
  }
  const message = `this can take ${shown(steps)} steps, ${shown(limits.steps)} are allowed; ${explain(dearest)}`;
  return { cost, tooExpensive: { code: "FilterTooExpensive", message, offset: dearest.node.offset } };
}
