import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import type { Accepted } from "../../src/providers/provider.ts";
import { deferred, failed, hang, pending, running, start, type Service } from "./deliver-harness.ts";
import { gitHubProvider, notification } from "./objects.ts";
import { ended, runEvent, runUid } from "./runs.ts";

const unreachable: Service = () => {
  throw new DeliveryError("ServiceUnreachable", "no answer");
};

describe("a run that vanishes", () => {
  it("finished and reported is let go at once and says nothing more", async (t) => {
    const harness = start(t);
    await harness.change(failed);
    await harness.vanish(failed);
    assert.deepEqual([harness.sent, harness.runs.has(runUid)], [["Failed"], false]);
  });

  it("is let go at once when nobody is concerned", async (t) => {
    const harness = start(t);
    harness.notifications = [];
    harness.runs.upsert(running);
    await harness.vanish(running);
    assert.equal(harness.runs.has(runUid), false);
  });

  it("is let go when nobody selects it", async (t) => {
    const harness = start(t, { spec: { filter: { statuses: ["Failed"] } } });
    await harness.change(running);
    await harness.vanish(running);
    assert.deepEqual([harness.sent, harness.runs.has(runUid)], [[], false]);
  });

  it("unfinished is reported as cancelled, once", async (t) => {
    const harness = start(t, { provider: gitHubProvider() });
    await harness.change(running);
    await harness.vanish(running);
    assert.deepEqual([harness.sent, harness.runs.has(runUid)], [["pending", "error"], false]);
    assert.deepEqual(harness.writes.map(({ status, owed }) => [status, owed]), [["Running", false], ["Cancelled", true], ["Cancelled", false]]);
  });

  it("is on record as owed before its end is sent, since no list will show it again", async (t) => {
    const harness = start(t);
    harness.service = hang;
    await harness.vanish(failed);
    assert.deepEqual([harness.sent, harness.writes.map(({ status, owed }) => [status, owed])], [["Failed"], [["Failed", true]]]);
  });

  it("is not settled for its Notification before its end is on record, although an earlier state is", async (t) => {
    const harness = start(t);
    harness.service = unreachable;
    await harness.change(running);
    assert.deepEqual([harness.writes.map(({ status }) => status), harness.deliverer.isSettled("ci/to-service")], [["Running"], true]);
    harness.failWrites = 2;
    await harness.vanish(failed);
    assert.equal(harness.deliverer.isSettled("ci/to-service"), false);
    await harness.advance(1_000);
    assert.deepEqual([harness.writes.map(({ status }) => status), harness.deliverer.isSettled("ci/to-service")], [["Running", "Failed"], true]);
  });

  it("is kept until its last state is accepted", async (t) => {
    const harness = start(t);
    harness.service = unreachable;
    await harness.change(failed);
    await harness.vanish(failed);
    assert.equal(harness.runs.has(runUid), true);
    harness.service = () => ({});
    await harness.advance(600_000);
    assert.deepEqual([harness.outcomes.at(-1)?.outcome, harness.runs.has(runUid)], ["Delivered", false]);
    assert.deepEqual([harness.writes.map(({ owed }) => owed), harness.deliverer.owedCount()], [[true, false], 0]);
  });

  it("is kept until the record of it is written", async (t) => {
    const harness = start(t);
    harness.failWrites = 3;
    await harness.vanish(failed);
    assert.equal(harness.runs.has(runUid), true);
    while (harness.writes.length === 0) await harness.advance(1_000);
    await harness.advance(1_000);
    assert.deepEqual([harness.sent, harness.runs.has(runUid)], [["Failed"], false]);
  });

  it("while an earlier state is under way still has its end reported", async (t) => {
    const harness = start(t, { provider: gitHubProvider() });
    const first = deferred<Accepted>();
    harness.service = () => first.promise;
    await harness.change(pending);
    await harness.vanish(running);
    harness.service = () => ({});
    first.resolve({});
    await harness.quiet();
    assert.deepEqual([harness.sent, harness.runs.has(runUid)], [["pending", "error"], false]);
  });

  it("is kept until every Notification is through with it", async (t) => {
    const harness = start(t);
    harness.notifications = [...harness.notifications, notification({ cloudEvents: { subject: "slow" } }, { name: "other", uid: "n-2" })];
    const answer = deferred<Accepted>();
    harness.service = (message) => (JSON.stringify(message.request.body).includes('"subject":"slow"') ? answer.promise : {});
    await harness.vanish(failed);
    assert.deepEqual([harness.sent, harness.runs.has(runUid)], [["Failed", "Failed"], true]);
    answer.resolve({});
    await harness.quiet();
    assert.equal(harness.runs.has(runUid), false);
  });

  it("is let go when the Notification that needed it is deleted", async (t) => {
    const harness = start(t);
    harness.service = unreachable;
    await harness.vanish(failed);
    assert.equal(harness.runs.has(runUid), true);
    harness.notifications = [];
    harness.deliverer.touchNotification("ci/to-service");
    await harness.quiet();
    assert.equal(harness.runs.has(runUid), false);
  });
});

describe("a run that vanished while no controller ran", () => {
  const record = (event = ended("Failed")): Parameters<typeof start>[1] => ({
    record: { state: "Retrying", destinations: [{ key: "event", state: "Retrying", attempts: 1 }], owed: { ...event } },
    spec: { filter: { expression: 'run.metadata.name == "build-1"' } },
  });

  it("is reported from what is on record, which is not judged again: too little of it is left for that", async (t) => {
    const harness = start(t, record());
    harness.runs.restore(ended("Failed"));
    harness.deliverer.runVanished(runUid, [harness.pair]);
    harness.deliverer.touch("ci/to-service", harness.pair);
    await harness.quiet();
    assert.deepEqual([harness.sent, harness.writes.map(({ owed }) => owed), harness.runs.has(runUid)], [["Failed"], [false], false]);
  });

  it("is not reported by a Notification that has nothing on record for it", async (t) => {
    const harness = start(t, record());
    harness.notifications = [...harness.notifications, notification({ filter: { expression: 'run.metadata.name == "build-1"' } }, { name: "other", uid: "n-2" })];
    harness.service = hang;
    harness.runs.restore(ended("Failed"));
    harness.deliverer.runVanished(runUid, [harness.pair]);
    harness.deliverer.touch("ci/to-service", harness.pair);
    harness.deliverer.touch("ci/other", { ...harness.pair, notification: { namespace: "ci", name: "other", uid: "n-2" } });
    await harness.quiet();
    assert.deepEqual(harness.sent, ["Failed"]);
  });

  it("and was running when it was last seen is closed honestly, not reported as running", async (t) => {
    const harness = start(t, record(runEvent()));
    harness.service = (message) => {
      const { data } = message.request.body as { data: { reason: string; message: string; deleted: boolean } };
      assert.deepEqual([data.reason, data.deleted], ["Deleted", true]);
      assert.match(data.message, /its result was not seen/);
      return {};
    };
    harness.runs.restore(runEvent());
    harness.deliverer.runVanished(runUid, [harness.pair]);
    harness.deliverer.touch("ci/to-service", harness.pair);
    await harness.quiet();
    assert.deepEqual([harness.sent, harness.outcomes.map(({ outcome }) => outcome)], [["Cancelled"], ["Delivered"]]);
  });
});
