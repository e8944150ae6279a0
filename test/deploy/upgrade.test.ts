import assert from "node:assert/strict";
import { join } from "node:path";
import { installation as names } from "../../src/api/installation.ts";
import { install } from "../support/installation.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { controlPlaneTests } from "../support/require.ts";
import { eventually } from "../support/wait.ts";

const project = join(import.meta.dirname, "../..");
const namespace = "ci";
const group = "integrations.tekton.ornew.io";
const test = controlPlaneTests();

test("over an earlier installation the manifests apply, its objects stay what they were, and go on working", async (plane, t) => {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await plane.kubectl(["apply", "--server-side", "-f", join(project, "test/testdata/manifests/earlier.yaml")]);
  // Of the earlier installation nothing runs here: its webhook cannot be asked.
  for (const kind of ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"]) await plane.kubectl(["delete", kind, names.webhookConfiguration]);
  await plane.kubectl(["create", "namespace", namespace]);
  const objects = [cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "ends", "events", { expression: "terminal" })];
  const input = objects.map((object) => JSON.stringify(object)).join("\n---\n");
  await eventually("the kinds are served", async () => (await plane.kubectl(["apply", "-f", "-"], { input, allowFailure: true })).code === 0);
  const before = await plane.client.call<{ items: { metadata: { uid: string }; spec: unknown }[] }>("GET", `/apis/${group}/v1alpha1/notifications`);

  const installation = await install(plane);
  t.after(() => installation.stop());
  const after = await plane.client.call<typeof before>("GET", `/apis/${group}/v1alpha1/notifications`);
  assert.deepEqual(after.items.map(({ metadata, spec }) => [metadata.uid, spec]), before.items.map(({ metadata, spec }) => [metadata.uid, spec]));
  const { stdout } = await plane.kubectl(["apply", "-f", "-"], { input });
  assert.deepEqual(stdout.trim().split("\n").filter((line) => !line.endsWith(" unchanged")), []);
  await plane.kubectl(["wait", "--for=condition=Ready", "provider,notification", "--all", "--namespace", namespace, "--timeout=20s"]);
  const run = await makeRun(plane.client, namespace, "build");
  await run.become("True", "Succeeded");
  await eventually("the end of a run is reported", () => sink.events().length === 1);
  assert.equal((sink.events()[0]?.data as { name: string }).name, "build");
});
