import { createHash } from "node:crypto";
import type { RunEvent } from "../../api/run-event.ts";
import { shorten } from "../../api/text.ts";
import { linkOf, textIn, titleIn } from "../notice.ts";
import { inline } from "./markdown.ts";
import type { Input } from "./place.ts";
import { maxTitle, summaryOf, taskTable, titleOf } from "./report-text.ts";
import { checkState } from "./states.ts";

/**
 * GitHub takes 65,535 bytes of each. All of a list of ten check runs must fit into the largest answer that is read, also where
 * GitHub writes some characters as six.
 */
const maxSummaryBytes = 16_384;
const maxTextBytes = 32_768;

/** By which the check run of a run is found again; the same for all states of it. */
function externalIdOf({ event, notificationName: { namespace, name } }: Input): string {
  return createHash("sha256").update([namespace, name, event.uid].join("\n")).digest("hex").slice(0, 32);
}

function timesOf({ startTime, completionTime, terminal }: RunEvent): { readonly started_at?: string; readonly completed_at?: string } {
  const seconds = (time: string | undefined): string | undefined => {
    const ms = time === undefined ? Number.NaN : Date.parse(time);
    return Number.isNaN(ms) ? undefined : new Date(ms).toISOString().replace(/\.[0-9]+Z$/, "Z");
  };
  const [started, completed] = [seconds(startTime), terminal ? seconds(completionTime) : undefined];
  // A run that is made anew can have started, as it says, after it ended.
  const ended = started !== undefined && completed !== undefined && completed < started ? started : completed;
  return { ...(started !== undefined && { started_at: started }), ...(ended !== undefined && { completed_at: ended }) };
}

/** A body that `checks/update` takes; with `head_sha`, `checks/create` does. */
export function checkRunBody(input: Input, name: string): Readonly<Record<string, unknown>> {
  const { event } = input;
  const text = taskTable(event, maxTextBytes);
  const url = linkOf(input);
  return {
    name,
    external_id: externalIdOf(input),
    ...checkState(event.status),
    ...timesOf(event),
    ...(url !== undefined && { details_url: url }),
    output: { title: shorten(titleIn(input) ?? titleOf(event), maxTitle), summary: textIn(input, inline, maxSummaryBytes) ?? summaryOf(event, maxSummaryBytes), ...(text !== "" && { text }) },
  };
}
