import assert from "node:assert/strict";
import { bothServices } from "../support/both-services.ts";
import { installedTests, shortLease } from "../support/installed-tests.ts";
import { notification } from "../support/manifests.ts";
import { replay } from "../support/replay.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests(shortLease);

/** Ends a replay after the PipelineRun was seen running. */
class Enough extends Error {}

test("a run that was reported as running and vanishes while no controller runs is ended once, honestly, in the place where it was begun", async (world, t) => {
  const { plane, installation: { controller } } = world;
  const namespace = "unseen";
  const { sink, github } = await bothServices(world, t, namespace, ["example-org"],
    notification(namespace, "github", "github"),
    notification(namespace, "events", "events", { statuses: ["Running", "Failed"] }),
    notification(namespace, "ends", "events", { statuses: ["Failed", "Cancelled"] }),
  );
  const running = (): boolean => sink.events().some((event) => event.type.endsWith(".running.v1")) && github.statuses.some(({ state }) => state === "pending");
  let uid = "";
  await assert.rejects(
    replay(plane.client, "failed-step", {
      namespace,
      before: async (_, done) => {
        const shown = done.find(({ kind, condition }) => kind === "PipelineRun" && condition?.reason === "Running");
        if (shown === undefined) return;
        uid = shown.uid;
        await eventually("the run is reported as running", running);
        throw new Enough();
      },
    }),
    Enough,
  );
  const recorded = async (): Promise<number> => {
    const { stdout } = await plane.kubectl(["-n", namespace, "get", "deliveries", "-o", "jsonpath={range .items[*]}{.status.destinations[*].sentStatus}{'\\n'}{end}"]);
    return stdout.split("\n").filter((line) => line === "Running" || line === "Pending").length;
  };
  await eventually("both beginnings are on record", async () => (await recorded()) === 2);
  await controller.kill();
  const begun = { events: sink.events().length, statuses: github.statuses.length };
  await plane.kubectl(["-n", namespace, "delete", "pipelineruns,taskruns", "--all", "--wait=true"]);

  await controller.start();
  await eventually("both are ended", () => sink.events().length > begun.events && github.statuses.length > begun.statuses);
  await controller.kill("SIGTERM");
  await controller.start();

  const [end, ...more] = sink.events().slice(begun.events);
  assert.equal(end?.type, "io.ornew.tekton.integrations.pipelinerun.cancelled.v1");
  const data = end.data as { uid: string; reason: string; message: string };
  assert.deepEqual([data.uid, data.reason], [uid, "Deleted"]);
  assert.match(data.message, /its result was not seen/);
  assert.deepEqual(more, [], "ended once, and only where it was begun");

  const [status, ...others] = github.statuses.slice(begun.statuses);
  const beginning = github.statuses[begun.statuses - 1];
  assert.deepEqual(others, []);
  assert.equal(status?.state, "error");
  assert.match(status.description ?? "", /its result was not seen/);
  assert.deepEqual([status.owner, status.repo, status.sha, status.context], [beginning?.owner, beginning?.repo, beginning?.sha, beginning?.context]);
  assert.deepEqual([...sink.violations, ...github.violations], []);
});
