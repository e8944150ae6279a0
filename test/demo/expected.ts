import { judge, type PlayedRun, type ToldState } from "../support/expected-states.ts";
import type { GitHubDouble } from "../support/github-double.ts";
import { toldBy } from "../support/manifests.ts";
import type { CloudEventsSink } from "../support/receivers-cloudevents.ts";
import { readRecording } from "../support/replay-recording.ts";

/** What became of one Notification of `examples/`. */
export interface Account {
  readonly notification: string;
  /** Messages that its receiver accepted. */
  readonly messages: number;
  /** Runs that it selects. */
  readonly runs: number;
  /** What did not arrive, or should not have; in words. */
  readonly faults: readonly string[];
}

const bad = (run: PlayedRun): boolean => run.end.status === "Failed" || run.end.status === "TimedOut";
const pipelineRun = ({ kind, parent }: PlayedRun): boolean => kind === "PipelineRun" && parent === undefined;

/** The recorded results of a run. */
function resultsOf(recording: string, name: string): Readonly<Record<string, unknown>> {
  const last = readRecording(recording).findLast(({ object }) => object.metadata.name === name);
  const { results } = (last?.object.status ?? {}) as { results?: readonly { name: string; value: unknown }[] };
  return Object.fromEntries((results ?? []).map(({ name: key, value }) => [key, value]));
}

export interface DemoRun extends PlayedRun {
  readonly recording: string;
}

/** Which runs the Notifications of `examples/filters.yaml` select, said once more in TypeScript. */
const filtered: Readonly<Record<string, (run: DemoRun) => boolean>> = {
  failures: (run) => (pipelineRun(run) || run.kind === "TaskRun") && bad(run),
  "payments-team": (run) => pipelineRun(run) && run.labels["team"] === "payments",
  images: (run) => pipelineRun(run) && /^sha256:[0-9a-f]{64}$/.test(String(resultsOf(run.recording, run.name)["image-digest"])),
  "shop-api-pull-requests": (run) =>
    pipelineRun(run) && bad(run) && run.annotations["pipelinesascode.tekton.dev/url-repository"] === "shop-api" && "pipelinesascode.tekton.dev/pull-request" in run.annotations,
};

function eventsAccount(notification: string, runs: readonly PlayedRun[], told: readonly ToldState[]): Account {
  const { faults, repeats } = judge(runs, told);
  return { notification, messages: told.length, runs: runs.length, faults: repeats === 0 ? faults : [...faults, `${repeats} messages came twice`] };
}

const commitStates: Readonly<Record<string, string>> = { Succeeded: "success", Failed: "failure", TimedOut: "failure", Cancelled: "error" };

function gitHubAccount(runs: readonly PlayedRun[], { statuses, violations }: GitHubDouble): Account {
  const shaOf = ({ annotations }: PlayedRun): string | undefined => annotations["integrations.tekton.ornew.io/github-sha"] ?? annotations["pipelinesascode.tekton.dev/sha"];
  const faults = runs.flatMap((run) => {
    const states = statuses.filter(({ sha }) => sha === shaOf(run)).map(({ state }) => state);
    const end = commitStates[run.end.status];
    const right = states.at(-1) === end && states.filter((state) => state !== "pending").length === 1;
    return right ? [] : [`${run.name}: [${states.join(", ")}] instead of ${end ?? ""} once, and last`];
  });
  return { notification: "github-commit-statuses", messages: statuses.length, runs: runs.length, faults: [...faults, ...violations] };
}

/** Holds what the receivers recorded against what was played. */
export function accounts(runs: readonly DemoRun[], github: GitHubDouble, events: CloudEventsSink, alerts: CloudEventsSink): Account[] {
  const top = runs.filter(pipelineRun);
  return [
    gitHubAccount(top, github),
    eventsAccount("pipeline-runs", top, events.events().map(toldBy)),
    ...Object.entries(filtered).map(([name, selects]) =>
      eventsAccount(name, runs.filter(selects), alerts.events().filter(({ subject }) => subject === name).map(toldBy))),
  ];
}

/** Nothing is missing any more. */
export const complete = (all: readonly Account[]): boolean => all.every(({ faults }) => faults.length === 0);
