import type { MacroName, Node } from "./ast.ts";
import type { Finding } from "./diagnostics.ts";
import type { LexedSource, Token } from "./lexical.ts";
import { limits } from "./limits.ts";
import { bytesOf, stringOf } from "./literals.ts";
import { isInt64, uintMaximum } from "./numbers.ts";
import { Bytes, Double, Uint } from "./values.ts";

/**
 * Makes the tree of an expression out of its tokens, by CEL's grammar (cel-spec, langdef.md). The order of the tokens has been checked before, and
 * with it how deeply they nest: so nothing is missing here, and recursion is bounded.
 */
interface Reading {
  readonly tokens: readonly Token[];
  at: number;
  readonly findings: Finding[];
}

const noToken: Token = { kind: "end", text: "", start: 0, end: 0 };
const current = ({ tokens, at }: Reading): Token => tokens[at] ?? noToken;

function next(reading: Reading): Token {
  const token = current(reading);
  reading.at += 1;
  return token;
}

const isMark = (token: Token, text: string): boolean => token.kind === "mark" && token.text === text;

/** Whether no token is left, or there is one that stands where none of its kind can. */
const isOver = (reading: Reading): boolean => current(reading).kind === "end" || reading.findings.some(({ code }) => code === "FilterSyntax");

function skip(reading: Reading, text: string): boolean {
  const found = isMark(current(reading), text);
  if (found) reading.at += 1;
  return found;
}

/** Binary operators by how tightly they bind. All of them join from the left. */
const levels: ReadonlyMap<string, number> = new Map([["||", 1], ["&&", 2], ...["==", "!=", "<", "<=", ">", ">=", "in"].map((operator) => [operator, 3] as const), ["+", 4], ["-", 4], ["*", 5], ["/", 5], ["%", 5]]);

const levelOf = (token: Token): number => (token.kind === "mark" || token.text === "in" ? (levels.get(token.text) ?? 0) : 0);

const unexpected = (text: string, offset: number): Finding => ({ code: "FilterSyntax", message: `unexpected \`${text.slice(0, 40)}\``, offset });

const call = (name: string, args: readonly Node[], offset: number): Node => ({ kind: "call", function: name, target: undefined, args, offset });

function readExpression(reading: Reading): Node {
  const { start } = current(reading);
  const condition = readBinary(reading, 1);
  if (!skip(reading, "?")) return condition;
  const yes = readBinary(reading, 1);
  skip(reading, ":");
  return call("_?_:_", [condition, yes, readExpression(reading)], start);
}

/** A comparison or a calculation is shown at its operator. */
function readBinary(reading: Reading, lowest: number): Node {
  if (lowest < 3) return readLogic(reading, lowest);
  let left = readUnary(reading);
  for (let operator = current(reading), level = levelOf(operator); level >= lowest; operator = current(reading), level = levelOf(operator)) {
    reading.at += 1;
    left = call(operator.text === "in" ? "@in" : `_${operator.text}_`, [left, readBinary(reading, level + 1)], operator.start);
  }
  return left;
}

/** Logic is shown where it begins. Chains of one operator become balanced trees, so that long ones nest no deeper than they must. */
function readLogic(reading: Reading, level: number): Node {
  const { start } = current(reading);
  const parts = [readBinary(reading, level + 1)];
  const operator = current(reading);
  while (levelOf(current(reading)) === level) {
    reading.at += 1;
    parts.push(readBinary(reading, level + 1));
  }
  return balanced(parts, `_${operator.text}_`, start);
}

function balanced(parts: readonly Node[], name: string, offset: number): Node {
  const [first = { kind: "invalid", offset }] = parts;
  if (parts.length < 2) return first;
  const middle = Math.floor(parts.length / 2) + (parts.length % 2);
  return call(name, [balanced(parts.slice(0, middle), name, offset), balanced(parts.slice(middle), name, offset)], offset);
}

/** Of `!` or `-` in a row an even number is none, an odd one is one: the last. The `-` of a number is part of it. */
function readUnary(reading: Reading): Node {
  const first = reading.at;
  while (isMark(current(reading), "!") || isMark(current(reading), "-")) reading.at += 1;
  const sign = (reading.at - first) % 2 === 1 ? reading.tokens[reading.at - 1] : undefined;
  if (sign === undefined) return readMembers(reading, readPrimary(reading));
  if (sign.text === "-" && current(reading).kind === "number") return readMembers(reading, readNumber(reading, sign));
  return call(`${sign.text}_`, [readMembers(reading, readPrimary(reading))], sign.start);
}

const nameOf = ({ kind, text }: Token): string => (kind === "quoted" ? text.slice(1, -1) : text);

function readMembers(reading: Reading, primary: Node): Node {
  let operand = primary;
  for (;;) {
    const mark = current(reading);
    if (skip(reading, "[")) {
      operand = call("_[_]", [operand, readExpression(reading)], mark.start);
      skip(reading, "]");
    } else if (skip(reading, ".")) {
      const name = next(reading);
      operand = skip(reading, "(") ? methodOf(operand, name, readParts(reading, ")")) : { kind: "select", operand, field: nameOf(name), offset: name.start };
    } else {
      return operand;
    }
  }
}

/** Expressions with commas between, as far as the bracket that closes them; a comma may follow the last. */
function readParts(reading: Reading, closer: string): readonly Node[] {
  const parts: Node[] = [];
  while (!skip(reading, closer) && !isOver(reading)) {
    if (!skip(reading, ",")) parts.push(readExpression(reading));
  }
  return parts;
}

const macros: ReadonlyMap<string, MacroName> = new Map([["exists", "exists"], ["all", "all"], ["exists_one", "exists_one"], ["existsOne", "exists_one"], ["filter", "filter"], ["map", "map"]]);

/** A call of a method; a macro where its name and its arguments are those of one. */
function methodOf(target: Node, { kind, text, start }: Token, args: readonly Node[]): Node {
  const macro = kind === "identifier" ? macros.get(text) : undefined;
  const [variable, second, third] = args;
  const fits = macro !== undefined && second !== undefined && (args.length === 2 || (args.length === 3 && macro === "map"));
  if (!fits || variable?.kind !== "identifier") return { kind: "call", function: nameOf({ kind, text, start, end: start }), target, args, offset: start };
  const parts = macro === "map" ? { condition: third === undefined ? undefined : second, transform: third ?? second } : { condition: second, transform: undefined };
  return { kind: "macro", macro, range: target, variable: variable.name, ...parts, offset: start };
}

function readPrimary(reading: Reading): Node {
  const token = next(reading);
  switch (token.kind) {
    case "number": reading.at -= 1; return readNumber(reading, undefined);
    case "string": return { kind: "literal", value: stringOf(token), type: "string", offset: token.start };
    case "bytes": return { kind: "literal", value: new Bytes(bytesOf(token)), type: "bytes", offset: token.start };
    case "identifier": return readName(reading, token, false);
    default: return readBracket(reading, token);
  }
}

function readBracket(reading: Reading, token: Token): Node {
  switch (token.text) {
    case "(": {
      const inner = readExpression(reading);
      skip(reading, ")");
      return inner;
    }
    case "[": return { kind: "list", elements: readParts(reading, "]"), offset: token.start };
    case "{": return { kind: "map", entries: readEntries(reading), offset: token.start };
    case ".": return readRoot(reading, token);
    default: {
      reading.findings.push(unexpected(token.text, token.start));
      return { kind: "invalid", offset: token.start };
    }
  }
}

/** A name that means the variable or function of the environment. */
function readRoot(reading: Reading, dot: Token): Node {
  const read = readName(reading, next(reading), true);
  return read.kind === "call" ? { ...read, offset: dot.start } : read;
}

function readEntries(reading: Reading): readonly { readonly key: Node; readonly value: Node }[] {
  const entries: { key: Node; value: Node }[] = [];
  while (!skip(reading, "}") && !isOver(reading)) {
    if (skip(reading, ",")) continue;
    const key = readExpression(reading);
    skip(reading, ":");
    entries.push({ key, value: readExpression(reading) });
  }
  return entries;
}

const words: ReadonlyMap<string, { readonly value: boolean | null; readonly type: "bool" | "null_type" }> = new Map([["true", { value: true, type: "bool" }], ["false", { value: false, type: "bool" }], ["null", { value: null, type: "null_type" }]]);

function readName(reading: Reading, { text, start }: Token, root: boolean): Node {
  const word = words.get(text);
  if (word !== undefined && root) reading.findings.push(unexpected(text, start));
  if (word !== undefined && isMark(current(reading), "(")) reading.findings.push(unexpected("(", current(reading).start));
  else if (word !== undefined) return { kind: "literal", ...word, offset: start };
  if (!skip(reading, "(")) return { kind: "identifier", name: text, root, offset: start };
  const args = readParts(reading, ")");
  const [only] = args;
  if (text === "has" && args.length === 1 && only?.kind === "select") return { kind: "has", operand: only.operand, field: only.field, offset: only.offset };
  return call(text, args, start);
}

function readNumber(reading: Reading, sign: Token | undefined): Node {
  const { text, start } = next(reading);
  const offset = sign?.start ?? start;
  const outOfRange = (type: string): Node => {
    reading.findings.push({ code: "FilterInvalidLiteral", message: `this number is out of the range of ${type}`, offset });
    return { kind: "invalid", offset };
  };
  if (/u$/i.test(text)) {
    const value = BigInt(text.slice(0, -1));
    return value > uintMaximum ? outOfRange("uint (64 bits)") : { kind: "literal", value: new Uint(value), type: "uint", offset };
  }
  if (/^(?:0x|[0-9]+$)/.test(text)) {
    const value = sign === undefined ? BigInt(text) : -BigInt(text);
    if (!isInt64(value)) return outOfRange("int (64 bits)");
    const small = Number(value);
    return { kind: "literal", value: Number.isSafeInteger(small) ? small : value, type: "int", offset };
  }
  const value = sign === undefined ? Number(text) : -Number(text);
  return Number.isFinite(value) ? { kind: "literal", value: new Double(value), type: "double", offset } : outOfRange("double");
}

/** A macro stands for a loop: with so many nodes of its own, and condition and transform so much deeper than itself. */
const expansions: Readonly<Record<MacroName, { readonly nodes: number; readonly condition: number; readonly transform: number }>> = {
  exists: { nodes: 3, condition: 2, transform: 0 },
  all: { nodes: 3, condition: 2, transform: 0 },
  exists_one: { nodes: 6, condition: 2, transform: 0 },
  filter: { nodes: 7, condition: 2, transform: 0 },
  map: { nodes: 4, condition: 2, transform: 3 },
};

/** Calls with each node directly below, and by how much deeper it is. */
function eachPart(node: Node, found: (part: Node | undefined, by: number) => void): void {
  switch (node.kind) {
    case "select":
    case "has": found(node.operand, 1); break;
    case "call": {
      found(node.target, 1);
      for (const argument of node.args) found(argument, 1);
      break;
    }
    case "list": for (const element of node.elements) found(element, 1); break;
    case "map": {
      for (const { key, value } of node.entries) {
        found(key, 1);
        found(value, 1);
      }
      break;
    }
    case "macro": {
      const { condition, transform } = expansions[node.macro];
      found(node.range, 1);
      found(node.condition, condition);
      found(node.transform, transform + (node.condition === undefined ? 0 : 1));
      break;
    }
    default: break;
  }
}

/** Counts nodes and depth without recursion, since this is what makes recursion safe for everything after it. */
function checkSize(root: Node): Finding | undefined {
  const open = [root];
  const depths = [1];
  let nodes = 0;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const depth = depths.pop() ?? 1;
    nodes += node.kind === "macro" ? expansions[node.macro].nodes + (node.macro === "map" && node.condition !== undefined ? 2 : 0) : 1;
    if (nodes > limits.nodes) return { code: "FilterTooComplex", message: `more than ${limits.nodes} parts`, offset: node.offset };
    if (depth > limits.depth) {
      return { code: "FilterTooComplex", message: `nested more than ${limits.depth} levels deep; group long chains with parentheses, or use \`in [...]\``, offset: node.offset };
    }
    eachPart(node, (part, by) => {
      if (part === undefined) return;
      open.push(part);
      depths.push(depth + by);
    });
  }
  return undefined;
}

/** The tree of an expression whose tokens are in order, or what is wrong with it. */
export function parse({ tokens }: LexedSource): { readonly node: Node | undefined; readonly findings: readonly Finding[] } {
  const reading: Reading = { tokens, at: 0, findings: [] };
  const node = readExpression(reading);
  const fatal = reading.findings.find(({ code }) => code === "FilterSyntax") ?? checkSize(node);
  return fatal === undefined ? { node, findings: reading.findings } : { node: undefined, findings: [fatal] };
}
