/**
 * RunEvent: the one normalised view of a PipelineRun, TaskRun or CustomRun. Filters and templates are checked against it,
 * providers render it, and `schemas/run-event.json` publishes it.
 * A field that does not apply is absent, never null.
 */
import { Type, type Static } from "typebox";
import { closed, duration, knownValuesKeyword, name, strings, timestamp, values, type Documentation } from "./cel-schema.ts";
import { commitPatterns } from "./commit.ts";
import { runObjectSchema } from "./run-object.ts";
import { knownReasons } from "./run-reasons.ts";

/** The states a run can be in, in the order a run goes through them. */
export const runStatuses = ["Pending", "Running", "Succeeded", "Failed", "Cancelled", "TimedOut"] as const;
export type RunStatus = (typeof runStatuses)[number];

/** The kinds of run that can be selected. */
export const runKinds = ["PipelineRun", "TaskRun", "CustomRun"] as const;
export type RunKind = (typeof runKinds)[number];

const kind = (description: string) => Type.Enum([...runKinds], { description, examples: ["PipelineRun"] });

const status = (description: string) => Type.Enum([...runStatuses], { description, examples: ["Failed"] });

const reason = (description: string) => Type.String({ maxLength: 1024, description, examples: ["StepFailed"], [knownValuesKeyword]: knownReasons });

const message = (description: string) =>
  Type.String({ maxLength: 8192, description, examples: ["Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0"] });

const url = (documentation: Documentation) => Type.String({ maxLength: 2048, pattern: "^https?://", ...documentation });

const parentSchema = Type.Object(
  {
    kind: kind("Kind of the owning run."),
    name: name({ description: "Name of the owning run.", examples: ["shop-api-on-push-7xk2p"] }),
    uid: Type.String({ maxLength: 64, description: "UID of the owning run.", examples: ["c9129e44-6291-4dfa-8a21-b553b70c6267"] }),
  },
  { ...closed, description: "The run that owns this one (the PipelineRun of a TaskRun). Absent: nobody's child." },
);

const commitSchema = Type.Object(
  {
    owner: Type.Optional(Type.String({ pattern: commitPatterns.owner.source, maxLength: 39, description: "Owner of the repository. Absent: not known.", examples: ["example-org"] })),
    repo: Type.Optional(Type.String({ pattern: commitPatterns.repo.source, maxLength: 100, description: "Name of the repository. Absent: not known.", examples: ["shop-api"] })),
    sha: Type.Optional(Type.String({ pattern: commitPatterns.sha.source, maxLength: 64, description: "Full commit hash. Absent: not known.", examples: ["0f98b1f7eda33a4e9cfaab09506aa8094044085f"] })),
    branch: Type.Optional(Type.String({ maxLength: 255, description: "Branch the commit is on, without refs/heads/. Absent: not known.", examples: ["main"] })),
    pullRequest: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: "Number of the pull request. Absent: not built for one.", examples: [42] })),
    url: Type.Optional(url({ description: "Web page of the commit. Absent: not known.", examples: ["https://github.com/example-org/shop-api/commit/0f98b1f7eda33a4e9cfaab09506aa8094044085f"] })),
    author: Type.Optional(Type.String({ maxLength: 100, description: "Who caused the run, as the source of the annotations names them. Absent: not known.", examples: ["octo-dev"] })),
  },
  { ...closed, description: "The commit that was built, from the run's annotations. Each field is absent when no annotation gives a valid value." },
);

const taskSchema = Type.Object(
  {
    name: name({ description: "Name of the task in the pipeline; for a task of a matrix, the same for all.", examples: ["unit-tests"] }),
    kind: kind("Kind of the object that ran it."),
    status: status("State of the task."),
    reason: reason("Reason of its Succeeded condition. Empty: no condition yet."),
    message: message("Message of its Succeeded condition, cut at 8,192 characters. Empty: none."),
    duration: Type.Optional(duration("How long it took. Absent: not finished.")),
    ignored: Type.Boolean({ description: "Whether it failed and the pipeline goes on all the same (onError: continue)." }),
  },
  { ...closed, description: "One child of the run." },
);

const previousSchema = Type.Object(
  {
    status: status("How it ended."),
    reason: reason("Reason of its Succeeded condition."),
    name: name({ description: "Its name.", examples: ["shop-api-on-push-2bd8w"] }),
    completionTime: Type.Optional(timestamp("When it ended. Absent: it never said so (some CustomRuns).")),
  },
  { ...closed, description: "The last finished run of the same series and namespace before this run was created. Absent: none is known; ask has(previous.status)." },
);

/** Schema of RunEvent. Every field has a description and a bound; `src/filter` derives its variables from it. */
export const runEventSchema = Type.Object(
  {
    kind: kind("Kind of the run."),
    name: name({ description: "Name of the run.", examples: ["shop-api-on-push-7xk2p"] }),
    namespace: Type.String({ maxLength: 63, description: "Namespace of the run.", examples: ["ci"] }),
    uid: Type.String({ maxLength: 64, description: "UID of the run.", examples: ["c9129e44-6291-4dfa-8a21-b553b70c6267"] }),
    labels: strings(63, { description: "Labels of the run. Empty: none.", examples: [{ "tekton.dev/pipeline": "shop-api-on-push" }] }),
    annotations: strings(8192, { description: "Annotations of the run; those with values above 8,192 characters are left out. Empty: none.", examples: [{ "example.com/team": "shop" }] }),
    params: values({ description: "Parameters of the run by name: string, list of strings, or map of strings. Empty: none.", examples: [{ revision: "main" }] }),
    results: values({ description: "Results of the run by name: string, list of strings, or map of strings. Empty: none (yet).", examples: [{ "image-digest": "sha256:1f2e" }] }),
    status: status("Normalised state of the run."),
    reason: reason("Reason of the Succeeded condition. Empty: no condition yet."),
    message: message("Message of the Succeeded condition, cut at 8,192 characters. Empty: none."),
    terminal: Type.Boolean({ description: "Whether the run has ended: its Succeeded condition is True or False, or it was deleted." }),
    startTime: Type.Optional(timestamp("When it started. Absent: not started.")),
    completionTime: Type.Optional(timestamp("When it ended. Absent: not ended, or its controller never said so (some CustomRuns).")),
    duration: Type.Optional(duration("From start to end, never below zero. Absent: not terminal, or a time is missing.")),
    pipeline: name({ description: "Name of the pipeline (or of the task, for a run without a pipeline). Empty: the run embeds its definition and has no generateName.", examples: ["shop-api-on-push"] }),
    pipelineTask: Type.Optional(name({ description: "Name of the pipeline's task that this run is. Absent: nobody's child.", examples: ["unit-tests"] })),
    parent: Type.Optional(parentSchema),
    commit: commitSchema,
    tasks: Type.Array(taskSchema, { maxItems: 512, description: "The run's children, in the order of the pipeline where known. Empty: none (yet)." }),
    previous: Type.Optional(previousSchema),
    url: Type.Optional(url({ description: "Page of the run in the Dashboard or console. Absent: none is configured.", examples: ["https://dashboard.example.com/#/namespaces/ci/pipelineruns/shop-api-on-push-7xk2p"] })),
    deleted: Type.Boolean({ description: "Whether the run vanished unfinished; status is then Cancelled, reason Deleted." }),
    run: runObjectSchema,
  },
  { ...closed, title: "RunEvent", description: "What filters and templates see of one state of a Tekton run." },
);

/** One state of a run. Plain JSON: times are RFC 3339 strings, durations are seconds with an `s` ("192s"). */
export type RunEvent = Static<typeof runEventSchema>;
export type RunEventTask = RunEvent["tasks"][number];
