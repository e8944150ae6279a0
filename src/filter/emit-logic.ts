import { atom, capture, emit, freshName, line, requireType, type Emission, type Frame } from "./emit.ts";
import type { Typed } from "./typed.ts";

type Node<Op extends Typed["op"]> = Extract<Typed, { op: Op }>;

/** Code for a condition: true or false. */
export function emitCondition(typed: Typed, emission: Emission, frame: Frame): string {
  const value = emit(typed, emission, frame);
  if (typed.type.kind === "bool") {
    return value;
  }
  const condition = atom(emission, value);
  requireType(emission, `typeof ${condition} === "boolean"`, typed.offset, frame);
  return condition;
}

/** The parts of `a && b && c`, however they are grouped. */
function partsOf(typed: Typed, op: "and" | "or"): readonly Typed[] {
  const parts: Typed[] = [];
  const pending = [typed];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node.op === op) {
      pending.push(node.right, node.left);
    } else {
      parts.push(node);
    }
  }
  return parts;
}

/** A frame that keeps the first fault in a variable and goes on elsewhere. */
export interface Absorber {
  readonly frame: Frame;
  readonly fault: string;
  /** Whether anything can leave through it. */
  used: boolean;
}

export function absorb(fault: string, jump: string): Absorber {
  const absorber: Absorber = {
    fault,
    used: false,
    frame: (found) => {
      absorber.used = true;
      return `{ if (${fault} === undefined) ${fault} = ${found}; ${jump} }`;
    },
  };
  return absorber;
}

interface Part {
  readonly lines: readonly string[];
  readonly condition: string;
  /** The block that a fault of the part leaves; undefined when it has none. */
  readonly block: string | undefined;
}

function emitParts(parts: readonly Typed[], emission: Emission, fault: string, frame: Frame): { readonly parts: readonly Part[]; readonly absorbs: boolean } {
  let absorbs = false;
  const emitted = parts.map((part, at): Part => {
    const block = freshName(emission, "B");
    const absorber = absorb(fault, `break ${block};`);
    // A fault of the last part is that of the whole, unless one before it comes first.
    const isDirect = at === parts.length - 1 && !absorbs;
    const { result, lines } = capture(emission, () => emitCondition(part, emission, isDirect ? frame : absorber.frame));
    absorbs ||= absorber.used;
    return { lines, condition: result, block: absorber.used ? block : undefined };
  });
  return { parts: emitted, absorbs };
}

/** `&&` and `||`: what decides wins over a fault on any side; of several faults the first one counts. */
export function emitJunction(typed: Node<"and" | "or">, emission: Emission, frame: Frame): string {
  const isAnd = typed.op === "and";
  const fault = freshName(emission, "g");
  const { parts, absorbs } = emitParts(partsOf(typed, typed.op), emission, fault, frame);
  if (parts.every(({ lines }) => lines.length === 0)) {
    return `(${parts.map(({ condition }) => condition).join(isAnd ? " && " : " || ")})`;
  }
  const done = freshName(emission, "B");
  const result = freshName(emission, "r");
  line(emission, `let ${result} = ${!isAnd};${absorbs ? ` let ${fault};` : ""} ${done}: {`);
  for (const { lines, condition, block } of parts) {
    const decide = `if (${isAnd ? `!${condition}` : condition}) break ${done};`;
    emission.lines.push(...(block === undefined ? [...lines, decide] : [`${block}: {`, ...lines, decide, "}"]));
  }
  line(emission, absorbs ? `if (${fault} !== undefined) ${frame(fault)}` : "");
  line(emission, `${result} = ${isAnd}; }`);
  return result;
}

export const emitNot = (typed: Node<"not">, emission: Emission, frame: Frame): string => `!${emitCondition(typed.operand, emission, frame)}`;

/** `?:`: only the chosen side is evaluated; a fault of the condition is one of the whole. */
export function emitConditional(typed: Node<"conditional">, emission: Emission, frame: Frame): string {
  const condition = emitCondition(typed.condition, emission, frame);
  const yes = capture(emission, () => emit(typed.yes, emission, frame));
  const no = capture(emission, () => emit(typed.no, emission, frame));
  if (yes.lines.length + no.lines.length === 0) {
    return `(${condition} ? ${yes.result} : ${no.result})`;
  }
  const result = freshName(emission, "r");
  line(emission, `let ${result}; if (${condition}) {`);
  emission.lines.push(...yes.lines, `${result} = ${yes.result}; } else {`, ...no.lines, `${result} = ${no.result}; }`);
  return result;
}
