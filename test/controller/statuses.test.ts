import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runStatuses } from "../../src/api/run-event.ts";
import type { Condition } from "../../src/api/schema.ts";
import { conditionsOf } from "../../src/controller/conditions.ts";
import type { Connection } from "../../src/controller/connections.ts";
import type { CredentialsFinding } from "../../src/controller/credential-checks.ts";
import { compileFilter } from "../../src/controller/match.ts";
import { notificationStatus, type NotificationUse, type NotificationView } from "../../src/controller/notification-status.ts";
import { providerStatus } from "../../src/controller/provider-status.ts";
import { reachOf } from "../../src/controller/reach.ts";
import { tellOutcome } from "../../src/controller/tell-outcome.ts";
import { createUses, notificationUseAfter, notificationUseAfterEdit, notificationUseAfterFault, notificationUseAfterJudging, notificationUseOf, providerUseAfter } from "../../src/controller/uses.ts";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import type { Sender } from "../../src/providers/provider.ts";
import { providerOfType } from "../../src/providers/registry.ts";
import { manualClock } from "../support/manual-clock.ts";
import { gitHubProvider, notification } from "./objects.ts";
import { ended } from "./runs.ts";

const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const nowText = "2026-01-02T03:04:05Z";
const sender: Sender = { send: () => Promise.resolve({}), close: () => Promise.resolve() };
const connected = { ready: true, sender, timeoutMs: 15_000 } as const;

/** `type status reason` of each condition. */
const shown = (conditions: readonly Condition[] | undefined): string[] => (conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`);

describe("conditionsOf", () => {
  const finding = { type: "Ready", status: "True", reason: "Connected", message: "m" } as const;

  it("moves lastTransitionTime only when the status changes", () => {
    const [first] = conditionsOf([finding], undefined, 3, now);
    assert.deepEqual(first, { ...finding, lastTransitionTime: nowText, observedGeneration: 3 });
    const [same] = conditionsOf([{ ...finding, reason: "Other" }], [first], 4, now + 60_000);
    assert.deepEqual([same?.lastTransitionTime, same?.reason, same?.observedGeneration], [nowText, "Other", 4]);
    const [changed] = conditionsOf([{ ...finding, status: "False" }], [first], 4, now + 60_000);
    assert.equal(changed?.lastTransitionTime, "2026-01-02T03:05:05Z");
  });

  it("fits messages into the schema", () => {
    const [condition] = conditionsOf([{ ...finding, message: `x${"🚀".repeat(5_000)}` }], undefined, undefined, now);
    assert.ok(condition !== undefined && condition.message.length <= 4096 && condition.message.isWellFormed());
  });
});

describe("providerStatus", () => {
  const of = (connection: Connection, spec: object = {}, credentials?: CredentialsFinding): string[] =>
    shown(providerStatus({ ...gitHubProvider(), spec: { ...gitHubProvider().spec, ...spec } }, { connection, use: {}, credentials }, now).conditions);

  it("is Ready when messages can be sent", () => {
    assert.deepEqual(of(connected), ["Ready True Connected", "CredentialsValid Unknown NotChecked"]);
  });

  it("says what the service said about the credentials", () => {
    assert.deepEqual(of(connected, {}, { status: "True", reason: "Verified", message: "" }), ["Ready True Connected", "CredentialsValid True Verified"]);
    assert.deepEqual(of({ ready: false, code: "CredentialsRefused", message: "" })[1], "CredentialsValid False CredentialsRefused");
  });

  it("keeps what was known of the credentials before a restart, of the same generation, until something newer is known", () => {
    const condition = { type: "CredentialsValid", status: "True", reason: "Accepted", message: "m", lastTransitionTime: "2025-01-01T00:00:00Z", observedGeneration: 3 } as const;
    const before = (generation: number, connection: Connection, credentials?: CredentialsFinding): Condition | undefined => {
      const provider = gitHubProvider();
      return providerStatus({ ...provider, metadata: { ...provider.metadata, generation }, status: { conditions: [condition] } }, { connection, use: {}, credentials }, now).conditions?.[1];
    };
    assert.deepEqual(before(3, connected), condition);
    assert.equal(before(4, connected)?.reason, "NotChecked");
    assert.equal(before(3, connected, { status: "Unknown", reason: "ServiceUnreachable", message: "" })?.status, "Unknown");
    assert.equal(before(3, { ready: false, code: "SecretNotFound", message: "" })?.status, "False");
  });

  it("is Stalled too where a user must act, and not where waiting is enough", () => {
    assert.deepEqual(of({ ready: false, code: "SecretNotFound", message: "" }), ["Ready False SecretNotFound", "CredentialsValid False SecretNotFound", "Stalled True SecretNotFound"]);
    assert.deepEqual(of({ ready: false, code: "KubernetesUnreachable", message: "" }), ["Ready False KubernetesUnreachable", "CredentialsValid Unknown NotChecked"]);
  });

  it("says that it is suspended, whatever the connection", () => {
    assert.deepEqual(of({ ready: false, code: "SecretNotFound", message: "" }, { suspend: true }), ["Ready False Suspended", "CredentialsValid False SecretNotFound"]);
  });
});

describe("notificationStatus", () => {
  const definition = providerOfType("GitHubApp");
  const status = (view: Partial<NotificationView> = {}, spec: Record<string, unknown> = {}): ReturnType<typeof notificationStatus> =>
    notificationStatus(notification(spec), { matcher: compileFilter({}, "ci", runStatuses), definition, templateProblems: [], gate: connected, use: { delivered: 0 }, activeSince: now, selection: "0f98", throttled: false, followed: true, reach: reachOf(notification(spec), undefined), watchNamespaces: [], ...view }, now);
  const notFound = { ready: false, code: "ProviderNotFound", message: "the Provider service does not exist" } as const;

  for (const [what, view, spec, expected] of [
    ["all is well", {}, {}, ["Ready True Active", "ProviderResolved True Found", "FilterValid True Compiled"]],
    ["its messages are too many", { throttled: true }, { maxPerMinute: 5 }, ["Ready True Active", "ProviderResolved True Found", "FilterValid True Compiled", "Throttled True MaxPerMinute"]],
    ["the Provider is being looked at", { gate: { ready: "soon" } }, {}, ["Ready Unknown Connecting", "ProviderResolved True Found", "FilterValid True Compiled"]],
    ["its runs are being listed", { followed: false }, {}, ["Ready Unknown Starting", "ProviderResolved True Found", "FilterValid True Compiled"]],
    ["there is no Provider", { definition: undefined, gate: notFound }, {}, ["Ready False ProviderNotFound", "ProviderResolved False ProviderNotFound", "FilterValid True Compiled", "Stalled True ProviderNotFound"]],
    ["the Provider is not ready", { gate: { ready: false, code: "SecretNotFound", message: "" } }, {}, ["Ready False ProviderNotReady", "ProviderResolved True Found", "FilterValid True Compiled"]],
    ["the filter is not valid", { matcher: compileFilter({ expression: "x" }, "ci", runStatuses) }, {}, ["Ready False FilterInvalid", "ProviderResolved True Found", "FilterValid False FilterInvalid", "Stalled True FilterInvalid"]],
    ["a template is not valid", { templateProblems: ["spec.githubApp.context: 1:1: no end"] }, {}, ["Ready False TemplateInvalid", "ProviderResolved True Found", "FilterValid False TemplateInvalid", "Stalled True TemplateInvalid"]],
    ["the destination is refused", { use: { delivered: 0, routeError: { code: "DestinationRefused", message: "m" } } }, {}, ["Ready False DestinationRefused", "ProviderResolved True Found", "FilterValid True Compiled", "Stalled True DestinationRefused"]],
    ["the Provider does not take all that it selects", { reach: { selected: undefined, served: new Set(["ci"]), digest: "" } }, { filter: { namespaceSelector: { any: true } } }, ["Ready False RunsNotCovered", "ProviderResolved False RunsNotCovered", "FilterValid True Compiled", "Stalled True RunsNotCovered"]],
    ["some of what it names is not watched", { watchNamespaces: ["ci"] }, { filter: { namespaceSelector: { matchNames: ["ci", "prod"] } } }, ["Ready True Active", "ProviderResolved True Found", "FilterValid True Compiled", "Restricted True NamespacesNotWatched"]],
    ["not all are watched", { watchNamespaces: ["ci"] }, { filter: { namespaceSelector: { any: true } } }, ["Ready True Active", "ProviderResolved True Found", "FilterValid True Compiled", "Restricted True NamespacesNotWatched"]],
    ["nothing of what it names is watched", { watchNamespaces: ["ci"] }, { filter: { namespaceSelector: { matchNames: ["prod"] } } }, ["Ready False NamespacesNotWatched", "ProviderResolved True Found", "FilterValid True Compiled", "Restricted True NamespacesNotWatched", "Stalled True NamespacesNotWatched"]],
    ["labels cannot be read", { watchNamespaces: ["ci"] }, { filter: { namespaceSelector: { matchLabels: { a: "b" } } } }, ["Ready False NamespacesNotWatched", "ProviderResolved True Found", "FilterValid True Compiled", "Restricted True NamespacesNotWatched", "Stalled True NamespacesNotWatched"]],
    ["it is suspended", { activeSince: undefined }, { suspend: true }, ["Ready False Suspended", "ProviderResolved True Found", "FilterValid True Compiled"]],
  ] as const) {
    it(`says that ${what}`, () => {
      assert.deepEqual(shown(status(view as Partial<NotificationView>, spec).conditions), expected);
    });
  }

  it("names the namespaces that are not covered or not watched only where the Notification does", () => {
    const message = (view: Partial<NotificationView>, spec: Record<string, unknown>, type: string) => status(view, spec).conditions?.find((condition) => condition.type === type)?.message;
    const cut = { reach: { selected: new Set(["ci", "prod"]), served: new Set(["ci"]), digest: "" } };
    assert.match(message(cut, { filter: { namespaceSelector: { matchNames: ["ci", "prod"] } } }, "ProviderResolved") ?? "", /^the Provider's spec\.runNamespaces do not include prod:/);
    assert.doesNotMatch(message(cut, { filter: { namespaceSelector: { matchLabels: { a: "b" } } } }, "ProviderResolved") ?? "", /prod/);
    assert.match(message({ watchNamespaces: ["ci"] }, { filter: { namespaceSelector: { matchNames: ["ci", "prod"] } } }, "Restricted") ?? "", /runs of prod are not seen$/);
  });

  it("shows since when, which statuses, and what was delivered", () => {
    const { activeSince, statuses, delivered, lastDelivery } = status({ use: { delivered: 3, lastDelivery: { time: nowText, outcome: "Delivered", run: "PipelineRun/b", status: "Failed" } } });
    assert.deepEqual([activeSince, statuses, delivered, lastDelivery?.run], [nowText, [...runStatuses], 3, "PipelineRun/b"]);
    assert.deepEqual(status({}, { filter: { statuses: ["Failed"] } }).statuses, ["Failed"]);
    const faults = [{ field: "spec.githubApp.context", code: "FilterWrongType", line: 1, column: 16, count: 3, lastTime: nowText }];
    assert.deepEqual([status({ use: { delivered: 3, faults } }).faults, status().faults], [faults, undefined]);
    assert.equal(status({ activeSince: undefined }, { suspend: true }).activeSince, undefined);
  });
});

describe("uses", () => {
  const error = new DeliveryError("DestinationRefused", "refused");
  const outcome = { notificationKey: "ci/n", destination: "C1", event: ended("Failed") } as const;

  it("of a Notification count what was accepted and show the last outcome", () => {
    const one = notificationUseAfter({ delivered: 4 }, { ...outcome, outcome: "Delivered" }, now);
    assert.deepEqual(one, { delivered: 5, lastDelivery: { time: nowText, outcome: "Delivered", run: "PipelineRun/build-1", status: "Failed" } });
    const two = notificationUseAfter(one, { ...outcome, outcome: "Retrying", error }, now);
    assert.deepEqual([two.delivered, two.lastDelivery?.outcome, two.routeError], [5, "Retrying", { destination: "C1", code: "DestinationRefused", message: "refused" }]);
    assert.equal(notificationUseAfter(two, { ...outcome, outcome: "Delivered" }, now).routeError, undefined);
    assert.equal(notificationUseAfter(one, { ...outcome, outcome: "Retrying", error: new DeliveryError("ServiceFailed", "") }, now).routeError, undefined);
  });

  it("of a Notification show the last ten states that were judged and why not, and forget them with the spec", () => {
    let use: NotificationUse = { delivered: 0 };
    for (let run = 0; run < 12; run += 1) use = notificationUseAfterJudging(use, ended("Failed", { name: `run-${run}` }), run % 2 === 0 ? { matched: true } : { matched: false, why: "expression: is false" }, now);
    const shownStates = (use.recent ?? []).map(({ run, matched, why }) => [run, matched, why]);
    assert.deepEqual([shownStates.length, ...shownStates.slice(0, 2)], [10, ["PipelineRun/run-11", false, "expression: is false"], ["PipelineRun/run-10", true, undefined]]);
    const sooner = notificationUseAfterJudging(use, ended("Failed", { name: "run-10" }), { matched: true, why: "NoCommit: none" }, now).recent;
    assert.deepEqual(sooner?.map(({ run, why }) => [run, why]).slice(0, 3), [["PipelineRun/run-10", "NoCommit: none"], ["PipelineRun/run-11", "expression: is false"], ["PipelineRun/run-9", "expression: is false"]]);
    assert.deepEqual(notificationUseAfter(use, { ...outcome, outcome: "Delivered" }, now).recent, use.recent);
    assert.deepEqual(notificationUseAfterEdit(use), { delivered: 0 });
    const status = { observedGeneration: 1, recent: [...(use.recent ?? [])] };
    assert.deepEqual(notificationUseOf({ ...notification(), status }).recent, use.recent);
    assert.equal(notificationUseOf({ ...notification({}, { generation: 2 }), status }).recent, undefined);
  });

  it("of a Notification name the parts that failed, each once with how often, the latest first, ten at most", () => {
    const overflow = { field: "spec.filter.expression", code: "FilterOverflow", line: 1, column: 3 } as const;
    const template = { field: "spec.githubApp.context", code: "FilterWrongType", line: 1, column: 16 } as const;
    const later = now + 60_000;
    const use = notificationUseAfterFault(notificationUseAfterFault(notificationUseAfterFault({ delivered: 4 }, overflow, now), template, now), overflow, later);
    assert.deepEqual(use, { delivered: 4, faults: [{ ...overflow, count: 2, lastTime: "2026-01-02T03:05:05Z" }, { ...template, count: 1, lastTime: nowText }] });
    assert.deepEqual(notificationUseAfter(use, { ...outcome, outcome: "Delivered" }, now).faults, use.faults, "a success elsewhere does not mend them");
    let many: NotificationUse = use;
    for (let column = 1; column <= 15; column += 1) many = notificationUseAfterFault(many, { ...overflow, column }, now);
    assert.deepEqual(many.faults?.map(({ column }) => column), [15, 14, 13, 12, 11, 10, 9, 8, 7, 6]);
    assert.deepEqual(notificationUseAfterEdit(use), { delivered: 4 });
  });

  it("of a Notification go on after a restart; what failed under an older spec does not", () => {
    const fault = { field: "spec.filter.expression", code: "FilterOverflow", count: 2, lastTime: nowText };
    const of = (observedGeneration: number) => notificationUseOf({ ...notification(), status: { observedGeneration, delivered: 4, faults: [fault] } });
    assert.deepEqual([of(1), of(0), notificationUseOf(undefined)], [{ delivered: 4, faults: [fault] }, { delivered: 4 }, { delivered: 0 }]);
  });

  it("of a Notification show that a destination is refused until that one takes a message, or the Notification is edited", () => {
    const refused = notificationUseAfter({ delivered: 0 }, { ...outcome, outcome: "Retrying", error }, now);
    const elsewhere = notificationUseAfter(refused, { ...outcome, destination: "C2", outcome: "Delivered" }, now);
    assert.deepEqual([elsewhere.delivered, elsewhere.routeError], [1, { destination: "C1", code: "DestinationRefused", message: "refused" }]);
    assert.equal(notificationUseAfter(elsewhere, { ...outcome, outcome: "Delivered" }, now).routeError, undefined);
    assert.equal(notificationUseAfterEdit(elsewhere).routeError, undefined);
  });

  it("of a Provider show the last error until something is accepted", () => {
    const failed = providerUseAfter({ lastDelivery: { time: "before" } }, { ...outcome, outcome: "Retrying", error }, "ci", now);
    assert.deepEqual(failed, { lastDelivery: { time: "before" }, lastError: { code: "DestinationRefused", message: "refused", time: nowText } });
    assert.deepEqual(providerUseAfter(failed, { ...outcome, outcome: "Delivered" }, "ci", now), { lastDelivery: { time: nowText } });
  });

  it("of runs of another namespace are a count, and no more", () => {
    const away = { ...outcome, event: { ...outcome.event, namespace: "marker", name: "marker", reason: "marker" } };
    const hidden = new DeliveryError("DestinationRefused", "marker");
    const use = [
      { ...away, outcome: "Delivered" as const },
      { ...away, outcome: "DeadLetter" as const, error: new DeliveryError("MessageRefused", "marker") },
      { ...away, outcome: "Retrying" as const, error: hidden },
    ].reduce<NotificationUse>((sum, told) => notificationUseAfter(sum, told, now), { delivered: 3 });
    assert.deepEqual([use.delivered, use.elsewhere, use.lastDelivery, use.routeError?.code], [4, { delivered: 1, deadLetters: 1 }, undefined, "DestinationRefused"]);
    assert.doesNotMatch(JSON.stringify([use, providerUseAfter({}, { ...away, outcome: "Retrying", error: hidden }, "ci", now)]), /marker/);
    assert.deepEqual(notificationUseOf({ ...notification(), status: { delivered: 4, otherNamespaces: { delivered: 1, deadLetters: 1 } } }), { delivered: 4, elsewhere: { delivered: 1, deadLetters: 1 } });
    const notes: string[] = [];
    for (const error of [hidden, new DeliveryError("MessageRefused", "marker")]) tellOutcome({ publish: (_, { note }) => notes.push(note), flush: () => Promise.resolve() }, notification(), { ...away, outcome: error === hidden ? "Retrying" : "DeadLetter", error }, undefined);
    assert.deepEqual([notes.length, notes.filter((note) => note.includes("marker"))], [2, []]);
  });

  it("are shown at once the first time, then at most every 30 seconds, and never lost", () => {
    const clock = manualClock();
    const uses = createUses(clock, () => 0);
    const bump = (): void => {
      uses.update("a", (use) => use + 1);
    };
    assert.deepEqual(uses.toPublish("a"), { use: 0, againInMs: undefined });
    bump();
    assert.deepEqual(uses.toPublish("a"), { use: 1, againInMs: undefined });
    bump();
    clock.advance(10_000);
    assert.deepEqual(uses.toPublish("a"), { use: 1, againInMs: 20_000 });
    bump();
    clock.advance(20_000);
    assert.deepEqual(uses.toPublish("a"), { use: 3, againInMs: undefined });
    assert.deepEqual(uses.toPublish("a"), { use: 3, againInMs: undefined });
    assert.equal(uses.current("b"), 0);
    uses.forget("a");
    assert.equal(uses.current("a"), 0);
  });
});
