import assert from "node:assert/strict";
import { allEnded, judge, playedRuns } from "../support/expected-states.ts";
import { install } from "../support/installation.ts";
import { worldOf } from "../support/installed-tests.ts";
import { cloudEventsProvider, notification, toldBy } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { recordingNames } from "../support/replay-recording.ts";
import { replay } from "../support/replay.ts";
import { controlPlaneTests } from "../support/require.ts";
import { eventually } from "../support/wait.ts";

const test = controlPlaneTests({ tekton: "oldest" });

test("with the kinds of the oldest Tekton that is supported, every recorded run is reported to its end", async (plane, t) => {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  const installation = await install(plane);
  t.after(() => installation.stop());
  const world = worldOf(plane, installation);
  const namespace = "oldest";
  await world.createNamespace(namespace);
  await world.apply(
    cloudEventsProvider(namespace, "events", sink.url),
    notification(namespace, "runs", "events", { kinds: ["PipelineRun", "TaskRun", "CustomRun"], children: true }),
  );
  await plane.kubectl(["wait", "--for=condition=Ready", "provider,notification", "--all", "--namespace", namespace, "--timeout=20s"]);
  const runs = (await Promise.all(recordingNames().map(async (name) => playedRuns(name, await replay(plane.client, name, { namespace }))))).flat();
  assert.ok(runs.length > 50);
  const told = () => sink.events().map(toldBy);
  await eventually("every end has arrived", () => allEnded(runs, told()));
  assert.deepEqual(judge(runs, told()).faults, []);
  assert.deepEqual(installation.controller.lines().filter(({ level }) => level === "error"), []);
});
