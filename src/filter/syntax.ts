import type { Finding } from "./diagnostics.ts";
import type { Token } from "./lexical.ts";
import { limits } from "./limits.ts";

/** What an open bracket stands for. `top` is the expression itself. */
type FrameKind = "top" | "group" | "call" | "list" | "index" | "map";

interface Frame {
  readonly kind: FrameKind;
  readonly open: number;
  /** Conditionals whose `:` is still to come. */
  pending: number;
  /** Conditionals begun, each of which nests what follows it. */
  conditionals: number;
  /** In a map: whether the next part is a value. */
  value: boolean;
}

interface State {
  readonly tokens: readonly Token[];
  readonly frames: Frame[];
  at: number;
  /** Whether an operand (not an operator) must come next. */
  operand: boolean;
  /** `-` and `!` in a row. */
  unary: number;
}

type Step = Finding | undefined;

const closers: Readonly<Record<FrameKind, string>> = { top: "", group: ")", call: ")", list: "]", index: "]", map: "}" };
const literals = new Set<Token["kind"]>(["number", "string", "bytes"]);
const binary = new Set(["==", "!=", "<", "<=", ">", ">=", "&&", "||", "+", "-", "*", "/", "%", "in"]);
const reserved = new Set("as break const continue else for function if import let loop package return var void while".split(" "));
const words: Readonly<Record<string, string>> = {
  and: "; write `&&`",
  or: "; write `||`",
  not: "; write `!`",
  is: "; equality is written `==`",
  eq: "; equality is written `==`",
  contains: "; write `text.contains(\"part\")`",
  matches: "; write `text.matches(\"pattern\")`",
  startsWith: "; write `text.startsWith(\"prefix\")`",
  endsWith: "; write `text.endsWith(\"suffix\")`",
};

const syntax = (token: Token, message: string): Finding => ({ code: "FilterSyntax", message, offset: token.start });

const nothing: Token = { kind: "end", text: "", start: 0, end: 0 };
const tokenAt = (state: State, index: number): Token => state.tokens[index] ?? nothing;

function topFrame(state: State): Frame {
  return state.frames[state.frames.length - 1] ?? { kind: "top", open: 0, pending: 0, conditionals: 0, value: false };
}

/** The field's name after `.`, `?.` or `[?`, for a message that shows the form that works. */
function optionalSyntax(state: State, mark: Token): Finding {
  const operand = tokenAt(state, state.at - 1);
  const field = state.tokens.slice(state.at, state.at + 3).find((token) => token.kind === "identifier");
  const form = operand.kind === "identifier" && field !== undefined ? `has(${operand.text}.${field.text})` : "has(a.b)";
  return { code: "FilterNotSupported", message: `optional access is not supported; test with \`${form}\` first`, offset: mark.start };
}

function push(state: State, kind: FrameKind): Step {
  state.frames.push({ kind, open: tokenAt(state, state.at).start, pending: 0, conditionals: 0, value: false });
  state.operand = true;
  return undefined;
}

function describe(token: Token): string {
  if (token.kind === "end") {
    return "the expression ends here";
  }
  return token.text.length > 40 ? `unexpected ${token.kind}` : `unexpected \`${token.text}\``;
}

function isClosable(state: State, frame: Frame): boolean {
  const before = tokenAt(state, state.at - 1);
  const justOpened = before.start === frame.open;
  const trailingComma = before.text === "," && before.kind === "mark" && (frame.kind === "list" || frame.kind === "map");
  return (justOpened && frame.kind !== "group" && frame.kind !== "index") || (trailingComma && !frame.value);
}

function close(state: State, token: Token): Step {
  const frame = topFrame(state);
  if (frame.kind === "top") {
    return syntax(token, `\`${token.text}\` closes nothing`);
  }
  if (closers[frame.kind] !== token.text) {
    return syntax(token, `expected \`${closers[frame.kind]}\` before \`${token.text}\``);
  }
  if (state.operand && !isClosable(state, frame)) {
    return syntax(token, `an operand is missing before \`${token.text}\``);
  }
  const unfinished = unfinishedPart(frame, token);
  if (unfinished !== undefined && !state.operand) {
    return unfinished;
  }
  state.frames.pop();
  state.operand = false;
  return undefined;
}

function unfinishedPart(frame: Frame, token: Token): Step {
  if (frame.pending > 0) {
    return syntax(token, "the conditional `?` has no `:`");
  }
  if (frame.kind === "map" && !frame.value) {
    return syntax(token, "a map's entry is written `key: value`");
  }
  return undefined;
}

function readOperandName(state: State, token: Token): Step {
  if (token.kind === "quoted") {
    return syntax(token, "a name in backticks stands after a `.`; a text is written in quotes");
  }
  if (reserved.has(token.text)) {
    return syntax(token, `\`${token.text}\` is a reserved word`);
  }
  if (token.text === "in") {
    return syntax(token, "an operand is missing before `in`");
  }
  const next = tokenAt(state, state.at + 1);
  if (token.text === "not" && next.kind !== "mark") {
    return syntax(token, "unexpected `not`; write `!`");
  }
  state.operand = false;
  return undefined;
}

/** A prefix operator. CEL has chains of `!` and chains of `-`, not of both. */
function readUnary(state: State, token: Token): Step {
  const before = tokenAt(state, state.at - 1);
  if (state.unary > 0 && before.text !== token.text) {
    return syntax(token, `\`${before.text}${token.text}\` needs parentheses: \`${before.text}(${token.text}...)\``);
  }
  state.unary += 1;
  return undefined;
}

function readOperand(state: State, token: Token): Step {
  if (literals.has(token.kind)) {
    state.operand = false;
    return undefined;
  }
  if (token.kind === "identifier" || token.kind === "quoted") {
    return readOperandName(state, token);
  }
  switch (token.text) {
    case "(": return push(state, "group");
    case "[": return push(state, "list");
    case "{": return push(state, "map");
    case "!":
    case "-": return readUnary(state, token);
    case ")":
    case "]":
    case "}": return close(state, token);
    case ".": return tokenAt(state, state.at + 1).kind === "identifier" ? undefined : missingOperand(state, token);
    default: return missingOperand(state, token);
  }
}

function missingOperand(state: State, token: Token): Finding {
  const before = tokenAt(state, state.at - 1);
  if (state.at === 0 && token.kind === "end") {
    return syntax(token, "the expression is empty");
  }
  const hint = before.text === "==" && token.text.startsWith("=") ? "; equality is written `==`" : "";
  return syntax(token, state.at === 0 ? `${describe(token)}, an operand is missing` : `${describe(token)}, an operand is missing after \`${before.text}\`${hint}`);
}

function readMember(state: State): Step {
  const name = tokenAt(state, state.at + 1);
  if (name.text === "?") {
    return optionalSyntax(state, name);
  }
  if (name.kind !== "identifier" && name.kind !== "quoted") {
    return syntax(name, `${describe(name)}, a field's name is missing after \`.\`; other keys are written \`["key"]\``);
  }
  if (["in", "true", "false", "null"].includes(name.text)) {
    return syntax(name, `\`${name.text}\` is a reserved word; write the field as \`["${name.text}"]\``);
  }
  state.at += 1;
  return undefined;
}

function readOpening(state: State, token: Token): Step {
  const before = tokenAt(state, state.at - 1);
  if (token.text === "[") {
    const next = tokenAt(state, state.at + 1);
    return next.text === "?" ? optionalSyntax(state, next) : push(state, "index");
  }
  if (token.text === "{") {
    return { code: "FilterNotSupported", message: "message literals are not supported; a map is written `{\"key\": value}`", offset: token.start };
  }
  if (before.kind !== "identifier") {
    return syntax(token, "unexpected `(`; an operator is missing, or only a function's name can be called");
  }
  return push(state, "call");
}

function readConditional(state: State, token: Token): Step {
  const frame = topFrame(state);
  if (token.text === "?") {
    if (tokenAt(state, state.at + 1).text === ".") {
      return optionalSyntax(state, token);
    }
    if (frame.pending > 0) {
      return syntax(token, "a conditional inside another needs parentheses: `a ? (b ? c : d) : e`");
    }
    frame.pending += 1;
    frame.conditionals += 1;
  } else if (frame.pending > 0) {
    frame.pending -= 1;
  } else if (frame.kind === "map" && !frame.value) {
    frame.value = true;
    frame.conditionals = 0;
  } else {
    return syntax(token, "unexpected `:`");
  }
  state.operand = true;
  return undefined;
}

function readComma(state: State, token: Token): Step {
  const frame = topFrame(state);
  if (frame.kind === "top" || frame.kind === "group" || frame.kind === "index") {
    return syntax(token, "unexpected `,`");
  }
  const unfinished = unfinishedPart(frame, token);
  if (unfinished === undefined) {
    frame.value = false;
    frame.conditionals = 0;
    state.operand = true;
  }
  return unfinished;
}

function readOperator(state: State, token: Token): Step {
  if (binary.has(token.text) && token.kind !== "string") {
    state.operand = true;
    return undefined;
  }
  if (token.kind !== "mark") {
    return syntax(token, `${describe(token)}, an operator is missing before it${words[token.text] ?? ""}`);
  }
  switch (token.text) {
    case ".": return readMember(state);
    case "(":
    case "[":
    case "{": return readOpening(state, token);
    case ")":
    case "]":
    case "}": return close(state, token);
    case ",": return readComma(state, token);
    case "!": return syntax(token, "unexpected `!`; inequality is written `!=`");
    default: return readConditional(state, token);
  }
}

function depthOf(state: State): number {
  return state.frames.reduce((sum, frame) => sum + 1 + frame.conditionals, state.unary);
}

function finish(state: State): Step {
  const end = tokenAt(state, state.tokens.length - 1);
  if (state.operand) {
    return missingOperand(state, end);
  }
  const frame = topFrame(state);
  if (frame.kind !== "top") {
    return { code: "FilterSyntax", message: `this bracket is not closed: \`${closers[frame.kind]}\` is missing`, offset: frame.open };
  }
  return frame.pending > 0 ? syntax(end, "the expression ends here, the conditional `?` has no `:`") : undefined;
}

/**
 * Checks the order of the tokens: operands, operators and brackets, and how deeply they nest. What it refuses it places
 * exactly, which the parser cannot; what it passes nests within bounds, so that the parser's recursion is bounded too.
 */
export function checkSyntax(tokens: readonly Token[]): Finding | undefined {
  const state: State = { tokens, frames: [{ kind: "top", open: -1, pending: 0, conditionals: 0, value: false }], at: 0, operand: true, unary: 0 };
  for (; state.at < tokens.length - 1; state.at += 1) {
    const token = tokenAt(state, state.at);
    const wanted = state.operand;
    const finding = wanted ? readOperand(state, token) : readOperator(state, token);
    if (finding !== undefined) {
      return finding;
    }
    if (!state.operand || !wanted || (token.text !== "!" && token.text !== "-")) {
      state.unary = 0;
    }
    if (depthOf(state) > limits.depth) {
      return { code: "FilterTooComplex", message: `nested more than ${limits.depth} levels deep`, offset: token.start };
    }
  }
  return finish(state);
}
