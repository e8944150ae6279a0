import { daysTo } from "./dates.ts";
import { Duration, Timestamp } from "./values.ts";

/** Times in the forms that Kubernetes and RunEvent write, read by hand, which is many times faster than by a pattern. */

const isDigit = (unit: number): boolean => unit >= 48 && unit <= 57;

/** The number that two digits at a place make; NaN where there are none. */
function two(text: string, at: number): number {
  const tens = text.charCodeAt(at);
  const ones = text.charCodeAt(at + 1);
  return isDigit(tens) && isDigit(ones) ? tens * 10 + ones - 528 : Number.NaN;
}

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

const isPunctuated = (text: string): boolean =>
  text.charCodeAt(4) === 45 && text.charCodeAt(7) === 45 && text.charCodeAt(10) === 84 && text.charCodeAt(13) === 58 && text.charCodeAt(16) === 58 && text.charCodeAt(19) === 90;

/** A moment such as `2026-11-22T15:59:27Z`; undefined for all other forms. */
export function shortTimestamp(text: string): Timestamp | undefined {
  if (text.length !== 20 || !isPunctuated(text)) {
    return undefined;
  }
  const year = two(text, 0) * 100 + two(text, 2);
  const month = two(text, 5);
  const day = two(text, 8);
  const days = month === 2 && isLeap(year) ? 29 : (monthDays[month - 1] ?? 0);
  const hour = two(text, 11);
  const minute = two(text, 14);
  const second = two(text, 17);
  // NaN fails each of these.
  const valid = year >= 1 && day >= 1 && day <= days && hour <= 23 && minute <= 59 && second <= 59;
  return valid ? new Timestamp(daysTo(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second, 0) : undefined;
}

/** A span such as `192s`; undefined for all other forms. */
export function shortDuration(text: string): Duration | undefined {
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
