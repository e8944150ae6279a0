/** An instruction of a compiled regular expression, as re2js has them (and as RE2 and Go name them). */
export interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  readonly runes: ArrayLike<number>;
  matchRune(rune: number): boolean;
}

/** A compiled regular expression. */
export interface RegexProgram {
  readonly start: number;
  numInst(): number;
  getInst(at: number): Instruction;
  /** Assertions that every match begins with; -1: there is none. */
  startCond(): number;
}

/** Kinds of instructions. */
export const ops = { alt: 1, altMatch: 2, capture: 3, emptyWidth: 4, fail: 5, match: 6, nop: 7, rune: 8, rune1: 9, runeAny: 10, runeAnyNotNewline: 11 } as const;

/** The one character that assertions know besides letters and digits. */
export const newline = 10;
