import { maxDestinations } from "../../api/delivery.ts";
import { varies } from "../provider.ts";
import type { SlackChannel } from "./config.ts";

/** A Delivery has that many destinations. */
export const maxChannels = maxDestinations;

/** Where a channel takes two destinations: the message that is edited, and its thread. */
export const maxChannelsTwice = maxChannels / 2;

/** The channel as Slack takes it: an id, or a name behind `#`. */
export const addressOf = ({ id, name = "" }: SlackChannel): string => id ?? `#${name.replace(/^#/, "")}`;

/** A message that stands in a channel. */
export interface Posted {
  /** The channel's id, which is what editing needs; for a channel given by id, that one. */
  readonly channel: string;
  /** Never a number: it would lose digits. */
  readonly ts: string;
}

const tsPattern = /^[0-9]{1,12}\.[0-9]{1,9}$/;
const channelPattern = /^[A-Z0-9]{2,64}$/;

/** What is kept of a message in the Delivery: its ts, behind the channel's id where it is not the one that was addressed. */
export const externalRefOf = (address: string, { channel, ts }: Posted): string => (channel === address ? ts : `${channel}/${ts}`);

/** The message that an {@link externalRefOf} stands for; undefined for anything else. */
export function postedBy(address: string, externalRef: string | undefined): Posted | undefined {
  if (externalRef === undefined) return undefined;
  if (externalRef === varies) return { channel: address.startsWith("#") ? varies : address, ts: varies };
  const [ts = "", channel = address, ...rest] = externalRef.split("/").reverse();
  if (rest.length > 0 || !tsPattern.test(ts) || !channelPattern.test(channel)) return undefined;
  return { channel, ts };
}

/** Whether an answer names a message as Slack does. */
export const isPosted = (answer: { readonly channel?: unknown; readonly ts?: unknown }): answer is Posted =>
  typeof answer.ts === "string" && tsPattern.test(answer.ts) && typeof answer.channel === "string" && channelPattern.test(answer.channel);
