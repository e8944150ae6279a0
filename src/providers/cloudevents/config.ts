import { Type, type Static } from "typebox";
import { atomicList, keyedList, objectName, oneWordOf, rulesOf, stringMap, text } from "../../api/schema.ts";
import { runStatuses } from "../../api/run-event.ts";
import { maxLoopField } from "../loop-guard.ts";
import { defineProvider } from "../provider.ts";
import { checkNotification, checkProvider, urlsOf, warnProvider } from "./check.ts";
import { render } from "./render.ts";
import { secretRefs } from "./secrets.ts";

const secretKey = (options: { description: string; examples?: readonly unknown[] }) =>
  Type.String({ minLength: 1, maxLength: 253, pattern: "^[-._a-zA-Z0-9]+$", ...options });

const secretName = () => objectName({ description: "Name of the Secret, in the namespace of the Provider." });

const header = Type.Object(
  {
    name: text(128, { description: "Its name.", examples: ["X-Tenant"], minLength: 1, pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" }),
    value: Type.Optional(text(4096, { description: "Its value, for all to see.", examples: ["shop"], minLength: 1, pattern: "^[!-~]([ -~]*[!-~])?$" })),
    valueFrom: Type.Optional(
      Type.Object(
        { secretRef: Type.Object({ name: secretName(), key: secretKey({ description: "Key inside the Secret." }) }, { description: "The Secret that holds the value." }) },
        { description: "Where a value that is to be kept secret is read from." },
      ),
    ),
  },
  { description: "One header.", ...rulesOf({ rule: "exactlyOneOf", fields: ["value", "valueFrom"] }) },
);

/** The ways to show a receiver who sends. */
const authenticationTypes = ["None", "Bearer", "Basic", "OAuth2", "HMAC"] as const;

const authentication = Type.Object(
  {
    type: oneWordOf(authenticationTypes, {
      description: "How: None; Bearer (a fixed token); Basic (user name and password); OAuth2 (a token by client credentials, RFC 6749); HMAC (each event is signed, as Standard Webhooks has it).",
    }),
    secretRef: Type.Optional(
      Type.Object(
        {
          name: secretName(),
          key: Type.Optional(secretKey({ description: "Key inside the Secret, for Bearer (when left out: token) and HMAC (when left out: secret). The keys for Basic are username and password, for OAuth2 client-id and client-secret." })),
        },
        { description: "The Secret with the credentials." },
      ),
    ),
    tokenURL: Type.Optional(
      text(2048, { description: "For OAuth2: where tokens are requested.", examples: ["https://login.example.com/oauth2/token"], minLength: 1, pattern: "^https?://[^\\s]+$" }),
    ),
    scopes: Type.Optional(
      atomicList(text(256, { description: "One scope.", minLength: 1, pattern: "^[!#-\\[\\]-~]+$" }), { maxItems: 32, description: "For OAuth2: the scopes that are asked for.", examples: [["events.write"]] }),
    ),
    audience: Type.Optional(text(2048, { description: "For OAuth2: the audience that is asked for, at servers that need it.", examples: ["https://events.example.com"], minLength: 1 })),
  },
  {
    description: "How the receiver knows who sends.",
    ...rulesOf(
      { rule: "fieldOf", field: "secretRef", discriminator: "type", values: ["Bearer", "Basic", "OAuth2", "HMAC"], required: true },
      { rule: "fieldOf", field: "tokenURL", discriminator: "type", values: ["OAuth2"], required: true },
      { rule: "fieldOf", field: "scopes", discriminator: "type", values: ["OAuth2"], required: false },
      { rule: "fieldOf", field: "audience", discriminator: "type", values: ["OAuth2"], required: false },
    ),
  },
);

const providerSection = Type.Object(
  {
    url: text(2048, {
      description: "Where events are posted to.",
      examples: ["https://events.example.com/tekton"],
      minLength: 1,
      pattern: "^https?://[^\\s]+$",
    }),
    mode: Type.Optional(
      oneWordOf(["Structured", "Binary"], {
        description: "How an event is put into HTTP: Structured (one JSON document) or Binary (attributes in headers, the data as body). When left out: Structured; Binary for the format Tekton, as Tekton itself sends.",
      }),
    ),
    format: Type.Optional(
      oneWordOf(["RunEvent", "Tekton"], {
        default: "RunEvent",
        description: "What events say: RunEvent (schemas/run-event.json) or Tekton (types and data of Tekton's own events, for Triggers that exist already).",
      }),
    ),
    source: Type.Optional(
      text(1024, {
        description: "The attribute `source` of every event, a URI reference. When left out: the path of the run in the Kubernetes API; for the format Tekton what Tekton writes there.",
        examples: ["https://tekton.example.com/"],
        minLength: 1,
      }),
    ),
    headers: Type.Optional(keyedList("name", header, { maxItems: 16, description: "Headers that every request has besides." })),
    authentication: Type.Optional(authentication),
    maxLoop: maxLoopField("Events carry the extension `tektonloop`"),
  },
  { description: "Settings of a receiver of CloudEvents." },
);

const template = (description: string) => text(1024, { description, minLength: 1 });

const notificationSection = Type.Object(
  {
    type: Type.Optional(template("The attribute `type`, a template such as `com.example.${kind}`. When left out, or empty for a run: what the Provider's format says.")),
    subject: Type.Optional(template("The attribute `subject`, a template such as `${pipeline} ${status}`. When left out, or empty for a run: the run's name.")),
    extensions: Type.Optional(
      stringMap({
        maxProperties: 16,
        maxLength: 1024,
        description: "Attributes beside those that every event has: templates by name, such as `team: ${labels.team}`. Names have 1 to 20 lower-case letters and digits. Those that are empty for a run are left out.",
      }),
    ),
  },
  { description: "What this route adds for CloudEvents." },
);

export type CloudEventsProvider = Static<typeof providerSection>;
export type CloudEventsNotification = Static<typeof notificationSection>;

/**
 * CloudEvents: posts each state of a run as a CloudEvent 1.0 whose data is the RunEvent, or what Tekton itself would send.
 * @example
 * spec:
 *   type: CloudEvents
 *   cloudEvents:
 *     url: https://events.example.com/tekton
 *     authentication: { type: Bearer, secretRef: { name: events } }
 */
export const cloudEvents = defineProvider<CloudEventsProvider, CloudEventsNotification>({
  type: "CloudEvents",
  section: "cloudEvents",
  title: "CloudEvents",
  providerSection,
  notificationSection,
  defaultStatuses: runStatuses,
  keepsState: false,
  serviceState: (status) => status,
  secretRefs,
  templates: [["type"], ["subject"], ["extensions", "**"]],
  reads: () => ["tasks"],
  readsObject: ({ format }) => format === "Tekton",
  urls: urlsOf,
  check: checkProvider,
  warn: warnProvider,
  checkNotification,
  render,
  load: async () => await import("./send.ts"),
});
