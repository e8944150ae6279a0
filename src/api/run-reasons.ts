/**
 * Reasons of the condition Succeeded that Tekton itself gives (v1.15). Others are possible everywhere: whoever runs a
 * CustomRun invents its own, and Tekton adds some with time. Held against Tekton's sources by a test.
 */
import type { RunKind } from "./run-event.ts";

const pipelineRunReasons = [
  "Started", "Running", "ResolvingPipelineRef", "PipelineRunPending", "PipelineRunStopping", "CancelledRunningFinally", "StoppedRunningFinally",
  "PipelineRunTimeoutRunningFinally", "PipelineRunCouldntCancel", "PipelineRunCouldntTimeOut",
  "Succeeded", "Completed",
  "Failed", "Cancelled", "PipelineRunTimeout", "CreateRunFailed", "CouldntGetPipeline", "CouldntGetTask", "CouldntGetPipelineResult",
  "InvalidPipelineResourceBindings", "InvalidWorkspaceBindings", "InvalidTaskRunSpecs", "ParameterTypeMismatch", "ObjectParameterMissKeys",
  "ParamArrayIndexingInvalid", "ParameterMissing", "PipelineValidationFailed", "PipelineInvalidGraph", "InvalidMatrixParameterTypes",
  "InvalidTaskResultReference", "InvalidPipelineResultReference", "RequiredWorkspaceMarkedOptional", "ResourceVerificationFailed",
  "CELEvaluationFailed", "InvalidParamValue", "CouldntCreateWorkspacePVC", "ReasonCouldntCreateOrUpdateAffinityAssistantStatefulSet",
] as const;

const taskRunReasons = [
  "Started", "Pending", "Running", "ToBeRetried", "ResolvingTaskRef", "ResolvingStepActionRef", "TaskRunPending", "ExceededResourceQuota",
  "ExceededNodeResources", "PullImageFailed",
  "Succeeded",
  "Failed", "TaskRunCancelled", "TaskRunTimeout", "TaskRunImagePullFailed", "CreateContainerConfigError", "PodCreationFailed", "PodAdmissionFailed",
  "TaskRunResultLargerThanAllowedLimit", "TaskRunStopSidecarFailed", "InvalidParamValue", "TaskRunResolutionFailed", "TaskRunValidationFailed",
  "TaskValidationFailed", "ResourceVerificationFailed", "FailureIgnored", "PodEvicted", "StepOOM", "StepFailed", "SidecarOOM", "SidecarFailed",
  "InitContainerOOM", "InitContainerFailed",
] as const;

const customRunReasons = ["Started", "Running", "Succeeded", "Failed", "CustomRunCancelled", "CustomRunTimedOut", "CustomRunWorkspaceNotSupported"] as const;

/** Known reasons by kind of run. */
export const reasonsOf: Readonly<Record<RunKind, readonly string[]>> = { PipelineRun: pipelineRunReasons, TaskRun: taskRunReasons, CustomRun: customRunReasons };

/** The reason of a run that vanished before it ended; ours, not Tekton's. */
export const deletedReason = "Deleted";

/** Every known reason once, in the order of the kinds. */
export const knownReasons: readonly string[] = [...new Set([...pipelineRunReasons, ...taskRunReasons, ...customRunReasons, deletedReason])];
