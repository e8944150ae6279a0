import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { automatonOf, type Automaton } from "../../src/filter/automaton.ts";
import type { RegexProgram } from "../../src/filter/regex-program.ts";
import { contains } from "../../src/filter/search.ts";

const automaton = (regex: RE2JS): Automaton => automatonOf(regex.re2().prog as RegexProgram, regex.re2().prefix as string);

const atom = fc.constantFrom("a", "b", "k", "S", "é", "ſ", "😀", ".", "\\d", "\\w", "\\W", "[a-c]", "[^a]", "[^\\n]", "^", "$", "\\b", "\\B", "(?m:^)", "(?m:$)", "\\A", "\\z", "(?i:k)", "(?i:é)", "\\n", "_", "(?s:.)", "\\pL", "(a|b)*", "(?:ab|a)+b?", "x{2,3}", "k*?", "()");
const pattern = fc.array(fc.oneof({ weight: 4, arbitrary: atom }, fc.constantFrom("|", "(?:a|^b)", "(k|\\b)?")), { minLength: 1, maxLength: 8 }).map((parts) => parts.join(""));
const text = fc.array(fc.constantFrom("a", "b", "c", "k", "K", "S", "s", "é", "É", "ſ", "\u212a", "😀", "\ud800", "\n", " ", "_", "1", "x"), { maxLength: 12 }).map((parts) => parts.join(""));

test("the table says of every text what the interpreter says, or leaves it to that", () => {
  let decided = 0;
  fc.assert(fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 20 }), (source, texts) => {
    let regex: RE2JS;
    try {
      regex = RE2JS.compile(source);
    } catch {
      return;
    }
    const test = automaton(regex);
    for (const tried of texts) {
      const answer = test(tried);
      decided += answer === undefined ? 0 : 1;
      assert.equal(answer ?? regex.test(tried), regex.test(tried), `${source} on ${JSON.stringify(tried)}`);
    }
  }), { numRuns: 2000 });
  assert.ok(decided > 5000, String(decided));
});

test("a pattern with too many states is left to the interpreter after bounded work", () => {
  const test = automaton(RE2JS.compile("(a|b)*a(a|b){18}c"));
  let seed = 1;
  const next = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0);
  const tried = Array.from({ length: 8000 }, () => (next() >>> 16) % 2 === 0 ? "a" : "b").join("");
  assert.equal(test("b"), false);
  assert.equal(test(tried), undefined);
});

test("contains() finds what includes() finds, in long texts too, whatever is searched for", () => {
  const letters = fc.array(fc.constantFrom("x", "x", "x", "y", "é", "😀"), { minLength: 0, maxLength: 7 }).map((parts) => parts.join(""));
  fc.assert(fc.property(letters, letters, fc.integer({ min: 0, max: 40_000 }), letters, (part, piece, length, end) => {
    const searched = piece.repeat(Math.ceil(length / Math.max(1, piece.length))) + end;
    assert.equal(contains(searched, part), searched.includes(part));
  }), { numRuns: 500 });
});
