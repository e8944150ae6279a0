import { atom, constant, emit, failureOf, line, requireType, stopWhenExhausted, word, type Emission, type Frame } from "./emit.ts";
import { fold } from "./fold.ts";
import type { Typed } from "./typed.ts";
import type { CelType } from "./types.ts";
import type { Value } from "./values.ts";

type Node<Op extends Typed["op"]> = Extract<Typed, { op: Op }>;

/** Types whose values are equal exactly when JavaScript's `===` says so. */
const identical = new Set<CelType["kind"]>(["string", "bool", "int", "null_type"]);
const times = new Set<CelType["kind"]>(["timestamp", "duration"]);

/** A constant that no value of another form is equal to: a text, true, false or null. */
const isPlain = (value: Value | undefined): boolean => typeof value === "string" || typeof value === "boolean" || value === null;

/** Whether `===` compares the operands. */
function isIdentical({ left, right }: Node<"equal">, emission: Emission): boolean {
  return (left.type.kind === right.type.kind && identical.has(left.type.kind)) || isPlain(fold(left, emission.folded)) || isPlain(fold(right, emission.folded));
}

/** `==` and `!=`. */
export function emitEqual(typed: Node<"equal">, emission: Emission, frame: Frame): string {
  const left = emit(typed.left, emission, frame);
  const right = emit(typed.right, emission, frame);
  const not = typed.negated ? "!" : "";
  if (isIdentical(typed, emission)) {
    return `(${left} ${not || "="}== ${right})`;
  }
  const [a, b] = [atom(emission, left), atom(emission, right)];
  if (typed.left.type.kind === typed.right.type.kind && times.has(typed.left.type.kind)) {
    return `${not}(${a}.seconds === ${b}.seconds && ${a}.nanos === ${b}.nanos)`;
  }
  const result = atom(emission, `typeof ${a} === "number" && typeof ${b} === "number" ? ${a} === ${b} : ${word(emission, "equal")}(${a}, ${b}, m)`);
  stopWhenExhausted(emission);
  return `${not}${result}`;
}

/** `matches` with a pattern that is known. */
export function emitMatch(typed: Node<"match">, emission: Emission, frame: Frame): string {
  const text = atom(emission, emit(typed.operand, emission, frame));
  if (typed.operand.type.kind !== "string") {
    requireType(emission, `typeof ${text} === "string"`, typed.offset, frame);
  }
  const found = atom(emission, `${constant(emission, typed.pattern)}.test(${text}, m)`);
  stopWhenExhausted(emission);
  line(emission, `if (typeof ${found} !== "boolean") ${frame(failureOf(emission, typed.offset, found))}`);
  return found;
}
