import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { questionsOf } from "../../src/webhook/questions.ts";
import { filtered, gitHub, goodNotification, notification, provider } from "./objects.ts";

const shown = (kind: "Provider" | "Notification", object: unknown): string[] =>
  questionsOf(kind, object, "ci").map(({ field, attributes: { verb, resource, namespace, name } }) => `${field}: ${verb} ${resource}${name === "" ? "" : ` ${name}`} in ${namespace === "" ? "all" : namespace}`);

const runsIn = (namespace: string, field = "spec"): string[] => ["pipelineruns", "taskruns", "customruns"].map((resource) => `${field}: list ${resource} in ${namespace}`);

describe("the rights that a Provider asks for", () => {
  it("are to get each Secret that it names, and to list all runs of its namespace", () => {
    assert.deepEqual(shown("Provider", provider({ type: "GitHubApp", githubApp: gitHub })), ["spec.githubApp.privateKey.secretRef.name: get secrets github-app in ci", ...runsIn("ci")]);
  });

  it("cover Secrets wherever they are named, in sections of other types too, each once", () => {
    const spec = {
      tls: { clientCertificate: { secretRef: { name: "tls" } } },
      githubApp: gitHub,
      cloudEvents: { headers: [{ name: "a", value: "b" }, { name: "c", valueFrom: { secretRef: { name: "header", key: "k" } } }], authentication: { secretRef: { name: "tls" } } },
    };
    assert.deepEqual(shown("Provider", provider(spec)).filter((line) => line.includes("secrets")), [
      "spec.tls.clientCertificate.secretRef.name: get secrets tls in ci",
      "spec.githubApp.privateKey.secretRef.name: get secrets github-app in ci",
      "spec.cloudEvents.headers[1].valueFrom.secretRef.name: get secrets header in ci",
    ]);
  });

  it("reach as far as its runNamespaces do", () => {
    const reach = (runNamespaces: unknown): string[] => shown("Provider", provider({ cloudEvents: {}, runNamespaces })).slice(3);
    assert.deepEqual(reach({ matchNames: ["a", "b"] }), [...runsIn("a", "spec.runNamespaces"), ...runsIn("b", "spec.runNamespaces")]);
    for (const wide of [{ any: true }, { matchLabels: { team: "a" } }, {}]) assert.deepEqual(reach(wide), runsIn("all", "spec.runNamespaces"));
  });
});

describe("the rights that a Notification asks for", () => {
  it("are to list what it selects, and with PipelineRuns their tasks", () => {
    assert.deepEqual(shown("Notification", goodNotification), runsIn("ci", "spec.filter"));
    assert.deepEqual(shown("Notification", notification({ providerRef: { name: "p" } })), runsIn("ci", "spec.filter"));
    assert.deepEqual(shown("Notification", filtered({ kinds: ["TaskRun"] })), ["spec.filter: list taskruns in ci"]);
    assert.deepEqual(shown("Notification", filtered({ kinds: ["CustomRun", "TaskRun"] })), ["spec.filter: list taskruns in ci", "spec.filter: list customruns in ci"]);
  });

  it("are asked in its own namespace and where it selects, and everywhere for labels, which anybody may put on a Namespace later", () => {
    const where = (namespaceSelector: unknown): string[] => shown("Notification", filtered({ kinds: ["TaskRun"], namespaceSelector }));
    const own = "spec.filter: list taskruns in ci";
    assert.deepEqual(where({ matchNames: ["a", "ci"] }), [own, "spec.filter.namespaceSelector: list taskruns in a"]);
    for (const wide of [{ any: true }, { matchLabels: { team: "a" } }, { matchExpressions: [] }, {}]) assert.deepEqual(where(wide), [own, "spec.filter.namespaceSelector: list taskruns in all"]);
  });
});

describe("of a malformed object", () => {
  it("what can be read is asked for, and nothing throws", () => {
    for (const spec of [undefined, null, 7, "x", [], [[[]]]]) {
      assert.deepEqual(shown("Provider", provider(spec)), runsIn("ci"));
      assert.deepEqual(shown("Notification", notification(spec)), runsIn("ci", "spec.filter"));
    }
    assert.deepEqual(shown("Provider", provider({ a: { secretRef: 7 }, b: { secretRef: { name: 7 } }, runNamespaces: "x" })), runsIn("ci"));
    assert.deepEqual(shown("Notification", filtered({ kinds: "TaskRun", namespaceSelector: { matchNames: [7, "a"] } })), [...runsIn("ci", "spec.filter"), ...runsIn("a", "spec.filter.namespaceSelector")]);
  });

  it("no depth and no number of Secrets makes it many questions", () => {
    let deep: unknown = { secretRef: { name: "deep" } };
    for (let level = 0; level < 10_000; level += 1) deep = { x: deep };
    assert.deepEqual(shown("Provider", provider({ deep })), runsIn("ci"));
    const many = Array.from({ length: 10_000 }, (_, index) => ({ secretRef: { name: `s-${index}` } }));
    assert.equal(shown("Provider", provider({ many })).length, 64 + 3);
  });
});
