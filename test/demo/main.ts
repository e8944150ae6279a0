/**
 * `npm run demo [-- --keep]`: the whole product on this machine. A real control plane, the product installed from `deploy/`,
 * `examples/` applied through kubectl, recorded Tekton runs played in, every message shown as it arrives at local receivers.
 * Exit code 0 only when everything that was to be told has arrived, in order.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type ControlPlane, ControlPlaneUnavailable, startControlPlane } from "../support/control-plane.ts";
import { playedRuns } from "../support/expected-states.ts";
import { startGitHub } from "../support/github-double.ts";
import { install } from "../support/installation.ts";
import { startPubSub } from "../support/pubsub-double.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import type { Receiver } from "../support/receivers.ts";
import { readRecording, recordingNames } from "../support/replay-recording.ts";
import { replay } from "../support/replay.ts";
import { startSlack } from "../support/slack-double.ts";
import { startSns } from "../support/sns-double.ts";
import { eventually } from "../support/wait.ts";
import { accounts, complete, examples, type Account, type DemoRun, type Receivers } from "./expected.ts";
import { showMessages } from "./messages.ts";
import { offline } from "./offline.ts";
import { heading, indented, line, sinceBegin, table } from "./screen.ts";

const namespace = "ci";

/** As the demo calls them. */
const names: Readonly<Record<keyof Receivers, string>> = { github: "GitHub", slack: "Slack", sns: "SNS", pubsub: "Pub/Sub", events: "events", alerts: "alerts" };

async function startReceivers(): Promise<Receivers> {
  const installations = [{ id: 1, owner: "example-org" }, { id: 2, owner: "harbour-works" }];
  const channels = [{ id: "C0123456789", name: "failures" }, { id: "C9876543210", name: "deployments" }];
  const [github, slack, sns, pubsub, events, alerts] = await Promise.all([
    startGitHub({ installations }), startSlack({ channels }), startSns({ topicArn: "arn:aws:sns:eu-central-1:123456789012:tekton-runs" }), startPubSub(), startCloudEventsSink(), startCloudEventsSink(),
  ]);
  return { github, slack, sns, pubsub, events, alerts };
}

/** The Secrets that the examples name. */
function secrets({ github, slack, sns, pubsub }: Receivers): object {
  const values: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "github-app": { "private-key.pem": github.privateKey },
    "slack-app": { "access-token": slack.token },
    aws: { "access-key-id": sns.key.id, "secret-access-key": sns.key.secret },
    pubsub: { "service-account.json": JSON.stringify(pubsub.key) },
  };
  const items = Object.entries(values).map(([name, stringData]) => ({ apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, stringData }));
  return { apiVersion: "v1", kind: "List", items };
}

/** An example whose addresses are those of the local receivers. */
function localised(file: string, { github, slack, sns, pubsub, events, alerts }: Receivers): string {
  return readFileSync(join(import.meta.dirname, "../../examples", file), "utf8")
    .replace("# baseURL: https://github.example.com/api/v3", `baseURL: ${github.baseURL}`)
    .replace("appId: 123456", `appId: ${github.appId}`)
    .replace("# baseURL: https://slack-gov.com/api", `baseURL: ${slack.baseURL}`)
    .replace(/^( +)topicARN: .*$/m, `$&\n$1endpoint: ${sns.url}`)
    .replace(/^( +)topic: tekton-runs$/m, `$&\n$1endpoint: ${pubsub.url}`)
    .replaceAll("https://events.example.com", events.url)
    .replaceAll("https://alerts.example.com", alerts.url);
}

async function command(plane: ControlPlane, args: readonly string[]): Promise<string> {
  line(`\n  $ kubectl ${args.join(" ")}`);
  const { stdout, stderr } = await plane.kubectl(args, { allowFailure: true });
  indented(`${stdout}${stderr}`, 4);
  return stdout;
}

async function applyExamples(plane: ControlPlane, receivers: Receivers): Promise<void> {
  heading("The examples are applied, their URLs pointing at local receivers");
  await plane.kubectl(["create", "namespace", namespace]);
  await plane.kubectl(["apply", "-f", "-"], { input: JSON.stringify(secrets(receivers)) });
  for (const file of examples) {
    line(`  $ kubectl apply -f examples/${file}`);
    indented((await plane.kubectl(["apply", "-f", "-"], { input: localised(file, receivers) })).stdout, 4);
  }
  await plane.kubectl(["wait", "--for=condition=Ready", "provider,notification", "--all", "--namespace", namespace, "--timeout=30s"]);
}

/** Resolves with whether the webhook refused it. */
async function showRefusal(plane: ControlPlane, receivers: Receivers): Promise<boolean> {
  heading("A bad filter is refused");
  line("  $ kubectl apply -f examples/bad-filter.yaml");
  const { code, stdout, stderr } = await plane.kubectl(["apply", "-f", "-"], { input: localised("bad-filter.yaml", receivers), allowFailure: true });
  indented(`${stdout}${stderr}`, 4);
  return code === 1 && stderr.includes("statuss");
}

async function playRecordings(plane: ControlPlane): Promise<DemoRun[]> {
  const runs: DemoRun[] = [];
  for (const recording of recordingNames()) {
    line(`  playing ${recording} (${readRecording(recording).length} events)`);
    const played = await replay(plane.client, recording, { namespace });
    runs.push(...playedRuns(recording, played).map((run) => ({ ...run, recording })));
  }
  return runs;
}

async function showState(plane: ControlPlane): Promise<void> {
  heading("What kubectl says about it");
  await command(plane, ["get", "notifications,providers,deliveries", "--namespace", namespace]);
  await command(plane, ["explain", "notification.spec.filter"]);
}

interface Outcome {
  readonly plane: ControlPlane;
  readonly runs: readonly DemoRun[];
  readonly refused: boolean;
  readonly all: readonly Account[];
}

/** Prints the summary and returns the exit code. */
function summary({ plane, runs, refused, all }: Outcome): number {
  heading("Summary");
  const events = recordingNames().reduce((sum, name) => sum + readRecording(name).length, 0);
  line(`  Kubernetes ${plane.version} (${plane.source}); webhook and controller under their own ServiceAccounts`);
  line(`  examples/bad-filter.yaml ${refused ? "refused" : "NOT REFUSED"}`);
  line(`  ${recordingNames().length} recordings played: ${events} events of ${runs.length} runs\n`);
  table([
    ["Notification", "runs selected", "messages", "faults"],
    ...all.map(({ notification, runs: selected, messages, faults }) => [notification, selected, messages, faults.length]),
    ["total", all.reduce((sum, account) => sum + account.runs, 0), all.reduce((sum, { messages }) => sum + messages, 0), all.reduce((sum, { faults }) => sum + faults.length, 0)],
  ]);
  line();
  for (const fault of all.flatMap(({ faults }) => faults)) line(`  FAULT ${fault}`);
  const good = refused && complete(all);
  line(good ? `  Every end of every selected run arrived, once and last. Done in ${sinceBegin()}.` : "  Not everything went as it should.");
  return good ? 0 : 1;
}

function howToPlay(plane: ControlPlane): void {
  heading("It is yours: everything keeps running until Ctrl-C, and messages are shown here");
  indented(`In another terminal:

export KUBECONFIG=${plane.kubeconfig}
alias kubectl=${plane.kubectlPath}

kubectl -n ${namespace} get tin,tip,tid
kubectl -n ${namespace} describe notification failures
kubectl -n ${namespace} edit notification failures           # break the filter, and see it refused

kubectl create -f test/demo/run.yaml                # a run, and its end:
kubectl -n ${namespace} patch pipelinerun hello --subresource=status --type=merge -p \\
  "{\\"status\\":{\\"completionTime\\":\\"$(date -u +%FT%TZ)\\",\\"conditions\\":[{\\"type\\":\\"Succeeded\\",\\"status\\":\\"False\\",\\"reason\\":\\"Failed\\",\\"message\\":\\"as you wished\\"}]}}"`);
}

interface Demo {
  readonly keep: boolean;
  readonly stop: AbortSignal;
  readonly later: (undo: () => Promise<void>) => void;
}

async function demo({ keep, stop, later }: Demo): Promise<number> {
  heading("A local control plane");
  const plane = await startControlPlane({ progress: (text) => { line(`  ${text}`); } });
  later(() => plane.stop());
  line(`  Kubernetes ${plane.version} (${plane.source}) at ${plane.server}: real etcd, kube-apiserver and kube-controller-manager, Tekton's CRDs`);
  const receivers = await startReceivers();
  later(async () => { await Promise.all(Object.values(receivers).map((receiver: Receiver) => receiver.close())); });

  heading("Install");
  line("  $ kubectl apply -k deploy/");
  const installation = await install(plane, { applied: (text) => { indented(text, 4); }, progress: (text) => { line(`  ${text}`); } });
  later(() => installation.stop());
  line(`  ready: controller (process ${installation.controller.pid() ?? 0}) and webhook (process ${installation.webhook.pid() ?? 0})`);

  await applyExamples(plane, receivers);
  const refused = await showRefusal(plane, receivers);
  heading("Recorded Tekton runs are played through the API server");
  const showRest = showMessages(Object.entries(names).map(([key, name]) => ({ name, receiver: receivers[key as keyof Receivers] })));
  later(() => { showRest(); return Promise.resolve(); });
  const runs = await playRecordings(plane);
  const account = (): Account[] => accounts(runs, receivers);
  await eventually("everything has arrived", () => complete(account()), 30_000).catch(() => undefined);
  if (!keep) showRest();
  await showState(plane);
  const code = summary({ plane, runs, refused, all: account() });
  if (keep && !stop.aborted) {
    howToPlay(plane);
    await new Promise((resolve) => { stop.addEventListener("abort", resolve, { once: true }); });
    line("\nending everything");
  }
  return code;
}

/** Resolves with the exit code of an interrupted demo; one that is to be kept ends by itself once it is complete. */
function interrupted(stop: AbortSignal, keep: boolean): Promise<number> {
  return new Promise((resolve) => {
    stop.addEventListener("abort", () => {
      if (!keep) resolve(130);
    });
  });
}

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: { keep: { type: "boolean", default: false } } });
  const stop = new AbortController();
  const undo: (() => Promise<void>)[] = [];
  const cleanUp = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      stop.abort();
    });
  }
  line("Tekton Integrations: the whole product on this machine.");
  const playing = demo({ keep: values.keep, stop: stop.signal, later: (step) => undo.push(step) });
  try {
    return await Promise.race([playing, interrupted(stop.signal, values.keep)]);
  } catch (error) {
    if (!(error instanceof ControlPlaneUnavailable)) throw error;
    return await offline(error.message);
  } finally {
    // What fails because everything is being ended is no news.
    playing.catch(() => undefined);
    await cleanUp();
  }
}

process.exit(await main(process.argv.slice(2)));
