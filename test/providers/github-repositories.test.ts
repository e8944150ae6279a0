import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { gitHubApp, type GitHubProvider } from "../../src/providers/github/config.ts";
import { fitsGlob, mayReport } from "../../src/providers/github/repositories.ts";
import { runEvent } from "../controller/runs.ts";
import { noTemplates } from "./templates.ts";

const provider = { appId: 1, privateKey: { secretRef: { name: "app" } } };
type Repositories = NonNullable<GitHubProvider["repositories"]>;

describe("a pattern with stars", () => {
  for (const [pattern, text, fits] of [
    ["shop-api", "shop-api", true], ["shop-api", "shop-apis", false], ["shop-api", "a-shop-api", false], ["*", "", true], ["*", "x", true], ["", "", true], ["", "x", false],
    ["shop-*", "shop-", true], ["shop-*", "shop-api", true], ["shop-*", "shop", false], ["*-api", "shop-api", true], ["*-api", "-api-x", false], ["s*p*i", "shop-api", true], ["s*p*i", "shop-apis", false],
    ["a.b", "axb", false], ["**", "x", true], ["*a*", "bab", true], ["*ab", "aab", true],
  ] as const) {
    it(`${pattern} ${fits ? "is" : "is not"} ${JSON.stringify(text)}`, () => {
      assert.equal(fitsGlob(pattern, text), fits);
    });
  }

  it("means what a regular expression means", () => {
    const letters = (...all: string[]): fc.Arbitrary<string> => fc.array(fc.constantFrom(...all), { maxLength: 8 }).map((list) => list.join(""));
    fc.assert(fc.property(letters("a", "b", "*"), letters("a", "b"), (pattern, text) => fitsGlob(pattern, text) === new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(text)), { numRuns: 2000, seed: 7 });
  });

  it("takes few steps, however hostile it is", () => {
    assert.equal(fitsGlob(`${"*a".repeat(50)}*b`, "a".repeat(100)), false);
  });
});

describe("a run may report", () => {
  const may = (repositories: Repositories | undefined, runNamespace: string, repository = "example-org/shop-api"): boolean => {
    const [owner = "", repo = ""] = repository.split("/");
    return mayReport({ ...provider, ...(repositories !== undefined && { repositories }) }, "platform", runNamespace, { owner, repo });
  };

  it("anywhere from the Provider's own namespace, and nowhere from another, without a mapping", () => {
    assert.deepEqual([may(undefined, "platform"), may(undefined, "shop")], [true, false]);
  });

  it("where an entry names repository and namespace", () => {
    const repositories = [{ match: "example-org/shop-*", namespaces: ["shop"] }, { match: "example-org/infra" }];
    assert.deepEqual(["shop", "platform", "other"].map((namespace) => may(repositories, namespace)), [true, false, false]);
    assert.deepEqual(["shop", "platform"].map((namespace) => may(repositories, namespace, "example-org/infra")), [false, true]);
    assert.deepEqual(["Example-Org/Shop-Web", "example-org/shop", "example-org2/shop-api", "x/shop-api"].map((repository) => may(repositories, "shop", repository)), [true, false, false, false]);
  });

  it("a star stands for no slash", () => {
    assert.deepEqual([may([{ match: "*/*" }], "platform"), may([{ match: "*/shop-api" }], "platform"), may([{ match: "example-org/*" }], "platform")], [true, true, true]);
  });

  it("else nothing is sent, and the reason says so", () => {
    const rendered = gitHubApp.render({
      event: runEvent(), provider: { ...provider, repositories: [{ match: "example-org/other" }] }, notification: {}, notificationName: { namespace: "ci", name: "n" }, providerNamespace: "ci",
      sentBefore: () => ({ sentCount: 0 }), ...noTemplates,
    });
    assert.deepEqual(rendered, { nothing: { reason: "RepositoryNotAllowed", message: "the Provider's githubApp.repositories do not let runs of this namespace report to the repository that the run names" } });
  });

  it("nor is what was begun ended where it may not report any more", () => {
    const target = { owner: "example-org", repo: "shop-api", sha: "a".repeat(40), context: "ci" };
    const render = (runNamespace: string): unknown =>
      gitHubApp.render({
        event: runEvent({ namespace: runNamespace, deleted: true, terminal: true, status: "Cancelled", commit: {} }), provider: { ...provider, repositories: [{ match: "example-org/*", namespaces: ["shop"] }] }, notification: {},
        notificationName: { namespace: "platform", name: "n" }, providerNamespace: "platform", sentBefore: () => ({ sentCount: 1, sentStatus: "Running", target }), ...noTemplates,
      });
    assert.ok("messages" in (render("shop") as object));
    assert.equal((render("ci") as { nothing: { reason: string } }).nothing.reason, "RepositoryNotAllowed");
  });
});
