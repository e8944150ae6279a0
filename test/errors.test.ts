import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CodedError, errorCatalogue, type ErrorCode } from "../src/errors.ts";

const page = readFileSync(join(import.meta.dirname, "../docs/reference/errors.md"), "utf8");
const codes = Object.keys(errorCatalogue) as ErrorCode[];
const escaped = (text: string): string => text.replaceAll("|", "\\|");

/** Rows of the tables whose first cell is in backquotes, as text. */
const rows = page.split("\n").filter((line) => line.startsWith("| `"));

describe("docs/reference/errors.md", () => {
  it("lists every code with class, meaning and remedy, and none that does not exist", () => {
    const expected = codes
      .filter((code) => errorCatalogue[code].area !== "filter")
      .map((code) => {
        const { class: errorClass, meaning, remedy } = errorCatalogue[code];
        return `| \`${code}\` | ${errorClass} | ${escaped(meaning)} | ${escaped(remedy)} |`;
      });
    assert.deepEqual(rows, expected);
  });

  it("says what every class means, and no other", () => {
    const classes = new Set(codes.map((code) => errorCatalogue[code].class));
    const explained = Array.from(page.matchAll(/^\| ([a-z]+) \| [A-Z].*\.? \|$/gm), ([, name]) => name);
    assert.deepEqual([...classes].sort(), explained.sort());
  });
});

describe("the catalogue", () => {
  it("says in sentences what happened and what to do", () => {
    for (const code of codes) {
      const { meaning, remedy } = errorCatalogue[code];
      assert.match(code, /^[A-Z][A-Za-z]+$/);
      for (const sentence of [meaning, remedy]) assert.match(sentence, /^[A-Z].*\.$/, code);
    }
  });

  it("has no code that nothing shows", () => {
    const sources = readSources(join(import.meta.dirname, "../src"));
    for (const code of codes) assert.ok(sources.includes(`"${code}"`), `${code} stands in the catalogue alone`);
  });
});

describe("a CodedError", () => {
  it("knows its class and its cause", () => {
    const cause = new Error("below");
    const error = new CodedError("RateLimited", "asks to wait", { cause });
    assert.deepEqual([error.name, error.code, error.class, error.message, error.cause], ["CodedError", "RateLimited", "retryable", "asks to wait", cause]);
  });
});

/** All of src but the catalogue itself. */
function readSources(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && file !== "errors.ts")
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .join("\n");
}
