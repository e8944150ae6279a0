import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cutToBytes, shorten } from "../../src/api/text.ts";

const long = ["x".repeat(3_000), "ü".repeat(3_000), "🚀".repeat(3_000), `x${"🚀".repeat(3_000)}`];

describe("cutToBytes", () => {
  it("leaves text alone that fits", () => {
    assert.equal(cutToBytes("short", 5), "short");
    assert.equal(cutToBytes("ü🚀", 6), "ü🚀");
  });

  it("keeps as many whole characters as fit beside the ellipsis", () => {
    for (const text of long) {
      const cut = cutToBytes(text, 1024);
      assert.ok(Buffer.byteLength(cut) <= 1024 && Buffer.byteLength(cut) > 1024 - 4, String(Buffer.byteLength(cut)));
      assert.ok(cut.endsWith("…") && text.startsWith(cut.slice(0, -1)) && !cut.includes("\ufffd"));
    }
  });
});

describe("shorten", () => {
  it("leaves text alone that fits", () => {
    assert.equal(shorten("short", 5), "short");
  });

  it("keeps as many whole characters as fit beside the ellipsis", () => {
    for (const text of long) {
      const cut = shorten(text, 100);
      assert.ok(cut.length <= 100 && cut.length >= 99 && cut.isWellFormed() && cut.endsWith("…") && text.startsWith(cut.slice(0, -1)));
    }
  });
});
