import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RunKind, RunStatus } from "../../src/api/run-event.ts";
import { isTerminal, runStatus } from "../../src/controller/run-status.ts";
import { condition, recorded } from "./runs.ts";

const completionTime = "2026-01-01T00:10:00Z";

/** Reasons of Tekton v1.15, by the condition's status. `TaskRun` reasons come with a completionTime, as Tekton sets it. */
const reasons: readonly [RunKind, string, RunStatus, string][] = [
  ["PipelineRun", "Unknown", "Pending", "PipelineRunPending ResolvingPipelineRef"],
  ["PipelineRun", "Unknown", "Running", "Started Running PipelineRunStopping CancelledRunningFinally StoppedRunningFinally PipelineRunTimeoutRunningFinally Cancelled PipelineRunCouldntCancel PipelineRunCouldntTimeOut"],
  ["PipelineRun", "True", "Succeeded", "Succeeded Completed"],
  ["PipelineRun", "False", "TimedOut", "PipelineRunTimeout"],
  ["PipelineRun", "False", "Cancelled", "Cancelled StoppedRunFinally"],
  ["PipelineRun", "False", "Failed", "Failed CreateRunFailed CouldntGetPipeline CouldntGetTask CouldntGetPipelineResult InvalidPipelineResourceBindings InvalidWorkspaceBindings InvalidTaskRunSpecs ParameterTypeMismatch ObjectParameterMissKeys ParamArrayIndexingInvalid ParameterMissing PipelineValidationFailed PipelineInvalidGraph InvalidMatrixParameterTypes InvalidTaskResultReference InvalidPipelineResultReference RequiredWorkspaceMarkedOptional ResourceVerificationFailed CELEvaluationFailed InvalidParamValue"],
  ["TaskRun", "Unknown", "Pending", "Pending ToBeRetried ResolvingTaskRef ResolvingStepActionRef TaskRunPending ExceededResourceQuota ExceededNodeResources PullImageFailed"],
  ["TaskRun", "Unknown", "Running", "Started Running TaskRunCancelled"],
  ["TaskRun", "True", "Succeeded", "Succeeded"],
  ["TaskRun", "False", "TimedOut", "TaskRunTimeout"],
  ["TaskRun", "False", "Cancelled", "TaskRunCancelled"],
  ["TaskRun", "False", "Failed", "Failed TaskRunImagePullFailed CreateContainerConfigError PodCreationFailed PodAdmissionFailed TaskRunResultLargerThanAllowedLimit TaskRunStopSidecarFailed InvalidParamValue TaskRunResolutionFailed TaskRunValidationFailed TaskValidationFailed ResourceVerificationFailed FailureIgnored PodEvicted StepOOM StepFailed SidecarOOM SidecarFailed InitContainerOOM InitContainerFailed"],
  ["CustomRun", "Unknown", "Running", "Started Running AwaitingWindow Announced"],
  ["CustomRun", "True", "Succeeded", "Succeeded AllGood"],
  ["CustomRun", "False", "TimedOut", "CustomRunTimedOut"],
  ["CustomRun", "False", "Cancelled", "CustomRunCancelled"],
  ["CustomRun", "False", "Failed", "Failed WindowMissed"],
];

describe("runStatus", () => {
  for (const kind of ["PipelineRun", "TaskRun", "CustomRun"] as const) {
    it(`is Pending for a ${kind} without a condition`, () => {
      assert.equal(runStatus({ kind }), "Pending");
      assert.equal(isTerminal({ kind }), false);
    });
  }

  for (const [kind, status, expected, words] of reasons) {
    for (const reason of words.split(" ")) {
      it(`is ${expected} for a ${kind} that is ${status}/${reason}`, () => {
        const run = { kind, condition: condition(status, reason), ...(status === "Unknown" ? {} : { completionTime }) };
        assert.equal(runStatus(run), expected);
        assert.equal(isTerminal(run), status !== "Unknown");
      });
    }
  }

  for (const kind of ["PipelineRun", "TaskRun", "CustomRun"] as const) {
    it(`follows the condition for reasons of a ${kind} that are not known`, () => {
      for (const reason of ["", "BrandNew", "constructor"]) {
        assert.equal(runStatus({ kind, condition: condition("Unknown", reason), completionTime }), "Running");
        assert.equal(runStatus({ kind, condition: condition("True", reason), completionTime }), "Succeeded");
        assert.equal(runStatus({ kind, condition: condition("False", reason), completionTime }), "Failed");
      }
    });
  }

  it("is Running for a TaskRun that failed but has no completionTime: it is between two tries", () => {
    const run = { kind: "TaskRun" as const, condition: condition("False", "Failed") };
    assert.equal(runStatus(run), "Running");
    assert.equal(isTerminal(run), false);
  });

  it("needs no completionTime to end a CustomRun or a PipelineRun", () => {
    for (const kind of ["CustomRun", "PipelineRun"] as const) {
      assert.equal(runStatus({ kind, condition: condition("False", "Failed") }), "Failed");
      assert.equal(isTerminal({ kind, condition: condition("True") }), true);
    }
  });

  it("is TimedOut for a TaskRun that its pipeline's timeout cancelled, which only the message tells", () => {
    const message = 'TaskRun "build-unit-tests" was cancelled. TaskRun cancelled as the PipelineRun it belongs to has timed out.';
    assert.equal(runStatus({ kind: "TaskRun", condition: condition("False", "TaskRunCancelled", message), completionTime }), "TimedOut");
    assert.equal(runStatus({ kind: "TaskRun", condition: condition("False", "StepFailed", message), completionTime }), "Failed");
  });

  it("takes a condition of an impossible status for one that runs", () => {
    const run = { kind: "CustomRun" as const, condition: condition("Perhaps", "Failed"), completionTime };
    assert.equal(runStatus(run), "Running");
    assert.equal(isTerminal(run), false);
  });

  it("reads every condition of every recording", () => {
    const expected: Record<string, RunStatus> = {
      "PipelineRun -": "Pending",
      "TaskRun -": "Pending",
      "CustomRun -": "Pending",
      "TaskRun Unknown/Pending": "Pending",
      "TaskRun Unknown/ToBeRetried": "Pending",
      "PipelineRun Unknown/Running": "Running",
      "TaskRun Unknown/Running": "Running",
      "CustomRun Unknown/Announced": "Running",
      "CustomRun Unknown/AwaitingWindow": "Running",
      "PipelineRun True/Succeeded": "Succeeded",
      "TaskRun True/Succeeded": "Succeeded",
      "PipelineRun False/Failed": "Failed",
      "TaskRun False/StepFailed": "Failed",
      "CustomRun False/WindowMissed": "Failed",
      "PipelineRun False/Cancelled": "Cancelled",
      "TaskRun False/TaskRunCancelled (cancelled)": "Cancelled",
      "TaskRun False/TaskRunCancelled (timed-out)": "TimedOut",
      "PipelineRun False/PipelineRunTimeout": "TimedOut",
    };
    const found: Record<string, RunStatus> = {};
    for (const { where, run } of recorded()) {
      const state = run.condition === undefined ? "-" : `${run.condition.status}/${run.condition.reason}`;
      const told = run.condition?.reason === "TaskRunCancelled" ? ` (${where.replace(/:\d+$/, "")})` : "";
      const key = `${run.kind} ${state}${told}`;
      const status = runStatus(run);
      assert.equal(found[key] ?? status, status, `${where}: ${key} has two meanings`);
      assert.equal(isTerminal(run), ["Succeeded", "Failed", "Cancelled", "TimedOut"].includes(status), where);
      found[key] = status;
    }
    assert.deepEqual(found, expected);
  });
});
