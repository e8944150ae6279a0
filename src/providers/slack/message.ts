import type { RunEvent, RunEventTask, RunStatus } from "../../api/run-event.ts";
import { shorten } from "../../api/text.ts";
import { linkOf, textIn, titleIn } from "../notice.ts";
import type { RenderInput } from "../provider.ts";
import { cleaned, oneLine, spanText } from "../text.ts";
import { mrkdwn, plain, withoutHalfEntity } from "./escape.ts";

/** JSON as Slack takes it. */
export type Json = Readonly<Record<string, unknown>>;

const green = "#2eb67d";
const red = "#e01e5a";
const amber = "#ecb22e";
const grey = "#868686";

/** The colour of the bar beside the message (the table in docs/providers/slack.md). */
const colours: Readonly<Record<RunStatus, string>> = { Pending: grey, Running: amber, Succeeded: green, Failed: red, Cancelled: grey, TimedOut: red };

/** Slack takes 3,000 characters in a section, and counts what entities stand for in a way it does not tell. */
const maxSection = 3000;
const maxMessage = 2000;
const maxTaskMessage = 200;
const maxTasks = 10;
const maxName = 253;
const maxUrl = 2048;

/** Fits a text that was escaped. */
export const fitted = (escaped: string, max: number): string => (escaped.length <= max ? escaped : withoutHalfEntity(shorten(escaped, max)));

const plainText = (content: string, max = maxSection): Json => ({ type: "plain_text", text: fitted(plain(content), max), emoji: false });
const section = (content: string): Json => ({ type: "section", text: plainText(content) });

/** `reason: message`, of which the reason may be missing and the message too. */
const saying = (reason: string, message: string): string => [oneLine(reason), cleaned(message).trim()].filter((part) => part !== "").join(": ");

function facts({ kind, pipeline, duration, commit }: RunEvent): string[] {
  const repository = commit.owner !== undefined && commit.repo !== undefined ? `${commit.owner}/${commit.repo}` : commit.repo;
  return [
    oneLine(pipeline) === "" ? kind : `${kind} of ${pipeline}`,
    ...(duration === undefined ? [] : [`took ${spanText(duration)}`]),
    ...(repository === undefined ? [] : [commit.sha === undefined ? repository : `${repository}@${commit.sha.slice(0, 7)}`]),
    ...(commit.branch === undefined ? [] : [`on ${commit.branch}`]),
  ];
}

const failed = ({ status, ignored }: RunEventTask): boolean => !ignored && (status === "Failed" || status === "TimedOut");

function failedTasks(tasks: readonly RunEventTask[]): string[] {
  const all = tasks.filter(failed);
  if (all.length === 0) return [];
  const lines = all.slice(0, maxTasks).map(({ name, reason, message }) => `• ${saying(name, saying(reason, shorten(oneLine(message), maxTaskMessage)))}`);
  const more = all.length - lines.length;
  return [["Failed tasks:", ...lines, ...(more > 0 ? [`and ${more} more`] : [])].join("\n")];
}

/** The URL of a link, in which nothing can end the link; undefined for what is none. */
function linkTarget(value: string | undefined): string | undefined {
  const url = value === undefined ? null : URL.parse(value);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:") || url.href.length > maxUrl) return undefined;
  return plain(url.href.replace(/[|<>*_~`]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`));
}

type Input = Pick<RenderInput<unknown, unknown>, "event" | "message">;

/** One line that says it all, for notifications and as the message's title: the Notification's, else one that is made here. */
export function titleOf(input: Input): string {
  const { name, namespace, status } = input.event;
  return titleIn(input, mrkdwn) ?? mrkdwn(`${shorten(name, maxName)}.${shorten(namespace, maxName)}: ${status}`);
}

/** What happened, in the words of the run and its failed tasks. */
function happened({ reason, status, message, tasks }: RunEvent): readonly [Json, ...Json[]] {
  return [section(saying(oneLine(reason) === "" ? status : reason, shorten(message, maxMessage))), ...failedTasks(tasks).map(section)];
}

/** The message for those who made no blocks of their own: an attachment, since only these have a colour. */
export function attachmentOf(input: Input, title: string): Json {
  const { event } = input;
  const text = textIn(input, mrkdwn);
  const [first, ...others] = text === undefined ? happened(event) : [{ type: "section", text: { type: "mrkdwn", text: fitted(text, maxSection), verbatim: true } }];
  const url = linkTarget(linkOf(input));
  return {
    color: colours[event.status],
    fallback: title,
    blocks: [
      first,
      { type: "context", elements: facts(event).map((fact) => plainText(oneLine(fact), 300)) },
      ...others,
      ...(url === undefined ? [] : [{ type: "section", text: { type: "mrkdwn", text: `<${url}|Open the run>`, verbatim: true } }]),
    ],
  };
}
