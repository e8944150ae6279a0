import { parseDuration, parseTimestamp } from "./times.ts";
import { Double, Duration, problems, Timestamp, type Problem } from "./values.ts";

/** How values of a declared type are read out of JSON, where that is more than taking them. */

const isDigit = (unit: number): boolean => unit >= 48 && unit <= 57;

/** The number that two digits at a place make; NaN where there are none. */
function two(text: string, at: number): number {
  const tens = text.charCodeAt(at);
  const ones = text.charCodeAt(at + 1);
  return isDigit(tens) && isDigit(ones) ? tens * 10 + ones - 528 : Number.NaN;
}

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

/** Days from 1970-01-01 to a date of the Gregorian calendar. */
function daysTo(year: number, month: number, day: number): number {
  // Counted from March on, so that leap days come last.
  const shifted = month > 2 ? year : year - 1;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}

const punctuation: readonly (readonly [at: number, unit: number])[] = [[4, 45], [7, 45], [10, 84], [13, 58], [16, 58], [19, 90]];

/** A moment in the one form that Kubernetes writes, `2026-11-22T15:59:27Z`; undefined for all others. */
function wholeSeconds(text: string): Timestamp | undefined {
  for (const [at, unit] of punctuation) {
    if (text.charCodeAt(at) !== unit) {
      return undefined;
    }
  }
  const year = two(text, 0) * 100 + two(text, 2);
  const month = two(text, 5);
  const day = two(text, 8);
  const days = month === 2 && isLeap(year) ? 29 : (monthDays[month - 1] ?? 0);
  const [hour, minute, second] = [two(text, 11), two(text, 14), two(text, 17)];
  // NaN fails each of these.
  const valid = year >= 1 && day >= 1 && day <= days && hour <= 23 && minute <= 59 && second <= 59;
  return valid ? new Timestamp(daysTo(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second, 0) : undefined;
}

/** A moment out of RFC 3339. */
export function readTimestamp(raw: unknown): Timestamp | Problem {
  if (raw instanceof Timestamp) {
    return raw;
  }
  if (typeof raw !== "string") {
    return problems.wrongType;
  }
  return (raw.length === 20 ? wholeSeconds(raw) : undefined) ?? parseTimestamp(raw);
}

/** A span out of the form that RunEvent has, `192s`; undefined for all others. */
function seconds(text: string): Duration | undefined {
  const end = text.length - 1;
  if (end < 1 || end > 9 || text.charCodeAt(end) !== 115) {
    return undefined;
  }
  let total = 0;
  for (let at = 0; at < end; at += 1) {
    const unit = text.charCodeAt(at);
    if (!isDigit(unit)) {
      return undefined;
    }
    total = total * 10 + unit - 48;
  }
  return new Duration(total, 0);
}

/** A span in Go's form. */
export function readDuration(raw: unknown): Duration | Problem {
  if (raw instanceof Duration) {
    return raw;
  }
  return typeof raw === "string" ? (seconds(raw) ?? parseDuration(raw)) : problems.wrongType;
}

/** A double out of a number. */
export function readDouble(raw: unknown): Double | Problem {
  if (raw instanceof Double) {
    return raw;
  }
  return typeof raw === "number" ? new Double(raw) : problems.wrongType;
}
