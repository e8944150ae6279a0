import { Type, type Static } from "typebox";
import { oneWordOf, text } from "../../api/schema.ts";
import { runStatuses } from "../../api/run-event.ts";
import { maxLoopField } from "../loop-guard.ts";
import { defineProvider } from "../provider.ts";
import { checkUrl } from "../url.ts";
import { render } from "./render.ts";

const providerSection = Type.Object(
  {
    url: text(2048, {
      description: "Where events are posted to.",
      examples: ["https://events.example.com/tekton"],
      minLength: 1,
      pattern: "^https?://[^\\s]+$",
    }),
    mode: Type.Optional(
      oneWordOf(["Structured"], { default: "Structured", description: "How an event is put into HTTP: Structured (one JSON document)." }),
    ),
    source: Type.Optional(
      text(1024, {
        description: "The attribute `source` of every event, a URI reference. When left out: the path of the run in the Kubernetes API.",
        examples: ["https://tekton.example.com/"],
        minLength: 1,
      }),
    ),
    maxLoop: maxLoopField("Events carry the extension `tektonloop`"),
  },
  { description: "Settings of a receiver of CloudEvents." },
);

const notificationSection = Type.Object(
  {
    subject: Type.Optional(
      text(1024, {
        description: "The attribute `subject`, a template such as `${pipeline} ${status}`. When left out, or empty for a run: the run's name.",
        minLength: 1,
      }),
    ),
  },
  { description: "What this route adds for CloudEvents." },
);

export type CloudEventsProvider = Static<typeof providerSection>;
export type CloudEventsNotification = Static<typeof notificationSection>;

/** A URI reference as far as `source` needs it: no spaces or other characters that must be escaped, no colon in a first segment without a scheme. */
const uriReference = /^(?:[A-Za-z][A-Za-z0-9+.-]*:|(?![^/?#]*:))(?:[A-Za-z0-9._~!$&'()*+,;=:@/?#-]|%[0-9A-Fa-f]{2})*$/;

/**
 * CloudEvents: posts each state of a run as a CloudEvent 1.0 whose data is the RunEvent.
 * @example
 * spec:
 *   type: CloudEvents
 *   cloudEvents:
 *     url: https://events.example.com/tekton
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
  secretRefs: () => [],
  templates: [["subject"]],
  reads: () => ["tasks"],
  check: ({ url, source }) => [
    ...checkUrl(url, ["url"]),
    ...(source === undefined || uriReference.test(source) ? [] : [{ path: ["source"], code: "UrlInvalid" as const, message: "is not a URI reference (RFC 3986), such as https://tekton.example.com/ or /ci" }]),
  ],
  render,
  load: async () => await import("./send.ts"),
});
