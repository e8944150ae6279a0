import type { RunEvent } from "../../src/api/run-event.ts";
import { recordedEvent } from "./filter-events.ts";

const times = (count: number, part: string): string => part.repeat(count).slice(0, count);

/** A run as large as the schema allows, its texts made of one piece. */
export function largest(piece: string): RunEvent {
  const base = recordedEvent("failed-step");
  const text = (length: number): string => times(length, piece);
  const entries = (length: number): Record<string, string> => Object.fromEntries(Array.from({ length: 256 }, (_, index) => [`key-${index}-${times(40, "k")}`, text(length)]));
  const task = { name: text(253), kind: "TaskRun", status: "Failed", reason: text(1024), message: text(8192), duration: "10s", ignored: false } as const;
  const values = { ...entries(8192), list: Array.from({ length: 512 }, () => text(253)) };
  return { ...base, commit: { ...base.commit, author: times(100, `c${piece}`) }, message: text(8192), reason: text(1024), labels: entries(63), annotations: entries(8192), params: values, results: values, tasks: Array.from({ length: 512 }, () => ({ ...task })) };
}

/** An expression near the bound; `piece`: what the run's texts are made of. */
export interface CostCase {
  readonly name: string;
  readonly expression: string;
  readonly piece?: string;
}

const needle = `${times(40, "x")}y`;
const list = (count: number): string => `[${Array.from({ length: count }, (_, index) => index).join(",")}]`;

export const costCases: readonly CostCase[] = [
  { name: "operators in a loop", expression: `tasks.all(t, ${Array.from({ length: 14 }, () => 't.status == "Failed" && !t.ignored').join(" && ")})` },
  { name: "a loop in a loop", expression: `${list(100)}.all(x, ${list(100)}.all(y, x + y < 1000))` },
  { name: "arithmetic", expression: `${list(80)}.all(x, ${list(60)}.all(y, x * y + x - y < 100000 && x / (y + 1) < 100000))` },
  { name: "int64 arithmetic", expression: `${list(150)}.all(x, ${list(60)}.all(y, x * 9007199254740993 + y > -1))` },
  { name: "contains, hostile text", expression: 'tasks.all(t, !t.message.contains("xy"))', piece: "x" },
  { name: "contains, six letters", expression: 'tasks.all(t, !t.message.contains("xxxxxy"))', piece: "x" },
  { name: "contains, false starts", expression: 'tasks.all(t, !t.message.contains("xxxxxy"))', piece: "xxxxxz" },
  { name: "contains", expression: 'tasks.all(t, !t.message.contains("xy"))', piece: "abcdefgh " },
  { name: "contains, long part", expression: `tasks.all(t, !t.reason.contains("${needle}"))`, piece: "x" },
  { name: "order of texts", expression: "tasks.all(t, t.reason <= tasks[0].reason)", piece: "x" },
  { name: "equal texts", expression: "tasks.all(t, t.message == tasks[0].message)", piece: "x" },
  { name: "equal objects", expression: "tasks.all(t, t == tasks[0])", piece: "x" },
  { name: "element of a list", expression: '!("none" in results.list) && tasks.all(t, !("x" in ["a", "b", t.name]))' },
  { name: "lower case", expression: 'tasks.all(t, t.name.lowerAscii() != "a")', piece: "Xy" },
  { name: "lower case, not ASCII", expression: 'tasks.all(t, t.name.lowerAscii() != "a")', piece: "XÄ" },
  { name: "trim", expression: 'tasks.all(t, t.name.trim() != "a")', piece: "   x" },
  { name: "positions", expression: 'tasks.all(t, t.name.substring(1).size() > 1)', piece: "x" },
  { name: "positions, wide", expression: "tasks.all(t, t.name.substring(1).size() > 1)", piece: "😀" },
  { name: "reverse", expression: 'tasks.all(t, t.name.reverse() != "a")', piece: "😀" },
  { name: "indexOf", expression: 'tasks.all(t, t.name.indexOf("y") == -1)', piece: "😀" },
  { name: "replace", expression: 'tasks.all(t, t.name.replace("x", "yy") != "a")', piece: "x" },
  { name: "split", expression: 'tasks.all(t, t.name.split("").size() > 1)', piece: "x" },
  { name: "join", expression: 'tasks.map(t, t.status).join(",").size() > 1', piece: "x" },
  { name: "format", expression: 'tasks.all(t, "%s %s".format([t.name, t.status]) != "a")', piece: "x" },
  { name: "matches", expression: 'tasks.all(t, !t.name.matches("(x+x+)+y"))', piece: "x" },
  { name: "matches, long text", expression: Array.from({ length: 30 }, () => '!message.matches("[a-z]+[0-9]")').join(" && "), piece: "abc" },
  { name: "matches, many states", expression: '!commit.author.matches("(a|b)*a(a|b){80}c")', piece: "ab" },
  { name: "times", expression: 'tasks.all(t, t.duration < duration("1h") && startTime + t.duration > startTime)' },
  { name: "time zones", expression: `tasks.all(t, startTime.getHours("Europe/Berlin") >= 0)` },
  { name: "conversions", expression: 'tasks.all(t, string(double(size(t.name)) / 3.0) != "x" && int(string(size(t.name))) > 0)' },
];
