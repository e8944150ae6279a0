import { limits } from "./limits.ts";
import { keySize, larger, sizeOfList, sizeOfText, wholeOf, type Size } from "./sizes.ts";

/**
 * What functions are charged, in steps of about 50 ns, in the worst case. Evaluation charges by the actual lengths with
 * the same formulas; the static bound by the declared ones.
 */

/** Going through a text once, a block of characters at a time. */
export const scanSteps = (length: number): number => length >> 6;

/** Going through a text character by character. */
export const walkSteps = (length: number): number => length >> 2;

/** Finding the order of two texts. */
export const orderSteps = (a: number, b: number): number => Math.min(a, b) >> 3;

/** Finding the offset of a named time zone. */
export const zoneSteps = 80;

/** Searching a text for a part: at worst the part is compared at each place. */
export const searchSteps = (length: number, part: number): number => scanSteps(length) + (part > 16 && part < length ? ((length - part) * part) / 256 : 0);

/** Changing the case of a text's letters. */
export const caseSteps = (length: number): number => length >> 3;

/** What a call takes beyond its node, and how large its result can be. */
export interface Charge {
  readonly steps: number;
  readonly size: Size;
}

const none: Size = sizeOfText(0);
const number = sizeOfText(0);

type Rule = (sizes: readonly Size[]) => Charge;

const at = (sizes: readonly Size[], index: number): Size => sizes[index] ?? none;

/** A function that walks its text and gives a text no longer than `factor` times it. */
const walking = (factor: number): Rule => (sizes) => ({ steps: walkSteps(at(sizes, 0).text), size: sizeOfText(at(sizes, 0).text * factor) });

const changingCase: Rule = (sizes) => ({ steps: caseSteps(at(sizes, 0).text), size: sizeOfText(at(sizes, 0).text) });
const searching: Rule = (sizes) => ({ steps: searchSteps(at(sizes, 0).text, at(sizes, 1).text), size: none });
const placing: Rule = (sizes) => ({ steps: walkSteps(at(sizes, 0).text) + searchSteps(at(sizes, 0).text, at(sizes, 1).text), size: none });
const ordering: Rule = (sizes) => ({ steps: orderSteps(at(sizes, 0).text, at(sizes, 1).text), size: none });
const part: Rule = (sizes) => ({ steps: scanSteps(at(sizes, 1).text), size: none });

function adding(sizes: readonly Size[]): Charge {
  const [a, b] = [at(sizes, 0), at(sizes, 1)];
  const both = larger(a, b);
  return { steps: scanSteps(a.text) + scanSteps(b.text) + a.items + b.items, size: { ...both, text: Math.min(limits.textLength, a.text + b.text), items: a.items + b.items } };
}

function replacing(sizes: readonly Size[]): Charge {
  const [text, by] = [at(sizes, 0).text, at(sizes, 2).text];
  const result = Math.min(limits.textLength, text + (text + 1) * by);
  return { steps: walkSteps(text) + searchSteps(text, at(sizes, 1).text) + scanSteps(result), size: sizeOfText(result) };
}

function splitting(sizes: readonly Size[]): Charge {
  const { text } = at(sizes, 0);
  return { steps: walkSteps(text) + searchSteps(text, at(sizes, 1).text), size: sizeOfList(text + 1, sizeOfText(text)) };
}

function joining(sizes: readonly Size[]): Charge {
  const list = at(sizes, 0);
  const length = Math.min(limits.textLength, list.items * ((list.inner?.text ?? 0) + at(sizes, 1).text));
  return { steps: list.items + scanSteps(length), size: sizeOfText(length) };
}

function formatting(sizes: readonly Size[]): Charge {
  const whole = wholeOf(at(sizes, 1));
  return { steps: walkSteps(at(sizes, 0).text) + 4 * whole, size: sizeOfText(at(sizes, 0).text + 64 * whole) };
}

const containing: Rule = (sizes) => {
  const list = at(sizes, 1);
  return { steps: list.items * Math.min(wholeOf(at(sizes, 0)), wholeOf(list.inner ?? keySize)), size: none };
};

const rules: Readonly<Record<string, Rule>> = {
  "_+_": adding,
  "_<_": ordering,
  "_<=_": ordering,
  "_>_": ordering,
  "_>=_": ordering,
  "@in": containing,
  startsWith: part,
  endsWith: part,
  contains: searching,
  lowerAscii: changingCase,
  upperAscii: changingCase,
  trim: walking(1),
  reverse: walking(1),
  charAt: (sizes) => ({ steps: walkSteps(at(sizes, 0).text), size: sizeOfText(2) }),
  indexOf: placing,
  lastIndexOf: placing,
  substring: walking(1),
  replace: replacing,
  split: splitting,
  join: joining,
  format: formatting,
  "strings.quote": walking(2),
  matches: (sizes) => ({ steps: 5000 + at(sizes, 0).text, size: none }),
  size: (sizes) => ({ steps: walkSteps(at(sizes, 0).text) + at(sizes, 0).items, size: none }),
  string: (sizes) => ({ steps: walkSteps(at(sizes, 0).text), size: sizeOfText(Math.max(64, at(sizes, 0).text)) }),
  bytes: walking(3),
  dyn: (sizes) => ({ steps: 0, size: at(sizes, 0) }),
};

/** The charge of a function or operator; of one that works on numbers and times a small one. */
export function chargeOf(name: string, sizes: readonly Size[]): Charge {
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  // The lookup of a time zone is the dearest of the others.
  return rule?.(sizes) ?? { steps: name.startsWith("get") && sizes.length > 1 ? zoneSteps : walkSteps(Math.min(64, at(sizes, 0).text)), size: number };
}
