import { Type, type Static } from "typebox";
import { secretKeyRef, stringMap, text } from "../../api/schema.ts";
import { runStatuses } from "../../api/run-event.ts";
import { maxLoopField } from "../loop-guard.ts";
import { standardAttributes } from "../message-attributes.ts";
import { defineProvider, secretOf, type SectionProblem } from "../provider.ts";
import { checkUrl, urlsAt } from "../url.ts";
import { render } from "./render.ts";

const providerSection = Type.Object(
  {
    projectId: text(128, {
      description: "The Google Cloud project of the topic.",
      examples: ["example-project"],
      pattern: "^([a-z0-9][a-z0-9.-]*:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$",
    }),
    topic: text(255, {
      description: "Name of the topic that messages are published to, without the project.",
      examples: ["tekton-runs"],
      pattern: "^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$",
    }),
    endpoint: Type.Optional(
      text(2048, {
        description: "URL of the Pub/Sub API, for a region's own endpoint or a local receiver. When left out: https://pubsub.googleapis.com.",
        examples: ["https://europe-west3-pubsub.googleapis.com"],
        pattern: "^https?://[^\\s/?#]+/?$",
      }),
    ),
    credentials: Type.Optional(secretKeyRef("service-account.json", "the key of a service account as Google offers it for download")),
    maxLoop: maxLoopField("Messages carry the attribute `tektonloop`"),
  },
  { description: "Settings of a topic of GCP Pub/Sub." },
);

const notificationSection = Type.Object(
  {
    attributes: Type.Optional(
      stringMap({
        maxProperties: 32,
        maxLength: 1024,
        description: "Attributes beside those that every message has, for filters of subscriptions: templates by name, such as `team: ${labels.team}`. Those that are empty for a run are left out.",
      }),
    ),
    orderingKey: Type.Optional(
      text(1024, {
        description: "The key whose messages stay in order, a template such as `${namespace}/${pipeline}`. When left out, or empty for a run: none.",
        minLength: 1,
      }),
    ),
  },
  { description: "What this route adds for GCP Pub/Sub." },
);

export type PubSubProvider = Static<typeof providerSection>;
export type PubSubNotification = Static<typeof notificationSection>;

/** The token of the controller's own identity goes to Google and nowhere else. */
function checkOwnEndpoint({ credentials, endpoint }: PubSubProvider): SectionProblem[] {
  if (credentials !== undefined || endpoint === undefined) return [];
  const { protocol = "", hostname = "" } = URL.parse(endpoint) ?? {};
  if (protocol === "https:" && hostname.endsWith(".googleapis.com")) return [];
  return [{ path: ["endpoint"], code: "FieldForbidden", message: "must be an https URL of Google itself (*.googleapis.com) where no credentials are named: the controller's own identity is shown to nobody else" }];
}

function checkTopic({ topic }: PubSubProvider): SectionProblem[] {
  return /^goog/i.test(topic) ? [{ path: ["topic"], code: "FieldInvalid", message: "is no name that a topic can have: it begins with goog" }] : [];
}

function checkAttributes({ attributes = {} }: PubSubNotification): SectionProblem[] {
  return Object.keys(attributes).flatMap((name): SectionProblem[] => {
    const path = ["attributes", name];
    if (standardAttributes.includes(name)) return [{ path, code: "FieldForbidden", message: "is an attribute that every message has: choose another name" }];
    if (name === "" || Buffer.byteLength(name) > 256 || /^goog/i.test(name) || /\p{Cc}|\p{Cs}/u.test(name)) {
      return [{ path, code: "FieldInvalid", message: "is no name that Pub/Sub takes: 1 to 256 bytes, not beginning with goog" }];
    }
    return [];
  });
}

/**
 * GCP Pub/Sub: publishes each state of a run to a topic; the message is the RunEvent.
 * @example
 * spec:
 *   type: GCPPubSub
 *   gcpPubSub:
 *     projectId: example-project
 *     topic: tekton-runs
 *     credentials: { secretRef: { name: pubsub } }
 */
export const gcpPubSub = defineProvider<PubSubProvider, PubSubNotification>({
  type: "GCPPubSub",
  section: "gcpPubSub",
  title: "GCP Pub/Sub",
  providerSection,
  notificationSection,
  defaultStatuses: runStatuses,
  keepsState: false,
  serviceState: (status) => status,
  usesOwnIdentity: ({ credentials }) => credentials === undefined,
  secretRefs: ({ credentials }) => (credentials === undefined ? [] : [secretOf(credentials, "service-account.json", "the key of the service account")]),
  templates: [["attributes", "**"], ["orderingKey"]],
  reads: () => ["tasks"],
  urls: ({ endpoint }) => urlsAt([["endpoint"], endpoint]),
  check: (provider) => [...checkTopic(provider), ...checkUrl(provider.endpoint, ["endpoint"]), ...checkOwnEndpoint(provider)],
  checkNotification: checkAttributes,
  render,
  load: async () => await import("./send.ts"),
});
