import { stringify } from "node:querystring";
import { redacted, type Message, type Rendered, type RenderInput } from "../provider.ts";
import { renderBlocks } from "./blocks.ts";
import type { SlackChannel, SlackNotification, SlackProvider } from "./config.ts";
import { addressOf, maxChannels, maxChannelsTwice, postedBy, type Posted } from "./destinations.ts";
import { attachmentOf, titleOf, type Json } from "./message.ts";

/** The API's default address. */
const publicApi = "https://slack.com/api";

/** Where the Web API is, without a slash at the end. */
export const apiBase = (provider: SlackProvider): string => (provider.baseURL ?? publicApi).replace(/\/+$/, "");

export type SlackMethod = "auth.test" | "chat.postMessage" | "chat.update";

/** Arguments of a method, each as it stands in the form. */
type Arguments = Readonly<Record<string, string>>;

type Input = RenderInput<SlackProvider, SlackNotification>;

/** What a message says, wherever it goes. */
interface Content {
  readonly text: string;
  readonly blocks: readonly Json[];
  readonly attachments: readonly Json[];
}

function contentOf(input: Input): Content {
  const own = renderBlocks(input.notification.blocks, input.template);
  const text = titleOf(input);
  return own.length > 0 ? { text, blocks: own, attachments: [] } : { text, blocks: [], attachments: [attachmentOf(input, text)] };
}

/** Slack's own parsing is off: what the text says is all it does. */
const inert = { parse: "none", link_names: "false" };

const list = (name: string, entries: readonly Json[]): Arguments => (entries.length === 0 ? {} : { [name]: JSON.stringify(entries) });

function posting(channel: string, { text, blocks, attachments }: Content): Arguments {
  return { channel, text, ...list("blocks", blocks), ...list("attachments", attachments), ...inert, mrkdwn: "false", unfurl_links: "false", unfurl_media: "false" };
}

/** Both lists are given: what is left out would stay as it was. */
function editing({ channel, ts }: Posted, { text, blocks, attachments }: Content): Arguments {
  return { channel, ts, text, blocks: JSON.stringify(blocks), attachments: JSON.stringify(attachments), ...inert };
}

interface Draft {
  readonly key: string;
  readonly address: string;
  readonly method: SlackMethod;
  readonly form: Arguments;
}

function messageOf(provider: SlackProvider, { key, address, method, form }: Draft): Message {
  return {
    key,
    // One message a second is Slack's limit for a channel, however many Notifications lead to it.
    lane: address,
    target: { channel: address },
    request: {
      method: "POST",
      url: `${apiBase(provider)}/${method}`,
      headers: { accept: "application/json", authorization: redacted, "content-type": "application/x-www-form-urlencoded" },
      body: stringify(form),
    },
  };
}

/** What a state of a run makes of one channel: a message, an edit, a reply, or an edit and a reply. */
function draftsFor(input: Input, address: string, content: Content): Draft[] {
  const { event, sentBefore, notification } = input;
  const before = sentBefore(address);
  const first = postedBy(address, before.externalRef);
  const post: Draft = { key: address, address, method: "chat.postMessage", form: posting(address, content) };
  if (first === undefined) return [post];
  const threaded = notification.thread === "PerRun";
  const reply = (key: string): Draft => ({ key, address, method: "chat.postMessage", form: { ...posting(first.channel, content), thread_ts: first.ts } });
  if (notification.update !== true) return [threaded ? reply(address) : post];
  const edit: Draft = { key: address, address, method: "chat.update", form: editing(first, content) };
  // The first message said its own state; its thread begins with the next.
  const later = before.sentCount > 1 || before.sentStatus !== event.status;
  return threaded && later ? [edit, reply(`${address}/thread`)] : [edit];
}

/** Where messages go: in the Provider's own namespace as the Notification says; else only where the Provider lets that namespace post. */
function channelsFor({ provider, notification, notificationName: { namespace }, providerNamespace }: Input): readonly SlackChannel[] {
  if (namespace === providerNamespace) return notification.channels ?? provider.channels ?? [];
  const offered = (provider.channels ?? []).filter(({ namespaces = [] }) => namespaces.includes(namespace));
  const addresses = new Set(offered.map(addressOf));
  return notification.channels?.filter((channel) => addresses.has(addressOf(channel))) ?? offered;
}

/** The messages of a run's state, one or two for each channel; or why there is none. */
export function render(input: Input): Rendered {
  const { provider, notification } = input;
  const addresses = [...new Set(channelsFor(input).map(addressOf))];
  if (addresses.length === 0 && input.notificationName.namespace !== input.providerNamespace) {
    return { nothing: { reason: "ChannelNotOffered", message: "the Provider's slackApp.channels name no such channel for the Notification's namespace" } };
  }
  if (addresses.length === 0) {
    return { nothing: { reason: "NoChannel", message: "neither the Notification's slackApp nor the Provider's names a channel: set channels in one of them" } };
  }
  const most = notification.update === true && notification.thread === "PerRun" ? maxChannelsTwice : maxChannels;
  if (addresses.length > most) {
    return { nothing: { reason: "TooManyChannels", message: `there may be at most ${most} channels, with update and thread both at most ${maxChannelsTwice}: name fewer in the Notification's slackApp` } };
  }
  const content = contentOf(input);
  return { messages: addresses.flatMap((address) => draftsFor(input, address, content)).map((draft) => messageOf(provider, draft)) };
}
