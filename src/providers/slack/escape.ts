import { cleaned, oneLine } from "../text.ts";

/**
 * Run data in messages. It comes from anywhere, and must neither mention anybody nor format anything. Slack's own rule is that
 * `&`, `<` and `>` are written as entities in every text; the rest is ours.
 */

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** For `plain_text`. */
export const plain = (text: string): string => cleaned(text).replace(/[&<>]/g, (character) => entities[character] ?? "");

/** Characters that look like those of Slack's markup and mean nothing to it. */
const lookalikes: Readonly<Record<string, string>> = { "*": "∗", _: "＿", "~": "∼", "`": "ˋ", ">": "›" };

const lookalike = (character: string): string => lookalikes[character] ?? character;

/**
 * For `mrkdwn` and top-level `text`, which Slack reads as markup and gives no way to escape: what could begin or end bold,
 * italic, struck-out or code text is replaced by a character that looks like it. Between two letters or digits (`unit_tests`) only a
 * backtick can. One line, so that a `>` begins a quotation only where the text does; and `:name:` is no emoji.
 */
export function mrkdwn(text: string): string {
  const inert = oneLine(cleaned(text))
    .replace(/^[\s>]*>/, (quote) => quote.replaceAll(">", lookalike))
    .replace(/`|(?<![\p{L}\p{N}])[*_~]|[*_~](?![\p{L}\p{N}])/gu, lookalike)
    .replace(/:(?=[0-9+'-]*[a-z_][\w+'-]*:)/gi, "꞉");
  return plain(inert);
}

/** What cutting may have left of an entity at the end. */
export const withoutHalfEntity = (text: string): string => text.replace(/&[a-z]{0,3}(…?)$/, "$1");
