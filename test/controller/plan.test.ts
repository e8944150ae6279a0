import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { faultText } from "../../src/api/fault.ts";
import type { Notification } from "../../src/api/notification.ts";
import type { Provider } from "../../src/api/provider.ts";
import type { RunEvent } from "../../src/api/run-event.ts";
import type { Recorded } from "../../src/controller/owed.ts";
import { plan, type Plan } from "../../src/controller/plan.ts";
import { makeRoute } from "../../src/controller/routes.ts";
import { deepFreeze, ended, runEvent, sha } from "./runs.ts";
import { cloudEventsProvider, gitHubProvider, notification } from "./objects.ts";

const target = { owner: "example-org", repo: "shop-api", sha, context: "tekton: build" };

interface Case {
  readonly spec?: Partial<Notification["spec"]>;
  readonly provider?: Provider;
  readonly event?: RunEvent;
  readonly recorded?: Record<string, Recorded>;
}

function planned({ spec = {}, provider = gitHubProvider(), event = runEvent(), recorded = {} }: Case): Plan {
  const route = deepFreeze(makeRoute(notification(spec), provider, 0));
  return plan(route, { event: deepFreeze(event), endedAt: undefined, unseen: false }, new Map(Object.entries(recorded)));
}

const shown = (result: Plan): unknown => (result.kind === "send" ? { ...result, messages: result.messages.map((message) => [message.key, message.target]) } : result);

describe("plan", () => {
  it("sends what is selected and not on record", () => {
    assert.deepEqual(shown(planned({})), { kind: "send", matched: true, messages: [["status", target]] });
  });

  it("sends nothing to a destination that has it", () => {
    assert.deepEqual(shown(planned({ recorded: { status: { sentStatus: "Pending", sentCount: 1 } } })), { kind: "send", matched: true, messages: [] });
  });

  it("says why a state is not selected", () => {
    assert.deepEqual(planned({ spec: { filter: { statuses: ["Failed"] } } }), { kind: "nothing", matched: false, why: "statuses: Running is not in [Failed]" });
  });

  it("tells an expression that failed from one that is false", () => {
    assert.deepEqual(planned({ spec: { filter: { expression: "false" } } }), { kind: "nothing", matched: false, why: "expression: is false" });
    const failing = planned({ spec: { filter: { expression: "results.a > 1" } }, event: runEvent({ results: { a: "x" } }) });
    assert.ok(failing.kind === "nothing" && !failing.matched && failing.error === true);
  });

  it("says why there is nothing to say about a state that is selected", () => {
    const result = planned({ event: runEvent({ commit: {} }) });
    assert.ok(result.kind === "nothing" && result.matched);
    assert.match(result.why, /^NoCommit: the run names no commit/);
  });

  it("waits while there is no Provider, for what is selected alone", () => {
    const route = makeRoute(notification({ filter: { statuses: ["Failed"] } }), undefined, 0);
    assert.deepEqual(plan(route, { event: ended("Failed"), endedAt: undefined, unseen: false }, new Map()), { kind: "waiting" });
    assert.deepEqual(plan(route, { event: runEvent(), endedAt: undefined, unseen: false }, new Map()), { kind: "nothing", matched: false, why: "statuses: Running is not in [Failed]" });
  });

  it("selects nothing for a suspended Notification, but ends what GitHub was told the beginning of", () => {
    const why = "suspend: the Notification is suspended";
    assert.deepEqual(planned({ spec: { suspend: true } }), { kind: "nothing", matched: false, why });
    const closing = { spec: { suspend: true }, event: ended("Failed"), recorded: { status: { sentStatus: "Running", sentCount: 1 } } } as const;
    assert.deepEqual(shown(planned(closing)), { kind: "send", matched: false, why, messages: [["status", target]] });
    assert.deepEqual(planned({ ...closing, provider: cloudEventsProvider() }), { kind: "nothing", matched: false, why });
  });

  it("renders the section's templates for each state", () => {
    const spec = { githubApp: { context: "ci/${pipeline} in ${namespace}", owner: "${params.owner}", repo: "shop", sha: "${params.revision}" } };
    const event = runEvent({ params: { owner: "another-org", revision: "a".repeat(40) } });
    assert.deepEqual(shown(planned({ spec, event })), { kind: "send", matched: true, messages: [["status", { owner: "another-org", repo: "shop", sha: "a".repeat(40), context: "ci/build in ci" }]] });
  });

  it("says which part of a template failed, without run data, and leaves it empty", () => {
    const result = planned({ spec: { githubApp: { context: "ci/${results.n + 1}" } }, event: runEvent({ results: { n: "hunter2" } }) });
    assert.ok(result.kind === "send");
    assert.deepEqual([result.faults?.map(faultText), result.messages[0]?.target["context"]], [["spec.githubApp.context: FilterWrongType at 1:16"], "ci/"]);
    const nowhere = planned({ spec: { githubApp: { sha: "${results.n + 1}" } }, event: runEvent({ results: { n: "hunter2" } }) });
    assert.ok(nowhere.kind === "nothing" && nowhere.matched);
    assert.match(nowhere.why, /^NoCommit: /);
    assert.deepEqual(nowhere.faults?.map(faultText), ["spec.githubApp.sha: FilterWrongType at 1:13"]);
  });

  it("sends nothing where a template does not compile, not even an ending to a place that may be wrong", () => {
    const why = "spec.githubApp.context: 1:1: ";
    for (const recorded of [{}, { status: { sentStatus: "Running", sentCount: 1 } as const }]) {
      const result = planned({ spec: { githubApp: { context: "${name" } }, event: ended("Failed"), recorded });
      assert.ok(result.kind === "nothing" && !result.matched && result.error === true && result.why.startsWith(why));
    }
  });

  it("renders with the Notification's own section and what is on record", () => {
    const result = planned({ provider: cloudEventsProvider(), spec: { cloudEvents: { subject: "mine" } }, recorded: { event: { sentStatus: "Pending", sentCount: 7 } } });
    const again = planned({ provider: cloudEventsProvider(), spec: { cloudEvents: { subject: "mine" } }, recorded: { event: { sentStatus: "Pending", sentCount: 8 } } });
    assert.ok(result.kind === "send" && again.kind === "send");
    const [one, two] = [result, again].map(({ messages: [message] }) => message?.request.body as { subject: string; id: string });
    assert.ok(one !== undefined && two !== undefined);
    assert.equal(one.subject, "mine");
    assert.notEqual(one.id, two.id, "another message is another event");
  });
});
