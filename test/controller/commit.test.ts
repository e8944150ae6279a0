import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commitOf } from "../../src/controller/commit.ts";
import { recorded, sha } from "./runs.ts";

const pac = (fields: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(fields).map(([key, value]) => [`pipelinesascode.tekton.dev/${key}`, value]));
const own = (fields: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(fields).map(([key, value]) => [`integrations.tekton.ornew.io/${key}`, value]));

/** Every place that may name a commit, in the order in which they are believed. */
const places: readonly (readonly [string, Record<string, string>])[] = [
  ["own", own({ "github-owner": "own", "github-repo": "r", "github-sha": sha })],
  ["pac", pac({ "url-org": "pac", "url-repository": "r", sha })],
  ["repo-url", pac({ "repo-url": "https://github.com/repo-url/r", sha })],
  ["github", { "github.integrations.tekton.dev/owner": "github", "github.integrations.tekton.dev/repo": "r", "github.integrations.tekton.dev/commit": sha }],
  ["git-repo", { "tekton.dev/git-repo": "https://github.com/git-repo/r", "tekton.dev/git-revision": sha }],
  ["gitURL", { "tekton.dev/gitURL": "https://github.com/gitURL/r.git", "tekton.dev/gitRevision": sha }],
];

describe("commitOf", () => {
  it("is empty for a run that names no commit", () => {
    assert.deepEqual(commitOf({ "example.com/sha": sha }), {});
  });

  for (const [index, [name]] of places.entries()) {
    it(`believes ${name} before all that come after it`, () => {
      const annotations = Object.fromEntries(places.slice(index).flatMap(([, entries]) => Object.entries(entries)));
      assert.deepEqual(commitOf(annotations), { owner: name, repo: "r", sha });
    });
  }

  it("prefers the first place that names a whole commit to an earlier one that does not", () => {
    assert.deepEqual(commitOf({ ...own({ "github-owner": "own", "github-sha": sha }), ...places[1]?.[1] }), { owner: "pac", repo: "r", sha });
    assert.deepEqual(commitOf({ ...own({ "github-owner": "own" }), ...pac({ sha }) }), { owner: "own" });
  });

  it("never mixes two places", () => {
    assert.deepEqual(commitOf({ ...own({ "github-owner": "own", "github-repo": "r" }), ...pac({ sha }) }), { owner: "own", repo: "r" });
  });

  for (const url of [
    "https://github.com/example-org/shop-api",
    "https://github.com/example-org/shop-api.git",
    "https://github.com/example-org/shop-api/",
    "https://user:token@github.com/example-org/shop-api.git",
    "git@github.com:example-org/shop-api.git",
    "ssh://git@github.com:2222/example-org/shop-api.git",
    "git://github.com/example-org/shop-api.git",
  ]) {
    it(`reads owner and repository from ${url}`, () => {
      assert.deepEqual(commitOf({ "tekton.dev/git-repo": url, "tekton.dev/git-revision": sha }), { owner: "example-org", repo: "shop-api", sha });
    });
  }

  for (const url of ["https://gitlab.example.com/group/sub/project.git", "not a url", "https://github.com/", "javascript:alert(1)/x y", "git@github.com", "https://github.com/../../etc/passwd/x", "https://github.com/o/%2e%2e", "https://github.com/o%2fp/r%00", "git@github.com:../.."]) {
    it(`reads no repository from ${url}`, () => {
      for (const annotations of [{ "tekton.dev/git-repo": url, "tekton.dev/git-revision": sha }, pac({ "repo-url": url, sha })]) {
        const { owner, repo } = commitOf(annotations);
        assert.ok(owner === undefined || repo === undefined, JSON.stringify({ owner, repo }));
      }
    });
  }

  for (const [field, key, values] of [
    ["owner", "github-owner", ["", "a b", "a/b", "..", "a\nb", "a".repeat(40), "ä", "<script>", "a%2fb"]],
    ["repo", "github-repo", ["", ".git", "..git", "...git", ".", "..", "a/b", "a b", "a\r\nX: y", "r".repeat(101), "a?b", "a#b", "ä"]],
    ["sha", "github-sha", ["", "main", sha.slice(1), `${sha}0`, `${sha}\n`, ` ${sha}`, `${sha}${sha}`, `${sha.slice(1)}g`, "../../../user"]],
  ] as const) {
    for (const value of values) {
      it(`takes ${JSON.stringify(value.slice(0, 45))} for no ${field}`, () => {
        const good = { "github-owner": "o", "github-repo": "r", "github-sha": sha };
        const commit = commitOf(own({ ...good, [key]: value }));
        assert.equal(commit[field], undefined);
        assert.equal(Object.keys(commit).length, 2, "the others are still there");
      });
    }
  }

  it("reads the name of a repository with or without the suffix of clone URLs", () => {
    for (const fields of [own({ "github-repo": "shop-api.git" }), pac({ "url-repository": "shop-api.git" }), pac({ "repo-url": "https://github.com/o/shop-api.git" })]) assert.equal(commitOf(fields).repo, "shop-api");
    assert.equal(commitOf(own({ "github-repo": ".github" })).repo, ".github");
  });

  it("takes hashes of both lengths", () => {
    for (const hash of ["a".repeat(40), "B".repeat(64)]) assert.equal(commitOf(own({ "github-sha": hash })).sha, hash);
  });

  it("reads branch, pull request, page and author where Pipelines-as-Code wrote them", () => {
    assert.deepEqual(commitOf(pac({ branch: "refs/heads/main", "pull-request": "42", "sha-url": "https://github.com/o/r/commit/x", sender: "Octo Dev" })), {
      branch: "main", pullRequest: 42, url: "https://github.com/o/r/commit/x", author: "Octo Dev",
    });
    assert.equal(commitOf(pac({ branch: "main", "source-branch": "refs/heads/feature/x" })).branch, "feature/x");
  });

  it("takes none of them when it is hostile", () => {
    for (const fields of [
      { branch: "a b" }, { branch: "a\nb" }, { branch: "x".repeat(256) }, { branch: "refs/heads/" },
      { "pull-request": "0" }, { "pull-request": "-1" }, { "pull-request": "1e3" }, { "pull-request": "12345678901" },
      { "sha-url": "javascript:alert(1)" }, { "sha-url": "https://user:secret@github.com/" }, { sender: "a\u0000b" }, { sender: "x".repeat(101) }, { sender: "" },
    ]) {
      assert.deepEqual(commitOf(pac(fields as Record<string, string>)), {}, JSON.stringify(fields));
    }
  });

  it("finds the commit of every recorded run", () => {
    const commits = new Map(recorded().map(({ run }) => [run.uid, commitOf(run.annotations)]));
    const whole = [...commits.values()].filter(({ owner, repo, sha: hash }) => owner !== undefined && repo !== undefined && hash !== undefined);
    assert.deepEqual([commits.size, whole.length], [52, 52]);
  });
});
