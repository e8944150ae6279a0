import { check } from "./check.ts";
import { checkCost } from "./cost.ts";
import { diagnose, type Diagnostic, type Finding } from "./diagnostics.ts";
import type { Environment } from "./environment.ts";
import { lex } from "./lexical.ts";
import { limits } from "./limits.ts";
import { parse } from "./parse.ts";
import { programOf, type Program } from "./program.ts";
import { Recent } from "./recent.ts";
import { checkSyntax } from "./syntax.ts";
import type { Typed } from "./typed.ts";
import { aTypeName, isDynamic } from "./types.ts";
import { warningsOf } from "./warnings.ts";

/** A program where there are no errors; warnings do not stand in its way. */
export interface Compilation {
  readonly program?: Program;
  readonly errors: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}

export interface CompileOptions {
  /** The names the expression can use. */
  readonly environment: Environment;
  /** The type the result must have; absent: any. */
  readonly result?: "bool";
}

/** Compilations of one environment. */
interface Kept {
  readonly bool: Recent<Compilation>;
  readonly any: Recent<Compilation>;
}

const compilations = new WeakMap<Environment, Kept>();

function keptFor(environment: Environment): Kept {
  const kept = compilations.get(environment);
  if (kept !== undefined) return kept;
  const bounds = { count: limits.programs, keyLength: limits.sourceBytes };
  const made = { bool: new Recent<Compilation>(bounds), any: new Recent<Compilation>(bounds) };
  compilations.set(environment, made);
  return made;
}

/**
 * Compiles an expression: syntax, names, types and bounds are all checked here, so that a program can only fail on what
 * an event brings. Never throws, whatever the text. The most recently used compilations of what is compiled again
 * are kept and shared, refusals too.
 */
export const compile = (source: string, options: CompileOptions): Compilation => keptFor(options.environment)[options.result ?? "any"].get(source, () => compileGuarded(source, options));

function compileGuarded(source: string, options: CompileOptions): Compilation {
  try {
    return compileNew(source, options);
  } catch {
    return refuse(source, [{ code: "FilterInternal", message: "the expression could not be compiled", offset: 0 }]);
  }
}

/** Findings in the order of the text, without repetitions. */
function diagnoseAll(source: string, findings: readonly Finding[]): readonly Diagnostic[] {
  const ordered = findings.toSorted((a, b) => a.offset - b.offset);
  const distinct = ordered.filter((finding, at) => ordered.findIndex((other) => other.offset === finding.offset && other.message === finding.message) === at);
  return distinct.slice(0, limits.diagnostics).map((finding) => diagnose(source, finding));
}

function refuse(source: string, errors: readonly Finding[], warnings: readonly Finding[] = []): Compilation {
  return { errors: diagnoseAll(source, errors), warnings: diagnoseAll(source, warnings) };
}

function checkSource(source: string): Finding | undefined {
  const bytes = Buffer.byteLength(source);
  if (bytes > limits.sourceBytes) {
    return { code: "FilterTooLong", message: `the expression has ${bytes} bytes, ${limits.sourceBytes} are allowed`, offset: 0 };
  }
  const broken = source.isWellFormed() ? -1 : Array.from(source).findIndex((character) => !character.isWellFormed());
  return broken === -1 ? undefined : { code: "FilterSyntax", message: "half of a surrogate pair is not a character", offset: Array.from(source).slice(0, broken).join("").length };
}

function checkResult(typed: Typed, offset: number, options: CompileOptions): Finding | undefined {
  if (options.result === undefined || typed.type.kind === "bool" || typed.type.kind === "error") {
    return undefined;
  }
  const advice = isDynamic(typed.type) ? "; its type is known only when it runs: compare it, as in `... == true`" : "; write a condition such as a comparison";
  return { code: "FilterResultType", message: `the expression must be true or false (bool), not ${aTypeName(typed.type)}${advice}`, offset };
}

function compileNew(source: string, options: CompileOptions): Compilation {
  const unreadable = checkSource(source);
  if (unreadable !== undefined) {
    return refuse(source, [unreadable]);
  }
  const lexed = lex(source);
  if ("code" in lexed) {
    return refuse(source, [lexed]);
  }
  const misplaced = checkSyntax(lexed.tokens);
  if (misplaced !== undefined) {
    return refuse(source, [misplaced]);
  }
  const { node, findings } = parse(lexed);
  if (node === undefined) {
    return refuse(source, findings);
  }
  const { typed, errors, warnings } = check(node, options.environment);
  const all = [...findings, ...errors];
  const result = all.length > 0 ? undefined : checkResult(typed, lexed.tokens[0]?.start ?? 0, options);
  if (all.length > 0 || result !== undefined) {
    return refuse(source, result === undefined ? all : [result], warnings);
  }
  const { cost, tooExpensive } = checkCost(typed);
  if (tooExpensive !== undefined) {
    return refuse(source, [tooExpensive], warnings);
  }
  const warned = options.result === "bool" ? [...warnings, ...warningsOf(typed, options.environment)] : warnings;
  return { program: programOf(source, { typed, cost, environment: options.environment }), errors: [], warnings: diagnoseAll(source, warned) };
}
