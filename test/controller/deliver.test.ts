import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import type { Accepted } from "../../src/providers/provider.ts";
import { deferred, failed, hang, pending, run, running, start, succeeded, timeoutMs } from "./deliver-harness.ts";
import { makeRoute } from "../../src/controller/routes.ts";
import { cloudEventsProvider, gitHubProvider, notification } from "./objects.ts";

describe("a message", () => {
  it("passes the steps in their order, and is recorded only after it was accepted", async (t) => {
    const harness = start(t);
    await harness.change(running);
    assert.deepEqual(harness.sent, ["Running"]);
    assert.deepEqual(harness.steps, ["matched", "before-send", "accepted", "before-record", "recorded"].map((step) => `${step} Running`));
    assert.deepEqual(harness.writes.map(({ status, owed, destinations: [destination] }) => [status, owed, destination?.state, destination?.sentStatus]), [["Running", false, "Delivered", "Running"]]);
    assert.deepEqual(harness.outcomes.map(({ outcome, notificationKey }) => [outcome, notificationKey]), [["Delivered", "ci/to-service"]]);
    assert.equal(harness.deliverer.owedCount(), 0);
  });

  it("is sent once for a status, however often the run changes", async (t) => {
    const harness = start(t);
    for (const labels of [{}, { a: "1" }, { a: "2" }]) await harness.change({ ...running, labels });
    await harness.change({ ...succeeded, annotations: {} });
    await harness.change(succeeded);
    assert.deepEqual(harness.sent, ["Running", "Succeeded"]);
    assert.equal(harness.writes.length, 2);
  });

  it("is not sent again for a state that GitHub does not tell apart", async (t) => {
    const harness = start(t, { provider: gitHubProvider() });
    for (const state of [pending, running, pending, failed]) await harness.change(state);
    assert.deepEqual(harness.sent, ["pending", "failure"]);
  });

  it("is none, with the reason for the Notification's status, for a run that names no commit", async (t) => {
    const harness = start(t, { provider: gitHubProvider() });
    await harness.change({ ...running, annotations: {} });
    assert.deepEqual([harness.sent, harness.writes], [[], []]);
    const [[name, status, matched, why = ""] = assert.fail(), ...others] = harness.judged;
    assert.deepEqual([name, status, matched, others], ["build-1", "Running", true, []]);
    assert.match(why, /^NoCommit: the run names no commit: set the annotations/);
  });

  it("is not sent for a state that is on record from before", async (t) => {
    const harness = start(t, { record: { state: "Delivered", destinations: [{ key: "event", state: "Delivered", sentStatus: "Failed", sentCount: 1 }] } });
    await harness.change(running);
    await harness.change(failed);
    assert.deepEqual([harness.sent, harness.writes], [[], []]);
    assert.deepEqual(harness.deliverer.ofRun(harness.pair.runUid), [], "what is on record is not kept in memory too");
  });

  it("of each run and state comes after the one before it, and what happened meanwhile coalesces", async (t) => {
    const harness = start(t);
    const first = deferred<Accepted>();
    harness.service = () => first.promise;
    await harness.change(pending);
    for (const state of [running, run("Unknown", "Started"), failed]) await harness.change(state);
    assert.deepEqual(harness.sent, ["Pending"]);
    first.resolve({});
    await harness.quiet();
    assert.deepEqual(harness.sent, ["Pending", "Failed"]);
    assert.deepEqual(harness.writes.map(({ status, owed }) => [status, owed]), [["Pending", false], ["Failed", false]]);
  });

  it("of one tenant is sent after a few of another's flood, with filters at the cost limit", async (t) => {
    const harness = start(t);
    const flood = Array.from({ length: 100 }, (_, index) => notification({ cloudEvents: { subject: "flood" } }, { namespace: "flood", name: `n-${index}`, uid: `f-${index}` }));
    harness.notifications = [...flood, notification({ cloudEvents: { subject: "small" } }, { namespace: "small", uid: "s-1" })];
    const order: unknown[] = [];
    harness.service = ({ request: { body } }) => {
      order.push((body as { subject: string }).subject);
      return {};
    };
    for (const of of harness.notifications) {
      const { namespace, name, uid } = of.metadata;
      const route = makeRoute(of, cloudEventsProvider(), 0);
      const match: typeof route.matcher.match = (event) => {
        harness.clock.advance(5);
        return route.matcher.match(event);
      };
      harness.routes.set(`${namespace}/${name}`, { ...route, matcher: { ...route.matcher, match } });
      harness.runs.upsert({ ...failed, namespace, uid: `run-of-${namespace}` });
      harness.deliverer.touch(`${namespace}/${name}`, { notification: { namespace, name, uid }, runUid: `run-of-${namespace}`, runNamespace: namespace });
    }
    while (harness.deliverer.owedCount() > 0 || order.length < 101) await harness.quiet();
    assert.equal(order.length, 101);
    assert.ok(order.indexOf("small") <= 2, `after ${order.indexOf("small")}`);
  });

  it("is made without asking the filter again while run and Notification stay the same", async (t) => {
    const harness = start(t);
    const [only] = harness.notifications;
    assert.ok(only !== undefined);
    harness.runs.upsert(failed);
    const route = makeRoute(notification({ filter: { expression: "false" } }), cloudEventsProvider(), 0);
    harness.routes.set("ci/to-service", route);
    const view = harness.runs.view(failed.uid) ?? assert.fail();
    harness.deliverer.touch("ci/to-service", harness.pair, { selected: { version: view.version, route }, seenAt: 0 });
    await harness.quiet();
    assert.deepEqual(harness.sent, ["Failed"], "as it was judged before");
    await harness.change({ ...failed, condition: { status: "False", reason: "Other", message: "" } });
    const { body } = await harness.metrics.render();
    assert.match(body, /filter_evaluations_total\{outcome="no_match"\} 1\n/);
    assert.doesNotMatch(body, /outcome="match"/);
  });

  it("is made with an empty part where a template fails, which is counted and told", async (t) => {
    const harness = start(t, { spec: { cloudEvents: { subject: "${params.n + 1}" } } });
    await harness.change({ ...failed, params: [{ name: "n", value: "hunter2" }] });
    assert.deepEqual([harness.sent, harness.faults], [["Failed"], ["ci/to-service spec.cloudEvents.subject: FilterWrongType at 1:12"]]);
    const { body } = await harness.metrics.render();
    assert.match(body, /template_faults_total\{provider_type="CloudEvents",code="FilterWrongType"\} 1\n/);
    assert.match(body, /filter_evaluations_total\{outcome="match"\} 1\n/);
  });

  it("is not made where the filter fails, which is counted and told", async (t) => {
    const harness = start(t, { spec: { filter: { expression: "params.n > 1" } } });
    await harness.change({ ...failed, params: [{ name: "n", value: "hunter2" }] });
    assert.deepEqual([harness.sent, harness.faults], [[], ["ci/to-service spec.filter.expression: FilterWrongType at 1:10"]]);
    assert.match((await harness.metrics.render()).body, /filter_evaluations_total\{outcome="error"\} 1\n/);
  });

  it("of one run does not wait for another run's", async (t) => {
    const harness = start(t);
    harness.service = (message, signal) => (JSON.stringify(message.request.body).includes("slow-run") ? hang(message, signal) : {});
    await harness.change({ ...running, uid: "slow", name: "slow-run" });
    await harness.change(failed);
    assert.deepEqual(harness.sent, ["Running", "Failed"]);
    assert.equal(harness.writes.length, 1);
  });

  it("that would repeat an end with a beginning is never sent", async (t) => {
    const harness = start(t);
    await harness.change(succeeded);
    await harness.change(running);
    assert.deepEqual(harness.sent, ["Succeeded"]);
  });

  it("closes what GitHub was told the beginning of, though the filter no longer matches", async (t) => {
    const harness = start(t, { provider: gitHubProvider(), spec: { filter: { statuses: ["Running"] } } });
    await harness.change(running);
    await harness.change(failed);
    assert.deepEqual(harness.sent, ["pending", "failure"]);
  });
});

describe("nothing is sent", () => {
  it("for what the filter does not select, and nothing is recorded", async (t) => {
    const harness = start(t, { spec: { filter: { statuses: ["Failed"] } } });
    await harness.change(running);
    assert.deepEqual([harness.sent, harness.writes, harness.steps], [[], [], []]);
    const { body } = await harness.metrics.render();
    assert.match(body, /filter_evaluations_total\{outcome="no_match"\} 1\n/);
  });

  it("for a Notification that is gone, or is another one of the same name", async (t) => {
    const harness = start(t);
    const [before] = harness.notifications;
    harness.runs.upsert(running);
    harness.deliverer.touch("ci/to-service", harness.pair);
    harness.notifications = before === undefined ? [] : [{ ...before, metadata: { ...before.metadata, uid: "n-2" } }];
    await harness.quiet();
    assert.deepEqual([harness.sent, harness.writes], [[], []]);
  });

  it("while the Provider is being connected; then at once", async (t) => {
    const harness = start(t);
    const { gate } = harness;
    harness.gate = { ready: "soon" };
    await harness.change(running);
    assert.deepEqual([harness.sent, harness.writes], [[], []]);
    harness.gate = gate;
    harness.deliverer.touchNotification("ci/to-service");
    await harness.quiet();
    assert.deepEqual(harness.sent, ["Running"]);
  });

  it("while the Provider is not ready; what is owed is on record, once for each state, and goes out on resume", async (t) => {
    const harness = start(t);
    const { gate } = harness;
    harness.gate = { ready: false, code: "ProviderSuspended", message: "the Provider is suspended" };
    for (const state of [running, { ...running, labels: { a: "1" } }, failed]) await harness.change(state);
    assert.deepEqual(harness.sent, []);
    assert.deepEqual(harness.writes.map(({ status, owed, destinations: [destination] }) => [status, owed, destination?.state, destination?.attempts]), [
      ["Running", true, "Pending", undefined],
      ["Failed", true, "Pending", undefined],
    ]);
    assert.equal(harness.deliverer.owedCount(), 1);
    harness.gate = gate;
    harness.deliverer.touchNotification("ci/to-service");
    await harness.quiet();
    assert.deepEqual(harness.sent, ["Failed"]);
    assert.deepEqual([harness.writes.at(-1)?.owed, harness.writes.at(-1)?.destinations[0]?.state], [false, "Delivered"]);
    assert.equal(harness.deliverer.owedCount(), 0);
  });

  it("and nothing stays on record as owed, once the filter has been changed", async (t) => {
    const harness = start(t);
    harness.gate = { ready: false, code: "ProviderNotFound", message: "" };
    await harness.change(failed);
    harness.notifications = harness.notifications.map((before) => ({ ...before, spec: { ...before.spec, filter: { statuses: ["Succeeded"] } } }));
    harness.deliverer.touchNotification("ci/to-service");
    await harness.quiet();
    assert.deepEqual(harness.writes.map(({ owed, destinations }) => [owed, destinations.length]), [[true, 1], [false, 0]]);
    assert.equal(harness.deliverer.owedCount(), 0);
  });
});

describe("a slow service", () => {
  it("has what it was sent on record as owed after five seconds", async (t) => {
    const harness = start(t);
    const answer = deferred<Accepted>();
    harness.service = () => answer.promise;
    await harness.change(running);
    await harness.advance(4_999);
    assert.equal(harness.writes.length, 0);
    await harness.advance(1);
    assert.deepEqual(harness.writes.map(({ status, owed }) => [status, owed]), [["Running", true]]);
    answer.resolve({});
    await harness.quiet();
    assert.deepEqual(harness.writes.map(({ owed }) => owed), [true, false]);
    assert.deepEqual(harness.sent, ["Running"]);
  });

  it("is given up on after the Provider's timeout, and asked again", async (t) => {
    const harness = start(t);
    const seen: unknown[] = [];
    harness.service = (_, signal) =>
      new Promise((__, reject) => {
        signal.addEventListener("abort", () => {
          seen.push((signal.reason as Error).name);
          reject(new DeliveryError("ServiceTimeout", "did not answer in time"));
        });
      });
    await harness.change(running);
    await harness.advance(timeoutMs - 1);
    assert.deepEqual(seen, []);
    await harness.advance(1);
    assert.deepEqual(seen, ["TimeoutError"]);
    harness.service = () => ({});
    await harness.advance(2_000);
    assert.deepEqual(harness.sent, ["Running", "Running"]);
  });
});

describe("the end of the process", () => {
  it("lets a message under way be accepted and recorded, and begins no other", async (t) => {
    const harness = start(t);
    const answer = deferred<Accepted>();
    harness.service = () => answer.promise;
    await harness.change(running);
    harness.stop();
    harness.deliverer.touch("ci/to-service", { ...harness.pair, runUid: "another" });
    answer.resolve({});
    await harness.quiet();
    assert.deepEqual([harness.sent, harness.writes.map(({ owed }) => owed)], [["Running"], [false]]);
  });

  it("cuts off what does not end in time, without calling that a failure", async (t) => {
    const harness = start(t);
    harness.service = hang;
    await harness.change(running);
    await harness.lastCall();
    assert.deepEqual([harness.writes, harness.outcomes, harness.log], [[], [], []]);
  });
});
