import type { Token } from "./lexical.ts";

/** What literals of strings and bytes stand for, read from tokens that the lexical pass has found well formed. */

const letters: Readonly<Record<string, string>> = { a: "\u0007", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };
const form = /^([bBrR]{0,2})("""|'''|"|')/;
const escape = /\\(?:[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|[^])/g;
const hexadecimal = /^\\[xXuU]./;
const octal = /^\\[0-7]/;

/** Whether no escapes are read, and the text between the quotes; a line break in it is one `\n`, however the file writes it. */
function contentOf({ text }: Token): { readonly raw: boolean; readonly body: string } {
  const [opening, prefix = "", delimiter = ""] = form.exec(text) ?? [""];
  return { raw: /r/i.test(prefix), body: text.slice(opening.length, text.length - delimiter.length).replace(/\r\n?/g, "\n") };
}

/** The code that an escape gives as a number; undefined for one that gives a letter or mark. */
function codeOf(escaped: string): number | undefined {
  if (hexadecimal.test(escaped)) {
    return Number.parseInt(escaped.slice(2), 16);
  }
  return octal.test(escaped) ? Number.parseInt(escaped.slice(1), 8) : undefined;
}

const characterOf = (escaped: string): string => letters[escaped.slice(1)] ?? escaped.slice(1);

/** Between quotes of one character, without escapes and line breaks: most literals. */
const isPlain = (text: string): boolean => (text.startsWith('"') || text.startsWith("'")) && text[1] !== text[0] && !text.includes("\\") && !text.includes("\r");

/** The text of a string literal. */
export function stringOf(token: Token): string {
  if (isPlain(token.text)) {
    return token.text.slice(1, -1);
  }
  const { raw, body } = contentOf(token);
  if (raw) {
    return body;
  }
  return body.replace(escape, (escaped) => {
    const code = codeOf(escaped);
    return code === undefined ? characterOf(escaped) : String.fromCodePoint(code);
  });
}

/** The bytes of a bytes literal: its characters in UTF-8, `\x..` and `\...` single bytes. */
export function bytesOf(token: Token): Buffer {
  const { raw, body } = contentOf(token);
  if (raw) {
    return Buffer.from(body);
  }
  const parts: Buffer[] = [];
  let at = 0;
  for (const { 0: escaped, index } of body.matchAll(escape)) {
    const code = codeOf(escaped);
    parts.push(Buffer.from(body.slice(at, index)), code === undefined ? Buffer.from(characterOf(escaped)) : Buffer.of(code));
    at = index + escaped.length;
  }
  return Buffer.concat([...parts, Buffer.from(body.slice(at))]);
}
