import assert from "node:assert/strict";
import { main } from "../../src/cli/main.ts";
import { installedTests } from "../support/installed-tests.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function cli(command: string, kubeconfig: string, ...args: readonly string[]): Promise<Ended> {
  let out = "";
  let err = "";
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text), stdin: () => Promise.resolve("") };
  const code = await main([command, "--kubeconfig", kubeconfig, ...args], new AbortController().signal, io);
  return { code, out, err };
}

interface Line {
  readonly name: string;
  readonly state: string;
  readonly run: { readonly name: string };
  readonly destinations: readonly { readonly lastError?: { readonly code: string } }[];
}

test("what became a dead letter is listed, and sent again when it is asked for", async ({ plane, createNamespace, apply }, t) => {
  const namespace = "again";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await createNamespace(namespace);
  await apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "all", "events", { statuses: ["Failed"] }));
  sink.misbehave({ answer: { status: 400 } });
  for (const name of ["one", "two"]) await (await makeRun(plane.client, namespace, name)).become("False", "Failed");
  const list = async (...args: readonly string[]): Promise<Line[]> => {
    const { code, out } = await cli("deliveries", plane.kubeconfig, "-n", namespace, "-o", "json", ...args);
    assert.equal(code, 0);
    return out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Line);
  };
  const dead = await eventually("both are dead letters", async () => {
    const lines = await list("--state", "DeadLetter");
    return lines.length === 2 && lines;
  });
  assert.deepEqual(dead.map(({ state, destinations }) => [state, destinations[0]?.lastError?.code]), [["DeadLetter", "MessageRefused"], ["DeadLetter", "MessageRefused"]]);
  const one = dead.find(({ run }) => run.name === "one")?.name ?? "";
  assert.deepEqual((await list("--run", "one")).map(({ name }) => name), [one]);
  assert.deepEqual(await list("--notification", "other"), []);

  const table = (await cli("deliveries", plane.kubeconfig, "-n", namespace, "--run", "one")).out.trimEnd().split("\n").map((line) => line.split(/ {3,}/));
  assert.deepEqual(table[0], ["NAMESPACE", "NAME", "STATE", "NOTIFICATION", "RUN", "SENT", "ERROR"]);
  assert.deepEqual(table[1]?.slice(0, 6), [namespace, one, "DeadLetter", "all", "PipelineRun/one", "-"]);

  sink.behave();
  assert.deepEqual(await cli("redeliver", plane.kubeconfig, "-n", namespace, one, "--dry-run"), { code: 0, out: `${namespace}/${one}: would be sent again\n`, err: "" });
  assert.deepEqual(await cli("redeliver", plane.kubeconfig, "-n", namespace, one, "missing"), { code: 1, out: `${namespace}/${one}: is sent again\n`, err: "there is no such Delivery: missing\n" });
  await eventually("it is delivered", async () => (await list("--state", "Delivered")).length === 1);
  assert.equal((await cli("redeliver", plane.kubeconfig, "-n", namespace, "--state", "DeadLetter")).code, 0);
  await eventually("the other one too", async () => (await list("--state", "Delivered")).length === 2);
  assert.deepEqual(sink.events().map(({ subject }) => subject), ["one", "two"]);
  assert.deepEqual(await cli("redeliver", plane.kubeconfig, "-n", namespace, "--state", "DeadLetter"), { code: 1, out: "", err: "there are no such Deliveries\n" });
});

test("who may not is told so", async ({ plane, createNamespace }) => {
  await createNamespace("closed");
  const kubeconfig = await plane.kubeconfigFor({ user: "tenant-a" });
  const { code, out, err } = await cli("deliveries", kubeconfig, "-n", "closed");
  assert.deepEqual([code, out], [1, ""]);
  assert.match(err, /^tekton-integrations deliveries: list deliveries\.integrations\.tekton\.ornew\.io in closed: 403 Forbidden: .*"tenant-a" cannot list/);
});

test("a choice that is none, and a state that is none, end with exit code 2", async ({ plane }) => {
  assert.equal((await cli("redeliver", plane.kubeconfig)).code, 2);
  assert.equal((await cli("deliveries", plane.kubeconfig, "--state", "Lost")).code, 2);
  assert.equal((await cli("deliveries", plane.kubeconfig, "-A", "-n", "x")).code, 2);
});
