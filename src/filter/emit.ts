import type { Place } from "./diagnostics.ts";
import { emitCall } from "./emit-call.ts";
import { emitEqual, emitMatch } from "./emit-compare.ts";
import { emitConditional, emitJunction, emitNot } from "./emit-logic.ts";
import { emitMacro } from "./emit-macro.ts";
import { emitHas, emitPath } from "./emit-path.ts";
import { fold } from "./fold.ts";
import type { Failure } from "./run.ts";
import { startOf, type Typed } from "./typed.ts";
import type { Problem, Value } from "./values.ts";
import type { Layout } from "./view.ts";
import type { Word } from "./vocabulary.ts";

/**
 * Generation of JavaScript from a checked expression. The source consists of keywords, words of the vocabulary, names and
 * numbers made here; whatever a user wrote is passed in as a constant.
 *
 * Every `emit...` function appends statements that leave through the frame when there is no value, and returns a JavaScript
 * expression for the value: without effects, which cannot fail, to be used at most once.
 */
export interface Emission {
  readonly layout: Layout;
  /** Whether the code may rely on the view being sound. */
  readonly sound: boolean;
  readonly place: (offset: number) => Place;
  readonly constants: unknown[];
  readonly words: Set<Word>;
  /** Values of nodes that depend on nothing. */
  readonly folded: Map<Typed, Value | undefined>;
  /** JavaScript's names of the macros' variables, by slot. */
  readonly locals: Map<number, string>;
  /** Statements of the block that is being written. */
  lines: string[];
  names: number;
}

/** Where a missing value leads: a statement that leaves with the fault that the given expression stands for. */
export type Frame = (fault: string) => string;

/** A new name. */
export function freshName(emission: Emission, letter: "t" | "r" | "g" | "x" | "i" | "l" | "B"): string {
  emission.names += 1;
  return `${letter}${emission.names}`;
}

/** The name of a word of the vocabulary. */
export function word(emission: Emission, name: Word): string {
  emission.words.add(name);
  return name;
}

/** The name of a constant: anything but text of the program. */
export function constant(emission: Emission, value: unknown): string {
  emission.constants.push(value);
  return `k${emission.constants.length - 1}`;
}

export function line(emission: Emission, text: string): void {
  emission.lines.push(text);
}

const name = /^[a-z][0-9]+$/;

/** The expression as something that can be used more than once. */
export function atom(emission: Emission, expression: string): string {
  if (name.test(expression)) {
    return expression;
  }
  const temporary = freshName(emission, "t");
  line(emission, `const ${temporary} = ${expression};`);
  return temporary;
}

/** What a part of the code appends, kept apart. */
export function capture<Result>(emission: Emission, write: () => Result): { readonly result: Result; readonly lines: readonly string[] } {
  const outer = emission.lines;
  emission.lines = [];
  const result = write();
  const { lines } = emission;
  emission.lines = outer;
  return { result, lines };
}

/** The failure of a place that a problem stands for. Each place has few, made once. */
export function failureOf(emission: Emission, offset: number, problem: string): string {
  const place = emission.place(offset);
  const made = new Map<Problem, Failure>();
  const failure = ({ code }: Problem): Failure => Object.freeze({ kind: "error", code, ...place });
  return `${constant(emission, (found: Problem): Failure => {
    const known = made.get(found) ?? failure(found);
    made.set(found, known);
    return known;
  })}(${problem})`;
}

/** The fault of a path that is not there. */
export const absenceOf = (emission: Emission, typed: Typed): string =>
  constant(emission, Object.freeze({ kind: "absent", what: "path" in typed ? typed.path : "", ...emission.place(startOf(typed)) }));

/** Leaves when the evaluation has used up its steps; nothing absorbs that. */
export function stopWhenExhausted(emission: Emission): void {
  line(emission, `if (m.steps < 0) return ${word(emission, "exhausted")};`);
}

/** Leaves when the value is a problem. */
export function leaveOnProblem(emission: Emission, value: string, offset: number, frame: Frame): void {
  line(emission, `if (${value} instanceof ${word(emission, "Problem")}) ${frame(failureOf(emission, offset, value))}`);
}

/** Leaves with a wrong type unless the condition holds. */
export function requireType(emission: Emission, condition: string, offset: number, frame: Frame): void {
  line(emission, `if (!(${condition})) ${frame(failureOf(emission, offset, `${word(emission, "problems")}.wrongType`))}`);
}

/** Code for a node. */
export function emit(typed: Typed, emission: Emission, frame: Frame): string {
  const folded = fold(typed, emission.folded);
  if (folded !== undefined) {
    return typeof folded === "boolean" || folded === null ? String(folded) : constant(emission, folded);
  }
  switch (typed.op) {
    case "constant": return "null";
    case "variable":
    case "local":
    case "select":
    case "index": return emitPath(typed, emission, frame);
    case "has": return emitHas(typed, emission, frame);
    default: return emitOperation(typed, emission, frame);
  }
}

type Operation = Exclude<Typed, { op: "constant" | "variable" | "local" | "select" | "index" | "has" }>;

function emitOperation(typed: Operation, emission: Emission, frame: Frame): string {
  switch (typed.op) {
    case "and":
    case "or": return emitJunction(typed, emission, frame);
    case "not": return emitNot(typed, emission, frame);
    case "conditional": return emitConditional(typed, emission, frame);
    case "equal": return emitEqual(typed, emission, frame);
    case "match": return emitMatch(typed, emission, frame);
    case "call": return emitCall(typed, emission, frame);
    case "list": return `[${typed.elements.map((element) => emit(element, emission, frame)).join(", ")}]`;
    case "map": return emitMap(typed, emission, frame);
    case "macro": return emitMacro(typed, emission, frame);
  }
}

function emitMap(typed: Extract<Typed, { op: "map" }>, emission: Emission, frame: Frame): string {
  const entries = freshName(emission, "l");
  line(emission, `const ${entries} = new Map();`);
  for (const entry of typed.entries) {
    const key = emit(entry.key, emission, frame);
    const value = emit(entry.value, emission, frame);
    const problem = freshName(emission, "t");
    line(emission, `const ${problem} = ${word(emission, "put")}(${entries}, ${key}, ${value});`);
    line(emission, `if (${problem} !== undefined) ${frame(failureOf(emission, entry.key.offset, problem))}`);
  }
  return `new ${word(emission, "ValueMap")}(${entries})`;
}
