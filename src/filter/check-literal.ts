import type { Check } from "./check.ts";
import type { Finding } from "./diagnostics.ts";
import { checkFormat } from "./format.ts";
import { checkLiteralArgument } from "./functions.ts";
import { patternCost } from "./pattern-cost.ts";
import { compilePattern } from "./regex.ts";
import { startOf, type Typed } from "./typed.ts";
import { typeName, types } from "./types.ts";

function literalProblem(name: string, args: readonly Typed[], context: Check): Finding | undefined {
  const literal = args[args.length - 1];
  const value = literal?.op === "constant" ? literal.value : undefined;
  if (literal === undefined || (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint")) {
    return undefined;
  }
  if (name === "matches" && typeof value === "string") {
    context.patterns.left -= patternCost(value);
    if (context.patterns.left < 0) {
      return { code: "FilterTooComplex", message: "the patterns of this expression are too large together", offset: literal.offset };
    }
  }
  const message = checkLiteralArgument(name, value);
  return message === undefined ? undefined : { code: "FilterInvalidLiteral", message, offset: literal.offset };
}

function formatProblems(name: string, args: readonly Typed[]): readonly Finding[] {
  const [text, list] = args;
  if (name !== "format" || text?.op !== "constant" || typeof text.value !== "string" || list?.op !== "list") {
    return [];
  }
  const { elements } = list;
  const found = checkFormat(text.value, elements.map((element) => typeName(element.type.kind === "error" ? types.dyn : element.type)));
  return found.map(({ message, at }) => ({ code: "FilterInvalidLiteral", message, offset: at === "text" ? text.offset : startOf(elements[at] ?? text) }));
}

/** What is wrong with arguments that are written out: patterns, times, zones, texts for `format`. */
export function literalProblems(name: string, args: readonly Typed[], context: Check): readonly Finding[] {
  const literal = literalProblem(name, args, context);
  return literal === undefined ? formatProblems(name, args) : [literal];
}

/** `matches` with a pattern that is known now. */
export function literalPattern(name: string, args: readonly Typed[], offset: number): Typed | undefined {
  const [operand, source] = args;
  if (name !== "matches" || operand === undefined || source?.op !== "constant" || typeof source.value !== "string") {
    return undefined;
  }
  const pattern = compilePattern(source.value);
  return typeof pattern === "string" ? undefined : { op: "match", operand, pattern, type: types.bool, offset };
}
