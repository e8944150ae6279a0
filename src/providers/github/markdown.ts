import { cleaned, oneLine } from "../text.ts";

/**
 * Run data in GitHub's Markdown. It comes from anywhere, and must neither mention anybody, nor refer to an issue (which its
 * readers would be told), nor format anything.
 */

const longestRun = (text: string, pattern: RegExp): number => Math.max(0, ...[...text.matchAll(pattern)].map(([run]) => run.length));

/** A text as it is, in one line, between backticks: nothing in there means anything to GitHub. Empty for an empty one. */
export function code(text: string): string {
  // A pipe would end the cell of a table, in code too.
  const line = oneLine(cleaned(text)).replaceAll("|", "∣");
  if (line === "") return "";
  const ticks = "`".repeat(longestRun(line, /`+/g) + 1);
  const space = line.startsWith("`") || line.endsWith("`") ? " " : "";
  return `${ticks}${space}${line}${space}${ticks}`;
}

/** A text as it is, with its lines, in a block of code. */
export function codeBlock(text: string): string {
  const ticks = "`".repeat(Math.max(3, longestRun(text, /`+/g) + 1));
  return `${ticks}text\n${cleaned(text).replace(/^\n+|\s+$/g, "")}\n${ticks}`;
}

/** Characters that look like those of Markdown and mean nothing to it. */
const lookalikes: Readonly<Record<string, string>> = {
  "`": "ˋ", "*": "∗", _: "＿", "~": "∼", "[": "［", "]": "］", "<": "‹", ">": "›", "|": "∣", "\\": "∖", $: "＄", "&": "＆",
};

/** Cannot be seen, and parts what GitHub would read as one. */
const gap = "\u200b";

function isWebAddress(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === "https:" || url.protocol === "http:") && url.username === "" && url.password === "" && !/\s/.test(text);
}

/** A web address in which nothing can end the link that it stands in. */
const linkTarget = (url: string): string =>
  new URL(url).href.replace(/[()<>[\]*`|\\~@;]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * What a part of a template says, wherever in a text it stands, in code too: GitHub gives no way to escape that works in both.
 * Characters that would format are replaced by ones that look like them. One line. A part that is a web address and nothing
 * else stays one.
 */
export function inline(part: string): string {
  const line = oneLine(cleaned(part));
  if (isWebAddress(line)) return linkTarget(line);
  return line
    .replace(/[`*~[\]<>|\\$]|&(?=[#A-Za-z]|$)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, (character) => lookalikes[character] ?? character)
    .replace(/@|#(?=\d|$)|(?<=\bGH)-(?=\d)/gi, (character) => `${character}${gap}`)
    .replace(/:(?=\/\/)|(?<=\bwww)(?=\.)/gi, (character) => `${character}${gap}`)
    .replace(/:(?=[0-9+'-]*[a-z_][\w+'-]*:)/gi, "꞉")
    .replace(/^(?=#{1,6}(?:\s|$)|[-+=]|\d{1,9}[.)](?:\s|$))/, gap);
}

/** A link to a web address. */
export const link = (text: string, url: string): string => `[${text}](${linkTarget(url)})`;
