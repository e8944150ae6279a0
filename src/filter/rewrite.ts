import type { Token } from "./lexical.ts";

/** What the parser is given: as long as the user's text, everything at its offset. */
export interface Rewritten {
  readonly text: string;
  /** Names standing in for those the parser would refuse -> the names the user wrote. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Functions standing in for operators -> the operators, as the tree names them. */
  readonly operators: ReadonlyMap<string, string>;
}

/** A text put over what stands at an offset. */
interface Edit {
  readonly start: number;
  readonly text: string;
}

const letters = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `namespace` is reserved in CEL, and the parser stumbles over names such as `trueish`; both are plain names here. */
const needsRename = (name: string): boolean => name === "namespace" || /^(?:true|false|null).+/.test(name);

const isMark = (token: Token | undefined, ...texts: readonly string[]): token is Token => token?.kind === "mark" && texts.includes(token.text);

/** Whether an operand ends with the token, so that a `-` after it subtracts. */
const endsOperand = (token: Token | undefined): boolean => token !== undefined && (token.kind === "mark" ? isMark(token, ")", "]", "}") : token.text !== "in");

/** Whether the token is a field or method: a name after a dot that follows an operand (a leading dot names a variable). */
function isMember(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 2];
  return tokens[index - 1]?.text === "." && before !== undefined && (before.kind !== "mark" || endsOperand(before));
}

/** The first candidate for a name that is not taken; undefined when all are. */
function freeName(rest: string, taken: ReadonlySet<string>): string | undefined {
  for (const letter of letters) {
    if (!taken.has(letter + rest)) {
      return letter + rest;
    }
  }
  return undefined;
}

const isRenamed = (tokens: readonly Token[], token: Token, index: number): boolean =>
  token.kind === "quoted" || (token.kind === "identifier" && needsRename(token.text) && !isMember(tokens, index));

function renames(tokens: readonly Token[], renamed: Map<string, string>): readonly Edit[] {
  if (!tokens.some((token, index) => isRenamed(tokens, token, index))) {
    return [];
  }
  const taken = new Set(tokens.map((token) => token.text));
  const chosen = new Map<string, string>();
  return tokens.flatMap((token, index): readonly Edit[] => {
    if (!isRenamed(tokens, token, index)) {
      return [];
    }
    const name = chosen.get(token.text) ?? freeName(token.text.slice(1).replace(/[^A-Za-z0-9_]/g, "_"), taken) ?? token.text;
    chosen.set(token.text, name);
    taken.add(name);
    renamed.set(name, token.text.replaceAll("`", ""));
    return [{ start: token.start, text: name }];
  });
}

/** The parser refuses white space in the brackets of a call without arguments, and a comma alone in a list or map. */
function emptyBrackets(tokens: readonly Token[]): readonly Edit[] {
  return tokens.flatMap((token, index): readonly Edit[] => {
    const next = tokens[index + 1];
    if (isMark(token, "(") && isMark(next, ")") && next.start > token.end) {
      return [{ start: token.start, text: " " }, { start: next.start - 1, text: "(" }];
    }
    const alone = isMark(token, ",") && isMark(tokens[index - 1], "[", "{") && isMark(next, "]", "}");
    return alone ? [{ start: token.start, text: " " }] : [];
  });
}

/** The bracket that closes each open one, by index. */
function closingBrackets(tokens: readonly Token[]): ReadonlyMap<number, number> {
  const pairs = new Map<number, number>();
  const open: number[] = [];
  tokens.forEach((token, index) => {
    if (isMark(token, "(", "[", "{")) {
      open.push(index);
    } else if (isMark(token, ")", "]", "}")) {
      pairs.set(open.pop() ?? -1, index);
    }
  });
  return pairs;
}

/**
 * Of `!` or `-` in a row an even number is none, an odd one is one: the parser knows that only without spaces between them. It
 * also takes away a negation of a negation in brackets, and with it the checks of both: there a function stands in for it.
 */
function negations(tokens: readonly Token[], operators: Map<string, string>): readonly Edit[] {
  if (!tokens.some((token) => isMark(token, "!", "-"))) {
    return [];
  }
  const calls = new Set(tokens.filter((_token, index) => isMark(tokens[index + 1], "(")).map(({ text }) => text));
  const standIns = new Map<string, string | undefined>();
  for (const operator of ["!", "-"]) {
    const name = freeName("", calls);
    standIns.set(operator, name);
    if (name !== undefined) {
      calls.add(name);
      operators.set(name, `${operator}_`);
    }
  }
  const pairs = closingBrackets(tokens);
  const edits: Edit[] = [];
  let chain: Token[] = [];
  tokens.forEach((token, index) => {
    if (isMark(token, "!") || (isMark(token, "-") && (chain.length > 0 || !endsOperand(tokens[index - 1])))) {
      chain.push(token);
      return;
    }
    const kept = chain.length % 2 === 1 ? chain.pop() : undefined;
    edits.push(...chain.map(({ start }) => ({ start, text: " " })));
    chain = [];
    const name = standIns.get(kept?.text ?? "");
    if (kept !== undefined && name !== undefined && isMark(token, "(") && !isMark(tokens[(pairs.get(index) ?? index) + 1], ".", "[")) {
      edits.push({ start: kept.start, text: name });
    }
  });
  return edits;
}

/** Rewrites what the parser refuses or misreads. `blanked` is the user's text without comments. */
export function rewrite(blanked: string, tokens: readonly Token[]): Rewritten {
  const renamed = new Map<string, string>();
  const operators = new Map<string, string>();
  const edits = [...renames(tokens, renamed), ...emptyBrackets(tokens), ...negations(tokens, operators)].sort((a, b) => a.start - b.start);
  let text = "";
  let at = 0;
  for (const edit of edits) {
    text += blanked.slice(at, edit.start) + edit.text;
    at = edit.start + edit.text.length;
  }
  return { text: text + blanked.slice(at), renamed, operators };
}
