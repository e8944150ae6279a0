/**
 * What is kept of a run's own object: the one table that cuts a run down as it is decoded and that declares the type of `run`
 * for filters. It holds the fields of PipelineRun, TaskRun (tekton.dev/v1) and CustomRun (v1beta1) together, as the schemas
 * say that Tekton publishes; a test holds it against those. Fields are absent where the object has none.
 */
import { Type, type Static, type TSchema } from "typebox";
import { anything, closed, goDuration, name, strings, timestamp } from "./cel-schema.ts";

const optionalObject = <Fields extends Record<string, TSchema>>(fields: Fields, description: string) => Type.Optional(Type.Object(fields, { ...closed, description }));
const optionalList = <Item extends TSchema>(item: Item, maxItems: number, description: string) => Type.Optional(Type.Array(item, { maxItems, description }));
const optionalName = (description: string, example: string) => Type.Optional(name({ description, examples: [example] }));
const text = (maxLength: number, description: string, example: string) => Type.String({ maxLength, description, examples: [example] });
const optionalText = (maxLength: number, description: string, example: string) => Type.Optional(text(maxLength, description, example));
const optionalTime = (description: string) => Type.Optional(timestamp(description));
const optionalInteger = (description: string, example: number) => Type.Optional(Type.Integer({ description, examples: [example] }));

const named = (description: string, maxItems = 256) =>
  optionalList(
    Type.Object({ name: optionalName("Its name.", "revision"), value: Type.Optional(anything({ description: "A string, a list of strings, or a map of strings.", examples: ["main"] })) }, { ...closed, description: "One of them." }),
    maxItems,
    description,
  );

const referenceFields = (example: string) => ({
  apiVersion: optionalText(253, "Its apiVersion.", "tekton.dev/v1"),
  name: optionalName("Its name.", example),
  resolver: optionalText(63, "The resolver that fetches it.", "git"),
  params: named("The resolver's parameters.", 64),
});

const kindField = (example: string) => ({ kind: optionalText(63, "Its kind.", example) });

const conditions = optionalList(
  Type.Object(
    {
      type: optionalText(316, "Its type.", "Succeeded"),
      status: optionalText(16, "True, False or Unknown.", "False"),
      reason: optionalText(1024, "Why.", "StepFailed"),
      message: optionalText(8192, "In words, cut at 8,192 characters.", "Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0"),
      lastTransitionTime: optionalTime("When it changed last."),
    },
    { ...closed, description: "One condition." },
  ),
  8,
  "Its conditions.",
);

const metadataSchema = Type.Object(
  {
    name: name({ description: "Name of the run.", examples: ["shop-api-on-push-7xk2p"] }),
    generateName: optionalName("What the name was made from.", "shop-api-on-push-"),
    namespace: text(63, "Namespace of the run.", "ci"),
    uid: text(64, "UID of the run.", "c9129e44-6291-4dfa-8a21-b553b70c6267"),
    creationTimestamp: optionalTime("When the object was made."),
    generation: optionalInteger("Counts the changes of its spec.", 1),
    labels: strings(63, { description: "Its labels. Empty: none." }),
    annotations: strings(8192, { description: "Its annotations; those with values above 8,192 characters are left out. Empty: none." }),
  },
  { ...closed, description: "The object's metadata." },
);

const specSchema = Type.Object(
  {
    params: named("Its parameters."),
    pipelineRef: optionalObject(referenceFields("shop-api-on-push"), "Of a PipelineRun: the Pipeline it refers to."),
    taskRef: optionalObject({ ...referenceFields("unit-tests"), ...kindField("Task") }, "Of a TaskRun: the Task it refers to."),
    customRef: optionalObject({ ...referenceFields("manual-approval"), ...kindField("ApprovalTask") }, "Of a CustomRun: what it refers to."),
    status: optionalText(63, "What was asked of the run.", "Cancelled"),
    statusMessage: optionalText(1024, "Of a TaskRun and a CustomRun: why that was asked.", "TaskRun cancelled as the PipelineRun it belongs to has been cancelled."),
    managedBy: optionalText(253, "Of a PipelineRun and a TaskRun: the controller that runs it.", "tekton.dev/pipeline"),
    serviceAccountName: optionalName("Of a TaskRun and a CustomRun: the ServiceAccount it runs as.", "builder"),
    taskRunTemplate: optionalObject({ serviceAccountName: optionalName("The ServiceAccount its tasks run as.", "builder") }, "Of a PipelineRun: what its TaskRuns are made with."),
    timeout: Type.Optional(goDuration("Of a TaskRun and a CustomRun: how long it may take.")),
    timeouts: optionalObject(
      {
        pipeline: Type.Optional(goDuration("How long all may take.")),
        tasks: Type.Optional(goDuration("How long the tasks may take.")),
        finally: Type.Optional(goDuration("How long the tasks under `finally` may take.")),
      },
      "Of a PipelineRun: how long it may take.",
    ),
    retries: optionalInteger("Of a TaskRun and a CustomRun: how often it is tried again.", 2),
  },
  { ...closed, description: "What was asked for." },
);

const statusSchema = Type.Object(
  {
    conditions,
    startTime: optionalTime("When it started."),
    completionTime: optionalTime("When it ended."),
    finallyStartTime: optionalTime("Of a PipelineRun: when its tasks under `finally` started."),
    results: named("Its results."),
    childReferences: optionalList(
      Type.Object(
        {
          kind: optionalText(63, "Kind of the child.", "TaskRun"),
          name: optionalName("Name of the child.", "shop-api-on-push-7xk2p-unit-tests"),
          displayName: optionalName("The task's name for people.", "Unit tests"),
          pipelineTaskName: optionalName("The pipeline's task that it runs.", "unit-tests"),
        },
        { ...closed, description: "One child." },
      ),
      512,
      "Of a PipelineRun: its children, in no order.",
    ),
    skippedTasks: optionalList(
      Type.Object(
        { name: optionalName("The pipeline's task.", "deploy"), reason: optionalText(1024, "Why it was skipped.", "When Expressions evaluated to false") },
        { ...closed, description: "One task." },
      ),
      256,
      "Of a PipelineRun: tasks that were skipped.",
    ),
    podName: optionalName("Of a TaskRun: its Pod.", "shop-api-on-push-7xk2p-unit-tests-pod"),
    steps: optionalList(
      Type.Object(
        {
          name: optionalName("Its name.", "go-test"),
          terminated: optionalObject(
            {
              exitCode: optionalInteger("What it exited with.", 1),
              reason: optionalText(253, "Why it ended.", "Error"),
              startedAt: optionalTime("When it started."),
              finishedAt: optionalTime("When it ended."),
            },
            "How it ended. Absent: it has not.",
          ),
        },
        { ...closed, description: "One step." },
      ),
      64,
      "Of a TaskRun: its steps.",
    ),
    retriesStatus: optionalList(
      Type.Object({ podName: optionalName("Its Pod.", "shop-api-on-push-7xk2p-unit-tests-pod"), startTime: optionalTime("When it started."), completionTime: optionalTime("When it ended."), conditions }, { ...closed, description: "One try." }),
      16,
      "Of a TaskRun and a CustomRun: the tries before this one.",
    ),
    provenance: optionalObject(
      {
        refSource: optionalObject(
          { uri: optionalText(2048, "Where.", "git+https://github.com/example-org/pipelines.git"), digest: Type.Optional(strings(256, { description: "Its digest, by algorithm.", examples: [{ sha1: "0f98b1f7eda33a4e9cfaab09506aa8094044085f" }] })), entryPoint: optionalText(1024, "The file in it.", "pipelines/build.yaml") },
          "Where the definition came from; this is no commit that was built.",
        ),
      },
      "Of a PipelineRun and a TaskRun: what Tekton knows of the definition's origin.",
    ),
    observedGeneration: optionalInteger("The generation that the status speaks of.", 1),
  },
  { ...closed, description: "How it goes. Empty: not started." },
);

/** Schema of a run's own object as it is kept. Of a run that is gone, nothing may be left of it. */
export const runObjectSchema = Type.Object(
  {
    apiVersion: optionalText(63, "Its apiVersion.", "tekton.dev/v1"),
    kind: optionalText(63, "Its kind.", "PipelineRun"),
    metadata: Type.Optional(metadataSchema),
    spec: Type.Optional(specSchema),
    status: Type.Optional(statusSchema),
  },
  { ...closed, description: "The run's own object with the fields listed here; what else it has is not kept, and `dyn(run)` reads nothing more. Empty: the run is gone." },
);

/** A run's own object, cut down. */
export type RunObject = Static<typeof runObjectSchema>;
