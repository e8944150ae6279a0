import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";
import fc from "fast-check";
import { code, codeBlock, inline, link } from "../../src/providers/github/markdown.ts";

/** What an implementation of GitHub's Markdown makes of a text. */
const html = (markdown: string): string => micromark(markdown, { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true });

const entities: Readonly<Record<string, string>> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&" };
const encoded = (text: string): string => text.replace(/[&<>"]/g, (character) => Object.entries(entities).find(([, plain]) => plain === character)?.[0] ?? character);
const textOf = (markup: string): string => markup.replace(/&(?:lt|gt|quot|amp);/g, (entity) => entities[entity] ?? entity);

/** What GitHub itself, and no Markdown, makes of plain text: mentions, references to issues, and addresses. */
const meaning = /@[A-Za-z0-9]|#\d|\bGH-\d|:\/\/|\bwww\./i;

const hostile = [
  "@octocat", "@org/team please", "mail@example.com", "#1", "GH-1", "octo/repo#12", "see https://github.com/o/r/issues/1 now", "www.example.com", "&#64;octocat", "&commat;octocat", "&#35;1",
  "[x](https://evil.example.com)", "![x](https://evil.example.com/x.png)", "[x]: https://evil.example.com", "<https://evil.example.com>", "<img src=x onerror=alert(1)>", "<!-- tekton-integrations:0 -->", "</details>",
  "**bold**", "_it_ __b__ ~~s~~", "a*b*c", "`code`", "``` fence", "```\nfence\n```", "~~~", "# heading", "- item", "+ item", "1. item", "1) item", "> quote", "---", "===", "| a | b |\n|---|---|", "\\", "\\@x", "a\\", "$x$", "    indented",
  ":tada:", "a\u202eb", "\u0000\u0007", "line\none", "&copy;", "-->", "unit_tests", "[x", "](", "`", "``", "|", "||", "a`b``c",
];

describe("run data in a part of a template", () => {
  for (const text of hostile) {
    it(`formats nothing and means nothing: ${JSON.stringify(text)}`, () => {
      const part = inline(text);
      assert.doesNotMatch(part, meaning);
      assert.doesNotMatch(part, /[\n\u0000-\u001f\u202a-\u202e]/);
      for (const [before, after] of [["", ""], ["Run ", " ended"], ["**", "**"], ["(", ")"], ["> ", ""], ["- ", ""], ["| ", " |"], ["`", "`"]] as const) {
        const plain = "data";
        const shape = (filled: string): string => html(`${before}${filled}${after}\n`).replace(encoded(filled), "X");
        if (part !== "") assert.equal(shape(part), shape(plain), `between ${before} and ${after}`);
      }
    });
  }

  it("keeps what people read: names, sentences, addresses", () => {
    for (const text of ["unit_tests", "shop-api-on-push-7xk2p", "Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0", "step-test exited with code 1", "a & b", "50 % of 3 = 1.5", "C# 12", "日本語", "é 🚀"]) assert.equal(inline(text), text);
    assert.equal(inline("https://dash.example.com/#/namespaces/ci/pipelineruns/build-1"), "https://dash.example.com/#/namespaces/ci/pipelineruns/build-1");
  });

  it("that is a web address and nothing else is a link, out of which nothing breaks", () => {
    for (const url of ["https://x.example.com/a)(b", "https://x.example.com/<b>", "https://x.example.com/_a_", "https://x.example.com/**a**", "https://x.example.com/@octocat", "https://x.example.com/?a=`b`|c~~d~~", "https://x.example.com/[a](b)"]) {
      const markup = html(`[Open](${inline(url)}) ${link("Open", url)} ${inline(url)}`);
      assert.equal(markup.match(/<a href="https:\/\/x\.example\.com\/[^"]*">/g)?.length, 3, markup);
      assert.doesNotMatch(markup, /<(?!\/?(?:a|p)\b)|@octocat/);
    }
    assert.doesNotMatch(inline("https://user:secret@x.example.com/"), meaning);
    assert.doesNotMatch(inline("javascript:alert(1)"), /^javascript:alert\(1\)$.*</);
  });

  it("formats nothing, whatever it is", () => {
    const characters = fc.constantFrom(..."`*_~[]<>|\\$&@#:!(){}+-=.1a \n\t\"'/;^".split(""), "https://", "www.", "GH-1", "&#64;", "<b>", "é", "_a", "**");
    fc.assert(
      fc.property(fc.array(characters, { maxLength: 30 }).map((list) => list.join("")), (text) => {
        const part = inline(text);
        if (/^https?:\/\//.test(part)) return;
        assert.doesNotMatch(part, meaning);
        assert.equal(html(`x ${part} y`), `<p>x ${encoded(part)} y</p>`, JSON.stringify(part));
      }),
      { numRuns: 2000, seed: 7 },
    );
  });
});

describe("run data in code", () => {
  for (const text of hostile) {
    it(`is in code, and all of it: ${JSON.stringify(text)}`, () => {
      const line = html(code(text));
      if (code(text) === "") return;
      assert.match(line, /^<p><code>[^<]*<\/code><\/p>$/);
      assert.equal(textOf(line.replace(/^<p><code>|<\/code><\/p>$/g, "")), text.replace(/[\u0000-\u001f\u202a-\u202e\s]+/g, " ").trim().replaceAll("|", "∣"));
      const row = html(`| a | b |\n|---|---|\n| ${code(text)} | c |`);
      assert.equal(row.match(/<td>/g)?.length, 2);
      assert.match(row, /<td><code>[^<]*<\/code><\/td>\n<td>c<\/td>/);
      const block = html(`before\n\n${codeBlock(text)}\n\nafter`);
      assert.match(block, /^<p>before<\/p>\n<pre><code class="language-text">[^<]*<\/code><\/pre>\n<p>after<\/p>$/);
    });
  }

  it("keeps its lines in a block, and nothing that cannot be seen", () => {
    assert.equal(codeBlock("\n\na\r\n  b\u0000\u202e\n````\nc\n\n"), "`````text\na\n  b  \n````\nc\n`````");
    assert.equal(code(" \n "), "");
  });
});
