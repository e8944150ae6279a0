import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { pages, type Page } from "./pages.ts";

/** The anchor that a heading gets where Markdown is shown. */
const anchorOf = (heading: string): string => heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replaceAll(" ", "-");

const anchorsIn = (text: string): string[] => [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? ""));

/** Links of the page that lead nowhere. */
function broken({ path, text }: Page): string[] {
  const prose = text.replace(/^(`{3,})[\s\S]*?^\1$/gm, "").replace(/`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? "");
  return targets.filter((target) => {
    if (/^https?:/.test(target)) return false;
    const [file = "", anchor] = target.split("#");
    const linked = file === "" ? path : join(dirname(path), file);
    if (!existsSync(linked)) return true;
    return anchor !== undefined && !anchorsIn(readFileSync(linked, "utf8")).includes(anchor);
  });
}

describe("links of the documentation lead somewhere", () => {
  for (const page of pages()) {
    it(page.path, () => {
      assert.deepEqual(broken(page), []);
    });
  }
});

describe("README", () => {
  const readme = readFileSync("README.md", "utf8");

  it("shows the two commands", () => {
    assert.match(readme, /^npm ci && npm run demo$/m);
    assert.match(readme, /^npm ci && npm test$/m);
  });

  it("names only npm scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
    const named = pages().flatMap(({ path, text }) => [...text.matchAll(/npm run (?:-s )?([a-z][a-z:]*)/g)].map(([, name]) => [path, name ?? ""] as const));
    assert.ok(named.length > 5);
    assert.deepEqual(named.filter(([, name]) => !Object.hasOwn(scripts, name)), []);
  });
});
