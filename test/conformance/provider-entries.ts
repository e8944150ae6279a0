import { generateKeyPairSync } from "node:crypto";
import type { RunEvent } from "../../src/api/run-event.ts";
import { gitHubApp } from "../../src/providers/github/config.ts";
import { cloudEvents } from "../../src/providers/cloudevents/config.ts";
import type { AnyProviderDefinition } from "../../src/providers/provider.ts";
import { gcpPubSub } from "../../src/providers/pubsub/config.ts";
import { slackApp } from "../../src/providers/slack/config.ts";
import { awsSns } from "../../src/providers/sns/config.ts";
import { startGitHub, type GitHubDouble } from "../support/github-double.ts";
import type { Received, Receiver } from "../support/receivers.ts";
import { startPubSub } from "../support/pubsub-double.ts";
import { startSns } from "../support/sns-double.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { startSlack } from "../support/slack-double.ts";

/** The service that a provider is held against. */
export interface Counterpart {
  readonly receiver: Receiver;
  /** Values of Secrets, by `<name>/<key>`. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Of the right form, and refused by the service; absent where the service asks for none. */
  readonly wrongSecrets?: ReadonlyMap<string, string>;
  /** What the service has now: one line for each thing that somebody would see or could tell apart. */
  readonly shown: () => readonly string[];
  /** What was wrong with requests, by the vendor's contract. */
  readonly violations: readonly string[];
}

type ErrorClassOf = "retryable" | "credentials" | "route" | "permanent";

/** Everything the suite has to know about a provider. A new one is one more entry. */
export interface ProviderEntry {
  /** Of the entry, where a provider has several. */
  readonly name?: string;
  readonly definition: AnyProviderDefinition;
  readonly start: () => Promise<Counterpart>;
  /** The Provider's section for a service at a URL such as `http://127.0.0.1:1234`. */
  readonly sectionAt: (url: string) => unknown;
  readonly notification: unknown;
  /** A Notification's section that leads to several destinations, and how many. */
  readonly several?: { readonly notification: unknown; readonly count: number };
  /** Whether the request carries the message, and is no look-up and no token request. */
  readonly carriesMessage: (request: Received) => boolean;
  /** The same message twice: `once` where the service shows it once, or a sentence of the provider's page that says it does not. */
  readonly repeated: "once" | { readonly page: string; readonly says: RegExp };
  /** Where the service's own rules differ from those of HTTP. */
  readonly classes?: Readonly<Record<number, ErrorClassOf>>;
  /** Requests with the message on 401: two where a fresh token is tried once. */
  readonly requestsOn401?: number;
  /** Requests besides those that carry messages, however many messages there are. Default: two, for credentials. */
  readonly others?: number;
  /** Whether any answer with 2xx accepts, whatever its body. */
  readonly anyBodyAccepts?: boolean;
  /** Whether the service has a call that shows whether credentials are good. */
  readonly verifies?: true;
  /** An event that can be rendered. */
  readonly adapt?: (event: RunEvent) => RunEvent;
}

const anothersKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs1", format: "pem" }).toString();

async function startGitHubWith(shown: (double: GitHubDouble) => readonly string[]): Promise<Counterpart> {
  const double = await startGitHub({ installations: [{ id: 77, owner: "example-org" }] });
  return {
    receiver: double,
    secrets: new Map([["app/private-key.pem", double.privateKey]]),
    wrongSecrets: new Map([["app/private-key.pem", anothersKey]]),
    shown: () => shown(double),
    violations: double.violations,
  };
}

const gitHub: ProviderEntry = {
  definition: gitHubApp,
  start: () => startGitHubWith(({ statuses }) => [...new Set(statuses.map(({ sha, context, state }) => `${sha} ${context} ${state}`))]),
  sectionAt: (url) => ({ appId: 123_456, baseURL: `${url}/api/v3`, privateKey: { secretRef: { name: "app" } } }),
  notification: { context: "${kind} ${status}" },
  carriesMessage: ({ path }) => path.includes("/statuses/"),
  repeated: "once",
  classes: { 403: "route" },
  requestsOn401: 2,
  verifies: true,
};

const soon = new Date(Date.now() + 3_600_000).toISOString();

const gitHubCheckRun: ProviderEntry = {
  ...gitHub,
  name: "GitHubApp (CheckRun)",
  start: () => startGitHubWith(({ checkRuns }) => checkRuns.map(({ id, status, conclusion }) => `${id} ${status} ${conclusion ?? ""}`)),
  notification: { report: "CheckRun", context: "${kind} ${status}" },
  carriesMessage: ({ method, path }) => method !== "GET" && path.includes("/check-runs"),
  // Made after the connection was opened, as most runs are.
  adapt: (event) => ({ ...event, run: { ...event.run, metadata: { name: event.name, namespace: event.namespace, uid: event.uid, labels: {}, annotations: {}, creationTimestamp: soon } } }),
};

const gitHubComment: ProviderEntry = {
  ...gitHub,
  name: "GitHubApp (PullRequestComment)",
  start: () => startGitHubWith(({ comments }) => comments.map(({ id, body }) => `${id} ${body}`)),
  notification: { report: "PullRequestComment", context: "${kind} ${status}", pullRequest: "42" },
  carriesMessage: ({ method, path }) => method !== "GET" && path.includes("/comments"),
  // What others wrote is looked at once.
  others: 3,
};

const slack: ProviderEntry = {
  definition: slackApp,
  start: async () => {
    const double = await startSlack({ channels: ["C1", "C2", "C3"].map((id, index) => ({ id, name: `channel-${index}` })) });
    return {
      receiver: double,
      secrets: new Map([["app/access-token", double.token]]),
      wrongSecrets: new Map([["app/access-token", "xoxb-000000000000-anotherappstoken"]]),
      shown: () => double.messages.map(({ channel, ts }) => `${channel} ${ts}`),
      violations: double.violations,
    };
  },
  sectionAt: (url) => ({ baseURL: `${url}/api`, accessToken: { secretRef: { name: "app" } }, channels: [{ id: "C1" }] }),
  notification: {},
  several: { notification: { channels: [{ id: "C1" }, { id: "C2" }, { name: "channel-2" }] }, count: 3 },
  carriesMessage: ({ path }) => path.startsWith("/api/chat."),
  verifies: true,
  repeated: { page: "slack.md", says: /a message is sent once more, and stands in\s+the channel twice/ },
};

const events: ProviderEntry = {
  definition: cloudEvents,
  start: async () => {
    const token = "anexampletokenofareceiver";
    const sink = await startCloudEventsSink({ token });
    return {
      receiver: sink,
      secrets: new Map([["sink/token", token]]),
      wrongSecrets: new Map([["sink/token", "anothertokenofareceiver"]]),
      shown: () => [...new Set(sink.events().map(({ source, id }) => `${source} ${id}`))],
      violations: sink.violations,
    };
  },
  sectionAt: (url) => ({ url: `${url}/tekton`, mode: "Binary", authentication: { type: "Bearer", secretRef: { name: "sink" } } }),
  notification: { subject: "${name}", extensions: { reason: "${reason}" } },
  carriesMessage: () => true,
  repeated: "once",
  anyBodyAccepts: true,
};

const topicARN = "arn:aws:sns:eu-central-1:123456789012:tekton-runs";

const sns: ProviderEntry = {
  definition: awsSns,
  start: async () => {
    const double = await startSns({ topicArn: topicARN });
    const secretsOf = (id: string, secret: string): ReadonlyMap<string, string> => new Map([["aws/access-key-id", id], ["aws/secret-access-key", secret]]);
    return {
      receiver: double,
      secrets: secretsOf(double.key.id, double.key.secret),
      wrongSecrets: secretsOf(double.key.id, "anothersecretaccesskeyofthesamelength000"),
      shown: () => [...new Set(double.published.map(({ attributes }) => attributes["id"] ?? ""))],
      violations: double.violations,
    };
  },
  sectionAt: (url) => ({ topicARN, endpoint: url, credentials: { secretRef: { name: "aws" } } }),
  notification: { subject: "${name}", attributes: { reason: "${reason}" } },
  carriesMessage: ({ body }) => body.includes("Action=Publish"),
  repeated: "once",
};

const pubSub: ProviderEntry = {
  definition: gcpPubSub,
  start: async () => {
    const double = await startPubSub();
    const secretsOf = (file: object): ReadonlyMap<string, string> => new Map([["pubsub/service-account.json", JSON.stringify(file)]]);
    const otherKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    return {
      receiver: double,
      secrets: secretsOf(double.key),
      wrongSecrets: secretsOf({ ...double.key, private_key: otherKey }),
      shown: () => [...new Set(double.published.map(({ attributes }) => attributes["id"] ?? ""))],
      violations: double.violations,
    };
  },
  sectionAt: (url) => ({ projectId: "example-project", topic: "tekton-runs", endpoint: url, credentials: { secretRef: { name: "pubsub" } } }),
  notification: { attributes: { reason: "${reason}" }, orderingKey: "${name}" },
  carriesMessage: ({ path }) => path.endsWith(":publish"),
  repeated: "once",
};

/** At least one for each provider of the registry, in its order. */
export const entries: readonly ProviderEntry[] = [
  gitHub,
  gitHubCheckRun,
  gitHubComment,
  slack,
  sns,
  pubSub,
  events,
];
