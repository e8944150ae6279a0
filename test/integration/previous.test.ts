import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseAllDocuments } from "yaml";
import type { RunEvent } from "../../src/api/run-event.ts";
import { installedTests, shortLease } from "../support/installed-tests.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests(shortLease);

const labels = { "tekton.dev/pipeline": "shop" };
/** What `examples/recovery.yaml` holds, in another namespace and with another receiver. */
async function example(namespace: string, url: string): Promise<KubeObject[]> {
  const text = await readFile(join(import.meta.dirname, "../../examples/recovery.yaml"), "utf8");
  return parseAllDocuments(text).map((document) => {
    const object = document.toJS() as KubeObject & { spec: object };
    const spec = object.kind === "Provider" ? { cloudEvents: { url } } : object.spec;
    return { ...object, metadata: { ...object.metadata, namespace }, spec };
  });
}

test("a recovery is told of after a restart, though the run that failed was pruned meanwhile; what stays well is not", async ({ plane, installation: { controller }, createNamespace, apply }, t) => {
  const namespace = "recovery";
  const [recoveries, ends] = await Promise.all([startCloudEventsSink(), startCloudEventsSink()]);
  t.after(() => Promise.all([recoveries.close(), ends.close()]));
  await createNamespace(namespace);
  await apply(
    ...(await example(namespace, recoveries.url)),
    cloudEventsProvider(namespace, "ends", ends.url),
    notification(namespace, "ends", "ends", { expression: "terminal" }),
  );
  const run = (name: string) => makeRun(plane.client, namespace, name, { labels, spec: { params: [{ name: "environment", value: "staging" }] } });
  const told = (name: string) => eventually(`the end of ${name} is reported`, () => ends.events().some(({ data }) => (data as RunEvent).name === name));

  const first = await run("first");
  await first.become("False", "Failed");
  await told("first");
  await eventually("the Notification's status has the run", async () => {
    const { stdout } = await plane.kubectl(["-n", namespace, "get", "notification", "recovery", "-o", "jsonpath={.status.series[*].name}"]);
    return stdout === "first";
  });
  await controller.kill();
  await first.remove();
  // Times of Kubernetes have whole seconds: of two runs that end in one, none is the last.
  await sleep(1_000 - (Date.now() % 1_000));
  const second = await run("second");
  await second.become("True", "Succeeded");
  await controller.start();

  await told("second");
  await eventually("the recovery is reported", () => recoveries.events().length > 0);
  await sleep(1_000 - (Date.now() % 1_000));
  const third = await run("third");
  await third.become("True", "Completed");
  await told("third");
  // Whoever was to be told of the third has been: its end went to the other one by the same way.
  const { stdout: recorded } = await plane.kubectl(["-n", namespace, "get", "deliveries", "-o", "jsonpath={range .items[*]}{.spec.notificationRef.name}/{.spec.runRef.name} {end}"]);
  assert.deepEqual(recorded.trim().split(" ").filter((each) => each.startsWith("recovery/")), ["recovery/second"]);
  const [event, ...more] = recoveries.events().map(({ data }) => data as RunEvent);
  assert.deepEqual([event?.name, more], ["second", []]);
  const { status, reason, name, completionTime } = event?.previous ?? assert.fail("the message says what was before");
  assert.deepEqual([status, reason, name], ["Failed", "Failed", "first"]);
  assert.match(completionTime ?? "", /Z$/);
  assert.equal(recoveries.events()[0]?.subject, "shop is well again after first");
});

test("a cancelled run is reported with its tasks as they ended, though they ended after it", async ({ plane, createNamespace, apply }, t) => {
  const namespace = "awaited";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await createNamespace(namespace);
  await apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "ends", "events", { statuses: ["Cancelled"] }));
  const parent = await makeRun(plane.client, namespace, "build", { labels });
  const task = await makeRun(plane.client, namespace, "build-lint", { kind: "TaskRun", parent, labels: { "tekton.dev/pipelineTask": "lint" } });
  await task.become("Unknown", "Running");
  await parent.become("Unknown", "Running");
  await eventually("the Notification is ready", async () => {
    const { stdout } = await plane.kubectl(["-n", namespace, "get", "notification", "ends", "-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].status}']);
    return stdout === "True";
  });
  await parent.become("False", "Cancelled");
  // Long enough for a message that waits for nothing.
  await sleep(100);
  await task.become("False", "TaskRunCancelled");
  await eventually("the end is reported", () => sink.events().length > 0);
  const { status, tasks } = sink.events()[0]?.data as RunEvent;
  assert.deepEqual([status, tasks.map((each) => `${each.name} ${each.status}`)], ["Cancelled", ["lint Cancelled"]]);
});
