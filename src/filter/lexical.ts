import type { Finding } from "./diagnostics.ts";

/** A token of the user's text; `start` and `end` are UTF-16 offsets. */
export interface Token {
  readonly kind: "identifier" | "number" | "quoted" | "string" | "bytes" | "mark" | "end";
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** An expression as its tokens. */
export interface LexedSource {
  /** Of the user's text, in order; the last one is of kind `end`. */
  readonly tokens: readonly Token[];
}

const blank = /[\t\n\f\r ]+|\/\/[^\n\r]*/y;
const identifier = /[A-Za-z_][A-Za-z0-9_]*/y;
const number = /0x[0-9a-fA-F]+[uU]?|[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[uU]?/y;
/** A field written in backticks: .`content-type`. */
const quotedName = /`[A-Za-z0-9_.\-/ ]+`/y;
const quote = /([bBrR]{0,2})("""|'''|"|')/y;
/** What a string, a number, and white space or a comment can begin with: most other tokens need not be tried against their forms. */
const startsString = new Set("\"'bBrR");
const startsNumber = new Set(".0123456789");
const startsBlank = new Set("\t\n\f\r /");
const mark = /==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()[\]{}]/y;
const escapes = /\\(?:[abfnrtv"'`\\?]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})/y;

const misspelt: Readonly<Record<string, string>> = {
  "=": "; equality is written `==`",
  "&": "; write `&&`",
  "|": "; write `||`",
  "`": "; write the name as an index: `[\"name\"]`",
  "“": "; use straight quotes",
  "”": "; use straight quotes",
  "‘": "; use straight quotes",
  "’": "; use straight quotes",
  "#": "; a comment begins with `//`",
  ";": "; an expression is one condition, without `;`",
  $: "; variables are written without `$`",
  "~": "; use `.matches(\"pattern\")` for regular expressions",
};

const syntax = (offset: number, message: string): Finding => ({ code: "FilterSyntax", message, offset });

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

/** Where the form that begins at `at` ends; -1 where it does not begin there. */
function endAt(pattern: RegExp, source: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(source) ? pattern.lastIndex : -1;
}

/** The escape of a non-raw string that cannot stand, if any. */
function badEscape(source: string, start: number, end: number, bytes: boolean): Finding | undefined {
  let at = source.indexOf("\\", start);
  while (at !== -1 && at < end) {
    const match = matchAt(escapes, source, at);
    if (match === null) {
      return syntax(at, "unknown escape sequence in a string; write `\\\\` for a backslash, or use a raw string: r\"...\"");
    }
    if (bytes && /^\\[uU]/.test(match[0])) {
      return syntax(at, `\`${match[0].slice(0, 2)}\` is no escape of bytes; write the character itself, or \`\\x..\` for each of its bytes`);
    }
    const code = /^\\[uU]/.test(match[0]) ? Number.parseInt(match[0].slice(2), 16) : 0;
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
      return { code: "FilterInvalidLiteral", message: "this escape is not a Unicode character", offset: at };
    }
    at = source.indexOf("\\", at + match[0].length);
  }
  return undefined;
}

/** The end of a string whose quotes open at `from`; -1 when it has none. */
function closingQuote(source: string, from: number, delimiter: string, raw: boolean): number {
  let at = from;
  while (at < source.length) {
    const character = source.charAt(at);
    if (source.startsWith(delimiter, at)) {
      return at;
    }
    if (delimiter.length === 1 && (character === "\n" || character === "\r")) {
      return -1;
    }
    at += character === "\\" && !raw ? 2 : 1;
  }
  return -1;
}

function readString(source: string, match: RegExpExecArray): Token | Finding {
  const [opening, prefix = "", delimiter = ""] = match;
  const start = match.index;
  if (prefix.length === 2 && /^(?:bb|rr|rb)$/i.test(prefix)) {
    return syntax(start, `a string cannot have the prefix \`${prefix}\`${/^rb$/i.test(prefix) ? "; raw bytes are written `br\"...\"`" : ""}`);
  }
  const [raw, bytes] = [prefix !== "" && /r/i.test(prefix), prefix !== "" && /b/i.test(prefix)];
  const body = start + opening.length;
  const close = closingQuote(source, body, delimiter, raw);
  if (close === -1) {
    return syntax(start, "this string has no closing quote");
  }
  const end = close + delimiter.length;
  const bad = raw ? undefined : badEscape(source, body, close, bytes);
  return bad ?? { kind: bytes ? "bytes" : "string", text: source.slice(start, end), start, end };
}

/**
 * Where whatever begins at `at` ends, for finding the end of an expression inside another text: a string (as far as its closing
 * quote), a comment, white space, a name, else one character. -1 for a string without a closing quote.
 */
export function skipOver(source: string, at: number): number {
  const opening = matchAt(quote, source, at);
  if (opening !== null) {
    const [{ length }, prefix = "", delimiter = ""] = opening;
    const close = closingQuote(source, at + length, delimiter, /r/i.test(prefix));
    return close === -1 ? -1 : close + delimiter.length;
  }
  const other = matchAt(blank, source, at) ?? matchAt(identifier, source, at) ?? matchAt(quotedName, source, at);
  return at + (other?.[0].length ?? 1);
}

function readNumber(source: string, start: number, end: number): Token | Finding {
  const word = matchAt(identifier, source, end)?.[0];
  if (word !== undefined && word !== "in") {
    const hint = source.slice(start, end) === "0" && /^X[0-9a-fA-F]/.test(word) ? "hexadecimal numbers begin with `0x`" : "a duration is written `duration(\"5m\")`, a text in quotes";
    return syntax(end, `a number ends here; ${hint}`);
  }
  return tokenOf("number", source, start, end);
}

function unexpected(source: string, at: number): Finding {
  const character = String.fromCodePoint(source.codePointAt(at) ?? 0);
  const comparison = { "=<": "; write `<=`", "=>": "; write `>=`", "=~": "; write `.matches(\"pattern\")`" }[source.slice(at, at + 2)];
  const shown = /[\p{C}\p{Z}]/u.test(character) ? `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}` : character;
  return syntax(at, `unexpected character \`${shown}\`${comparison ?? misspelt[character] ?? ""}`);
}

const tokenOf = (kind: Token["kind"], source: string, start: number, end: number): Token => ({ kind, text: source.slice(start, end), start, end });

function readToken(source: string, at: number): Token | Finding {
  const first = source.charAt(at);
  const quoted = startsString.has(first) ? matchAt(quote, source, at) : null;
  if (quoted !== null) {
    return readString(source, quoted);
  }
  const endOfName = endAt(identifier, source, at);
  if (endOfName !== -1) {
    return tokenOf("identifier", source, at, endOfName);
  }
  const endOfNumber = startsNumber.has(first) ? endAt(number, source, at) : -1;
  if (endOfNumber !== -1) {
    return readNumber(source, at, endOfNumber);
  }
  const endOfField = first === "`" ? endAt(quotedName, source, at) : -1;
  if (endOfField !== -1) {
    return tokenOf("quoted", source, at, endOfField);
  }
  const endOfMark = endAt(mark, source, at);
  return endOfMark === -1 ? unexpected(source, at) : tokenOf("mark", source, at, endOfMark);
}

/**
 * Splits an expression into tokens; white space and comments are none. Returns the first thing that is no token of the language instead.
 */
export function lex(source: string): LexedSource | Finding {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const endOfSpace = startsBlank.has(source.charAt(at)) ? endAt(blank, source, at) : -1;
    if (endOfSpace !== -1) {
      at = endOfSpace;
      continue;
    }
    const token = readToken(source, at);
    if (!("kind" in token)) {
      return token;
    }
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ kind: "end", text: "", start: source.length, end: source.length });
  return { tokens };
}
