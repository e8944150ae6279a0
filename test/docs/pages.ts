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

/** The contents of the fenced code blocks of a language. */
export function codeBlocks({ text }: Page, language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, found]) => found === language).map(([, , block]) => block ?? "");
}
