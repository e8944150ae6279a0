import { parseDuration, parseTimestamp } from "./times.ts";
import { Double, Duration, problems, Timestamp, type Problem } from "./values.ts";

/** How values of a declared type are read out of JSON, where that is more than taking them. */

/** A moment out of RFC 3339. */
export function readTimestamp(raw: unknown): Timestamp | Problem {
  if (raw instanceof Timestamp) {
    return raw;
  }
  return typeof raw === "string" ? parseTimestamp(raw) : problems.wrongType;
}

/** A span in Go's form. */
export function readDuration(raw: unknown): Duration | Problem {
  if (raw instanceof Duration) {
    return raw;
  }
  return typeof raw === "string" ? parseDuration(raw) : problems.wrongType;
}

/** A double out of a number. */
export function readDouble(raw: unknown): Double | Problem {
  if (raw instanceof Double) {
    return raw;
  }
  return typeof raw === "number" ? new Double(raw) : problems.wrongType;
}
