import { Type, type Static } from "typebox";
import type { KindDefinition, Metadata } from "./kind.ts";
import { runKinds, runStatuses } from "./run-event.ts";
import { atomicList, conditionFields, namespaceName, objectName, oneWordOf, rulesOf, setOf, keyedList, text, time, unseen } from "./schema.ts";
import type { Sections } from "./section.ts";
import { labelSelector, namespaceSelector } from "./selectors.ts";

const result = Type.Object(
  {
    name: text(253, { description: "Name of the result.", minLength: 1 }),
    value: Type.Optional(text(4096, { description: "The result must be this string." })),
    matches: Type.Optional(text(1024, { description: "The result must be a string in which this RE2 pattern is found.", examples: ["^v[0-9]+\\."] })),
    exists: Type.Optional(Type.Boolean({ description: "Whether the run must have (true) or must not have (false) the result." })),
  },
  {
    description: "One condition on a result of the run. With the name alone, the result must exist.",
    ...rulesOf({ rule: "atMostOneOf", fields: ["value", "matches", "exists"] }),
  },
);

const filter = Type.Object(
  {
    kinds: Type.Optional(
      setOf(oneWordOf(runKinds, { description: "A kind of run." }), {
        default: ["PipelineRun"],
        minItems: 1,
        maxItems: runKinds.length,
        description: "The kinds of run to select.",
      }),
    ),
    children: Type.Optional(
      Type.Boolean({
        default: false,
        description: "Whether PipelineRuns that belong to another PipelineRun are selected too. TaskRuns and CustomRuns are selected by naming them in `kinds`.",
      }),
    ),
    labelSelector: Type.Optional(labelSelector("the run", "Labels that the run must carry.")),
    namespaceSelector: Type.Optional(
      namespaceSelector("Namespaces whose runs are selected. When left out: the Notification's own."),
    ),
    statuses: Type.Optional(
      setOf(oneWordOf(runStatuses, { description: "A status of a run." }), {
        minItems: 1,
        maxItems: runStatuses.length,
        description: "The statuses to report. When left out: those that suit the Provider, as its page says.",
        examples: [["Failed", "TimedOut"]],
      }),
    ),
    results: Type.Optional(
      keyedList("name", result, { maxItems: 32, description: "Conditions on results of the run; all must hold." }),
    ),
    expression: Type.Optional(
      text(4096, {
        description: "A CEL expression of type bool over the run; it must be true.",
        examples: ["status == \"Failed\" && namespace.startsWith(\"team-\")"],
        minLength: 1,
      }),
    ),
  },
  { description: "Which runs are reported, and in which states. All parts must hold." },
);

/** The parts of `spec.message`. */
export const messageParts = ["title", "text", "url"] as const;
export type MessagePart = (typeof messageParts)[number];

const message = Type.Object(
  {
    title: Type.Optional(text(1024, { description: "The message in one line, a template. When left out, or empty for a run: what the Provider's page says.", examples: ["${pipeline} ${status}"], minLength: 1 })),
    text: Type.Optional(
      text(8192, { description: "What stands below the title, a template, in the markup of the service. When left out, or empty for a run: what the Provider's page says.", examples: ["Release ${params.version}: ${reason}"], minLength: 1 }),
    ),
    url: Type.Optional(
      text(2048, { description: "Where the message leads, a template. When left out, or no web address for a run: the run's page.", examples: ["https://releases.example.com/${params.version}"], minLength: 1 }),
    ),
  },
  { description: "What messages say, instead of what is made for you." },
);

/** How many states `status.recent` shows. */
export const maxRecent = 10;

const judged = Type.Object(
  {
    run: text(400, { description: "The run, as kind/name." }),
    status: oneWordOf(runStatuses, { description: "The status that was judged." }),
    matched: Type.Boolean({ description: "Whether the filter selects it." }),
    why: Type.Optional(text(512, { description: "Why not; or why there was nothing to send for it although it is selected.", examples: ["NoCommit: the run names no commit"] })),
    time: time("When it was judged."),
  },
  { description: "A state of a run that was judged." },
);

/** How many parts `status.faults` names. */
export const maxFaults = 10;

const fault = Type.Object(
  {
    field: text(253, { description: "The field that holds the part.", examples: ["spec.githubApp.context"] }),
    code: text(64, { description: "What happened: a code of docs/reference/filter-errors.md.", examples: ["FilterWrongType"] }),
    line: Type.Optional(Type.Integer({ minimum: 1, description: "Line inside the field." })),
    column: Type.Optional(Type.Integer({ minimum: 1, description: "Column inside the line." })),
    count: Type.Integer({ minimum: 1, description: "How often it failed since this spec was applied." }),
    lastTime: time("When it failed last."),
  },
  { description: "A part that compiles and failed on a run: of the filter, which then did not match; or of a template, which was then left empty." },
);

/** How many finished runs `status.series` holds. */
export const maxSeries = 100;

const finishedRun = Type.Object(
  {
    key: text(1024, { description: "The series: the kind, and what `groupBy` says." }),
    name: text(253, { description: "Name of the run." }),
    uid: text(64, { description: "UID of the run." }),
    status: oneWordOf(runStatuses, { description: "How it ended." }),
    reason: text(1024, { description: "Reason of its Succeeded condition." }),
    endedAt: time("When it ended, as far as it is known."),
    completionTime: Type.Optional(time("When it says that it ended.")),
  },
  { description: "A finished run." },
);

const status = Type.Object(
  {
    ...conditionFields("Ready, ProviderResolved, FilterValid, Throttled, Restricted"),
    activeSince: Type.Optional(time("Runs that ended before this moment are not reported.")),
    selection: Type.Optional(text(64, { description: "Digest of what selects runs and routes them, to tell an edit of it." })),
    caughtUpAt: Type.Optional(time("Up to when everything that was owed is sent, or stands in a Delivery.")),
    statuses: Type.Optional(
      setOf(oneWordOf(runStatuses, { description: "A status." }), { maxItems: runStatuses.length, description: "The statuses that are reported, with the Provider's own choice filled in." }),
    ),
    delivered: Type.Optional(Type.Integer({ minimum: 0, description: "How many messages the service accepted since the controller counts." })),
    otherNamespaces: Type.Optional(
      Type.Object(
        {
          delivered: Type.Integer({ minimum: 0, description: "How many of the messages that were accepted are about them." }),
          deadLetters: Type.Integer({ minimum: 0, description: "How many messages about them were given up." }),
        },
        { description: "Runs of other namespaces than the Notification's: whoever reads it may not be able to read them, so that nothing else is said of them here. Their Deliveries are in the controller's own namespace." },
      ),
    ),
    lastDelivery: Type.Optional(
      Type.Object(
        {
          time: time("When it was decided."),
          outcome: oneWordOf(["Delivered", "Retrying", "DeadLetter"], { description: "What came of it." }),
          run: text(400, { description: "The run, as kind/name." }),
          status: oneWordOf(runStatuses, { description: "The run's status that was reported." }),
        },
        { description: "The last message of this Notification." },
      ),
    ),
    series: Type.Optional(
      atomicList(finishedRun, { maxItems: maxSeries, description: "The last finished run of each series, the latest first, then those before: what `previous` is known from when the runs are gone. Only where `previous` is read." }),
    ),
    recent: Type.Optional(atomicList(judged, { maxItems: maxRecent, description: "The last states of runs that were judged, the latest first; runs of other kinds and statuses than the filter's are not. Written with the counters, and every five minutes." })),
    faults: Type.Optional(atomicList(fault, { maxItems: maxFaults, description: "Parts of the filter and of templates that failed on runs, the latest first." })),
  },
  { default: unseen, description: "What the controller found out about this Notification." },
);

/** Messages of one Notification in a minute, where it says nothing else. */
export const defaultPerMinute = 600;

/** The kind Notification, with the sections of the given providers. */
export function notificationKind(providers: readonly Sections[]): KindDefinition {
  const spec = Type.Object(
    {
      suspend: Type.Optional(
        Type.Boolean({ default: false, description: "Whether this Notification selects nothing. On resume, only what happens from then on is sent." }),
      ),
      providerRef: Type.Object(
        {
          name: objectName({ description: "Name of the Provider." }),
          namespace: Type.Optional(namespaceName({ description: "Namespace of the Provider. When left out: the Notification's own." })),
        },
        { description: "The Provider that messages are sent through." },
      ),
      filter: Type.Optional(filter),
      maxPerMinute: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 6000, default: defaultPerMinute, description: "The most messages in a minute. What is above it waits; nothing is dropped." }),
      ),
      groupBy: Type.Optional(
        text(1024, {
          description: "The series that a run belongs to, a template: `previous` is the last finished run of the same series. When left out: the pipeline (or task) with the repository and the branch, where they are known.",
          examples: ["${pipeline} ${params.environment}"],
          minLength: 1,
        }),
      ),
      message: Type.Optional(message),
      ...Object.fromEntries(providers.map((provider) => [provider.section, Type.Optional(provider.notificationSection)])),
    },
    {
      description: "Which runs are reported, and where to.",
      ...(providers.length > 1 && rulesOf({ rule: "atMostOneOf", fields: providers.map((provider) => provider.section) })),
    },
  );
  return {
    kind: "Notification",
    plural: "notifications",
    singular: "notification",
    shortName: "tin",
    description: "A Notification selects Tekton runs and routes their status to a Provider.",
    spec,
    status,
    columns: [
      { name: "Provider", type: "string", jsonPath: ".spec.providerRef.name", description: "Where messages go." },
      { name: "Ready", type: "string", jsonPath: ".status.conditions[?(@.type==\"Ready\")].status", description: "Whether runs are reported." },
      { name: "Reason", type: "string", jsonPath: ".status.conditions[?(@.type==\"Ready\")].reason", description: "Why, in one word." },
      { name: "Last", type: "string", jsonPath: ".status.lastDelivery.outcome", description: "What came of the last message." },
      { name: "Delivered", type: "integer", jsonPath: ".status.delivered", description: "How many messages were accepted.", priority: 1 },
      { name: "Last Delivery", type: "date", jsonPath: ".status.lastDelivery.time", description: "When the last message was decided." },
      { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Age of the object." },
    ],
  };
}

export type NotificationFilter = Static<typeof filter>;
export type NotificationStatus = Static<typeof status>;
export type NotificationSeries = NonNullable<NotificationStatus["series"]>;
export type NotificationJudged = Static<typeof judged>;
export type NotificationFault = Static<typeof fault>;

/** A Notification as the API server stores it. The provider's section is checked by the provider's own schema. */
export interface Notification {
  readonly metadata: Metadata;
  readonly spec: Readonly<Record<string, unknown>> & {
    readonly suspend?: boolean;
    readonly providerRef: { readonly name: string; readonly namespace?: string };
    readonly filter?: NotificationFilter;
    readonly maxPerMinute?: number;
    readonly groupBy?: string;
    readonly message?: Readonly<Partial<Record<MessagePart, string>>>;
  };
  readonly status?: NotificationStatus;
}
