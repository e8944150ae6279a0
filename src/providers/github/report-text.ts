import type { RunEvent, RunEventTask, RunStatus } from "../../api/run-event.ts";
import { cutToBytes, shorten } from "../../api/text.ts";
import { oneLine, spanText } from "../text.ts";
import { code, codeBlock } from "./markdown.ts";

const icons: Readonly<Record<RunStatus, string>> = { Pending: "⏳", Running: "🏃", Succeeded: "✅", Failed: "❌", Cancelled: "🚫", TimedOut: "⌛" };

const words: Readonly<Record<RunStatus, string>> = { Pending: "Pending", Running: "Running", Succeeded: "Succeeded", Failed: "Failed", Cancelled: "Cancelled", TimedOut: "Timed out" };

export const iconOf = ({ status }: Pick<RunEvent, "status">): string => icons[status];

/** Reasons that say no more than the status does. */
const plainReasons = /^(Started|Running|Pending|(PipelineRun|TaskRun)Pending|Succeeded|Failed|(TaskRun|CustomRun)?Cancelled|(PipelineRun|TaskRun)Timeout|CustomRunTimedOut)?$/;

const failed = ({ status, ignored }: RunEventTask): boolean => !ignored && (status === "Failed" || status === "TimedOut");

/** In characters; GitHub does not tell its own bound. */
export const maxTitle = 255;
const maxTitleTasks = 5;

/** What became of the run, in one line of plain text: `Failed in 3m12s: unit-tests`. */
export function titleOf({ status, reason, duration, tasks }: RunEvent): string {
  const names = [...new Set(tasks.filter(failed).map(({ name }) => shorten(oneLine(name), 63)))];
  const more = names.length > maxTitleTasks ? [`${names.length - maxTitleTasks} more`] : [];
  const said = names.length > 0 ? [...names.slice(0, maxTitleTasks), ...more].join(", ") : plainReasons.test(reason) ? "" : oneLine(reason);
  return shorten(`${words[status]}${duration === undefined ? "" : ` in ${spanText(duration)}`}${said === "" ? "" : `: ${said}`}`, maxTitle);
}

const maxName = 253;
const maxReason = 256;
const maxMessageBytes = 2000;
const maxFailureBytes = 4000;

/** `reason: message`, of which the reason may be missing and the message too. */
const saying = (reason: string, message: string): string => [code(shorten(reason, maxReason)), code(cutToBytes(message, maxMessageBytes))].filter((part) => part !== "").join(": ");

function heading({ kind, name, namespace, pipeline }: RunEvent): string {
  const of = oneLine(pipeline) === "" ? "" : ` of ${code(shorten(pipeline, maxName))}`;
  return `${kind} ${code(shorten(name, maxName))}${of} in namespace ${code(namespace)}`;
}

function failureOf({ name, reason, message }: RunEventTask): string {
  const title = `#### ${[code(shorten(name, maxName)), code(shorten(reason, maxReason))].filter((part) => part !== "").join(": ")}`;
  return message.trim() === "" ? title : `${title}\n\n${codeBlock(cutToBytes(message, maxFailureBytes))}`;
}

/** What is said of as many tasks as fit, and how many were left out; no more is made than is needed. */
function fitted(tasks: readonly RunEventTask[], blockOf: (task: RunEventTask) => string, separator: string, maxBytes: number): { readonly text: string; readonly left: number } {
  const blocks: string[] = [];
  let bytes = 0;
  for (const task of tasks) {
    const block = blockOf(task);
    bytes += Buffer.byteLength(block) + separator.length;
    if (bytes > maxBytes) break;
    blocks.push(block);
  }
  return { text: blocks.join(separator), left: tasks.length - blocks.length };
}

/** What happened: the run, its reason and message, and what its failed tasks say. Markdown of at most `maxBytes` bytes, 8 KiB or more. */
export function summaryOf(event: RunEvent, maxBytes: number): string {
  const head = [heading(event), saying(event.reason, event.message)].filter((part) => part !== "").join("\n\n");
  const { text, left } = fitted(event.tasks.filter(failed), failureOf, "\n\n", maxBytes - Buffer.byteLength(head) - 100);
  return [head, text, left === 0 ? "" : `and ${left} more failed tasks`].filter((part) => part !== "").join("\n\n");
}

function rowOf({ name, status, reason, duration, ignored }: RunEventTask): string {
  const state = `${icons[status]} ${words[status]}${ignored ? " (ignored)" : ""}`;
  return `| ${code(shorten(name, maxName))} | ${state} | ${plainReasons.test(reason) ? "" : code(shorten(reason, maxReason))} | ${duration === undefined ? "" : spanText(duration)} |`;
}

/** The run's tasks as a table; empty when there are none. Markdown of at most `maxBytes` bytes. */
export function taskTable({ tasks }: RunEvent, maxBytes: number): string {
  if (tasks.length === 0) return "";
  const head = "| Task | Status | Reason | Duration |\n|---|---|---|---:|\n";
  const { text, left } = fitted(tasks, rowOf, "\n", maxBytes - head.length - 100);
  return `${head}${text}${left === 0 ? "" : `\n\nand ${left} more tasks`}`;
}
