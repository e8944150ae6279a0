import type { ErrorCode } from "../errors.ts";
import { limits } from "./limits.ts";

/** A place in an expression: 1-based; columns count code points. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What is wrong with an expression, and where. Holds nothing but the expression's own text. */
export interface Diagnostic extends Place {
  readonly code: ErrorCode;
  readonly message: string;
  /** Two lines: the source line, cut to a readable width, and a `^` below the place, as a terminal shows them. */
  readonly caret: string;
}

/** A finding of one of the passes; `offset` counts UTF-16 units in the user's text. */
export interface Finding {
  readonly code: ErrorCode;
  readonly message: string;
  readonly offset: number;
}

const lineBreak = /\r\n|\n|\r/g;

interface Line {
  /** 1-based. */
  readonly number: number;
  /** Offset of its first unit. */
  readonly start: number;
  readonly text: string;
}

function lineAt(source: string, offset: number): Line {
  let number = 1;
  let start = 0;
  for (const match of source.matchAll(lineBreak)) {
    if (match.index + match[0].length > offset) {
      return { number, start, text: source.slice(start, match.index) };
    }
    number += 1;
    start = match.index + match[0].length;
  }
  return { number, start, text: source.slice(start) };
}

/** Whether a text is all letters, digits and marks of ASCII: each takes one unit and one column. Most lines are. */
const isPlainText = (text: string): boolean => /^[ -~]*$/.test(text);

const codePointsOf = (text: string): number => (isPlainText(text) ? text.length : Array.from(text).length);

const placeOn = ({ number, start, text }: Line, offset: number): Place => ({ line: number, column: codePointsOf(text.slice(0, offset - start)) + 1 });

/** The place of an offset in the user's text. */
export const placeAt = (source: string, offset: number): Place => placeOn(lineAt(source, offset), offset);

/** The offset of a place that {@link placeAt} gave. */
export function offsetOf(source: string, { line, column }: Place): number {
  const breaks = [...source.matchAll(lineBreak)].map((match) => match.index + match[0].length);
  const start = line === 1 ? 0 : (breaks[line - 2] ?? source.length);
  return start + Array.from(source.slice(start)).slice(0, column - 1).join("").length;
}

/** Replaces what would break the caret's line or column: controls, bidirectional marks, half surrogate pairs, tabs. */
const printable = (character: string): string => (/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(character) ? (character === "\t" ? " " : "\ufffd") : character);

const wide = /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;

/** Columns that a character takes in a terminal. */
const widthOf = (character: string): number => (/\p{M}/u.test(character) ? 0 : wide.test(character) ? 2 : 1);

/** @param before code points of the line before the place */
function caretOn({ start, text }: Line, offset: number, before: number): string {
  const room = limits.caretWidth;
  // A character has at most two units; what is further away is not shown, and the line may be all of a large document.
  const near = text.slice(0, offset - start + 2 * room + 2);
  const isPlain = isPlainText(near);
  const characters = isPlain ? near : Array.from(near, printable);
  const first = characters.length <= room ? 0 : Math.max(0, Math.min(before - room / 2, characters.length - room));
  const shown = characters.slice(first, first + room);
  const ahead = characters.slice(first, before);
  const prefix = first > 0 ? "…" : "";
  const suffix = first + room < characters.length ? "…" : "";
  const indent = prefix.length + (typeof ahead === "string" ? ahead.length : ahead.reduce((sum, character) => sum + widthOf(character), 0));
  return `${prefix}${typeof shown === "string" ? shown : shown.join("")}${suffix}\n${" ".repeat(indent)}^`;
}

/** Completes a finding with line, column and caret. */
export function diagnose(source: string, { code, message, offset }: Finding): Diagnostic {
  const line = lineAt(source, offset);
  const place = placeOn(line, offset);
  return { code, message, ...place, caret: caretOn(line, offset, place.column - 1) };
}
