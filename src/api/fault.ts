import type { ErrorCode } from "../errors.ts";

/** A part of a Notification that failed on a state of a run. It names the part and the place in it, never run data. */
export interface Fault {
  /** As in `spec.githubApp.context`. */
  readonly field: string;
  readonly code: ErrorCode;
  /** Inside the field, from 1 on; absent where the field as a whole failed. */
  readonly line?: number;
  readonly column?: number;
}

/** The fault in words: `spec.githubApp.context: FilterWrongType at 1:3`. */
export function faultText({ field, code, line, column }: Omit<Fault, "code"> & { readonly code: string }): string {
  return line === undefined || column === undefined ? `${field}: ${code}` : `${field}: ${code} at ${line}:${column}`;
}
