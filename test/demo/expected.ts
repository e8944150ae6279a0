import { judge, type PlayedRun, type ToldState } from "../support/expected-states.ts";
import type { GitHubDouble } from "../support/github-double.ts";
import { toldBy } from "../support/manifests.ts";
import type { PubSubDouble } from "../support/pubsub-double.ts";
import type { CloudEventsSink } from "../support/receivers-cloudevents.ts";
import { readRecording } from "../support/replay-recording.ts";
import type { SlackDouble } from "../support/slack-double.ts";
import type { SnsDouble } from "../support/sns-double.ts";

/** What the demo applies of `examples/`: each provider, and filters. */
export const examples = ["github-commit-statuses.yaml", "slack.yaml", "sns.yaml", "pubsub.yaml", "cloudevents.yaml", "filters.yaml"];

/** The services of the demo. */
export interface Receivers {
  readonly github: GitHubDouble;
  readonly slack: SlackDouble;
  readonly sns: SnsDouble;
  readonly pubsub: PubSubDouble;
  readonly events: CloudEventsSink;
  readonly alerts: CloudEventsSink;
}

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

const ofMain = ({ annotations }: PlayedRun): boolean => annotations["pipelinesascode.tekton.dev/source-branch"] === "refs/heads/main";

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

/**
 * One message for each run, that says its end; what is told below it in the thread ends with the end too.
 * @param channel its id
 */
function slackAccount(notification: string, runs: readonly PlayedRun[], { messages, calls }: SlackDouble, channel: string): Account {
  const title = ({ namespace, name }: PlayedRun, status: string): string => `${name}.${namespace}: ${status}`;
  const faults = runs.flatMap((run) => {
    const about = messages.filter((message) => message.channel === channel && message.text.startsWith(title(run, "")));
    const [first, ...others] = about.filter(({ threadTs }) => threadTs === undefined).map(({ text }) => text);
    const thread = about.filter(({ threadTs }) => threadTs !== undefined).map(({ text }) => text);
    const end = title(run, run.end.status);
    const right = first === end && others.length === 0 && (thread.length === 0 || thread.indexOf(end) === thread.length - 1);
    return right ? [] : [`${run.name}: [${[first ?? "", ...others, ...thread].join(", ")}] instead of one message that says ${end}`];
  });
  return { notification, messages: calls.filter(({ answer }) => answer["channel"] === channel).length, runs: runs.length, faults };
}

/** What a message in a queue says about a run. */
function toldInQueue(json: string, id: string | undefined): ToldState {
  const { uid, status, reason } = JSON.parse(json) as ToldState;
  return { uid, status, reason, id: id ?? "" };
}

const withViolations = (account: Account, violations: readonly string[]): Account => ({ ...account, faults: [...account.faults, ...violations] });

/** Holds what the receivers recorded against what was played. */
export function accounts(runs: readonly DemoRun[], { github, slack, sns, pubsub, events, alerts }: Receivers): Account[] {
  const top = runs.filter(pipelineRun);
  const seen = events.events();
  const signed = new Set(events.accepted().map(({ headers }) => headers["webhook-id"]));
  return [
    gitHubAccount(top, github),
    slackAccount("failures-to-slack", top.filter(bad), slack, "C0123456789"),
    withViolations(slackAccount("runs-in-slack", top.filter(ofMain), slack, "C9876543210"), slack.violations),
    withViolations(eventsAccount("ends", top, sns.published.map(({ message, attributes }) => toldInQueue(message, attributes["id"]))), sns.violations),
    withViolations(eventsAccount("run-states", top, pubsub.published.map(({ data, attributes }) => toldInQueue(data, attributes["id"]))), pubsub.violations),
    eventsAccount("pipeline-runs", top, seen.filter(({ id }) => !signed.has(id)).map(toldBy)),
    eventsAccount("failures-signed", top.filter(bad), seen.filter(({ id }) => signed.has(id)).map(toldBy)),
    ...Object.entries(filtered).map(([name, selects]) =>
      eventsAccount(name, runs.filter(selects), alerts.events().filter(({ subject }) => subject === name).map(toldBy))),
  ];
}

/** Nothing is missing any more. */
export const complete = (all: readonly Account[]): boolean => all.every(({ faults }) => faults.length === 0);
