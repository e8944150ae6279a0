/**
 * A deterministic automaton over the program of a regular expression: one look into a table per character. Its states are
 * made when a text first leads to them. States and the work of making them are bounded; where a bound is reached, and for
 * what only the interpreter can do, the answer is left to it.
 */

import { alphabetOf, classOf, type Alphabet } from "./automaton-alphabet.ts";
import { newline, ops, type Instruction, type RegexProgram } from "./regex-program.ts";

const assertions = { beginLine: 1, endLine: 2, beginText: 4, endText: 8, wordBoundary: 16, noWordBoundary: 32 } as const;

const endOfText = -1;
const maxStates = 1000;
/** Instructions visited while states are made, for each instruction of the program; all patterns of an expression have 2,000. */
const workPerInstruction = 300;

/** What is before a place, as far as assertions can ask. */
const before = { text: 0, line: 1, word: 2, other: 3 } as const;
type Before = (typeof before)[keyof typeof before];

const isWord = (rune: number): boolean => (rune >= 48 && rune <= 57) || (rune >= 65 && rune <= 90) || rune === 95 || (rune >= 97 && rune <= 122);

/** Entries of the table besides rows of states. */
const unknown = 0;
const dead = -1;
const found = -2;
const tooMuch = -3;

interface State {
  readonly instructions: readonly number[];
  readonly before: Before;
}

/** Whether a text has a match; undefined: ask the interpreter. */
export type Automaton = (text: string) => boolean | undefined;

function assertionsAt(previous: Before, rune: number): number {
  const boundary = (previous === before.word) !== isWord(rune) ? assertions.wordBoundary : assertions.noWordBoundary;
  const begin = previous === before.text ? assertions.beginText | assertions.beginLine : previous === before.line ? assertions.beginLine : 0;
  return boundary | begin | (rune === endOfText ? assertions.endText | assertions.endLine : rune === newline ? assertions.endLine : 0);
}

/** What the table says where it does not lead on. */
const answerOf = (entry: number): boolean | undefined => (entry === tooMuch ? undefined : entry === found);

/** States are known by where their rows begin in the table; the first row stays empty, so that 0 is none. */
class Table {
  readonly #instructions: readonly Instruction[];
  readonly #start: number;
  readonly #anchored: boolean;
  readonly #asserts: boolean;
  readonly #alphabet: Alphabet;
  readonly #ascii: Uint16Array;
  /** What every match begins with, as far as that is literal. */
  readonly #prefix: string;
  /** The row of what is before a match that does not begin with the text. */
  readonly #middle: number;
  readonly #width: number;
  readonly #states: State[] = [];
  readonly #rows = new Map<string, number>();
  #next = new Int32Array(0);
  #work: number;

  constructor(program: RegexProgram, instructions: readonly Instruction[], prefix: string) {
    this.#instructions = instructions;
    this.#start = program.start;
    this.#anchored = program.startCond() !== -1 && (program.startCond() & assertions.beginText) !== 0;
    this.#asserts = instructions.some(({ op, arg }) => op === ops.emptyWidth && (arg & ~(assertions.beginText | assertions.endText)) !== 0);
    this.#alphabet = alphabetOf(instructions);
    this.#ascii = this.#alphabet.ascii;
    // One more for the end of the text.
    this.#width = this.#alphabet.bounds.length + 1;
    this.#work = workPerInstruction * Math.max(20, instructions.length);
    this.#rowOf([this.#start], before.text);
    this.#middle = this.#rowOf([this.#start], before.other);
    // What is before a place matters to assertions; then every place is looked at.
    this.#prefix = this.#asserts || this.#anchored ? "" : prefix;
  }

  test(text: string): boolean | undefined {
    const ascii = this.#ascii;
    const width = this.#width;
    const length = text.length;
    let table = this.#next;
    const first = this.#prefix === "" ? 0 : text.indexOf(this.#prefix);
    if (first === -1) {
      return false;
    }
    let row = first === 0 ? width : this.#middle;
    for (let at = first; at < length; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit > 127) {
        return this.#testOn(text, at, row);
      }
      const column = ascii[unit] as number;
      let next = table[row + column] as number;
      if (next <= 0) {
        next = next === unknown ? this.#step(row, column, unit) : next;
        if (next <= 0) {
          return answerOf(next);
        }
        table = this.#next;
      }
      row = next;
    }
    return this.#end(row);
  }

  /** The rest of a text that is not all ASCII. */
  #testOn(text: string, from: number, start: number): boolean | undefined {
    const { bounds, folds } = this.#alphabet;
    if (folds) {
      return undefined;
    }
    let row = start;
    for (let at = from; at < text.length; at += 1) {
      const rune = text.codePointAt(at) ?? 0;
      at += rune > 0xffff ? 1 : 0;
      const column = classOf(bounds, rune);
      const known = this.#next[row + column] ?? unknown;
      const next = known === unknown ? this.#step(row, column, rune) : known;
      if (next <= 0) {
        return answerOf(next);
      }
      row = next;
    }
    return this.#end(row);
  }

  #end(row: number): boolean | undefined {
    const column = this.#width - 1;
    const known = this.#next[row + column] ?? unknown;
    return answerOf(known === unknown ? this.#step(row, column, endOfText) : known);
  }

  /** The row of a state: a new one where there is none yet. */
  #rowOf(instructions: readonly number[], previous: Before): number {
    const key = `${previous}:${instructions.join()}`;
    const known = this.#rows.get(key);
    if (known !== undefined) {
      return known;
    }
    if (this.#states.length >= maxStates) {
      return tooMuch;
    }
    const row = this.#states.push({ instructions, before: previous }) * this.#width;
    this.#rows.set(key, row);
    if (this.#next.length < row + this.#width) {
      const grown = new Int32Array(2 * (row + this.#width));
      grown.set(this.#next);
      this.#next = grown;
    }
    return row;
  }

  #before(rune: number): Before {
    if (!this.#asserts) {
      return before.other;
    }
    return rune === newline ? before.line : isWord(rune) ? before.word : before.other;
  }

  #step(row: number, column: number, rune: number): number {
    const state = this.#states[row / this.#width - 1];
    const result = state === undefined || this.#work <= 0 ? tooMuch : this.#follow(state, rune);
    if (result !== tooMuch) {
      this.#next[row + column] = result;
    }
    return result;
  }

  /** Where a code point leads from a state. */
  #follow(state: State, rune: number): number {
    const reached = this.#closure(state.instructions, assertionsAt(state.before, rune));
    const next = new Set<number>();
    for (const at of reached) {
      const instruction = this.#instructions[at];
      if (instruction?.op === ops.match) {
        return found;
      }
      if (rune !== endOfText && instruction !== undefined && instruction.op >= ops.rune && takes(instruction, rune)) {
        next.add(instruction.out);
      }
    }
    if (rune === endOfText || (this.#anchored && next.size === 0)) {
      return dead;
    }
    if (!this.#anchored) {
      next.add(this.#start);
    }
    return this.#rowOf([...next].sort((a, b) => a - b), this.#before(rune));
  }

  /** All instructions that can be reached without a character while these assertions hold. */
  #closure(from: readonly number[], holding: number): Set<number> {
    const reached = new Set<number>();
    const pending = [...from];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      if (reached.has(at)) {
        continue;
      }
      reached.add(at);
      this.#work -= 1;
      const instruction = this.#instructions[at];
      if (instruction !== undefined) {
        pending.push(...emptyMoves(instruction, holding));
      }
    }
    return reached;
  }
}

function emptyMoves({ op, out, arg }: Instruction, holding: number): readonly number[] {
  switch (op) {
    case ops.alt:
    case ops.altMatch: return [out, arg];
    case ops.capture:
    case ops.nop: return [out];
    case ops.emptyWidth: return (arg & ~holding) === 0 ? [out] : [];
    default: return [];
  }
}

function takes(instruction: Instruction, rune: number): boolean {
  switch (instruction.op) {
    case ops.runeAny: return true;
    case ops.runeAnyNotNewline: return rune !== newline;
    default: return instruction.matchRune(rune);
  }
}

/** The automaton of a program; `prefix`: what every match begins with. */
export function automatonOf(program: RegexProgram, prefix = ""): Automaton {
  const instructions = Array.from({ length: program.numInst() }, (_, at) => program.getInst(at));
  if (instructions.some(({ op }) => op < ops.alt || op > ops.runeAnyNotNewline)) {
    return () => undefined;
  }
  const table = new Table(program, instructions, prefix);
  return (text) => table.test(text);
}
