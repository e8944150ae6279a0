import type { RunEvent } from "../api/run-event.ts";
import { cutToBytes } from "../api/text.ts";
import type { ErrorCode } from "../errors.ts";
import { compile } from "./compile.ts";
import { diagnose, offsetOf, placeAt, type Diagnostic, type Finding, type Place } from "./diagnostics.ts";
import type { Environment } from "./environment.ts";
import { skipOver } from "./lexical.ts";
import { limits } from "./limits.ts";
import type { Program } from "./program.ts";
import { write, writeValue, type TextSink } from "./template-text.ts";

/** A part that could not be evaluated on an event and was left empty. The place is that of the whole template. */
export interface TemplateFault extends Place {
  readonly code: ErrorCode;
}

export interface RenderOptions {
  readonly maxBytes: number;
  readonly escape?: (part: string) => string;
}

/** A compiled template: a text with `${CEL}` parts. */
export interface Template {
  readonly source: string;
  /** Whether it has parts: one without renders the same for every event. */
  readonly constant: boolean;
  /** Whether the text can depend on the variable: known from the template alone. */
  reads(variable: string): boolean;
  /**
   * The text for an event, of at most `maxBytes` bytes of UTF-8 (an ellipsis shows a cut). What is absent is empty; a part
   * that fails is empty and stands in `faults`, without run data. `escape` is applied to what each part says, not to the text
   * around it. Never throws.
   */
  render(event: RunEvent, options: RenderOptions): { readonly text: string; readonly faults: readonly TemplateFault[] };
}

/** A template where there are no errors; warnings do not stand in its way. Places are those of the whole template. */
export interface TemplateCompilation {
  readonly template?: Template;
  readonly errors: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}

export interface TemplateOptions {
  /** The names that parts can use. */
  readonly environment: Environment;
}

/** A text as it stands, or an expression with the offset at which it begins. */
type Piece = { readonly text: string } | { readonly expression: string; readonly start: number };
type CompiledPiece = string | { readonly program: Program; readonly start: Place };

const escape = "$${";
const opening = "${";

const unterminated = (offset: number): Finding => ({
  code: "TemplateUnterminated",
  message: "this `${` has no `}` that ends it (one in a string or a comment does not); for the characters themselves write `$${`",
  offset,
});

/** Offset of the `}` that ends the expression which begins at `start`, or why there is none. Braces in strings and comments do not count. */
function endOfPart(source: string, start: number): number | Finding {
  let depth = 0;
  let at = start;
  while (at < source.length) {
    const character = source.charAt(at);
    if (character === "}" && depth === 0) return at;
    if (character === "{") depth += 1;
    if (character === "}") depth -= 1;
    const next = skipOver(source, at);
    if (next === -1) return { code: "FilterSyntax", message: "this string has no closing quote", offset: at };
    at = next;
  }
  return unterminated(start - opening.length);
}

/** The pieces in order, or the first place where the text cannot be taken apart. */
function split(source: string): readonly Piece[] | Finding {
  const pieces: Piece[] = [];
  let from = 0;
  let at = source.indexOf("$");
  while (at !== -1) {
    if (source.startsWith(escape, at)) {
      pieces.push({ text: source.slice(from, at) + opening });
      from = at + escape.length;
    } else if (source.startsWith(opening, at)) {
      const start = at + opening.length;
      const end = endOfPart(source, start);
      if (typeof end !== "number") return end;
      pieces.push({ text: source.slice(from, at) }, { expression: source.slice(start, end), start });
      from = end + 1;
    }
    at = source.indexOf("$", Math.max(from, at + 1));
  }
  pieces.push({ text: source.slice(from) });
  return pieces;
}

const tooLong = (message: string, offset: number): Finding => ({ code: "TemplateTooLong", message, offset });

/** Whether there is nothing but white space and comments. */
const isBlank = (expression: string): boolean => expression.replaceAll(/\/\/[^\n\r]*/g, "").trim() === "";

function boundsOf(pieces: readonly Piece[]): Finding | undefined {
  const extra = pieces.filter((piece) => "expression" in piece)[limits.templateParts];
  return extra === undefined ? undefined : tooLong(`a template can have ${limits.templateParts} parts \`\${...}\``, extra.start - opening.length);
}

/** Moves a place inside a part to where it is in the whole template. */
function moved(place: Place, start: Place): Place {
  return place.line === 1 ? { line: start.line, column: start.column + place.column - 1 } : { line: start.line + place.line - 1, column: place.column };
}

/** A program and findings of one expression, the latter placed in the whole template. */
function compilePart(source: string, { expression, start }: { expression: string; start: number }, environment: Environment) {
  if (isBlank(expression)) {
    const empty = diagnose(source, { code: "TemplateEmptyPart", message: "there is no expression between `${` and `}`; for the characters `${` themselves write `$${`", offset: start - opening.length });
    return { program: undefined, errors: [empty], warnings: [] };
  }
  const { program, errors, warnings } = compile(expression, { environment });
  const placed = (diagnostic: Diagnostic): Diagnostic => diagnose(source, { ...diagnostic, offset: start + offsetOf(expression, diagnostic) });
  return { program, errors: errors.map(placed), warnings: warnings.map(placed) };
}

/** All parts together are bounded like one expression. */
function costOf(programs: readonly { program: Program; at: number }[]): Finding | undefined {
  let steps = 0;
  for (const { program, at } of programs) {
    steps += program.cost;
    if (steps > limits.steps) {
      return { code: "FilterTooExpensive", message: `up to here the parts of this template can take ${steps.toLocaleString("en")} steps together, ${limits.steps.toLocaleString("en")} are allowed`, offset: at };
    }
  }
  return undefined;
}

interface Rendering {
  readonly event: RunEvent;
  readonly sink: TextSink;
  readonly escape: ((part: string) => string) | undefined;
  readonly faults: TemplateFault[];
}

function renderPiece(piece: CompiledPiece, { event, sink, escape, faults }: Rendering): void {
  if (typeof piece === "string") {
    write(sink, piece);
    return;
  }
  const outcome = piece.program.evaluate(event);
  if (outcome.kind === "error") faults.push({ code: outcome.code, ...moved(outcome, piece.start) });
  if (outcome.kind !== "value") return;
  const part: TextSink = escape === undefined ? sink : { text: "", maxLength: sink.maxLength };
  writeValue(part, outcome.value);
  if (escape !== undefined) write(sink, escape(part.text.toWellFormed()));
}

function templateOf(source: string, pieces: readonly CompiledPiece[]): Template {
  const constant = pieces.every((piece) => typeof piece === "string");
  return {
    source,
    constant,
    reads: (variable) => pieces.some((piece) => typeof piece !== "string" && piece.program.reads(variable)),
    render(event, { maxBytes, escape }) {
      // One unit more than fits shows that something was cut off; a byte never holds more than one unit.
      const sink: TextSink = { text: "", maxLength: maxBytes + 1 };
      const faults: TemplateFault[] = [];
      for (const piece of pieces) renderPiece(piece, { event, sink, escape, faults });
      return { text: cutToBytes(sink.text.toWellFormed(), maxBytes), faults };
    },
  };
}

const refuse = (source: string, finding: Finding): TemplateCompilation => ({ errors: [diagnose(source, finding)], warnings: [] });

/**
 * Compiles a template: `${` and `}` enclose CEL expressions of any type, `$${` stands for `${`. All errors of all parts are
 * found, each with its place in the whole text. Never throws, whatever the text.
 */
export function compileTemplate(source: string, { environment }: TemplateOptions): TemplateCompilation {
  const bytes = Buffer.byteLength(source);
  if (bytes > limits.templateBytes) return refuse(source, tooLong(`the template has ${bytes} bytes, ${limits.templateBytes} are allowed`, 0));
  if (!source.includes(opening)) return { template: templateOf(source, [source]), errors: [], warnings: [] };
  const pieces = split(source);
  if ("code" in pieces) return refuse(source, pieces);
  const excess = boundsOf(pieces);
  if (excess !== undefined) return refuse(source, excess);
  const errors: Diagnostic[] = [];
  const warnings: Diagnostic[] = [];
  const programs: { program: Program; at: number }[] = [];
  const compiled = pieces.map((piece): CompiledPiece => {
    if ("text" in piece) return piece.text;
    const part = compilePart(source, piece, environment);
    errors.push(...part.errors);
    warnings.push(...part.warnings);
    if (part.program === undefined) return "";
    programs.push({ program: part.program, at: piece.start });
    return { program: part.program, start: placeAt(source, piece.start) };
  });
  const dear = errors.length > 0 ? undefined : costOf(programs);
  if (dear !== undefined) errors.push(diagnose(source, dear));
  if (errors.length > 0) return { errors: errors.slice(0, limits.diagnostics), warnings };
  return { template: templateOf(source, compiled), errors, warnings };
}
