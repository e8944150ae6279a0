import { Type, type Static } from "typebox";
import { atomicList, namespaceName, oneWordOf, rulesOf, secretKeyRef, setOf, text } from "../../api/schema.ts";
import { defineProvider, secretOf, type SectionProblem } from "../provider.ts";
import { everyText } from "../templates.ts";
import { checkBaseUrl, urlsAt } from "../url.ts";
import { blockTypes, checkBlocks } from "./blocks.ts";
import { addressOf, maxChannels, maxChannelsTwice } from "./destinations.ts";
import { render } from "./render.ts";

const channel = Type.Object(
  {
    id: Type.Optional(
      text(64, {
        description: "Id of the channel, from the end of its details at Slack: public and private channels, and people (a direct message).",
        examples: ["C0123456789"],
        pattern: "^[CDGUW][A-Z0-9]+$",
      }),
    ),
    name: Type.Optional(
      text(81, {
        description: "Name of the channel, with or without `#`. An id is better: it stays when the channel is renamed.",
        examples: ["deployments"],
        pattern: "^#?[^\\s#@&<>,.:;!?*\"'()/\\\\A-Z]+$",
      }),
    ),
  },
  { description: "One channel.", ...rulesOf({ rule: "exactlyOneOf", fields: ["id", "name"] }) },
);

const offeredChannel = Type.Object(
  {
    ...channel.properties,
    namespaces: Type.Optional(
      setOf(namespaceName({ description: "Name of a namespace." }), {
        minItems: 1,
        maxItems: 64,
        description: "The namespaces whose Notifications may post to it, where the Provider is offered to others. When left out: the Provider's own.",
      }),
    ),
  },
  { description: "One channel.", ...rulesOf({ rule: "exactlyOneOf", fields: ["id", "name"] }) },
);

const channels = (description: string) => atomicList(channel, { minItems: 1, maxItems: maxChannels, description });

const providerSection = Type.Object(
  {
    accessToken: secretKeyRef("access-token", "the bot token of the Slack App"),
    channels: Type.Optional(
      atomicList(offeredChannel, {
        minItems: 1,
        maxItems: maxChannels,
        description: "Where messages go when the Notification names no channels. Notifications of other namespaces post to those of these that name their namespace, and to no others.",
      }),
    ),
    baseURL: Type.Optional(
      text(2048, {
        description: "URL of Slack's Web API. When left out: https://slack.com/api.",
        examples: ["https://slack-gov.com/api"],
        pattern: "^https?://[^\\s]+$",
      }),
    ),
  },
  { description: "Settings of a Slack App." },
);

const block = Type.Unsafe<Readonly<Record<string, unknown>>>({
  type: "object",
  required: ["type"],
  properties: { type: oneWordOf(blockTypes, { description: "Kind of the block." }) },
  "x-kubernetes-preserve-unknown-fields": true,
  "x-open": true,
  description: "One block, as Slack's Block Kit describes it.",
});

const notificationSection = Type.Object(
  {
    channels: Type.Optional(channels("Where messages go. When left out: the Provider's channels.")),
    blocks: Type.Optional(
      atomicList(block, {
        minItems: 1,
        maxItems: 50,
        description: "The message in Slack's Block Kit instead of the one that is made for you. Every text inside is a template such as `${pipeline} ${status}`.",
      }),
    ),
    thread: Type.Optional(
      oneWordOf(["None", "PerRun"], { default: "None", description: "PerRun: what comes after a run's first message is a reply in the thread below it." }),
    ),
    update: Type.Optional(
      Type.Boolean({ default: false, description: "Whether a run's first message is edited in place as the run goes on. With `thread: PerRun`, each later state is a reply below it as well." }),
    ),
  },
  { description: "What this route adds for Slack." },
);

export type SlackProvider = Static<typeof providerSection>;
export type SlackNotification = Static<typeof notificationSection>;
export type SlackChannel = Static<typeof offeredChannel>;

function checkChannels(list: readonly SlackChannel[] | undefined): SectionProblem[] {
  const seen = new Set<string>();
  return (list ?? []).flatMap((entry, index) => {
    const address = addressOf(entry);
    if (seen.has(address)) return [{ path: ["channels", index], code: "FieldDuplicate" as const, message: "the channel stands in the list twice" }];
    seen.add(address);
    return [];
  });
}

function checkTwice({ channels: list, thread, update }: SlackNotification): SectionProblem[] {
  if (update !== true || thread !== "PerRun" || (list?.length ?? 0) <= maxChannelsTwice) return [];
  return [{ path: ["channels"], code: "FieldTooMany", message: `with both update and thread there may be at most ${maxChannelsTwice} channels` }];
}

/**
 * Slack App: posts each selected run to channels, as a new message, a reply in the run's thread, or by editing its first message.
 * @example
 * spec:
 *   type: SlackApp
 *   slackApp:
 *     accessToken: { secretRef: { name: slack-app } }
 *     channels: [{ id: C0123456789 }]
 */
export const slackApp = defineProvider<SlackProvider, SlackNotification>({
  type: "SlackApp",
  section: "slackApp",
  title: "Slack App",
  providerSection,
  notificationSection,
  defaultStatuses: ["Succeeded", "Failed", "Cancelled", "TimedOut"],
  keepsState: false,
  keepsStateFor: ({ update }) => update === true,
  serviceState: (status) => status,
  secretRefs: ({ accessToken }) => [secretOf(accessToken, "access-token", "the bot token of the Slack App")],
  templates: [["blocks", everyText]],
  reads: () => ["tasks"],
  neededWhenShared: [{ field: "channels", why: "others post only to channels that are named for their namespace" }],
  urls: ({ baseURL }) => urlsAt([["baseURL"], baseURL]),
  check: (provider) => [...checkBaseUrl(provider.baseURL, ["baseURL"]), ...checkChannels(provider.channels)],
  checkNotification: (notification) => [...checkChannels(notification.channels), ...checkTwice(notification), ...checkBlocks(notification.blocks)],
  render,
  load: async () => await import("./send.ts"),
});
