import type { Notification } from "../../src/api/notification.ts";
import type { Provider } from "../../src/api/provider.ts";

const creationTimestamp = "2026-01-01T00:00:00Z";

/** A Notification `ci/to-service` as the API server stores it. */
export const notification = (spec: Partial<Notification["spec"]> & Record<string, unknown> = {}, metadata: Partial<Notification["metadata"]> = {}): Notification => ({
  metadata: { namespace: "ci", name: "to-service", uid: "n-1", generation: 1, creationTimestamp, ...metadata },
  spec: { providerRef: { name: "service" }, ...spec },
});

const provider = (spec: Provider["spec"], metadata: Partial<Provider["metadata"]>): Provider => ({
  metadata: { namespace: "ci", name: "service", uid: "p-1", generation: 1, creationTimestamp, ...metadata },
  spec,
});

/** A Provider `ci/service` for a GitHub App whose key is in the Secret `github-app`. */
export const gitHubProvider = (section: Record<string, unknown> = {}, metadata: Partial<Provider["metadata"]> = {}): Provider =>
  provider({ type: "GitHubApp", githubApp: { appId: 123_456, privateKey: { secretRef: { name: "github-app" } }, ...section } }, metadata);

/** A Provider `ci/service` for a topic of SNS whose key is in the Secret `aws`. */
export const snsProvider = (section: Record<string, unknown> = {}, metadata: Partial<Provider["metadata"]> = {}): Provider =>
  provider({ type: "AWSSNS", awsSNS: { topicARN: "arn:aws:sns:eu-central-1:123456789012:tekton-runs", credentials: { secretRef: { name: "aws" } }, ...section } }, metadata);

/** A Provider `ci/service` for channels of Slack whose token is in the Secret `slack`. */
export const slackProvider = (...channels: readonly string[]): Provider =>
  provider({ type: "SlackApp", slackApp: { accessToken: { secretRef: { name: "slack" } }, channels: channels.map((name) => ({ name })) } }, {});

/** A Provider `ci/service` for a topic of Pub/Sub whose key is in the Secret `pubsub`. */
export const pubSubProvider = (section: Record<string, unknown> = {}, metadata: Partial<Provider["metadata"]> = {}): Provider =>
  provider({ type: "GCPPubSub", gcpPubSub: { projectId: "example-project", topic: "tekton-runs", credentials: { secretRef: { name: "pubsub" } }, ...section } }, metadata);

/** A Provider `ci/service` for a receiver of CloudEvents. */
export const cloudEventsProvider = (section: Record<string, unknown> = {}, metadata: Partial<Provider["metadata"]> = {}): Provider =>
  provider({ type: "CloudEvents", cloudEvents: { url: "https://events.example.com/tekton", ...section } }, metadata);
