import { scanSteps } from "./charges.ts";
import { limits } from "./limits.ts";
import { problems, type Meter, type Problem, type Value } from "./values.ts";

/** The string functions of CEL and of its strings extension. Positions and lengths count code points, not UTF-16 units. */

const wide = /[\ud800-\udfff]/;

/**
 * Whether each UTF-16 unit is a code point, so that JavaScript's own positions are those that count. Of a text without characters
 * beyond Latin-1 V8 knows that without looking at them.
 */
const isNarrow = (text: string): boolean => !wide.test(text);

const pointsOf = (text: string): readonly string[] => Array.from(text);

/** The number of code points. */
export const lengthOf = (text: string): number => (isNarrow(text) ? text.length : pointsOf(text).length);

const beyondAscii = /[^\0-\x7f]/;

/** Moves the letters from `first` to `first` + 25 by 32, whatever else is in the text. */
function shiftLetters(text: string, first: number, by: number): string {
  const units = new Array<number>(text.length);
  for (let at = 0; at < units.length; at += 1) {
    const unit = text.charCodeAt(at);
    units[at] = unit >= first && unit < first + 26 ? unit + by : unit;
  }
  return textOf(units);
}

/** ASCII letters in lower or upper case; all others as they are. */
export const lowerAscii = (text: string): string => (beyondAscii.test(text) ? shiftLetters(text, 65, 32) : text.toLowerCase());
export const upperAscii = (text: string): string => (beyondAscii.test(text) ? shiftLetters(text, 97, -32) : text.toUpperCase());

/** Without the white space (Unicode's property) around it. */
export const trim = (text: string): string => (isInk(text.charCodeAt(0)) && isInk(text.charCodeAt(text.length - 1)) ? text : trimAll(text));

/** Whether the unit is a character of ASCII that is seen. */
const isInk = (unit: number): boolean => unit > 32 && unit < 127;

const trimAll = (text: string): string => text.replace(/^\p{White_Space}+/u, "").replace(/(?<!\p{White_Space})\p{White_Space}+$/u, "");

const isIndex = (at: Value, length: number): at is number => typeof at === "number" && at >= 0 && at <= length;

/** The character at a position; empty at the end. */
export function charAt(text: string, at: Value): string | Problem {
  if (isNarrow(text)) {
    return isIndex(at, text.length) ? text.charAt(at) : problems.invalidValue;
  }
  const points = pointsOf(text);
  return isIndex(at, points.length) ? (points[at] ?? "") : problems.invalidValue;
}

/** From a position up to (without) another, which is the end where it is not given. */
export function substring(text: string, from: Value, to?: Value): string | Problem {
  if (isNarrow(text)) {
    const last = to ?? text.length;
    return isIndex(from, text.length) && isIndex(last, text.length) && from <= last ? text.slice(from, last) : problems.invalidValue;
  }
  const points = pointsOf(text);
  const end = to ?? points.length;
  return isIndex(from, points.length) && isIndex(end, points.length) && from <= end ? points.slice(from, end).join("") : problems.invalidValue;
}

type Position = (points: readonly string[], start: number) => number;

/** A search that begins at a position: an empty part is found there, any other not from the end on. */
function searchFrom(text: string, part: string, from: Value, search: Position): number | Problem {
  const points = pointsOf(text);
  if (!isIndex(from, points.length)) {
    return problems.invalidValue;
  }
  return part !== "" && from === points.length ? -1 : search(points, from);
}

const unitsBefore = (points: readonly string[], position: number): number => points.slice(0, position).join("").length;
const positionOf = (text: string, unit: number): number => (unit === -1 ? -1 : lengthOf(text.slice(0, unit)));

/** The first position of a part at or after `from`; -1 when there is none. */
export const indexOf = (text: string, part: string, from?: Value): number | Problem =>
  from === undefined ? positionOf(text, text.indexOf(part)) : searchFrom(text, part, from, (points, start) => positionOf(text, text.indexOf(part, unitsBefore(points, start))));

/** The last position of a part at or before `from`; -1 when there is none. */
export function lastIndexOf(text: string, part: string, from?: Value): number | Problem {
  if (from === undefined) {
    return positionOf(text, text.lastIndexOf(part));
  }
  return searchFrom(text, part, from, (points, start) => positionOf(text, text.lastIndexOf(part, unitsBefore(points, start))));
}

/** The parts between separators; with an empty separator the characters. A limit keeps the rest in the last part. */
export function split(text: string, separator: string, most: Value = -1): readonly string[] {
  const limit = Number(most);
  if (separator === "") {
    return splitPoints(pointsOf(text), limit);
  }
  if (limit === 0) {
    return [];
  }
  const parts: string[] = [];
  let last = 0;
  for (let at = text.indexOf(separator); at !== -1 && parts.length !== limit - 1; at = text.indexOf(separator, last)) {
    parts.push(text.slice(last, at));
    last = at + separator.length;
  }
  parts.push(text.slice(last));
  return parts;
}

function splitPoints(points: readonly string[], limit: number): readonly string[] {
  if (limit < 0 || points.length <= limit) {
    return points;
  }
  return limit === 0 ? [] : [...points.slice(0, limit - 1), points.slice(limit - 1).join("")];
}

/** With occurrences of a part replaced, at most `limit` of them; an empty part stands between all characters. */
export function replace(text: string, part: string, by: string, most: Value = -1): string | Problem {
  const limit = Number(most);
  if (part === "") {
    return insertBetween(text, by, limit);
  }
  let result = "";
  let last = 0;
  let times = 0;
  for (let at = text.indexOf(part); at !== -1 && times !== limit; at = text.indexOf(part, last)) {
    times += 1;
    result += text.slice(last, at) + by;
    last = at + part.length;
    if (result.length > limits.textLength) {
      return problems.budget;
    }
  }
  return times === 0 ? text : withinLength(result + text.slice(last));
}

const withinLength = (text: string): string | Problem => (text.length > limits.textLength ? problems.budget : text);

function insertBetween(text: string, by: string, limit: number): string | Problem {
  const points = pointsOf(text);
  const times = limit < 0 ? points.length + 1 : Math.min(limit, points.length + 1);
  if (text.length + times * by.length > limits.textLength) {
    return problems.budget;
  }
  return ["", ...points, ""].slice(0, times + 1).join(by) + points.slice(times).join("");
}

/** The characters in reverse order. */
export function reverse(text: string): string {
  if (!isNarrow(text)) {
    return pointsOf(text).toReversed().join("");
  }
  const units = new Array<number>(text.length);
  for (let at = 0, last = text.length - 1; at <= last; at += 1) {
    units[at] = text.charCodeAt(last - at);
  }
  return textOf(units);
}

/** The text of UTF-16 units. */
const textOf = (units: readonly number[]): string => (units.length <= 256 ? String.fromCharCode(...units) : Buffer.from(Uint16Array.from(units).buffer).toString("utf16le"));

/** The strings of a list in one, with a separator between them. */
export function joinTexts(list: readonly unknown[], separator: string, meter: Meter): string | Problem {
  meter.steps -= list.length;
  let length = 0;
  for (const element of list) {
    if (typeof element !== "string") {
      return problems.wrongType;
    }
    length += element.length + separator.length;
  }
  meter.steps -= scanSteps(length);
  return length > limits.textLength || meter.steps < 0 ? problems.budget : list.join(separator);
}
