import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAccessReviews, type AccessAttributes, type Requester } from "../../src/kube/access-reviews.ts";
import { manualClock } from "../support/manual-clock.ts";

const jane: Requester = { username: "jane", uid: "u-1", groups: ["devs"], extra: { scopes: ["a"] } };
const listRuns: AccessAttributes = { verb: "list", group: "tekton.dev", resource: "taskruns", namespace: "ci", name: "" };
const never = new AbortController().signal;

function setting(answer: (spec: object, signal: AbortSignal) => Promise<unknown>) {
  const clock = manualClock();
  const asked: object[] = [];
  const kube = {
    review: (_: unknown, spec: object, signal: AbortSignal) => {
      asked.push(spec);
      return answer(spec, signal);
    },
  };
  return { clock, asked, reviews: createAccessReviews({ kube, clock }) };
}

describe("access reviews", () => {
  it("ask for the requester as the API server told it", async () => {
    const { reviews, asked } = setting(() => Promise.resolve({ allowed: true }));
    assert.equal(await reviews.isAllowed(jane, listRuns, never), true);
    assert.deepEqual(asked, [{ user: "jane", uid: "u-1", groups: ["devs"], extra: { scopes: ["a"] }, resourceAttributes: listRuns }]);
  });

  it("remember for five seconds what is allowed, for nobody else and nothing else", async () => {
    const { reviews, asked, clock } = setting(() => Promise.resolve({ allowed: true }));
    for (let time = 0; time < 3; time += 1) assert.equal(await reviews.isAllowed(jane, listRuns, never), true);
    assert.equal(asked.length, 1);
    await reviews.isAllowed({ ...jane, groups: ["devs", "ops"] }, listRuns, never);
    await reviews.isAllowed(jane, { ...listRuns, namespace: "prod" }, never);
    assert.equal(asked.length, 3);
    clock.advance(5_000);
    await reviews.isAllowed(jane, listRuns, never);
    assert.equal(asked.length, 4);
  });

  it("ask anew each time about what is not allowed: a right that was just given counts at once", async () => {
    let allowed = false;
    const { reviews } = setting(() => Promise.resolve({ allowed }));
    assert.equal(await reviews.isAllowed(jane, listRuns, never), false);
    allowed = true;
    assert.equal(await reviews.isAllowed(jane, listRuns, never), true);
  });

  it("take nothing but a plain yes for one", async () => {
    for (const answer of [undefined, null, {}, { allowed: "true" }, { allowed: 1 }, { denied: false }]) {
      assert.equal(await setting(() => Promise.resolve(answer)).reviews.isAllowed(jane, listRuns, never), false);
    }
  });

  it("fail when the API server fails, or takes longer than three seconds, and remember nothing of it", async () => {
    await assert.rejects(setting(() => Promise.reject(new Error("away"))).reviews.isAllowed(jane, listRuns, never), /away/);
    const hanging = setting((_, signal) => new Promise((__, reject) => {
      signal.addEventListener("abort", () => {
        reject(signal.reason as Error);
      });
    }));
    const asked = assert.rejects(hanging.reviews.isAllowed(jane, listRuns, never), /did not answer a SubjectAccessReview in time/);
    hanging.clock.advance(3_000);
    await asked;
  });

  it("remember a bounded number", async () => {
    const { reviews, asked } = setting(() => Promise.resolve({ allowed: true }));
    const ask = (index: number): Promise<boolean> => reviews.isAllowed(jane, { ...listRuns, namespace: `n-${index}` }, never);
    for (let index = 0; index <= 10_000; index += 1) await ask(index);
    const before = asked.length;
    await ask(10_000);
    await ask(0);
    assert.equal(asked.length, before + 1, "the oldest is forgotten, the newest is not");
  });
});
