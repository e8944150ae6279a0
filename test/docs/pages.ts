import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One page of the documentation. */
export interface Page {
  /** Below the project's root. */
  readonly path: string;
  readonly text: string;
}

/** README and the like, and every page below `docs/` and `certs/`. */
export function pages(): Page[] {
  const below = ["docs", "certs"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name)),
  );
  return ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...below].map((path) => ({ path, text: readFileSync(path, "utf8") }));
}

/** One fenced code block. */
export interface Block {
  /** What stands behind the opening fence: the language, and on some pages the file that the block is. */
  readonly info: string;
  /** The HTML comment in the line before it, which readers do not see: what a part of a manifest is a part of. */
  readonly comment: string;
  readonly text: string;
}

/** The fenced code blocks of a page, in their order; one inside another is part of it. */
export function fencedBlocks({ text }: Page): Block[] {
  return [...text.matchAll(/^(?:<!-- (.*) -->\n)?(`{3,})([^`\n]*)\n([\s\S]*?)^\2$/gm)].map(([, comment = "", , info = "", block = ""]) => ({ info, comment, text: block }));
}

/** The contents of the fenced code blocks of a language. */
export function codeBlocks(page: Page, language: string): string[] {
  return fencedBlocks(page).filter(({ info }) => info === language).map(({ text }) => text);
}
