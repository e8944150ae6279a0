import type { RunEvent } from "../../api/run-event.ts";
import { shorten } from "../../api/text.ts";
import { linkOf, textIn, titleIn } from "../notice.ts";
import { oneLine } from "../text.ts";
import type { Input } from "./place.ts";
import { commitStateOf } from "./states.ts";

/** GitHub takes at most 140 characters of description; UTF-16 units are the stricter way to count them. */
const maxDescription = 140;

function descriptionOf({ reason, status, message }: RunEvent): string {
  const parts = [oneLine(reason) === "" ? status : oneLine(reason), oneLine(message)].filter((part) => part !== "");
  return parts.join(": ");
}

/** The body of `repos/create-commit-status`. */
export function commitStatusBody(input: Input, context: string): unknown {
  const { event } = input;
  const url = linkOf(input);
  const said = titleIn(input) ?? oneLine(textIn(input) ?? "");
  return {
    state: commitStateOf(event),
    context,
    description: shorten(said === "" ? descriptionOf(event) : said, maxDescription),
    ...(url !== undefined && { target_url: url }),
  };
}
