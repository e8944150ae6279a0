import type { PlayedEvent } from "./replay.ts";
import { readRecording } from "./replay-recording.ts";

/** A state of a run as a message tells it. */
export interface RunState {
  readonly status: string;
  readonly reason: string;
}

/** What a recording made one run go through, in the words of a RunEvent. Read from the recording, not from what was sent. */
export interface PlayedRun {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** The kind of the run that owns it. */
  readonly parent: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** In the order in which they were played; no two in a row are the same. */
  readonly states: readonly RunState[];
  /** The last thing to be said about it. */
  readonly end: RunState;
}

/** Every reason that occurs in the recordings: one that is not listed is an error of this table, not a state. */
const going: Readonly<Record<string, string>> = { Pending: "Pending", ToBeRetried: "Pending", Running: "Running", Announced: "Running", AwaitingWindow: "Running" };
const failing: Readonly<Record<string, string>> = { Failed: "Failed", StepFailed: "Failed", WindowMissed: "Failed", Cancelled: "Cancelled", TaskRunCancelled: "Cancelled", PipelineRunTimeout: "TimedOut" };

function stateOf(condition: PlayedEvent["condition"]): RunState {
  if (condition === undefined) return { status: "Pending", reason: "" };
  const { status, reason, message } = condition;
  if (status === "True") return { status: "Succeeded", reason };
  const known = status === "False" ? failing[reason] : going[reason];
  if (known === undefined) throw new Error(`this table does not know ${status}/${reason}`);
  return { status: reason === "TaskRunCancelled" && message.includes("has timed out") ? "TimedOut" : known, reason };
}

const ends = new Set(["Succeeded", "Failed", "Cancelled", "TimedOut"]);

/** Whether a run is over in this state. */
export const isEnd = ({ status }: { readonly status: string }): boolean => ends.has(status);

interface Growing {
  readonly first: PlayedEvent;
  readonly states: RunState[];
}

function take({ states }: Growing, event: PlayedEvent): void {
  const last = states.at(-1);
  const vanished = event.type === "DELETED";
  if (vanished && last !== undefined && isEnd(last)) return;
  const next = vanished ? { status: "Cancelled", reason: "Deleted" } : stateOf(event.condition);
  if (last?.status !== next.status || last.reason !== next.reason) states.push(next);
}

/** The runs of a recording that was played. */
export function playedRuns(recording: string, played: readonly PlayedEvent[]): PlayedRun[] {
  const recorded = readRecording(recording);
  const runs = new Map<string, Growing>();
  for (const event of played) {
    const run = runs.get(event.uid) ?? { first: event, states: [] };
    runs.set(event.uid, run);
    take(run, event);
  }
  return [...runs.values()].map(({ first, states }) => {
    const { kind, namespace, name, uid } = first;
    const metadata = recorded[first.line - 1]?.object.metadata;
    const end = states.at(-1);
    if (end === undefined || !isEnd(end)) throw new Error(`${recording}: ${kind} ${name} never ends`);
    const parent = metadata?.ownerReferences?.find(({ apiVersion }) => apiVersion.startsWith("tekton.dev/"))?.kind;
    return { kind, namespace, name, uid, parent, annotations: metadata?.annotations ?? {}, labels: metadata?.labels ?? {}, states, end };
  });
}

/** A message about a run as its receiver recorded it. `id` is the same for repeats of one message. */
export interface ToldState extends RunState {
  readonly uid: string;
  readonly id: string;
}

function faultsOf(run: PlayedRun, told: readonly ToldState[]): string[] {
  const about = `${run.kind} ${run.namespace}/${run.name}`;
  const said = told.map(({ status, reason }) => `${status}/${reason}`);
  const played = run.states.map(({ status, reason }) => `${status}/${reason}`);
  const faults: string[] = [];
  let place = -1;
  for (const [index, state] of said.entries()) {
    const next = played.indexOf(state, place + 1);
    if (next === -1) faults.push(`${about}: ${state} was told after [${said.slice(0, index).join(", ")}], but played was [${played.join(", ")}]`);
    else place = next;
    if (told[index]?.status === told[index - 1]?.status) faults.push(`${about}: ${state} was told twice in a row`);
  }
  const last = told.at(-1);
  if (last === undefined || !isEnd(last)) faults.push(`${about}: its end ${run.end.status}/${run.end.reason} was not told, but [${said.join(", ")}]`);
  const earlyEnd = told.findIndex(isEnd);
  if (earlyEnd !== -1 && earlyEnd !== told.length - 1) faults.push(`${about}: [${said.slice(earlyEnd + 1).join(", ")}] was told after its end`);
  return faults;
}

/**
 * What is wrong with what a receiver was told, held against what was played: the end of every run exactly once and last, only
 * states that were played, in the order in which they were played (states before the end may be passed over), nothing about
 * other runs. Repeats of one message count once; `repeats` says how many there were.
 */
export function judge(runs: readonly PlayedRun[], told: readonly ToldState[]): { readonly faults: string[]; readonly repeats: number } {
  const ids = new Set<string>();
  const once = told.filter(({ uid, id }) => {
    const key = `${uid} ${id}`;
    const isNew = !ids.has(key);
    ids.add(key);
    return isNew;
  });
  const known = new Set(runs.map(({ uid }) => uid));
  const strange = once.filter(({ uid }) => !known.has(uid)).map(({ uid, status }) => `${status} was told about ${uid}, which is not selected`);
  const faults = runs.flatMap((run) => faultsOf(run, once.filter(({ uid }) => uid === run.uid)));
  return { faults: [...strange, ...faults], repeats: told.length - once.length };
}

/** Whether the end of every run has been told. */
export function allEnded(runs: readonly PlayedRun[], told: readonly ToldState[]): boolean {
  const ended = new Set(told.filter(isEnd).map(({ uid }) => uid));
  return runs.every(({ uid }) => ended.has(uid));
}
