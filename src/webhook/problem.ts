import type { ErrorCode } from "../errors.ts";
import type { Diagnostic } from "../filter/index.ts";

/** One finding about an object. */
export interface Problem {
  /** The field as Kubernetes writes it: `spec.filter.kinds[0]`. */
  readonly field: string;
  readonly code: ErrorCode;
  /** What is wrong, without the field. One line. */
  readonly message: string;
  /** Inside the field's text, 1-based; for expressions. */
  readonly line?: number;
  readonly column?: number;
  /** Two lines: the text's line and a `^` below the place. */
  readonly caret?: string;
}

export interface Findings {
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** A finding of the filter language, placed in its field. */
export const fromDiagnostic = (field: string, { code, message, line, column, caret }: Diagnostic): Problem => ({ field, code, message, line, column, caret });

/** `message` with its place in front, for expressions. */
export const placed = (problem: Problem): string =>
  problem.line === undefined ? problem.message : `${problem.line}:${problem.column ?? 1}: ${problem.message}`;
