import assert from "node:assert/strict";
import { test } from "node:test";
import { Recent } from "../../src/filter/recent.ts";

/** A cache whose values say when they were made. */
function counting(count: number, keyLength = 10) {
  const recent = new Recent<number>({ count, keyLength });
  let made = 0;
  return (key: string): number => recent.get(key, () => (made += 1));
}

test("a value is made twice, and kept from then on", () => {
  const get = counting(2);
  assert.deepEqual([get("a"), get("a"), get("a"), get("a")], [1, 2, 2, 2]);
});

test("the value that was not used for longest goes first", () => {
  const get = counting(2);
  for (const key of ["a", "a", "b", "b", "a", "c", "c"]) get(key);
  assert.equal(get("a"), 2);
  assert.equal(get("b"), 7, "made anew: a, b and c were made twice each");
  assert.equal(get("a"), 2);
});

test("what was asked for once is forgotten when others were since", () => {
  const get = counting(2);
  // Two places, and many keys: no place is left with what was in it first.
  const letters = "abcdefghijklmnop".split("");
  letters.forEach(get);
  const first = letters.length;
  assert.deepEqual([get("a"), get("a"), get("a")], [first + 1, first + 2, first + 2]);
});

test("nothing is kept for a key that is too long", () => {
  const get = counting(2, 3);
  assert.deepEqual([get("long"), get("long"), get("long")], [1, 2, 3]);
  assert.deepEqual([get("abc"), get("abc"), get("abc")], [4, 5, 5]);
});
