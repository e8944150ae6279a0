import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { measureMatching } from "./matching-run.ts";

describe("the matching benchmark", () => {
  for (const [namespaces, what] of [[1, "in the run's namespace"], [10, "in ten namespaces"]] as const) {
    it(`finds the same of 200 Notifications ${what} as asking all of them, and asks fewer`, () => {
      const all = measureMatching({ notifications: 200, namespaces, rounds: 1 });
      assert.deepEqual(all.filter(({ equal }) => !equal), []);
      assert.ok(all.some(({ matched }) => matched > 0));
      assert.ok(all.every(({ asked, matched }) => matched <= asked && asked <= 200 / namespaces));
      assert.ok(all.some(({ asked, matched }) => matched < asked), "filters have something left to decide");
      assert.ok(all.some(({ asked }) => asked < 200 / namespaces), "the index leaves some out");
    });
  }
});
