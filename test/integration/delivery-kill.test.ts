import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Step } from "../../src/controller/steps.ts";
import { freePort } from "../support/control-plane/components.ts";
import { supervise } from "../support/control-plane/supervise.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import { ownNamespace } from "../support/installation.ts";
import { makeRun } from "../support/made-runs.ts";
import { startGitHub } from "../support/github-double.ts";
import { cloudEventsProvider, gitHubProvider, notification, privateKeySecret, toldBy } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

const runCount = 100;
const updates = [["Unknown", "Running"], ["Unknown", "PipelineRunStopping"], ["False", "Failed"]] as const;

interface ObservedStep {
  readonly step: Step;
  readonly run: string;
  readonly status: string;
}

/** Occurrences of the step after which each process dies; the last one lives. */
const lives = [15, 25, 35, 0];

/** The controller as a process that ends itself at a step, and is started again whenever it has. */
async function crashingController({ installation: { controller } }: World, folder: string, step: Step) {
  const supervisor = await supervise();
  const file = join(folder, `${step}.jsonl`);
  const metricsPort = await freePort();
  const flags = ["--controller", "--kubeconfig", controller.kubeconfig, "--namespace", ownNamespace, "--bind-address", "127.0.0.1", "--metrics-port", String(metricsPort), "--development", "--lease-duration", "3s"];
  const stop = new AbortController();
  let crashes = 0;
  const living = (async () => {
    for (const [life, occurrences] of lives.entries()) {
      await supervisor.start("crashing", process.execPath, [join(import.meta.dirname, "../support/crashing-serve.ts"), file, step, String(occurrences), ...flags]);
      crashes = life;
      while (supervisor.processes.has("crashing") && !stop.signal.aborted) await sleep(20);
      if (stop.signal.aborted) return;
    }
  })();
  return {
    steps: (): ObservedStep[] => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as ObservedStep) : []),
    crashes: () => crashes,
    stop: async () => {
      stop.abort();
      await living;
      await supervisor.stop();
    },
  };
}

for (const step of ["matched", "before-send", "accepted", "before-record", "recorded"] as const) {
  test(`a controller that is killed again and again after the step "${step}" loses no end, and repeats only what was not on record`, async (world, t) => {
    const { plane, installation } = world;
    const namespace = `kill-${step}`;
    const folder = mkdtempSync(join(tmpdir(), "kill-"));
    t.after(() => {
      rmSync(folder, { recursive: true });
    });
    const sink = await startCloudEventsSink();
    t.after(() => sink.close());
    await installation.controller.kill("SIGTERM");
    t.after(() => installation.controller.start());
    await world.createNamespace(namespace);
    await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "events", "events"));
    t.after(() => plane.kubectl(["delete", "notifications.integrations.tekton.ornew.io", "--all", "--namespace", namespace]));
    const controller = await crashingController(world, folder, step);
    t.after(() => controller.stop());

    const runs = await Promise.all(Array.from({ length: runCount }, (_, index) => makeRun(plane.client, namespace, `run-${index}`)));
    for (const [status, reason] of updates) for (const run of runs) await run.become(status, reason);
    const told = () => sink.events().map(toldBy);
    const ended = (): Set<string> => new Set(told().flatMap(({ uid, status }) => (status === "Failed" ? [uid] : [])));
    await eventually("every end has arrived", () => ended().size === runCount, 60_000).catch(() => undefined);
    await controller.stop();

    assert.equal(ended().size, runCount, `${runCount - ended().size} runs never ended for their receiver`);
    assert.ok(controller.crashes() >= 1);
    const states = runs.map(({ uid }) => told().filter((message) => message.uid === uid).map(({ status }) => status));
    for (const said of states) {
      const end = said.indexOf("Failed");
      assert.ok(said.slice(end).every((status) => status === "Failed"), `told [${said.join(", ")}]`);
    }
    const onRecord = new Set<string>();
    for (const observed of controller.steps()) {
      const message = `${observed.run} ${observed.status}`;
      if (observed.step === "recorded") onRecord.add(message);
      assert.ok(observed.step !== "before-send" || !onRecord.has(message), `${message} was on record, and was sent again`);
    }
    const repeated = states.reduce((sum, said) => sum + said.length - new Set(said).size, 0);
    t.diagnostic(`${controller.crashes()} crashes, ${told().length} messages, ${repeated} repeated`);
  });
}

test("a controller that is killed again and again after GitHub took a check run, before that is on record, makes no second one", async (world, t) => {
  const { plane, installation } = world;
  const namespace = "kill-check-runs";
  const folder = mkdtempSync(join(tmpdir(), "kill-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const github = await startGitHub({ installations: [{ id: 1, owner: "example-org" }] });
  t.after(() => github.close());
  await installation.controller.kill("SIGTERM");
  t.after(() => installation.controller.start());
  await world.createNamespace(namespace);
  const report = { ...notification(namespace, "checks", "github"), spec: { providerRef: { name: "github" }, githubApp: { report: "CheckRun", context: "${name}" } } };
  await world.apply(privateKeySecret(namespace, github.privateKey), gitHubProvider(namespace, "github", github), report);
  t.after(() => plane.kubectl(["delete", "notifications.integrations.tekton.ornew.io", "--all", "--namespace", namespace]));
  const controller = await crashingController(world, folder, "accepted");
  t.after(() => controller.stop());

  const own = "integrations.tekton.ornew.io";
  const annotations = { [`${own}/github-owner`]: "example-org", [`${own}/github-repo`]: "shop-api", [`${own}/github-sha`]: "0f98b1f7eda33a4e9cfaab09506aa8094044085f" };
  const runs = await Promise.all(Array.from({ length: runCount }, (_, index) => makeRun(plane.client, namespace, `run-${index}`, { annotations })));
  for (const [status, reason] of updates) for (const run of runs) await run.become(status, reason);
  const ended = (): Set<string> => new Set(github.checkRuns.flatMap(({ name, conclusion }) => (conclusion === "failure" ? [name] : [])));
  await eventually("every check run has ended", () => ended().size === runCount, 60_000).catch(() => undefined);
  await controller.stop();

  const creations = github.received.filter(({ method, path, outcome }) => method === "POST" && path.endsWith("/check-runs") && outcome === 201).length;
  assert.deepEqual([ended().size, github.checkRuns.length, creations, github.violations], [runCount, runCount, runCount, []]);
  assert.ok(controller.crashes() >= 1);
  t.diagnostic(`${controller.crashes()} crashes, ${github.received.length} requests, ${github.received.filter(({ method, path }) => method === "GET" && path.includes("check-runs")).length} of them to find check runs`);
});
