import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EgressPolicy } from "../../src/providers/egress.ts";
import { checkEgress } from "../../src/webhook/check-egress.ts";

/** `error`, `warning` or `nothing` for a URL. */
function said(url: string, egress?: EgressPolicy, namespace: string | undefined = "ci", isProxy = false): string {
  const { errors, warnings } = checkEgress([{ field: "spec.x", url, isProxy }], { namespace, ...(egress !== undefined && { egress }) });
  return errors.length > 0 ? "error" : warnings.length > 0 ? "warning" : "nothing";
}

describe("checkEgress", () => {
  it("refuses what the installation denies", () => {
    const usual = { development: false };
    for (const url of ["http://example.com/", "https://127.0.0.1/", "https://localhost/", "https://169.254.169.254/", "https://[::ffff:169.254.169.254]/", "https://kubernetes.default.svc/", "https://x.other.svc.cluster.local/"]) {
      assert.equal(said(url, usual), "error", url);
    }
    for (const url of ["https://example.com/", "https://x.ci.svc/", "https://x/", "https://10.0.0.1/", "not a url", "ftp://127.0.0.1/"]) assert.equal(said(url, usual), "nothing", url);
  });

  it("lets pass what the installation allows", () => {
    assert.equal(said("http://example.com/", { development: false, allowHttp: true }), "nothing");
    assert.equal(said("http://127.0.0.1:8080/", { development: true }), "nothing");
    assert.equal(said("https://events.platform.svc/", { development: false, allowHosts: ["*.platform.svc"] }), "nothing");
    assert.equal(said("https://x.other.svc.k8s.example/", { development: false, clusterDomain: "k8s.example" }), "error");
  });

  it("lets a proxy be reached over plain http, and denies its host like any other", () => {
    assert.equal(said("http://proxy.example.com:3128", { development: false }, "ci", true), "nothing");
    assert.equal(said("http://169.254.169.254:3128", { development: true }, "ci", true), "error");
  });

  it("refuses without knowing the installation what every one denies, and warns about the rest", () => {
    for (const [url, expected] of [["https://169.254.169.254/", "error"], ["https://224.0.0.1/", "error"], ["http://example.com/", "warning"], ["https://127.0.0.1/", "warning"], ["https://x.other.svc/", "warning"], ["https://example.com/", "nothing"]] as const) {
      assert.equal(said(url), expected, url);
    }
    assert.equal(checkEgress([{ field: "spec.x", url: "https://x.other.svc/" }], { namespace: undefined }).warnings.length, 0, "a file without a namespace");
  });
});
