import assert from "node:assert/strict";
import { test } from "node:test";
import { familyOf, rangesOf } from "../../src/providers/address-ranges.ts";

const holds = (ranges: readonly string[], address: string): boolean => rangesOf(ranges).check(address, familyOf(address));

test("an address is in a range of its family, and in no other", () => {
  const ranges = ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8"];
  assert.deepEqual(["10.255.0.1", "192.0.2.1", "fd12::1", "11.0.0.1", "192.0.2.2", "fe00::1"].map((address) => holds(ranges, address)), [true, true, true, false, false, false]);
});

test("what is no range is left out, and the others hold", () => {
  const wrong = ["", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0/8", "fd00::/129", "example.com/8", "10.0.0.0/1e1"];
  assert.equal(holds(wrong, "10.0.0.1"), false);
  assert.equal(holds([...wrong, "10.0.0.0/8"], "10.0.0.1"), true);
});
