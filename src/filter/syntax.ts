import type { Finding } from "./diagnostics.ts";
import type { Token } from "./lexical.ts";
import { limits } from "./limits.ts";
import { missingOperand, readOperand } from "./syntax-operand.ts";
import { close, closers, describe, push, syntax, tokenAt, topFrame, unfinishedPart, type State, type Step } from "./syntax-state.ts";

const binary = new Set(["==", "!=", "<", "<=", ">", ">=", "&&", "||", "+", "-", "*", "/", "%", "in"]);
const words: ReadonlyMap<string, string> = new Map([
  ["and", "; write `&&`"],
  ["or", "; write `||`"],
  ["not", "; write `!`"],
  ["is", "; equality is written `==`"],
  ["eq", "; equality is written `==`"],
  ["contains", "; write `text.contains(\"part\")`"],
  ["matches", "; write `text.matches(\"pattern\")`"],
  ["startsWith", "; write `text.startsWith(\"prefix\")`"],
  ["endsWith", "; write `text.endsWith(\"suffix\")`"],
]);

/** The field's name after `.`, `?.` or `[?`, for a message that shows the form that works. */
function optionalSyntax(state: State, mark: Token): Finding {
  const operand = tokenAt(state, state.at - 1);
  const field = state.tokens.slice(state.at, state.at + 3).find((token) => token.kind === "identifier");
  const form = operand.kind === "identifier" && field !== undefined ? `has(${operand.text}.${field.text})` : "has(a.b)";
  return { code: "FilterNotSupported", message: `optional access is not supported; test with \`${form}\` first`, offset: mark.start };
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

/** Whether a `?` begins `?.name`, and not a conditional whose first result is `.name`: that one has a `:`. */
function isOptionalAccess(state: State): boolean {
  const [mark, dot, ...rest] = state.tokens.slice(state.at);
  if (mark === undefined || dot?.text !== "." || dot.start !== mark.end) {
    return false;
  }
  let depth = 0;
  for (const { kind, text } of rest) {
    if (kind === "mark") {
      depth += "([{".includes(text) ? 1 : ")]}".includes(text) ? -1 : 0;
    }
    if (depth < 0 || (depth === 0 && (text === ":" || text === ","))) {
      return text !== ":";
    }
  }
  return true;
}

function readConditional(state: State, token: Token): Step {
  const frame = topFrame(state);
  if (token.text === "?") {
    if (isOptionalAccess(state)) {
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
    return syntax(token, `${describe(token)}, an operator is missing before it${words.get(token.text) ?? ""}`);
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
