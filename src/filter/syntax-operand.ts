import type { Finding } from "./diagnostics.ts";
import type { Token } from "./lexical.ts";
import { isInt64 } from "./numbers.ts";
import { close, closers, describe, push, syntax, tokenAt, topFrame, type State, type Step } from "./syntax-state.ts";

const literals = new Set<Token["kind"]>(["number", "string", "bytes"]);
const reserved = new Set("as break const continue else for function if import let loop package return var void while".split(" "));

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

/** What a `-` before a number must not stand before. A single one is part of an int, so that -2^63 can be written. */
function checkNegated(state: State, token: Token): Step {
  if (state.unary === 0 || tokenAt(state, state.at - 1).text !== "-") {
    return undefined;
  }
  if (/u$/i.test(token.text)) {
    return state.unary % 2 === 0 ? undefined : { code: "FilterTypeMismatch", message: "`-` does not take uint", offset: tokenAt(state, state.at - state.unary).start };
  }
  const tooLarge = state.unary > 1 && /^(?:0x[0-9a-f]+|[0-9]+)$/i.test(token.text) && !isInt64(BigInt(token.text));
  return tooLarge ? { code: "FilterInvalidLiteral", message: "this number is out of the range of int (64 bits)", offset: token.start } : undefined;
}

/** Whether the next token is a comma with nothing else in its list or map, which CEL's grammar has. */
function isAlone(state: State): boolean {
  const frame = topFrame(state);
  return (frame.kind === "list" || frame.kind === "map") && tokenAt(state, state.at - 1).start === frame.open && tokenAt(state, state.at + 1).text === closers[frame.kind];
}

/** A `.` before a name, which then is a variable or function of the environment. */
function readRoot(state: State, token: Token): Step {
  const name = tokenAt(state, state.at + 1);
  if (name.text === "has" && tokenAt(state, state.at + 2).text === "(") {
    return { code: "FilterUnknownFunction", message: "there is no function .has(); write `has(...)` without the first dot", offset: name.start };
  }
  return name.kind === "identifier" ? undefined : missingOperand(state, token);
}

/** Reads a token where an operand must come. */
export function readOperand(state: State, token: Token): Step {
  if (literals.has(token.kind)) {
    state.operand = false;
    return token.kind === "number" ? checkNegated(state, token) : undefined;
  }
  return token.kind === "identifier" || token.kind === "quoted" ? readOperandName(state, token) : readOperandMark(state, token);
}

function readOperandMark(state: State, token: Token): Step {
  switch (token.text) {
    case "(": return push(state, "group");
    case ",": return isAlone(state) ? undefined : missingOperand(state, token);
    case "[": return push(state, "list");
    case "{": return push(state, "map");
    case "!":
    case "-": return readUnary(state, token);
    case ")":
    case "]":
    case "}": return close(state, token);
    case ".": return readRoot(state, token);
    default: return missingOperand(state, token);
  }
}

/** Says that an operand is missing before a token. */
export function missingOperand(state: State, token: Token): Finding {
  const before = tokenAt(state, state.at - 1);
  if (state.at === 0 && token.kind === "end") {
    return syntax(token, "the expression is empty");
  }
  const hint = before.text === "==" && token.text.startsWith("=") ? "; equality is written `==`" : "";
  return syntax(token, state.at === 0 ? `${describe(token)}, an operand is missing` : `${describe(token)}, an operand is missing after \`${before.text}\`${hint}`);
}
