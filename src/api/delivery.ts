import { Type, type Static } from "typebox";
import type { KindDefinition, Metadata } from "./kind.ts";
import { runKinds, runStatuses } from "./run-event.ts";
import { keyedList, namespaceName, objectName, oneWordOf, rulesOf, stringMap, text, time } from "./schema.ts";

/** The states of a Delivery and of each of its destinations. */
export const deliveryStates = ["Pending", "Delivered", "Retrying", "DeadLetter"] as const;
export type DeliveryState = (typeof deliveryStates)[number];

/** How many destinations one Delivery can have. */
export const maxDestinations = 20;

/** The most bytes of JSON that `status.owed` may take. */
export const maxOwedBytes = 16 * 1024;

const uid = (whose: string) => text(64, { description: `UID of the ${whose}.`, minLength: 1 });

const spec = Type.Object(
  {
    notificationRef: Type.Object(
      {
        name: objectName({ description: "Name of the Notification." }),
        namespace: Type.Optional(namespaceName({ description: "Namespace of the Notification. When left out: the Delivery's own." })),
        uid: uid("Notification"),
      },
      { description: "The Notification whose message this is." },
    ),
    runRef: Type.Object(
      {
        apiVersion: text(64, { description: "API version of the run.", examples: ["tekton.dev/v1"] }),
        kind: oneWordOf(runKinds, { description: "Kind of the run." }),
        namespace: namespaceName({ description: "Namespace of the run." }),
        name: objectName({ description: "Name of the run." }),
        uid: uid("run"),
      },
      { description: "The run that is reported." },
    ),
  },
  { description: "Which message this is about. It never changes.", ...rulesOf({ rule: "immutable" }) },
);

const destination = Type.Object(
  {
    key: text(253, { description: "Which destination of the Notification this is.", minLength: 1 }),
    state: oneWordOf(deliveryStates, { description: "What became of the last message." }),
    sentStatus: Type.Optional(oneWordOf(runStatuses, { description: "The run's status that the service last accepted." })),
    sentAt: Type.Optional(time("When the service accepted it.")),
    sentCount: Type.Optional(Type.Integer({ minimum: 0, description: "How many messages the service accepted." })),
    refusedStatus: Type.Optional(oneWordOf(runStatuses, { description: "The run's status whose message became a dead letter." })),
    attempts: Type.Optional(Type.Integer({ minimum: 0, description: "How many times the message that is owed was tried." })),
    firstAttemptAt: Type.Optional(time("When the message that is owed was first tried.")),
    nextAttemptAt: Type.Optional(time("When it is tried again.")),
    heldSince: Type.Optional(time("Since when it is held back by a suspended Provider or by maxPerMinute; that time does not count towards the deadline.")),
    lastError: Type.Optional(
      Type.Object(
        {
          code: text(64, { description: "Code from the error catalogue." }),
          message: text(1024, { description: "What happened; secrets are left out." }),
        },
        { description: "The error of the last attempt. Absent after a success." },
      ),
    ),
    externalRef: Type.Optional(text(2048, { description: "What the service calls the message: an id or a URL." })),
    target: Type.Optional(
      stringMap({ maxProperties: 16, maxLength: 2048, description: "The place that was resolved, so that a run that vanished can be closed." }),
    ),
  },
  { description: "One destination." },
);

const status = Type.Object(
  {
    state: Type.Optional(oneWordOf(deliveryStates, { description: "The worst of the destinations' states; Pending where all of them were told an earlier state than the one that is owed." })),
    destinations: Type.Optional(
      keyedList("key", destination, { maxItems: maxDestinations, description: "What became of the message, for each destination." }),
    ),
    owed: Type.Optional(
      Type.Unsafe<Record<string, unknown>>({
        type: "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "x-open": true,
        description: "The RunEvent that is still owed, or that became a dead letter, trimmed to 16 KiB: a retry never needs the run.",
      }),
    ),
    series: Type.Optional(
      Type.Object(
        {
          key: text(1024, { description: "The series: the kind, and what `groupBy` says." }),
          status: oneWordOf(runStatuses, { description: "How the run ended." }),
          reason: text(1024, { description: "Reason of its Succeeded condition." }),
          endedAt: time("When it ended, as far as it is known."),
          completionTime: Type.Optional(time("When it says that it ended.")),
        },
        { description: "The finished run in its series, for a Notification of another namespace that reads `previous`: what `previous` is known from when the run is gone." },
      ),
    ),
    redelivered: Type.Optional(text(253, { description: "Value of the annotation integrations.tekton.ornew.io/redeliver that was last acted on." })),
  },
  { description: "What became of it." },
);

/** The kind Delivery: the durable record of what was sent, one per Notification and run. */
export const deliveryKind: KindDefinition = {
  kind: "Delivery",
  plural: "deliveries",
  singular: "delivery",
  shortName: "tid",
  description: "A Delivery is the controller's record of what was sent for one run by one Notification. Only the controller writes it.",
  spec,
  status,
  columns: [
    { name: "State", type: "string", jsonPath: ".status.state", description: "What became of the message." },
    { name: "Notification", type: "string", jsonPath: ".spec.notificationRef.name", description: "Whose message." },
    { name: "Kind", type: "string", jsonPath: ".spec.runRef.kind", description: "Kind of the run." },
    { name: "Run", type: "string", jsonPath: ".spec.runRef.name", description: "The run." },
    { name: "Sent", type: "string", jsonPath: ".status.destinations[*].sentStatus", description: "The status that was last accepted." },
    { name: "Attempts", type: "string", jsonPath: ".status.destinations[*].attempts", description: "Attempts at what is owed.", priority: 1 },
    { name: "Error", type: "string", jsonPath: ".status.destinations[*].lastError.message", description: "The last error.", priority: 1 },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Age of the object." },
  ],
};

export type DeliverySpec = Static<typeof spec>;
export type DeliveryDestination = Static<typeof destination>;
export type DeliveryStatus = Static<typeof status>;
export type DeliverySeries = NonNullable<DeliveryStatus["series"]>;

/** A Delivery as the API server stores it. */
export interface Delivery {
  readonly metadata: Metadata;
  readonly spec: DeliverySpec;
  readonly status?: DeliveryStatus;
}
