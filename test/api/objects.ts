/**
 * The shared table of objects: each gets the same verdict from ajv over `schemas/` and from the API server with `crds/`.
 * Only structure is judged here; what the webhook adds is tested with it.
 */

export interface Sample {
  readonly what: string;
  readonly object: { readonly apiVersion: string; readonly kind: string; readonly metadata: { readonly name: string }; readonly spec?: unknown };
}

const apiVersion = "integrations.tekton.ornew.io/v1alpha1";
const make =
  (kind: string) =>
  (what: string, spec: unknown): Sample => ({ what: `${kind}: ${what}`, object: { apiVersion, kind, metadata: { name: "sample" }, ...(spec !== undefined && { spec }) } });

const provider = make("Provider");
const notification = make("Notification");
const delivery = make("Delivery");

const secretRef = { name: "github-app" };
const gitHub = { appId: 1, privateKey: { secretRef } };
const events = { url: "https://events.example.com/" };
const queue = { projectId: "example-project", topic: "tekton-runs" };
const topic = { topicARN: "arn:aws:sns:eu-central-1:123456789012:runs" };
const through = { providerRef: { name: "p" } };
const filter = (value: unknown): unknown => ({ ...through, filter: value });
const runRef = { apiVersion: "tekton.dev/v1", kind: "PipelineRun", namespace: "ci", name: "run-1", uid: "6e2f" };
const notificationRef = { name: "n", uid: "77aa" };

export const good: readonly Sample[] = [
  provider("GitHub App", { type: "GitHubApp", githubApp: gitHub }),
  provider("GitHub App with everything", {
    type: "GitHubApp",
    suspend: true,
    timeout: "60s",
    githubApp: { appId: 9007199254740991, privateKey: { secretRef: { name: "a.b-c", key: "my_key.pem" } }, baseURL: "https://github.example.com/api/v3", installationId: 7 },
  }),
  provider("GitHub App with repositories", { type: "GitHubApp", githubApp: { ...gitHub, repositories: [{ match: "*/*" }, { match: "Example-Org/shop-*.x_y", namespaces: ["shop", "shop-dev"] }] } }),
  provider("CloudEvents", { type: "CloudEvents", cloudEvents: events }),
  provider("CloudEvents with everything", { type: "CloudEvents", timeout: "1s", cloudEvents: { url: "http://127.0.0.1:1/x?y=z", mode: "Structured", source: "urn:x", maxLoop: 100 } }),
  provider("CloudEvents with headers", { type: "CloudEvents", cloudEvents: { ...events, mode: "Binary", format: "Tekton", headers: [{ name: "X-A", value: "a b" }, { name: "X-B", valueFrom: { secretRef: { name: "s", key: "k" } } }] } }),
  provider("CloudEvents without authentication", { type: "CloudEvents", cloudEvents: { ...events, authentication: { type: "None" } } }),
  provider("CloudEvents with a token", { type: "CloudEvents", cloudEvents: { ...events, authentication: { type: "Bearer", secretRef: { name: "s", key: "k" } } } }),
  provider("CloudEvents with a password", { type: "CloudEvents", cloudEvents: { ...events, authentication: { type: "Basic", secretRef: { name: "s" } } } }),
  provider("CloudEvents with signatures", { type: "CloudEvents", cloudEvents: { ...events, authentication: { type: "HMAC", secretRef: { name: "s" } } } }),
  provider("CloudEvents with OAuth2", { type: "CloudEvents", cloudEvents: { ...events, authentication: { type: "OAuth2", secretRef: { name: "s" }, tokenURL: "https://x/", scopes: ["a", "b:c/d"], audience: "y z" } } }),
  provider("SNS", { type: "AWSSNS", awsSNS: topic }),
  provider("SNS with everything", {
    type: "AWSSNS",
    awsSNS: { region: "us-gov-west-1", topicARN: "arn:aws-us-gov:sns:us-gov-west-1:123456789012:a_B-9.fifo", endpoint: "http://127.0.0.1:1/x", roleARN: "arn:aws:iam::123456789012:role/a/b+c=d,e.f@g-h_i", credentials: { secretRef: { name: "aws" } }, maxLoop: 100 },
  }),
  provider("Pub/Sub", { type: "GCPPubSub", gcpPubSub: queue }),
  provider("Pub/Sub with everything", {
    type: "GCPPubSub",
    gcpPubSub: { projectId: "example.com:a-project-1", topic: "a_B-9.~+%", endpoint: "http://127.0.0.1:1/", credentials: { secretRef: { name: "pubsub", key: "key.json" } }, maxLoop: 100 },
  }),
  notification("a Pub/Sub section", { ...through, gcpPubSub: { attributes: { team: "${labels.team}" }, orderingKey: "${uid}" } }),
  notification("an SNS section", { ...through, awsSNS: { subject: "${name}", attributes: { team: "${labels.team}", "a.b": "" }, messageGroupId: "x" } }),
  notification("the Provider alone", through),
  notification("a Provider by namespace", { providerRef: { name: "p", namespace: "ci" } }),
  notification("every part of a filter", {
    suspend: false,
    providerRef: { name: "p" },
    filter: {
      kinds: ["PipelineRun", "TaskRun", "CustomRun"],
      children: true,
      labelSelector: { matchLabels: { "app.kubernetes.io/name": "shop", empty: "" }, matchExpressions: [{ key: "team", operator: "In", values: ["a", "b"] }, { key: "x", operator: "Exists" }] },
      namespaceSelector: { matchNames: ["ci"] },
      statuses: ["Failed", "TimedOut"],
      results: [{ name: "digest" }, { name: "a", value: "" }, { name: "b", matches: "^v" }, { name: "c", exists: false }],
      expression: 'status == "Failed"',
    },
  }),
  notification("any namespace", filter({ namespaceSelector: { any: true } })),
  notification("namespaces by label", filter({ namespaceSelector: { matchLabels: { team: "a" }, matchExpressions: [{ key: "env", operator: "NotIn", values: ["prod"] }] } })),
  notification("a GitHub section", { ...through, githubApp: { context: "ci/build $5 {}" } }),
  notification("a message", { ...through, message: { title: "${pipeline} ${status}", text: "a\nb", url: "https://example.com/${name}" } }),
  notification("a message of one part", { ...through, message: { text: "${reason}" } }),
  notification("a check run", { ...through, githubApp: { report: "CheckRun" } }),
  notification("a comment", { ...through, githubApp: { report: "PullRequestComment", pullRequest: "${params.number}" } }),
  notification("a context with a template", { ...through, githubApp: { context: "ci/${name}" } }),
  notification("a GitHub section with a template in every field", { ...through, githubApp: { context: "ci/${name}", owner: "${params.owner}", repo: "${params.repo}", sha: "${params.sha}" } }),
  notification("a subject with a template", { ...through, cloudEvents: { subject: "$${ ${name}" } }),
  notification("a CloudEvents section", { ...through, cloudEvents: { type: "x.${kind}", subject: "builds", extensions: { team: "${labels.team}" } } }),
  notification("an empty filter", filter({})),
  delivery("of a PipelineRun", { notificationRef, runRef }),
  delivery("of a CustomRun", { notificationRef, runRef: { ...runRef, apiVersion: "tekton.dev/v1beta1", kind: "CustomRun" } }),
];

export const bad: readonly Sample[] = [
  provider("no spec", undefined),
  provider("an empty spec", {}),
  provider("a type without its section", { type: "GitHubApp" }),
  provider("a section without a type", { githubApp: gitHub }),
  provider("the section of another type", { type: "GitHubApp", cloudEvents: events }),
  provider("two sections", { type: "GitHubApp", githubApp: gitHub, cloudEvents: events }),
  provider("an unknown type", { type: "Pigeon", githubApp: gitHub }),
  provider("an unknown field", { type: "GitHubApp", githubApp: gitHub, colour: "red" }),
  provider("an unknown field below", { type: "GitHubApp", githubApp: { ...gitHub, baseUrl: "https://x" } }),
  provider("no appId", { type: "GitHubApp", githubApp: { privateKey: { secretRef } } }),
  provider("an appId of 0", { type: "GitHubApp", githubApp: { ...gitHub, appId: 0 } }),
  provider("an appId that is text", { type: "GitHubApp", githubApp: { ...gitHub, appId: "1" } }),
  provider("an appId with a fraction", { type: "GitHubApp", githubApp: { ...gitHub, appId: 1.5 } }),
  provider("no private key", { type: "GitHubApp", githubApp: { appId: 1 } }),
  provider("a Secret without a name", { type: "GitHubApp", githubApp: { appId: 1, privateKey: { secretRef: {} } } }),
  provider("a Secret name with capitals", { type: "GitHubApp", githubApp: { appId: 1, privateKey: { secretRef: { name: "GitHub" } } } }),
  provider("a Secret name that is too long", { type: "GitHubApp", githubApp: { appId: 1, privateKey: { secretRef: { name: "a".repeat(254) } } } }),
  provider("a Secret key with a slash", { type: "GitHubApp", githubApp: { appId: 1, privateKey: { secretRef: { name: "a", key: "../x" } } } }),
  provider("a baseURL of another scheme", { type: "GitHubApp", githubApp: { ...gitHub, baseURL: "ftp://x" } }),
  provider("no repositories", { type: "GitHubApp", githubApp: { ...gitHub, repositories: [] } }),
  provider("a repository without an owner", { type: "GitHubApp", githubApp: { ...gitHub, repositories: [{ match: "shop-api" }] } }),
  provider("a repository by its URL", { type: "GitHubApp", githubApp: { ...gitHub, repositories: [{ match: "https://github.com/example-org/shop-api" }] } }),
  provider("a repository for no namespace", { type: "GitHubApp", githubApp: { ...gitHub, repositories: [{ match: "a/b", namespaces: [] }] } }),
  provider("a repository for a namespace twice", { type: "GitHubApp", githubApp: { ...gitHub, repositories: [{ match: "a/b", namespaces: ["x", "x"] }] } }),
  provider("a repository for a namespace that is none", { type: "GitHubApp", githubApp: { ...gitHub, repositories: [{ match: "a/b", namespaces: ["*"] }] } }),
  notification("a message that is text", { ...through, message: "${status}" }),
  notification("a message with an empty title", { ...through, message: { title: "" } }),
  notification("a message with another part", { ...through, message: { body: "x" } }),
  notification("a message with a title that is too long", { ...through, message: { title: "x".repeat(1025) } }),
  notification("a report that is none", { ...through, githubApp: { report: "Comment" } }),
  notification("a pull request that is a number", { ...through, githubApp: { report: "PullRequestComment", pullRequest: 42 } }),
  provider("no topic", { type: "AWSSNS", awsSNS: {} }),
  provider("the ARN of a queue", { type: "AWSSNS", awsSNS: { topicARN: "arn:aws:sqs:eu-central-1:123456789012:runs" } }),
  provider("the ARN of a topic in no account", { type: "AWSSNS", awsSNS: { topicARN: "arn:aws:sns:eu-central-1::runs" } }),
  provider("a region that is none", { type: "AWSSNS", awsSNS: { ...topic, region: "Frankfurt" } }),
  provider("the ARN of a user as a role", { type: "AWSSNS", awsSNS: { ...topic, roleARN: "arn:aws:iam::123456789012:user/x" } }),
  provider("credentials without a Secret", { type: "AWSSNS", awsSNS: { ...topic, credentials: {} } }),
  notification("five attributes", { ...through, awsSNS: { attributes: { a: "1", b: "2", c: "3", d: "4", e: "5" } } }),
  notification("an attribute that is a number", { ...through, awsSNS: { attributes: { a: 1 } } }),
  provider("no topic of Pub/Sub", { type: "GCPPubSub", gcpPubSub: { projectId: "example-project" } }),
  provider("no project", { type: "GCPPubSub", gcpPubSub: { topic: "runs" } }),
  provider("a topic with its path", { type: "GCPPubSub", gcpPubSub: { ...queue, topic: "projects/a/topics/b" } }),
  provider("a project with capitals", { type: "GCPPubSub", gcpPubSub: { ...queue, projectId: "Example" } }),
  provider("an endpoint with a path", { type: "GCPPubSub", gcpPubSub: { ...queue, endpoint: "https://example.com/v1" } }),
  notification("33 attributes", { ...through, gcpPubSub: { attributes: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`a${index}`, "x"])) } }),
  notification("an empty ordering key", { ...through, gcpPubSub: { orderingKey: "" } }),
  provider("no url", { type: "CloudEvents", cloudEvents: {} }),
  provider("an empty url", { type: "CloudEvents", cloudEvents: { url: "" } }),
  provider("an unknown mode", { type: "CloudEvents", cloudEvents: { ...events, mode: "Batched" } }),
  provider("an unknown format", { type: "CloudEvents", cloudEvents: { ...events, format: "CDEvents" } }),
  provider("an authentication without a type", { type: "CloudEvents", cloudEvents: { ...events, authentication: { secretRef: { name: "s" } } } }),
  provider("an unknown authentication", { type: "CloudEvents", cloudEvents: { ...events, authentication: { type: "Digest", secretRef: { name: "s" } } } }),
  provider("a token without a Secret", { type: "CloudEvents", cloudEvents: { ...events, authentication: { type: "Bearer" } } }),
  provider("a Secret without an authentication", { type: "CloudEvents", cloudEvents: { ...events, authentication: { type: "None", secretRef: { name: "s" } } } }),
  provider("OAuth2 without a tokenURL", { type: "CloudEvents", cloudEvents: { ...events, authentication: { type: "OAuth2", secretRef: { name: "s" } } } }),
  provider("a tokenURL without OAuth2", { type: "CloudEvents", cloudEvents: { ...events, authentication: { type: "Bearer", secretRef: { name: "s" }, tokenURL: "https://x/" } } }),
  provider("scopes without OAuth2", { type: "CloudEvents", cloudEvents: { ...events, authentication: { type: "Bearer", secretRef: { name: "s" }, scopes: ["a"] } } }),
  provider("an audience without OAuth2", { type: "CloudEvents", cloudEvents: { ...events, authentication: { type: "HMAC", secretRef: { name: "s" }, audience: "a" } } }),
  provider("a scope with a space", { type: "CloudEvents", cloudEvents: { ...events, authentication: { type: "OAuth2", secretRef: { name: "s" }, tokenURL: "https://x/", scopes: ["a b"] } } }),
  provider("a header without a value", { type: "CloudEvents", cloudEvents: { ...events, headers: [{ name: "X-A" }] } }),
  provider("a header with two values", { type: "CloudEvents", cloudEvents: { ...events, headers: [{ name: "X-A", value: "a", valueFrom: { secretRef: { name: "s", key: "k" } } }] } }),
  provider("a header whose name is none", { type: "CloudEvents", cloudEvents: { ...events, headers: [{ name: "X A", value: "a" }] } }),
  provider("a header with a line break", { type: "CloudEvents", cloudEvents: { ...events, headers: [{ name: "X-A", value: "a\nb" }] } }),
  provider("a header from a Secret without a key", { type: "CloudEvents", cloudEvents: { ...events, headers: [{ name: "X-A", valueFrom: { secretRef: { name: "s" } } }] } }),
  provider("17 headers", { type: "CloudEvents", cloudEvents: { ...events, headers: Array.from({ length: 17 }, (_, index) => ({ name: `X-${index}`, value: "a" })) } }),
  provider("maxLoop 0", { type: "CloudEvents", cloudEvents: { ...events, maxLoop: 0 } }),
  provider("maxLoop above its bound", { type: "CloudEvents", cloudEvents: { ...events, maxLoop: 101 } }),
  provider("a timeout of 0", { type: "CloudEvents", timeout: "0s", cloudEvents: events }),
  provider("a timeout of 61 s", { type: "CloudEvents", timeout: "61s", cloudEvents: events }),
  provider("a timeout without a unit", { type: "CloudEvents", timeout: "15", cloudEvents: events }),
  provider("suspend as text", { type: "CloudEvents", suspend: "yes", cloudEvents: events }),
  notification("no spec", undefined),
  notification("no Provider", { filter: {} }),
  notification("a Provider without a name", { providerRef: {} }),
  notification("an unknown kind", filter({ kinds: ["Pod"] })),
  notification("no kinds", filter({ kinds: [] })),
  notification("a kind twice", filter({ kinds: ["TaskRun", "TaskRun"] })),
  notification("kinds that are text", filter({ kinds: "TaskRun" })),
  notification("an unknown status", filter({ statuses: ["Suceeded"] })),
  notification("a status twice", filter({ statuses: ["Failed", "Failed"] })),
  notification("an empty expression", filter({ expression: "" })),
  notification("an expression that is too long", filter({ expression: "x".repeat(4097) })),
  notification("an empty namespace selector", filter({ namespaceSelector: {} })),
  notification("any and names", filter({ namespaceSelector: { any: true, matchNames: ["a"] } })),
  notification("any and labels", filter({ namespaceSelector: { any: true, matchLabels: { a: "b" } } })),
  notification("names and labels", filter({ namespaceSelector: { matchNames: ["a"], matchExpressions: [{ key: "x", operator: "Exists" }] } })),
  notification("any: false", filter({ namespaceSelector: { any: false } })),
  notification("a namespace that is no name", filter({ namespaceSelector: { matchNames: ["A_B"] } })),
  notification("an unknown operator", filter({ labelSelector: { matchExpressions: [{ key: "x", operator: "Equals", values: ["y"] }] } })),
  notification("a requirement without a key", filter({ labelSelector: { matchExpressions: [{ operator: "Exists" }] } })),
  notification("a label value that is too long", filter({ labelSelector: { matchLabels: { a: "b".repeat(64) } } })),
  notification("a label value that is a number", filter({ labelSelector: { matchLabels: { a: 1 } } })),
  notification("a result without a name", filter({ results: [{ value: "x" }] })),
  notification("a result with two conditions", filter({ results: [{ name: "a", value: "x", exists: true }] })),
  notification("17 extensions", { ...through, cloudEvents: { extensions: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`a${index}`, "x"])) } }),
  notification("two sections", { ...through, githubApp: {}, cloudEvents: {} }),
  notification("a context that is too long", { ...through, githubApp: { context: "x".repeat(1025) } }),
  notification("an empty owner", { ...through, githubApp: { owner: "" } }),
  notification("a sha that is a number", { ...through, githubApp: { sha: 1 } }),
  notification("an unknown section", { ...through, pigeon: {} }),
  delivery("no spec", undefined),
  delivery("no run", { notificationRef }),
  delivery("a run of another kind", { notificationRef, runRef: { ...runRef, kind: "Pod" } }),
];
