import { createHash } from "node:crypto";
import { linkOf, textIn, titleIn } from "../notice.ts";
import { code, inline, link } from "./markdown.ts";
import { partOf, type Input } from "./place.ts";
import { iconOf, summaryOf, taskTable, titleOf } from "./report-text.ts";

/** GitHub takes 65,536 characters. */
const maxSummaryBytes = 16_384;
const maxTableBytes = 32_768;

/** What nobody sees, and the comment of a context is found again by. */
export const markerOf = (context: string): string => `<!-- tekton-integrations:${createHash("sha256").update(context).digest("hex").slice(0, 32)} -->`;

function footer(input: Input): string {
  const [sha, url] = [partOf(input, "sha"), linkOf(input)];
  return [...(sha === undefined ? [] : [`Commit ${sha}`]), ...(url === undefined ? [] : [link("Open the run", url)])].join(" · ");
}

/** The body of `issues/create-comment` and `issues/update-comment`. */
export function commentBody(input: Input, context: string): { readonly body: string } {
  const { event } = input;
  const heading = titleIn(input, inline) ?? `${iconOf(event)} ${code(context)}: ${inline(titleOf(event))}`;
  const text = textIn(input, inline);
  const below = text === undefined ? [summaryOf(event, maxSummaryBytes), taskTable(event, maxTableBytes)] : [text];
  const parts = [markerOf(context), `### ${heading}`, ...below, footer(input)];
  return { body: parts.filter((part) => part !== "").join("\n\n") };
}
