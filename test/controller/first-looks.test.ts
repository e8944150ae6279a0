import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFirstLooks, type FirstLooks } from "../../src/controller/first-looks.ts";

function setting(...expected: string[]): FirstLooks & { readonly acted: string[] } {
  const acted: string[] = [];
  const looks = createFirstLooks((key) => {
    acted.push(key);
  });
  for (const key of expected) looks.expect(key);
  return { ...looks, acted };
}

describe("first looks", () => {
  it("hold back what is to be done for the Notifications of a namespace until each was looked at, and no other namespace's", () => {
    const { acted, then, looked } = setting("ci/a", "ci/b", "prod/c");
    then("ci/a");
    looked("ci/a");
    assert.deepEqual(acted, []);
    then("prod/c");
    then("test/not-expected");
    assert.deepEqual(acted, ["test/not-expected"]);
    looked("prod/c");
    then("ci/b");
    assert.deepEqual(acted, ["test/not-expected", "prod/c"]);
    looked("ci/b");
    assert.deepEqual(acted, ["test/not-expected", "prod/c", "ci/a", "ci/b"]);
  });

  it("hold nothing back afterwards, nor for one whose first look failed", () => {
    const { acted, then, looked } = setting("ci/fails", "ci/b");
    then("ci/b");
    looked("ci/fails");
    looked("ci/b");
    assert.deepEqual(acted, ["ci/b"]);
    looked("ci/b");
    then("ci/fails");
    then("ci/b");
    assert.deepEqual(acted, ["ci/b", "ci/fails", "ci/b"]);
  });
});
