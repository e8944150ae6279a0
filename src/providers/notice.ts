import type { RunEvent } from "../api/run-event.ts";
import { webUrl } from "../api/web-url.ts";
import { oneLine } from "./text.ts";
import type { RenderInput } from "./provider.ts";

type Input = Pick<RenderInput<unknown, unknown>, "event" | "message">;

/** What the parts of `spec.message` may take, in bytes of UTF-8. */
export const maxTitleBytes = 1024;
const maxTextBytes = 8192;
const maxUrlBytes = 2048;

/** Where a message leads: to what the Notification's `message.url` says, where that is a web address, else to the run's page. */
export const linkOf = ({ event, message }: Input): RunEvent["url"] => webUrl(message("url", maxUrlBytes)) ?? event.url;

/** The title that the Notification gives its messages, in one line; undefined where it gives none, or an empty one. */
export function titleIn({ message }: Input, escape?: (part: string) => string): string | undefined {
  const title = oneLine(message("title", maxTitleBytes, escape) ?? "");
  return title === "" ? undefined : title;
}

/** The text that the Notification gives its messages; undefined where it gives none, or an empty one. */
export function textIn({ message }: Input, escape?: (part: string) => string, maxBytes = maxTextBytes): string | undefined {
  const text = message("text", maxBytes, escape)?.trim() ?? "";
  return text === "" ? undefined : text;
}

/** What the Notification's `message` says of a run, for programs: plain text, what is empty left out. */
export interface Notice {
  readonly title?: string;
  readonly text?: string;
  readonly url?: string;
}

/** Undefined where the Notification says nothing. */
export function noticeOf(input: Input): Notice | undefined {
  const [title, text, url] = [titleIn(input), textIn(input), webUrl(input.message("url", maxUrlBytes))];
  const notice = { ...(title !== undefined && { title }), ...(text !== undefined && { text }), ...(url !== undefined && { url }) };
  return Object.keys(notice).length === 0 ? undefined : notice;
}
