import { newline, ops, type Instruction } from "./regex-program.ts";

const foldCase = 1;

/** The characters of a pattern, by what tells them apart. */
export interface Alphabet {
  /** First code points of the classes, ascending; all of a class lead to the same state. */
  readonly bounds: Int32Array;
  readonly ascii: Uint16Array;
  /** Whether letters stand for their other case too, which beyond ASCII only the interpreter knows. */
  readonly folds: boolean;
}

function addFolded(bounds: Set<number>, rune: number): void {
  const upper = rune >= 97 && rune <= 122 ? rune - 32 : rune;
  for (const other of [upper, upper + 32]) {
    bounds.add(other).add(other + 1);
  }
}

function addRunes(bounds: Set<number>, { runes, arg }: Instruction): boolean {
  if (runes.length === 1) {
    const rune = runes[0] ?? 0;
    bounds.add(rune).add(rune + 1);
    const folds = (arg & foldCase) !== 0;
    if (folds) {
      // Letters beyond ASCII whose other case is within: the Kelvin sign and the long s.
      [rune, 75, 83].forEach((letter) => {
        addFolded(bounds, letter);
      });
    }
    return folds;
  }
  for (let at = 0; at < runes.length; at += 2) {
    bounds.add(runes[at] ?? 0).add((runes[at + 1] ?? 0) + 1);
  }
  return false;
}

/** The class of a character. */
export const classOf = (bounds: Int32Array, rune: number): number => {
  let [low, high] = [0, bounds.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] ?? 0) <= rune) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
};

/** The least classes that all instructions can be told by. */
export function alphabetOf(instructions: readonly Instruction[]): Alphabet {
  const bounds = new Set<number>([0, newline, newline + 1, 48, 58, 65, 91, 95, 96, 97, 123]);
  let folds = false;
  for (const instruction of instructions) {
    if (instruction.op === ops.rune || instruction.op === ops.rune1) {
      folds = addRunes(bounds, instruction) || folds;
    }
  }
  const sorted = Int32Array.from(bounds).sort();
  return { bounds: sorted, ascii: Uint16Array.from({ length: 128 }, (_, rune) => classOf(sorted, rune)), folds };
}
