import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccessAttributes, AccessReviews } from "../../src/kube/access-reviews.ts";
import { createProviderReader } from "../../src/webhook/check-provider.ts";
import { decodeReview, type AdmissionResponse } from "../../src/webhook/review.ts";
import { createValidation } from "../../src/webhook/validate.ts";
import { recordingLogger } from "../kube/reflector-harness.ts";
import { filtered, gitHub, goodNotification, goodProvider, notification, provider, review } from "./objects.ts";

const never = new AbortController().signal;

const allowing = (allowed: (attributes: AccessAttributes) => boolean): AccessReviews & { readonly asked: AccessAttributes[] } => {
  const asked: AccessAttributes[] = [];
  return {
    asked,
    isAllowed: (_, attributes) => {
      asked.push(attributes);
      return Promise.resolve(allowed(attributes));
    },
  };
};
/** A Provider `ci/p` for GitHub, and one `platform/shared` that is offered to namespaces with the label `team`. */
const shared = { metadata: { namespace: "platform", name: "shared" }, spec: { type: "GitHubApp", allowedNamespaces: { matchExpressions: [{ key: "team", operator: "Exists" }] } } };
const reader = createProviderReader({
  get: ({ plural }, { namespace = "", name }) => {
    const found: Record<string, object> = { "providers/ci/p": goodProvider, "providers/platform/shared": shared, "namespaces//ci": { metadata: { name: "ci", labels: { team: "a" } } }, "namespaces//other": { metadata: { name: "other" } } };
    return Promise.resolve(found[`${plural}/${namespace}/${name}`] as never);
  },
});
const judge = (reviews: AccessReviews, object: unknown, request: Record<string, unknown> = {}): Promise<AdmissionResponse> =>
  createValidation({ reviews, reader, log: recordingLogger([]) })(decodeReview(review(object, request)), never);

describe("the validating webhook", () => {
  it("allows who has every right that the object asks for", async () => {
    const reviews = allowing(() => true);
    assert.deepEqual(await judge(reviews, goodProvider), { uid: "0df28fbd-5f5f-11e8-bc74-36e6bb280816", allowed: true });
    assert.equal(reviews.asked.length, 4);
  });

  it("refuses who lacks one, naming verb, resource and namespace, with 403", async () => {
    const { allowed, status } = await judge(allowing(({ resource }) => resource !== "secrets"), goodProvider);
    assert.deepEqual([allowed, status?.code, status?.reason], [false, 403, "Forbidden"]);
    assert.deepEqual(status?.details?.causes, [
      {
        field: "spec.githubApp.privateKey.secretRef.name",
        reason: "FieldValueForbidden",
        message: 'Forbidden: user "jane" cannot get resource "secrets" "github-app" in API group "" in the namespace "ci": a Provider decides where the values of its Secrets go',
      },
    ]);
  });

  it("tells what is wrong and what is missing in one answer, with 422", async () => {
    const { status } = await judge(allowing(() => false), filtered({ kinds: ["TaskRun"], expression: "nope" }));
    assert.deepEqual([status?.code, status?.details?.causes.map(({ field }) => field)], [422, ["spec.filter.expression", "spec.filter"]]);
  });

  it("asks nothing for an update that leaves the spec as it is", async () => {
    const reviews = allowing(() => false);
    const oldObject = { ...goodProvider, metadata: { name: "p", namespace: "ci", labels: { a: "b" } } };
    assert.equal((await judge(reviews, goodProvider, { operation: "UPDATE", oldObject })).allowed, true);
    assert.deepEqual(reviews.asked, []);
  });

  it("judges the whole object when any field changes, also of an object that is being deleted", async () => {
    const reviews = allowing(({ resource }) => resource !== "secrets");
    const deletionTimestamp = "2026-01-01T00:00:00Z";
    for (const changed of [{ timeout: "5s" }, { suspend: true }]) {
      const object = { ...provider({ type: "GitHubApp", githubApp: gitHub, ...changed }), metadata: { name: "p", namespace: "ci", deletionTimestamp } };
      assert.equal((await judge(reviews, object, { operation: "UPDATE", oldObject: goodProvider })).status?.code, 403);
    }
  });

  it("allows nothing, with 503, when the rights cannot be found out; and tells what is wrong with the object all the same", async () => {
    const failing: AccessReviews = { isAllowed: () => Promise.reject(new Error("away")) };
    const { allowed, status } = await judge(failing, goodNotification);
    assert.deepEqual([allowed, status?.code, status?.reason], [false, 503, "ServiceUnavailable"]);
    assert.deepEqual((await judge(failing, filtered({ kinds: ["Job"] }))).status?.code, 422);
  });

  it("warns alike of a Provider that does not exist and of one that is not offered; and of a section that is not for its type", async () => {
    const referring = (providerRef: object, more: object = {}, namespace = "ci"): Promise<AdmissionResponse> =>
      judge(allowing(() => true), { ...notification({ providerRef, ...more }), metadata: { name: "n", namespace } }, { namespace });
    const said = async (...args: Parameters<typeof referring>): Promise<readonly string[] | undefined> => (await referring(...args)).warnings;
    assert.equal(await said({ name: "p" }), undefined);
    assert.equal(await said({ name: "shared", namespace: "platform" }), undefined);
    const notThere = await said({ name: "none", namespace: "platform" });
    assert.deepEqual(notThere, ["spec.providerRef: there is no Provider none in the namespace platform, or it is not offered to this one; messages wait until there is one"]);
    assert.deepEqual(await said({ name: "shared", namespace: "platform" }, {}, "other"), [String(notThere).replace("none", "shared")]);
    assert.deepEqual(await said({ name: "none" }), ["spec.providerRef: the Provider none does not exist; messages wait until there is one"]);
    assert.deepEqual(await said({ name: "p" }, { slackApp: {} }), ["spec.slackApp: the Provider is of type GitHubApp, which makes no use of this section"]);
  });

  it("says nothing about a Provider that cannot be read", async () => {
    const failing = createValidation({ reviews: allowing(() => true), reader: { find: () => Promise.reject(new Error("away")) }, log: recordingLogger([]) });
    assert.deepEqual(await failing(decodeReview(review(goodNotification)), never), { uid: "0df28fbd-5f5f-11e8-bc74-36e6bb280816", allowed: true });
  });

  it("says at once that it is busy when too many wait for the API server, and goes on when they are answered", async () => {
    const waiting: (() => void)[] = [];
    const slow: AccessReviews = {
      isAllowed: () =>
        new Promise((resolve) => {
          waiting.push(() => {
            resolve(true);
          });
        }),
    };
    const validate = createValidation({ reviews: slow, reader, log: recordingLogger([]) });
    const request = decodeReview(review(filtered({ kinds: ["TaskRun"] })));
    const first = Array.from({ length: 256 }, () => validate(request, never));
    const { allowed, status } = await validate(request, never);
    assert.deepEqual([allowed, status?.code, status?.reason], [false, 429, "TooManyRequests"]);
    for (const answer of waiting.splice(0)) answer();
    assert.deepEqual(new Set((await Promise.all(first)).map((answered) => answered.allowed)), new Set([true]));
    const next = validate(request, never);
    for (const answer of waiting.splice(0)) answer();
    assert.equal((await next).allowed, true);
  });
});
