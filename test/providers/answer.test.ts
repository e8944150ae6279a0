import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeOfStatus, refuseUnlessAccepted, retryAfterMs } from "../../src/providers/answer.ts";
import { DeliveryError } from "../../src/providers/delivery-error.ts";

const now = Date.UTC(2026, 0, 1, 12);

describe("codeOfStatus", () => {
  for (const [code, statuses] of [
    [undefined, [200, 201, 202, 204, 299]],
    ["DestinationRefused", [300, 301, 302, 304, 307, 308, 404, 410]],
    ["CredentialsRefused", [401, 403, 407]],
    ["MessageRefused", [400, 402, 405, 409, 413, 415, 422]],
    ["ServiceFailed", [408, 425, 500, 502, 503, 504, 599]],
    ["RateLimited", [429]],
  ] as const) {
    it(`is ${code ?? "nothing"} for ${statuses.join(", ")}`, () => {
      for (const status of statuses) assert.equal(codeOfStatus(status), code, String(status));
    });
  }
});

describe("retryAfterMs", () => {
  for (const [value, expected] of [
    ["120", 120_000],
    [" 7 ", 7_000],
    ["0", 0],
    ["9999999999", 3_600_000],
    ["Thu, 01 Jan 2026 12:00:30 GMT", 30_000],
    ["Thu, 01 Jan 2026 11:00:00 GMT", 0],
    ["Thu, 01 Jan 2027 12:00:00 GMT", 3_600_000],
    ["Thursday, 01-Jan-26 12:01:00 GMT", 60_000],
    ["", undefined],
    ["soon", undefined],
    ["1.5", undefined],
    ["-5", undefined],
    ["1e3", undefined],
    ["99999999999", undefined],
    [null, undefined],
    [undefined, undefined],
  ] as const) {
    it(`reads ${JSON.stringify(value)} as ${expected === undefined ? "nothing" : `${expected} ms`}`, () => {
      assert.equal(retryAfterMs(value, now), expected);
    });
  }
});

describe("refuseUnlessAccepted", () => {
  it("throws what the status means, with how long to wait", () => {
    refuseUnlessAccepted("example.com", 204, null, now);
    assert.throws(
      () => {
        refuseUnlessAccepted("example.com", 429, "30", now);
      },
      (error) => error instanceof DeliveryError && error.code === "RateLimited" && error.status === 429 && error.retryAfterMs === 30_000 && error.message === "example.com answered 429",
    );
    assert.throws(
      () => {
        refuseUnlessAccepted("example.com", 301, null, now);
      },
      { code: "DestinationRefused", message: "example.com answered 301 (redirects are not followed)" },
    );
  });
});
