import { dateAfter, daysTo } from "./dates.ts";
import { problems, type Duration, type Problem, type Timestamp, type Value } from "./values.ts";

/** Parts of moments and spans. */

const day = 86_400;

/** What is left of seconds within a unit. */
const within = (seconds: number, unit: number): number => seconds - Math.floor(seconds / unit) * unit;
const dateOf = (seconds: number): ReturnType<typeof dateAfter> => dateAfter(Math.floor(seconds / day));

/** The parts of a moment, from the seconds that a clock in the wanted zone shows, as if it were UTC. */
export const timestampParts: Readonly<Record<string, (seconds: number, nanos: number) => number>> = {
  getFullYear: (seconds) => dateOf(seconds).year,
  getMonth: (seconds) => dateOf(seconds).month - 1,
  getDate: (seconds) => dateOf(seconds).day,
  getDayOfMonth: (seconds) => dateOf(seconds).day - 1,
  // 1970-01-01 was a Thursday.
  getDayOfWeek: (seconds) => within(Math.floor(seconds / day) + 4, 7),
  getDayOfYear: (seconds) => Math.floor(seconds / day) - daysTo(dateOf(seconds).year, 1, 1),
  getHours: (seconds) => Math.floor(within(seconds, day) / 3600),
  getMinutes: (seconds) => Math.floor(within(seconds, 3600) / 60),
  getSeconds: (seconds) => within(seconds, 60),
  getMilliseconds: (_seconds, nanos) => Math.floor(nanos / 1e6),
};

/** A span in units of so many seconds, as a double, which is how Go has it: at the end of a century the last nanosecond is lost. */
const inUnits = (unit: number) => (seconds: number, nanos: number): number => {
  const rest = seconds % unit;
  return (seconds - rest) / unit + (rest * 1e9 + nanos) / (unit * 1e9);
};

/** The parts of a span: it as a whole in that unit, cut off; milliseconds are those beyond the whole seconds. */
export const durationParts: Readonly<Record<string, (seconds: number, nanos: number) => number>> = {
  getHours: inUnits(3600),
  getMinutes: inUnits(60),
  getSeconds: inUnits(1),
  getMilliseconds: (_seconds, nanos) => nanos / 1e6,
};

/** Hours and minutes; cel-go takes them with one digit too. */
const fixedOffset = /^([+-]?)([01]?[0-9]|2[0-3]):([0-5]?[0-9])$/;
const formatOffset = /^GMT(?:([+-])([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?)?$/;

const formats = new Map<string, Intl.DateTimeFormat>();
const formatsKept = 64;

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  const known = formats.get(zone);
  if (known !== undefined) {
    return known;
  }
  try {
    const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
    if (formats.size >= formatsKept) {
      formats.clear();
    }
    formats.set(zone, format);
    return format;
  } catch {
    return undefined;
  }
}

/** The seconds that a match of sign, hours, minutes and seconds stands for. */
const secondsOf = ([, sign, hours = "0", minutes = "0", seconds = "0"]: RegExpExecArray): number =>
  (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));

function namedOffset(zone: string, seconds: number): number | undefined {
  const format = zone.length > 64 || !/^[A-Z]/.test(zone) ? undefined : formatOf(zone);
  const name = format?.formatToParts(seconds * 1000).find((part) => part.type === "timeZoneName")?.value;
  const match = formatOffset.exec(name ?? "");
  return match === null ? undefined : secondsOf(match);
}

/** Seconds that a zone (`Europe/Berlin`, `+05:30`) is ahead of UTC at a moment; undefined when there is no such zone. */
function zoneOffset(zone: string, seconds: number): number | undefined {
  if (zone === "" || zone === "UTC") {
    return 0;
  }
  const fixed = fixedOffset.exec(zone);
  return fixed === null ? namedOffset(zone, seconds) : secondsOf(fixed);
}

/** A part of a moment in a zone. */
export function timestampPart(name: string, moment: Timestamp, zone: string): Value | Problem {
  const offset = zoneOffset(zone, moment.seconds);
  const read = timestampParts[name];
  return offset === undefined || read === undefined ? problems.invalidValue : read(moment.seconds + offset, moment.nanos);
}

/** A part of a span. */
export function durationPart(name: string, span: Duration): Value | Problem {
  const negative = span.seconds < 0 && span.nanos > 0;
  const part = durationParts[name]?.(negative ? span.seconds + 1 : span.seconds, negative ? span.nanos - 1e9 : span.nanos);
  return part === undefined ? problems.invalidValue : Math.trunc(part) + 0;
}

/** Whether a time zone of this name is known. */
export const isZone = (zone: string): boolean => zoneOffset(zone, 0) !== undefined;
