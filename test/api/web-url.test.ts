import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { webUrl } from "../../src/api/web-url.ts";

describe("webUrl", () => {
  it("takes http and https addresses", () => {
    assert.equal(webUrl("https://dash.example.com"), "https://dash.example.com/");
    assert.equal(webUrl("http://dash.example.com/a?b#c"), "http://dash.example.com/a?b#c");
  });

  for (const value of [undefined, "", "dash.example.com", "//dash.example.com", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://u@x.example.com/", "https://:p@x.example.com/", `https://x.example.com/${"x".repeat(2048)}`]) {
    it(`does not take ${String(value).slice(0, 60)}`, () => {
      assert.equal(webUrl(value), undefined);
    });
  }

  it("leaves nothing in that could break out of a line or an attribute", () => {
    assert.doesNotMatch(webUrl("https://x.example.com/a\nb\"><script>?c=\r\n") ?? "", /[\s"<>]/);
  });
});
