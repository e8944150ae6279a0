import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { decideMutation, decideValidation } from "../../src/webhook/decide.ts";
import { withDefaults } from "../../src/webhook/defaults.ts";
import { decodeReview, reviewAnswer, type AdmissionResponse } from "../../src/webhook/review.ts";
import { filtered, gitHub, goodNotification, goodProvider, notification, provider, review } from "./objects.ts";

const contract = JSON.parse(readFileSync(new URL("../testdata/contracts/admission-review-v1.json", import.meta.url), "utf8")) as object;
const isReview = new Ajv2020({ strict: false }).compile(contract);

/** Decides, and holds request and answer against the published contract. */
function decided(decide: typeof decideValidation, object: unknown, request: Record<string, unknown> = {}): AdmissionResponse {
  const body = review(object, request);
  assert.ok(isReview(body), JSON.stringify(isReview.errors));
  const response = decide(decodeReview(body));
  assert.equal(response.uid, (body["request"] as { uid: string }).uid);
  assert.ok(isReview(JSON.parse(JSON.stringify(reviewAnswer(response)))), JSON.stringify(isReview.errors));
  return response;
}
const validate = (object: unknown, request?: Record<string, unknown>): AdmissionResponse => decided(decideValidation, object, request);
const mutate = (object: unknown, request?: Record<string, unknown>): AdmissionResponse => decided(decideMutation, object, request);

describe("decideMutation", () => {
  it("fills in the type that follows from the only section, as a minimal patch", () => {
    const response = mutate(provider({ githubApp: gitHub }));
    assert.equal(response.patchType, "JSONPatch");
    assert.deepEqual(JSON.parse(Buffer.from(response.patch ?? "", "base64").toString()), [{ op: "add", path: "/spec/type", value: "GitHubApp" }]);
  });

  it("fills in the region that follows from the ARN of a topic, with and without the type, and once", () => {
    const topicARN = "arn:aws:sns:eu-central-1:123456789012:runs";
    const region = { op: "add", path: "/spec/awsSNS/region", value: "eu-central-1" };
    const patchOf = (spec: object): unknown => JSON.parse(Buffer.from(mutate(provider(spec)).patch ?? "", "base64").toString() || "[]");
    assert.deepEqual(patchOf({ type: "AWSSNS", awsSNS: { topicARN } }), [region]);
    assert.deepEqual(patchOf({ awsSNS: { topicARN } }), [{ op: "add", path: "/spec/type", value: "AWSSNS" }, region]);
    for (const set of ["eu-central-1", "eu-west-1", null, 7]) assert.deepEqual(patchOf({ type: "AWSSNS", awsSNS: { topicARN, region: set } }), []);
    for (const wrong of ["arn:aws:sns:eu-central-1:1:x", "arn:aws:sqs:eu-central-1:123456789012:x", "", 7, null, {}]) assert.deepEqual(patchOf({ type: "AWSSNS", awsSNS: { topicARN: wrong } }), []);
    const filled = withDefaults(provider({ awsSNS: { topicARN } }));
    assert.deepEqual([(filled as { spec: unknown }).spec, mutate(filled).patch], [{ type: "AWSSNS", awsSNS: { topicARN, region: "eu-central-1" } }, undefined]);
  });

  for (const [what, object] of Object.entries({
    "a type that is there": goodProvider,
    "a type that is wrong": provider({ type: "CloudEvents", githubApp: gitHub }),
    "a type that is null": provider({ type: null, githubApp: gitHub }),
    "two sections": provider({ githubApp: gitHub, cloudEvents: { url: "https://x" } }),
    "no section": provider({}),
    "a malformed section": provider({ githubApp: "x" }),
    "no spec": { ...goodProvider, spec: undefined },
    "a spec that is a list": provider([{ githubApp: gitHub }]),
    "a Notification": goodNotification,
  })) {
    it(`leaves alone: ${what}`, () => {
      assert.deepEqual(mutate(object), { uid: "0df28fbd-5f5f-11e8-bc74-36e6bb280816", allowed: true });
    });
  }
});

describe("decideValidation", () => {
  it("allows good objects", () => {
    for (const object of [goodProvider, goodNotification]) assert.deepEqual(validate(object), { uid: "0df28fbd-5f5f-11e8-bc74-36e6bb280816", allowed: true });
  });

  it("refuses with every error as a cause and in one message, carets in both", () => {
    const { allowed, status } = validate(filtered({ kinds: ["Job"], expression: 'naemspace == "x"' }));
    assert.equal(allowed, false);
    assert.deepEqual(status, {
      code: 422,
      reason: "Invalid",
      message: [
        'Notification "n": 2 errors',
        'spec.filter.kinds[0]: Unsupported value: "Job": supported values: "PipelineRun", "TaskRun", "CustomRun"',
        "spec.filter.expression: 1:1: there is no variable `naemspace` (did you mean `namespace`?)",
        '    naemspace == "x"',
        "    ^",
      ].join("\n"),
      details: {
        group: "integrations.tekton.ornew.io",
        kind: "Notification",
        name: "n",
        causes: [
          { reason: "FieldValueNotSupported", field: "spec.filter.kinds[0]", message: 'Unsupported value: "Job": supported values: "PipelineRun", "TaskRun", "CustomRun"' },
          {
            reason: "FieldValueInvalid",
            field: "spec.filter.expression",
            message: '1:1: there is no variable `naemspace` (did you mean `namespace`?)\n    naemspace == "x"\n    ^',
          },
        ],
      },
    });
  });

  it("answers 403 Forbidden where only permission is missing, 422 where anything else is wrong too", () => {
    const missing = [{ field: "spec.filter", code: "PermissionMissing", message: "Forbidden: user \"jane\" cannot list runs" }] as const;
    const forbidden = decideValidation(decodeReview(review(goodNotification)), { missing }).status;
    assert.deepEqual([forbidden?.code, forbidden?.reason], [403, "Forbidden"]);
    assert.equal(forbidden?.message, 'Notification "n": 1 error\nspec.filter: Forbidden: user "jane" cannot list runs');
    const both = decideValidation(decodeReview(review(filtered({ kinds: ["Job"] }))), { missing }).status;
    assert.deepEqual([both?.code, both?.reason, both?.details?.causes.length], [422, "Invalid", 2]);
  });

  it("takes the namespace of the request, not one that the object claims", () => {
    const object = provider({ type: "GCPPubSub", gcpPubSub: { projectId: "example-project", topic: "runs" } });
    const allowed = (namespace: string) => decideValidation(decodeReview(review(object, { namespace })), { ownIdentityNamespaces: new Set(["prod"]) }).allowed;
    assert.deepEqual([allowed("prod"), allowed("ci")], [true, false]);
  });

  it("tells warnings in one line of at most 256 characters each", () => {
    const { allowed, warnings } = validate(filtered({ expression: `status == "Suceeded"\n|| status == "${"x".repeat(500)}"` }));
    assert.equal(allowed, true);
    assert.equal(warnings?.length, 2);
    assert.ok(warnings.every((line) => line.length <= 256 && !/[\r\n]/u.test(line)));
    assert.match(warnings[0] ?? "", /^spec\.filter\.expression: 1:\d+: /);
  });

  it("always allows an update that leaves the spec as it is, whatever the rules are by now", () => {
    const bad = filtered({ kinds: ["Job"] });
    const old = { operation: "UPDATE", oldObject: { ...bad, metadata: { name: "n", finalizers: ["x"] } } };
    assert.equal(validate(bad, old).allowed, true);
    assert.equal(validate({ ...bad, metadata: { name: "n", deletionTimestamp: "2026-01-01T00:00:00Z" } }, old).allowed, true);
    assert.equal(validate(filtered({ kinds: ["Jobs"] }), old).allowed, false);
  });

  it("makes warnings of the errors that the object had before, and refuses new ones", () => {
    const before = filtered({ kinds: ["Job"], expression: "nope" });
    const changed = (filter: object): AdmissionResponse => validate(filtered(filter), { operation: "UPDATE", oldObject: before });
    const mended = changed({ kinds: ["TaskRun"], expression: "nope" });
    assert.equal(mended.allowed, true);
    assert.match(mended.warnings?.[0] ?? "", /^spec\.filter\.expression: 1:1: /);
    const worse = changed({ kinds: ["Job"], expression: "nope", statuses: ["Suceeded"] });
    assert.deepEqual([worse.allowed, worse.status?.details?.causes.map(({ field }) => field)], [false, ["spec.filter.statuses[0]"]]);
    assert.equal(changed({ kinds: ["Job"], expression: "nope2" }).allowed, false, "another mistake in the same field is a new one");
  });

  it("decides nothing about deletions, connections and subresources", () => {
    assert.equal(validate(null, { operation: "DELETE", oldObject: filtered({ kinds: ["Job"] }), kind: { group: "integrations.tekton.ornew.io", version: "v1alpha1", kind: "Notification" } }).allowed, true);
    assert.equal(validate(filtered({ kinds: ["Job"] }), { subResource: "status", operation: "UPDATE" }).allowed, true);
  });

  it("denies kinds and versions that it does not know", () => {
    for (const kind of [
      { group: "integrations.tekton.ornew.io", version: "v2", kind: "Provider" },
      { group: "integrations.tekton.ornew.io", version: "v1alpha1", kind: "Delivery" },
      { group: "example.com", version: "v1alpha1", kind: "Provider" },
    ]) {
      const { allowed, status } = validate(goodProvider, { kind });
      assert.deepEqual([allowed, status?.code], [false, 400]);
      assert.ok(status?.message.includes(`${kind.kind} of ${kind.group}/${kind.version} is not checked here`));
    }
    assert.equal(validate({ ...goodProvider, apiVersion: "v1" }).allowed, false);
  });

  it("bounds its answer", () => {
    const results = Array.from({ length: 200 }, (_, index) => ({ name: `r${index}`, matches: `(${"x".repeat(900)}` }));
    const { status } = validate(filtered({ results }));
    assert.ok((status?.details?.causes.length ?? 0) <= 50);
    assert.ok(Buffer.byteLength(status?.message ?? "") <= 16 * 1024);
  });

  it("always gives a valid answer, whatever the object is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.constantFrom("Provider", "Notification"), (spec, filter, kind) => {
        for (const object of [spec, provider(spec), notification({ providerRef: { name: "p" }, filter }), { ...goodProvider, metadata: spec }]) {
          const kinds = { kind: { group: "integrations.tekton.ornew.io", version: "v1alpha1", kind } };
          const body = { ...review({}, kinds) };
          (body["request"] as Record<string, unknown>)["object"] = object;
          for (const decide of [decideMutation, decideValidation]) assert.ok(isReview(reviewAnswer(decide(decodeReview(body)))));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is not brought down by deep nesting", () => {
    const deep = (): Record<string, unknown> => provider({ githubApp: JSON.parse("[".repeat(200_000) + "]".repeat(200_000)) as unknown });
    assert.equal(decideValidation(decodeReview(review(deep(), { operation: "UPDATE", oldObject: goodNotification }))).allowed, false);
  });
});

describe("decodeReview", () => {
  const good = review(goodProvider);
  const without = (field: string): unknown => ({ ...good, request: { ...(good["request"] as object), [field]: undefined } });
  for (const [what, body, message] of [
    ["no object", [], "the body is not an object"],
    ["nothing", undefined, "the body is not an object"],
    ["another version", { ...good, apiVersion: "admission.k8s.io/v1beta1" }, "apiVersion: must be admission.k8s.io/v1"],
    ["another kind", { ...good, kind: "Review" }, "kind: must be AdmissionReview"],
    ["no request", { ...good, request: undefined }, "request: must be an object"],
    ["no uid", without("uid"), "request.uid: must be a string"],
    ["no kind", without("kind"), "request.kind.group: must be a string"],
    ["no operation", without("operation"), "request.operation: must be one of CREATE, UPDATE, DELETE, CONNECT"],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => decodeReview(body), { code: "ReviewInvalid", message });
    });
  }
});
