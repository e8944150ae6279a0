import { parse as parseExpression } from "@bufbuild/cel";
import type { MacroName, Node } from "./ast.ts";
import type { Finding } from "./diagnostics.ts";
import type { LexedSource, Token } from "./lexical.ts";
import { limits } from "./limits.ts";
import { bytesOf, stringOf } from "./literals.ts";
import { isInt64, uintMaximum } from "./numbers.ts";
import { Bytes, Double, Uint } from "./values.ts";

type Parsed = ReturnType<typeof parseExpression>;
type Expr = Parsed["expr"];
type Kind<C extends Expr["exprKind"]["case"]> = Extract<Expr["exprKind"], { case: C }>;
type Constant = Kind<"constExpr">["value"]["constantKind"];
type Comprehension = Kind<"comprehensionExpr">["value"];

interface Conversion {
  readonly source: LexedSource;
  readonly positions: Readonly<Record<string, number>>;
  readonly macroCalls: Parsed["sourceInfo"] extends infer Info ? (Info extends { macroCalls: infer Calls } ? Calls : never) : never;
  readonly findings: Finding[];
}

/** The parser's tree of an expression, or what is wrong with it. The one file that knows the parser. */
export function parse(source: LexedSource): { readonly node: Node | undefined; readonly findings: readonly Finding[] } {
  const parsed = runParser(source);
  if ("code" in parsed) {
    return { node: undefined, findings: [parsed] };
  }
  const { expr, sourceInfo } = parsed;
  const conversion: Conversion = { source, positions: sourceInfo?.positions ?? {}, macroCalls: sourceInfo?.macroCalls ?? {}, findings: [] };
  const tooLarge = checkSize(expr, conversion);
  if (tooLarge !== undefined) {
    return { node: undefined, findings: [tooLarge] };
  }
  return { node: convert(expr, conversion), findings: conversion.findings };
}

/** The first token at or after an offset: the parser counts the space before an operator to it. */
function tokenIndexAt(tokens: readonly Token[], offset: number): number {
  let low = 0;
  let high = tokens.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tokens[middle]?.start ?? 0) < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

function runParser(source: LexedSource): Parsed | Finding {
  try {
    return parseExpression(source.text);
  } catch (error) {
    if (error instanceof RangeError) {
      return { code: "FilterTooComplex", message: "nested too deeply", offset: 0 };
    }
    const token = source.tokens[tokenIndexAt(source.tokens, failureOffset(error))];
    const seen = token === undefined || token.kind === "end" ? "the expression ends here" : `unexpected \`${token.text.slice(0, 40)}\``;
    return { code: "FilterSyntax", message: seen, offset: token?.start ?? 0 };
  }
}

/** Where the parser gave up: where the last complete part ended. */
function failureOffset(error: unknown): number {
  if (typeof error === "object" && error !== null && "location" in error) {
    const { location } = error as { location: { start?: { offset?: number } } | undefined };
    return location?.start?.offset ?? 0;
  }
  return 0;
}

function childrenOf(expr: Expr): readonly (Expr | undefined)[] {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case "selectExpr": return [exprKind.value.operand];
    case "callExpr": return [exprKind.value.target, ...exprKind.value.args];
    case "listExpr": return exprKind.value.elements;
    case "structExpr": return exprKind.value.entries.flatMap((entry) => [entry.keyKind.case === "mapKey" ? entry.keyKind.value : undefined, entry.value]);
    case "comprehensionExpr": return [exprKind.value.iterRange, exprKind.value.loopStep];
    default: return [];
  }
}

/** Counts nodes and depth without recursion, since this is what makes recursion safe for everything after it. */
function checkSize(root: Expr, conversion: Conversion): Finding | undefined {
  const open: { readonly expr: Expr; readonly depth: number }[] = [{ expr: root, depth: 1 }];
  let nodes = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    nodes += 1;
    if (nodes > limits.nodes) {
      return { code: "FilterTooComplex", message: `more than ${limits.nodes} parts`, offset: offsetOf(next.expr, conversion) };
    }
    if (next.depth > limits.depth) {
      return { code: "FilterTooComplex", message: `nested more than ${limits.depth} levels deep; group long chains with parentheses, or use \`in [...]\``, offset: offsetOf(next.expr, conversion) };
    }
    for (const child of childrenOf(next.expr)) {
      if (child !== undefined) {
        open.push({ expr: child, depth: next.depth + 1 });
      }
    }
  }
  return undefined;
}

function tokenOf(expr: Expr, conversion: Conversion): { readonly token: Token | undefined; readonly index: number } {
  const index = tokenIndexAt(conversion.source.tokens, conversion.positions[expr.id.toString()] ?? 0);
  return { token: conversion.source.tokens[index], index };
}

const noToken: Token = { kind: "end", text: "", start: 0, end: 0 };

const offsetOf = (expr: Expr, conversion: Conversion): number => tokenOf(expr, conversion).token?.start ?? 0;

/** The token of the field or method that follows the `.` of a node. */
function memberOffset(expr: Expr, conversion: Conversion): number {
  const { token, index } = tokenOf(expr, conversion);
  const name = token?.text === "." ? conversion.source.tokens[index + 1] : token;
  return name?.start ?? 0;
}

/** The token of the field that a `has(...)` asks for: the last name before its closing bracket. */
function testedFieldOffset(expr: Expr, conversion: Conversion): number {
  const { tokens } = conversion.source;
  let depth = 0;
  let field: Token | undefined;
  for (let index = tokenOf(expr, conversion).index + 1; index < tokens.length; index += 1) {
    const token = tokens[index];
    if (token?.kind === "identifier" || token?.kind === "quoted") {
      field = token;
    } else if (token?.kind === "mark") {
      depth += "([{".includes(token.text) ? 1 : ")]}".includes(token.text) ? -1 : 0;
    }
    if (depth === 0) {
      break;
    }
  }
  return field?.start ?? offsetOf(expr, conversion);
}

const written = (name: string, conversion: Conversion): string => conversion.source.renamed.get(name) ?? name;

function convert(expr: Expr | undefined, conversion: Conversion): Node {
  if (expr === undefined) {
    return { kind: "invalid", offset: 0 };
  }
  const offset = offsetOf(expr, conversion);
  const { exprKind } = expr;
  switch (exprKind.case) {
    case "constExpr": return convertConstant(expr, exprKind.value.constantKind, conversion);
    case "identExpr": return convertIdentifier(expr, exprKind.value.name, conversion);
    case "selectExpr": {
      const operand = convert(exprKind.value.operand, conversion);
      const { testOnly } = exprKind.value;
      const field = written(exprKind.value.field, conversion);
      return testOnly ? { kind: "has", operand, field, offset: testedFieldOffset(expr, conversion) } : { kind: "select", operand, field, offset: memberOffset(expr, conversion) };
    }
    case "callExpr": return convertCall(expr, exprKind.value, conversion);
    case "listExpr": return { kind: "list", elements: exprKind.value.elements.map((element) => convert(element, conversion)), offset };
    case "structExpr": return convertMap(exprKind.value, offset, conversion);
    case "comprehensionExpr": return convertMacro(expr, exprKind.value, conversion);
    default: return invalid(conversion, { code: "FilterNotSupported", message: "this syntax is not supported", offset });
  }
}

function invalid(conversion: Conversion, finding: Finding): Node {
  conversion.findings.push(finding);
  return { kind: "invalid", offset: finding.offset };
}

function convertIdentifier(expr: Expr, name: string, conversion: Conversion): Node {
  const { token } = tokenOf(expr, conversion);
  const root = token?.text === ".";
  return { kind: "identifier", name: written(name.replace(/^\./, ""), conversion), root, offset: root ? memberOffset(expr, conversion) : (token?.start ?? 0) };
}

function convertInt(value: bigint, offset: number, conversion: Conversion): Node {
  if (!isInt64(value)) {
    return invalid(conversion, { code: "FilterInvalidLiteral", message: "this number is out of the range of int (64 bits)", offset });
  }
  const small = Number(value);
  return { kind: "literal", value: Number.isSafeInteger(small) ? small : value, type: "int", offset };
}

function convertConstant(expr: Expr, constant: Constant, conversion: Conversion): Node {
  const { token = noToken } = tokenOf(expr, conversion);
  const offset = token.start;
  const outOfRange = (type: string): Node => invalid(conversion, { code: "FilterInvalidLiteral", message: `this number is out of the range of ${type}`, offset });
  switch (constant.case) {
    case "nullValue": return { kind: "literal", value: null, type: "null_type", offset };
    case "boolValue": return { kind: "literal", value: constant.value, type: "bool", offset };
    case "stringValue": return { kind: "literal", value: stringOf(token), type: "string", offset };
    case "int64Value": return convertInt(constant.value, offset, conversion);
    case "uint64Value": return constant.value > uintMaximum ? outOfRange("uint (64 bits)") : { kind: "literal", value: new Uint(constant.value), type: "uint", offset };
    case "doubleValue": return Number.isFinite(constant.value) ? { kind: "literal", value: new Double(constant.value), type: "double", offset } : outOfRange("double");
    case "bytesValue": return { kind: "literal", value: new Bytes(bytesOf(token)), type: "bytes", offset };
    default: return invalid(conversion, { code: "FilterNotSupported", message: "this literal is not supported", offset });
  }
}

function convertCall(expr: Expr, call: Kind<"callExpr">["value"], conversion: Conversion): Node {
  const [first] = call.args;
  const constant = first?.exprKind.case === "constExpr" ? first.exprKind.value.constantKind : undefined;
  if (call.function === "-_" && constant?.case === "int64Value" && constant.value > 0n) {
    return convertInt(-constant.value, offsetOf(expr, conversion), conversion);
  }
  const target = call.target === undefined ? undefined : convert(call.target, conversion);
  const offset = target === undefined ? offsetOf(expr, conversion) : memberOffset(expr, conversion);
  const name = target === undefined ? conversion.source.operators.get(call.function) : undefined;
  return { kind: "call", function: name ?? written(call.function, conversion), target, args: call.args.map((argument) => convert(argument, conversion)), offset };
}

function convertMap(struct: Kind<"structExpr">["value"], offset: number, conversion: Conversion): Node {
  if (struct.messageName !== "") {
    return invalid(conversion, { code: "FilterNotSupported", message: "message literals are not supported; a map is written `{\"key\": value}`", offset });
  }
  const entries = struct.entries.map((entry) => ({
    key: convert(entry.keyKind.case === "mapKey" ? entry.keyKind.value : undefined, conversion),
    value: convert(entry.value, conversion),
  }));
  return { kind: "map", entries, offset };
}

interface MacroParts {
  readonly macro: MacroName;
  readonly condition?: Expr | undefined;
  readonly transform?: Expr | undefined;
}

/** The element that a filter or map appends: `@result + [element]`. */
function appended(step: Expr | undefined): Expr | undefined {
  const call = step?.exprKind.case === "callExpr" ? step.exprKind.value : undefined;
  const list = call?.args[1];
  return list?.exprKind.case === "listExpr" ? list.exprKind.value.elements[0] : undefined;
}

/** Reads the parser's expansion of a macro back. */
function macroParts(comprehension: Comprehension, name: string): MacroParts | undefined {
  const step = comprehension.loopStep;
  const args = step?.exprKind.case === "callExpr" ? step.exprKind.value.args : [];
  switch (name) {
    case "exists":
    case "all": return { macro: name, condition: args[1] };
    case "existsOne":
    case "exists_one": return { macro: "exists_one", condition: args[0] };
    case "filter": return { macro: "filter", condition: args[0] };
    case "map": return args.length === 3 ? { macro: "map", condition: args[0], transform: appended(args[1]) } : { macro: "map", transform: appended(step) };
    default: return undefined;
  }
}

function convertMacro(expr: Expr, comprehension: Comprehension, conversion: Conversion): Node {
  const call = conversion.macroCalls[expr.id.toString()]?.exprKind;
  const parts = macroParts(comprehension, call?.case === "callExpr" ? call.value.function : "");
  const offset = memberOffset(expr, conversion);
  if (parts === undefined) {
    return invalid(conversion, { code: "FilterNotSupportedYet", message: "not supported yet: this macro", offset });
  }
  return {
    kind: "macro",
    macro: parts.macro,
    range: convert(comprehension.iterRange, conversion),
    variable: written(comprehension.iterVar, conversion),
    condition: parts.condition === undefined ? undefined : convert(parts.condition, conversion),
    transform: parts.transform === undefined ? undefined : convert(parts.transform, conversion),
    offset,
  };
}
