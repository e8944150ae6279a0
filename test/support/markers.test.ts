import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMarkers } from "./markers.ts";

const pem = `-----BEGIN PRIVATE KEY-----\n${"abcdefghijklmnop0123".repeat(3)}\n${"ponmlkjihgfedcba9876".repeat(3)}\n-----END PRIVATE KEY-----\n`;

describe("the search for secrets", () => {
  const markers = createMarkers();
  const secret = markers.make();
  markers.keep(pem);
  const shown: readonly [how: string, text: string][] = [
    ["in clear", secret],
    ["a part of it", secret.slice(5, 20)],
    ["in base64", Buffer.from(secret).toString("base64")],
    ["as a login", Buffer.from(`jane:${secret}`).toString("base64")],
    ["as another login", Buffer.from(`jo:${secret}!`).toString("base64")],
    ["in base64 for URLs", Buffer.from(`j:${secret}`).toString("base64url")],
    ["in a URL", `https://x/?${new URLSearchParams({ secret }).toString()}`],
    ["in hex", Buffer.from(secret).toString("hex")],
    ["a line of a key", pem.split("\n")[2] ?? ""],
    ["a key in JSON", JSON.stringify({ key: pem })],
    ["a key in base64", Buffer.from(pem).toString("base64")],
  ];
  for (const [how, text] of shown) {
    it(`finds it ${how}`, () => {
      assert.ok(markers.find(`before ${text} after`).length > 0);
    });
  }

  it("finds nothing in what only resembles one", () => {
    assert.deepEqual(markers.find(`${secret.slice(0, 11)} -----BEGIN PRIVATE KEY----- ${createMarkers().make()}`), []);
  });
});
