import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkObject, type CheckOptions } from "../../src/webhook/check-object.ts";
import { withDefaults } from "../../src/webhook/defaults.ts";
import { filtered, gitHub, goodNotification, goodProvider, notification, provider } from "./objects.ts";

const cloudEvents = { url: "https://events.example.com/" };
const pubSub = { projectId: "example-project", topic: "tekton-runs", credentials: { secretRef: { name: "pubsub" } } };
const sns = { topicARN: "arn:aws:sns:eu-central-1:123456789012:runs", credentials: { secretRef: { name: "aws" } } };

/** `field code` of every error, in order. */
const errorsOf = (object: unknown, options: CheckOptions = { namespace: "ci", ownIdentityNamespaces: new Set(["trusted"]) }): string[] =>
  checkObject(withDefaults(object), options).errors.map(({ field, code }) => `${field} ${code}`);

describe("checkObject: accepted", () => {
  for (const [what, object] of Object.entries({
    "a Provider": goodProvider,
    "a Provider whose type follows from its section": provider({ githubApp: gitHub }),
    "a CloudEvents Provider with all fields": provider({ cloudEvents: { ...cloudEvents, mode: "Structured", source: "/x", maxLoop: 3 }, suspend: true, timeout: "60s" }),
    "a Notification": goodNotification,
    "a Notification with the Provider alone": notification({ providerRef: { name: "p" } }),
    "its own namespace by name": notification({ providerRef: { name: "p", namespace: "ci" }, filter: { namespaceSelector: { matchNames: ["ci"] } } }),
    "label selectors": filtered({ labelSelector: { matchLabels: { "app.kubernetes.io/name": "x", empty: "" }, matchExpressions: [{ key: "a", operator: "In", values: ["b"] }, { key: "c", operator: "Exists" }] } }),
    "results": filtered({ results: [{ name: "a", matches: "^v[0-9]+" }, { name: "b", exists: false }] }),
    "templates": notification({ providerRef: { name: "p" }, githubApp: { context: "ci/${pipeline} $${x}", owner: "${params.owner}", repo: "shop", sha: "${commit.sha}" } }),
    "a subject with a template": notification({ providerRef: { name: "p" }, cloudEvents: { subject: "${namespace}/${name}" } }),
    "an SNS Provider with all fields": provider({ awsSNS: { ...sns, endpoint: "https://vpce.example.com", roleARN: "arn:aws:iam::123456789012:role/ci/publisher", maxLoop: 3 } }),
    "an SNS section with templates": notification({ providerRef: { name: "p" }, awsSNS: { subject: "${pipeline}", attributes: { team: "${labels.team}" }, messageGroupId: "${pipeline}" } }),
    "a Pub/Sub Provider with all fields": provider({ gcpPubSub: { ...pubSub, endpoint: "https://europe-west3-pubsub.googleapis.com", maxLoop: 3 } }),
    "a Pub/Sub section with templates": notification({ providerRef: { name: "p" }, gcpPubSub: { attributes: { team: "${labels.team}" }, orderingKey: "${pipeline}" } }),
    "a status that the API server stored": { ...goodNotification, status: { conditions: "whatever" } },
  })) {
    it(what, () => {
      assert.deepEqual(checkObject(withDefaults(object), { namespace: "ci" }), { errors: [], warnings: [] });
    });
  }
});

describe("checkObject: refused", () => {
  const table: readonly [what: string, object: unknown, errors: readonly string[]][] = [
    ["no spec", { ...goodProvider, spec: undefined }, ["spec FieldRequired"]],
    ["neither type nor section", provider({}), ["spec.type FieldRequired", "spec RuleBroken"]],
    ["two sections", provider({ githubApp: gitHub, cloudEvents }), ["spec.type FieldRequired", "spec RuleBroken"]],
    ["a section of another type", provider({ type: "GitHubApp", cloudEvents }), ["spec RuleBroken"]],
    ["an unknown type", provider({ type: "Pigeon", githubApp: gitHub }), ["spec.type FieldNotSupported"]],
    ["a misspelt field", provider({ githubApp: { ...gitHub, baseUrl: "https://x" } }), ["spec.githubApp.baseUrl FieldUnknown"]],
    ["a value below its bound", provider({ githubApp: { ...gitHub, appId: 0 } }), ["spec.githubApp.appId FieldInvalid"]],
    ["a text for a number", provider({ githubApp: { ...gitHub, appId: "1" } }), ["spec.githubApp.appId FieldTypeInvalid"]],
    ["a key instead of a reference", provider({ githubApp: { appId: 1, privateKey: "-----BEGIN" } }), ["spec.githubApp.privateKey FieldTypeInvalid"]],
    ["a URL with a password", provider({ cloudEvents: { url: "https://u:p@example.com/" } }), ["spec.cloudEvents.url UrlInvalid"]],
    ["a topic of another region", provider({ awsSNS: { ...sns, region: "eu-west-1" } }), ["spec.awsSNS.region FieldInvalid"]],
    ["a caBundle that is none", provider({ cloudEvents, tls: { caBundle: "none" } }), ["spec.tls.caBundle FieldInvalid"]],
    ["a proxy with credentials in its URL, and a malformed tls", provider({ cloudEvents, tls: 7, proxy: { url: "http://u:p@proxy.example.com" } }), ["spec.tls FieldTypeInvalid", "spec.proxy.url UrlInvalid"]],
    ["headers and extensions of the event's own", provider({ cloudEvents: { ...cloudEvents, headers: [{ name: "Content-Type", value: "x" }] } }), ["spec.cloudEvents.headers[0].name FieldForbidden"]],
    ["an extension of the event's own", notification({ providerRef: { name: "p" }, cloudEvents: { extensions: { tektonloop: "9", team: "${labels.team" } } }), ["spec.cloudEvents.extensions.team TemplateUnterminated", "spec.cloudEvents.extensions.tektonloop FieldForbidden"]],
    ["a topic without credentials", provider({ awsSNS: { topicARN: sns.topicARN } }), ["spec.awsSNS.credentials CredentialsRequired"]],
    ["the ARN of a queue", provider({ awsSNS: { ...sns, topicARN: "arn:aws:sqs:eu-central-1:123456789012:runs" } }), ["spec.awsSNS.topicARN FieldInvalid"]],
    ["five attributes", notification({ providerRef: { name: "p" }, awsSNS: { attributes: { a: "1", b: "2", c: "3", d: "4", e: "5" } } }), ["spec.awsSNS.attributes FieldTooMany"]],
    ["an attribute that does not compile", notification({ providerRef: { name: "p" }, awsSNS: { attributes: { team: "${lables.team}" } } }), ["spec.awsSNS.attributes.team FilterUnknownVariable"]],
    ["an attribute that every message has", notification({ providerRef: { name: "p" }, awsSNS: { attributes: { tektonloop: "0" } } }), ["spec.awsSNS.attributes.tektonloop FieldForbidden"]],
    ["a topic of Pub/Sub without credentials", provider({ gcpPubSub: { projectId: "example-project", topic: "runs" } }), ["spec.gcpPubSub.credentials CredentialsRequired"]],
    ["a topic with its project", provider({ gcpPubSub: { ...pubSub, topic: "projects/x/topics/y" } }), ["spec.gcpPubSub.topic FieldInvalid"]],
    ["an ordering key that does not compile", notification({ providerRef: { name: "p" }, gcpPubSub: { orderingKey: "${" } }), ["spec.gcpPubSub.orderingKey TemplateUnterminated"]],
    ["an attribute of Google's", notification({ providerRef: { name: "p" }, gcpPubSub: { attributes: { googclient: "x" } } }), ["spec.gcpPubSub.attributes.googclient FieldInvalid"]],
    ["a timeout over a minute", provider({ githubApp: gitHub, timeout: "61s" }), ["spec.timeout FieldInvalid"]],
    ["no Provider", notification({}), ["spec.providerRef FieldRequired"]],
    ["a shared GitHub App without repositories", provider({ type: "GitHubApp", githubApp: gitHub, allowedNamespaces: { any: true } }), ["spec.githubApp.repositories FieldRequired"]],
    ["a GitHub App for runs of other namespaces without repositories", provider({ type: "GitHubApp", githubApp: gitHub, runNamespaces: { matchNames: ["a"] } }), ["spec.githubApp.repositories FieldRequired"]],
    ["a GitHub App that is shared, and for runs of others", provider({ type: "GitHubApp", githubApp: gitHub, allowedNamespaces: { any: true }, runNamespaces: { any: true } }), ["spec.githubApp.repositories FieldRequired"]],
    ["a shared Slack App without channels", provider({ type: "SlackApp", slackApp: { accessToken: { secretRef: { name: "s" } } }, allowedNamespaces: { matchNames: ["a"] } }), ["spec.slackApp.channels FieldRequired"]],
    ["an empty namespace selector", filtered({ namespaceSelector: {} }), ["spec.filter.namespaceSelector RuleBroken"]],
    ["a kind twice, and an unknown one", filtered({ kinds: ["TaskRun", "TaskRun", "Job"] }), ["spec.filter.kinds[2] FieldNotSupported", "spec.filter.kinds[1] FieldDuplicate"]],
    ["no status at all", filtered({ statuses: [] }), ["spec.filter.statuses FieldInvalid"]],
    ["an unknown status", filtered({ statuses: ["Failed", "Suceeded"] }), ["spec.filter.statuses[1] FieldNotSupported"]],
    ["an expression with an unknown name", filtered({ expression: "stauts == 1" }), ["spec.filter.expression FilterUnknownVariable"]],
    ["a series by an unknown name", notification({ providerRef: { name: "p" }, groupBy: "${pipelien}" }), ["spec.groupBy FilterUnknownVariable"]],
    ["an expression that is no condition", filtered({ expression: "1 + 1" }), ["spec.filter.expression FilterResultType"]],
    ["an expression over the bound", filtered({ expression: "true || ".repeat(600) + "true" }), ["spec.filter.expression FieldTooLong", "spec.filter.expression FilterTooLong"]],
    ["a broken pattern", filtered({ results: [{ name: "a", matches: "(?=x)" }] }), ["spec.filter.results[0].matches PatternInvalid"]],
    ["two conditions on one result", filtered({ results: [{ name: "a", value: "x", exists: true }] }), ["spec.filter.results[0] RuleBroken"]],
    ["a result twice", filtered({ results: [{ name: "a" }, { name: "a" }] }), ["spec.filter.results[1] FieldDuplicate"]],
    ["a label that is none", filtered({ labelSelector: { matchLabels: { "a b": "c d" } } }), ["spec.filter.labelSelector.matchLabels[a b] FieldInvalid", "spec.filter.labelSelector.matchLabels[a b] FieldInvalid"]],
    ["In without values", filtered({ labelSelector: { matchExpressions: [{ key: "a", operator: "In" }] } }), ["spec.filter.labelSelector.matchExpressions[0].values FieldRequired"]],
    ["Exists with values", filtered({ labelSelector: { matchExpressions: [{ key: "a", operator: "Exists", values: ["x"] }] } }), ["spec.filter.labelSelector.matchExpressions[0].values FieldForbidden"]],
    ["templates that do not compile", notification({ providerRef: { name: "p" }, githubApp: { context: "${stauts}", owner: "${", repo: "a${}b", sha: "${1 + name}" } }), ["spec.githubApp.context FilterUnknownVariable", "spec.githubApp.owner TemplateUnterminated", "spec.githubApp.repo TemplateEmptyPart", "spec.githubApp.sha FilterTypeMismatch"]],
    ["a message that does not compile", notification({ providerRef: { name: "p" }, message: { title: "${stauts}", text: "ok ${", url: "${1 + name}" } }), ["spec.message.title FilterUnknownVariable", "spec.message.text TemplateUnterminated", "spec.message.url FilterTypeMismatch"]],
    ["a message whose parts are no texts", notification({ providerRef: { name: "p" }, message: { title: ["${"], text: 1 } }), ["spec.message.title FieldTypeInvalid", "spec.message.text FieldTypeInvalid"]],
    ["a place at GitHub that can be none", notification({ providerRef: { name: "p" }, githubApp: { report: "PullRequestComment", owner: "a/b", repo: "..", sha: "main", pullRequest: "#1" } }), ["spec.githubApp.owner FieldInvalid", "spec.githubApp.repo FieldInvalid", "spec.githubApp.sha FieldInvalid", "spec.githubApp.pullRequest FieldInvalid"]],
    ["a pull request for a commit status", notification({ providerRef: { name: "p" }, githubApp: { pullRequest: "${params.pr}" } }), ["spec.githubApp.pullRequest FieldForbidden"]],
    ["a subject that does not compile", notification({ providerRef: { name: "p" }, cloudEvents: { subject: "${name" } }), ["spec.cloudEvents.subject TemplateUnterminated"]],
    ["a template that is no text", notification({ providerRef: { name: "p" }, githubApp: { context: ["${"] } }), ["spec.githubApp.context FieldTypeInvalid"]],
    ["another version", { ...goodProvider, apiVersion: "integrations.tekton.ornew.io/v9" }, ["kind KindNotSupported"]],
    ["something else entirely", 42, ["kind KindNotSupported"]],
  ];
  for (const [what, object, errors] of table) {
    it(what, () => {
      assert.deepEqual(errorsOf(object), errors);
    });
  }

  it("no credentials are needed in namespaces that may use the controller's own identity; where that is not known, it is a warning", () => {
    for (const [section, object] of [["awsSNS", provider({ awsSNS: { topicARN: sns.topicARN } })], ["gcpPubSub", provider({ gcpPubSub: { projectId: "example-project", topic: "runs" } })]] as const) {
      assert.deepEqual(errorsOf(object, { namespace: "trusted", ownIdentityNamespaces: new Set(["trusted"]) }), []);
      assert.deepEqual(errorsOf(object, { namespace: "ci", ownIdentityNamespaces: new Set() }), [`spec.${section}.credentials CredentialsRequired`]);
      const { errors, warnings } = checkObject(withDefaults(object), { namespace: "ci" });
      assert.deepEqual([errors, warnings.map(({ field, code }) => `${field} ${code}`)], [[], [`spec.${section}.credentials CredentialsRequired`]]);
    }
  });

  it("what is signed with the controller's own identity goes to the vendor and nowhere else", () => {
    const options = { namespace: "trusted", ownIdentityNamespaces: new Set(["trusted"]) };
    for (const [endpoint, errors] of [["https://vpce-1.sns.eu-central-1.vpce.amazonaws.com", 0], ["https://vpce-1.cn-north-1.amazonaws.com.cn:8443", 0], ["http://sns.eu-central-1.amazonaws.com", 1], ["https://amazonaws.com", 1], ["https://sns.eu-central-1.amazonaws.com.example.com", 1], ["https://evilamazonaws.com", 1], ["https://[", 2]] as const) {
      assert.equal(errorsOf(provider({ awsSNS: { topicARN: sns.topicARN, endpoint } }), options).filter((error) => error.startsWith("spec.awsSNS.endpoint")).length, errors, endpoint);
    }
    for (const [endpoint, errors] of [["https://europe-west3-pubsub.googleapis.com", 0], ["http://pubsub.googleapis.com", 1], ["https://googleapis.com.example.com", 1], ["https://evil-googleapis.com", 1]] as const) {
      assert.equal(errorsOf(provider({ gcpPubSub: { projectId: "example-project", topic: "runs", endpoint } }), options).length, errors, endpoint);
    }
  });

  it("schema and meaning errors come in one answer", () => {
    const object = filtered({ kinds: ["Job"], expression: "nope", results: [{ name: "a", matches: "(" }], children: "yes" });
    assert.deepEqual(errorsOf(object).toSorted(), [
      "spec.filter.children FieldTypeInvalid",
      "spec.filter.expression FilterUnknownVariable",
      "spec.filter.kinds[0] FieldNotSupported",
      "spec.filter.results[0].matches PatternInvalid",
    ]);
  });

  it("an error in an expression carries line, column and a caret", () => {
    const [error] = checkObject(filtered({ expression: 'status == "Failed" &&\n  naemspace == "x"' }), { namespace: "ci" }).errors;
    assert.deepEqual([error?.line, error?.column, error?.caret], [2, 3, '  naemspace == "x"\n  ^']);
  });

  it("an error in a template carries line, column and a caret in the whole field", () => {
    const object = notification({ providerRef: { name: "p" }, githubApp: { context: "ci\n${pipeline}: ${stauts}" } });
    const [error] = checkObject(object, { namespace: "ci" }).errors;
    assert.deepEqual([error?.field, error?.line, error?.column, error?.caret], ["spec.githubApp.context", 2, 16, "${pipeline}: ${stauts}\n               ^"]);
  });

  it("an error in a message carries line, column and a caret in the part", () => {
    const [error] = checkObject(notification({ providerRef: { name: "p" }, message: { text: "one\ntwo ${stauts}" } }), { namespace: "ci" }).errors;
    assert.deepEqual([error?.field, error?.line, error?.column, error?.caret], ["spec.message.text", 2, 7, "two ${stauts}\n      ^"]);
  });

  it("what is legal but never true in a template is a warning", () => {
    const object = notification({ providerRef: { name: "p" }, cloudEvents: { subject: 'x ${status == "Suceeded"}' } });
    const { errors, warnings } = checkObject(object, { namespace: "ci" });
    assert.deepEqual([errors, warnings.map(({ field, code, column }) => [field, code, column])], [[], [["spec.cloudEvents.subject", "FilterNeverTrue", 15]]]);
  });

  it("what is legal but never true is a warning", () => {
    const { errors, warnings } = checkObject(filtered({ expression: 'status == "Suceeded"' }), { namespace: "ci" });
    assert.deepEqual([errors, warnings.map(({ field, code }) => [field, code])], [[], [["spec.filter.expression", "FilterNeverTrue"]]]);
  });

  it("runs of other namespaces may be selected: whether they may be listed is another question", () => {
    for (const namespaceSelector of [{ any: true }, { matchNames: ["ci", "prod"] }, { matchLabels: { team: "a" } }]) {
      assert.deepEqual(errorsOf(filtered({ namespaceSelector })), [], JSON.stringify(namespaceSelector));
      assert.deepEqual(errorsOf(filtered({ namespaceSelector }), { namespace: undefined }), [], JSON.stringify(namespaceSelector));
    }
  });

  it("a list with a million wrong entries gives one error, not a million", () => {
    assert.equal(errorsOf(filtered({ kinds: Array.from({ length: 1_000_000 }, () => 1) })).length, 1);
  });

  it("own properties only: names from Object.prototype are plain names", () => {
    const object: unknown = JSON.parse('{"apiVersion":"integrations.tekton.ornew.io/v1alpha1","kind":"Provider","metadata":{"name":"p"},"spec":{"type":"constructor","__proto__":{"githubApp":{}},"toString":1}}');
    assert.deepEqual(errorsOf(object).toSorted(), ["spec.__proto__ FieldUnknown", "spec.toString FieldUnknown", "spec.type FieldNotSupported"]);
  });
});
