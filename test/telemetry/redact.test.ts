import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import { createRedactor } from "../../src/telemetry/redact.ts";

describe("a redactor", () => {
  it("masks what it learnt wherever it turns up, until it forgets", () => {
    const redactor = createRedactor();
    redactor.learn("hunter2-hunter2");
    assert.equal(redactor.clean("a hunter2-hunter2 b=hunter2-hunter2"), "a [redacted] b=[redacted]");
    redactor.forget("hunter2-hunter2");
    assert.equal(redactor.clean("hunter2-hunter2"), "hunter2-hunter2");
  });

  it("forgets a secret only when nobody uses it any more", () => {
    const redactor = createRedactor();
    redactor.learn("shared-secret");
    redactor.learn("shared-secret");
    redactor.forget("shared-secret");
    assert.equal(redactor.clean("shared-secret"), "[redacted]");
    redactor.forget("shared-secret");
    redactor.forget("shared-secret");
    assert.equal(redactor.clean("shared-secret"), "shared-secret");
  });

  it("masks each line of a key, and lines with other ends", () => {
    const redactor = createRedactor();
    const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    redactor.learn(key.replaceAll("\n", "\r\n"));
    for (const line of key.trim().split("\n").filter((text) => text.length >= 6)) assert.equal(redactor.clean(`x ${line} y`), "x [redacted] y");
    assert.equal(redactor.clean(key.replaceAll("\n", "\\n")).includes(key.split("\n")[2] ?? "?"), false);
  });

  it("leaves nothing of a secret that begins like another one", () => {
    for (const order of [["secret", "secret-and-more"], ["secret-and-more", "secret"]]) {
      const redactor = createRedactor();
      for (const secret of order) redactor.learn(secret);
      assert.equal(redactor.clean("secret-and-more"), "[redacted]");
    }
  });

  it("masks no ordinary words because a secret is short", () => {
    const redactor = createRedactor();
    for (const secret of ["", "a", "main", "\n", "12345"]) redactor.learn(secret);
    assert.equal(redactor.clean("a main 12345"), "a main 12345");
  });

  for (const [what, text, clean] of [
    ["GitHub's tokens", "is ghs_0123456789abcdef and github_pat_11ABCDEFG_xyz!", "is [redacted] and [redacted]!"],
    ["Slack's tokens", "xoxb-123456789012-abc", "[redacted]"],
    ["AWS' key ids", "id AKIAIOSFODNN7EXAMPLE.", "id [redacted]."],
    ["JWTs", "got eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOjF9.c2lnbmF0dXJl back", "got [redacted] back"],
    ["authorization headers", "Authorization: Bearer abc.def-ghi_jkl, basic dXNlcjpwYXNz", "Authorization: [redacted], [redacted]"],
    ["private keys", "x -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- y", "x [redacted] y"],
    ["the rest after the beginning of a private key", "x -----BEGIN PRIVATE KEY-----\nMIIE", "x [redacted]"],
    ["passwords in URLs", "at https://user:pass@example.com/a", "at https:[redacted]example.com/a"],
  ] as const) {
    it(`masks ${what} that it never learnt`, () => {
      assert.equal(createRedactor().clean(text), clean);
    });
  }

  for (const text of ["the token request failed", "basic checks", "https://example.com:8443/a@b", "task xoxb", "sha256:eyJ"]) {
    it(`leaves alone: ${text}`, () => {
      assert.equal(createRedactor().clean(text), text);
    });
  }
});
