import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runKinds, type RunKind } from "../../src/api/run-event.ts";
import { deletedReason, knownReasons, reasonsOf } from "../../src/api/run-reasons.ts";
import { ControlPlaneUnavailable } from "../support/control-plane.ts";
import { tektonSources } from "../support/control-plane/tekton-crds.ts";
import { lacking } from "../support/require.ts";
import { recorded } from "../controller/runs.ts";

/** Where Tekton declares the reasons of each kind. */
const declarations: Readonly<Record<RunKind, readonly string[]>> = {
  PipelineRun: ["pkg/apis/pipeline/v1/pipelinerun_types.go", "pkg/reconciler/volumeclaim/pvchandler.go", "pkg/reconciler/pipelinerun/affinity_assistant.go", "pkg/reconciler/pipelinerun/pipelinerun.go"],
  TaskRun: ["pkg/apis/pipeline/v1/taskrun_types.go", "pkg/pod/status.go"],
  CustomRun: ["pkg/apis/pipeline/v1beta1/customrun_types.go"],
};

/** Declared there too, and reasons of something else. */
const others = new Set(["None", "TimeoutExceeded"]);

test("the known reasons are those that Tekton declares", async (t) => {
  const folder = await tektonSources().catch((error: unknown) => {
    if (!(error instanceof ControlPlaneUnavailable)) throw error;
    lacking(t, error.message);
    return undefined;
  });
  if (folder === undefined) return;
  for (const kind of runKinds) {
    const source: string = declarations[kind].map((file) => readFileSync(join(folder, file), "utf8")).join("\n");
    const declared = [...source.matchAll(/\w*Reason\w*(?: +\w+)? += +"(\w+)"/g)].flatMap(([, reason = ""]) => (others.has(reason) ? [] : [reason]));
    assert.deepEqual([...new Set(declared)].toSorted(), reasonsOf[kind].toSorted(), kind);
  }
});

test("every reason of a recorded PipelineRun or TaskRun is known", () => {
  const seen = new Set(recorded().flatMap(({ run }) => run.kind === "CustomRun" ? [] : run.condition?.reason ?? []));
  assert.ok(seen.size >= 8);
  assert.deepEqual([...seen].filter((reason) => !knownReasons.includes(reason)), []);
  assert.ok(knownReasons.includes(deletedReason));
});
