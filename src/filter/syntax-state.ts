import type { Finding } from "./diagnostics.ts";
import type { Token } from "./lexical.ts";

/** What an open bracket stands for. `top` is the expression itself. */
export type FrameKind = "top" | "group" | "call" | "list" | "index" | "map";

/** An open bracket. */
export interface Frame {
  readonly kind: FrameKind;
  readonly open: number;
  /** Conditionals whose `:` is still to come. */
  pending: number;
  /** Conditionals begun, each of which nests what follows it. */
  conditionals: number;
  /** In a map: whether the next part is a value. */
  value: boolean;
}

/** Where the check of a text's tokens stands. */
export interface State {
  readonly tokens: readonly Token[];
  readonly frames: Frame[];
  at: number;
  /** Whether an operand (not an operator) must come next. */
  operand: boolean;
  /** `-` and `!` in a row. */
  unary: number;
}

/** What is wrong, if anything. */
export type Step = Finding | undefined;

/** The bracket that closes each kind. */
export const closers: Readonly<Record<FrameKind, string>> = { top: "", group: ")", call: ")", list: "]", index: "]", map: "}" };

/** A mistake in the order of the tokens. */
export const syntax = (token: Token, message: string): Finding => ({ code: "FilterSyntax", message, offset: token.start });

const nothing: Token = { kind: "end", text: "", start: 0, end: 0 };

/** A token by its index; an empty one beyond the ends. */
export const tokenAt = (state: State, index: number): Token => state.tokens[index] ?? nothing;

/** The innermost open bracket. */
export function topFrame(state: State): Frame {
  return state.frames[state.frames.length - 1] ?? { kind: "top", open: 0, pending: 0, conditionals: 0, value: false };
}

/** Opens a bracket. */
export function push(state: State, kind: FrameKind): Step {
  state.frames.push({ kind, open: tokenAt(state, state.at).start, pending: 0, conditionals: 0, value: false });
  state.operand = true;
  return undefined;
}

/** A token as a message names it. */
export function describe(token: Token): string {
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

/** Closes a bracket, or says why it cannot be. */
export function close(state: State, token: Token): Step {
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

/** What a part between commas lacks. */
export function unfinishedPart(frame: Frame, token: Token): Step {
  if (frame.pending > 0) {
    return syntax(token, "the conditional `?` has no `:`");
  }
  if (frame.kind === "map" && !frame.value) {
    return syntax(token, "a map's entry is written `key: value`");
  }
  return undefined;
}
