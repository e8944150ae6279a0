import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { oneLine } from "../../src/providers/text.ts";
import { checkUrl } from "../../src/providers/url.ts";

describe("oneLine", () => {
  it("joins lines, and turns what is not to be seen into single spaces", () => {
    assert.equal(oneLine("  a\r\nb\t\tc\u0000\u001bd\u2028e\u2029f\u00a0g \n"), "a b c d e f g");
    assert.equal(oneLine("\n\u0007 \t"), "");
  });

  it("leaves no half of a character", () => {
    assert.equal(oneLine("a\ud83dz"), "a\ufffdz");
    assert.equal(oneLine("a🚀z"), "a🚀z");
  });
});

describe("checkUrl", () => {
  const problems = (value: string | undefined): string[] => checkUrl(value, ["url"]).map(({ code, path, message }) => `${code} ${path.join(".")} ${message}`);

  for (const good of [undefined, "https://example.com", "http://example.com:8080/a?b=c", "https://[2001:db8::1]/", "https://user.example.com/@me"]) {
    it(`takes ${String(good)}`, () => {
      assert.deepEqual(problems(good), []);
    });
  }

  for (const [bad, message] of [
    ["example.com", "is not a valid URL"],
    ["https://", "is not a valid URL"],
    ["https://exa mple.com/", "is not a valid URL"],
    ["https://example.com:99999/", "is not a valid URL"],
    ["ftp://example.com/", "must begin with https:// or http://"],
    ["javascript:alert(1)", "must begin with https:// or http://"],
    ["file:///etc/passwd", "must begin with https:// or http://"],
    ["https://user@example.com/", "must not hold a user name or password: credentials belong in a Secret"],
    ["https://:s3cret@example.com/", "must not hold a user name or password: credentials belong in a Secret"],
    ["https://example.com/#part", "must not have a fragment (#...)"],
  ] as const) {
    it(`refuses ${bad}, without repeating it`, () => {
      assert.deepEqual(problems(bad), [`UrlInvalid url ${message}`]);
    });
  }
});
