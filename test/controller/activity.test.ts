import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Notification, NotificationStatus } from "../../src/api/notification.ts";
import { unseen } from "../../src/api/schema.ts";
import { activityOf, selectionOf } from "../../src/controller/activity.ts";

const created = "2026-01-01T00:00:00Z";
const later = "2026-01-01T01:00:00Z";
const now = Date.parse("2026-01-02T00:00:00Z");

const notification = (spec: object = {}, status?: Partial<NotificationStatus>): Notification =>
  ({ metadata: { name: "n", namespace: "ci", uid: "1", creationTimestamp: created }, spec: { providerRef: { name: "p" }, filter: { statuses: ["Failed"] }, ...spec }, ...(status !== undefined && { status }) }) as unknown as Notification;

const selection = selectionOf(notification());
const seen = { observedGeneration: 1, activeSince: created, selection, caughtUpAt: later };

describe("a Notification is active", () => {
  it("since its creation, however late it is first seen", () => {
    assert.deepEqual(activityOf(notification(), { now, caughtUpAt: undefined, reach: "" }), { activeSince: Date.parse(created), selection, change: "created" });
    const filledIn = notification({}, unseen);
    assert.deepEqual(activityOf(filledIn, { now, caughtUpAt: undefined, reach: "" }), { activeSince: Date.parse(created), selection, change: "created" }, "with the status that the schema fills in");
    assert.equal(activityOf(notification({ suspend: true }, unseen), { now, caughtUpAt: undefined, reach: "" }).change, "suspended");
  });

  it("not while it is suspended, and since the resume was first seen afterwards", () => {
    const suspended = activityOf(notification({ suspend: true }, seen), { now, caughtUpAt: now, reach: "" });
    assert.deepEqual([suspended.activeSince, suspended.change], [undefined, "suspended"]);
    const { activeSince: _, ...status } = seen;
    assert.equal(activityOf(notification({ suspend: true }, status), { now, caughtUpAt: now, reach: "" }).change, "none");
    assert.deepEqual(activityOf(notification({}, status), { now, caughtUpAt: now, reach: "" }), { activeSince: now, selection, change: "resumed" });
  });

  it("since the same moment after a re-apply, and after an edit of what neither selects nor routes", () => {
    for (const spec of [{}, { suspend: false }, { message: { title: "x" } }, { groupBy: "${pipeline}" }, { maxPerMinute: 5 }]) {
      assert.deepEqual(activityOf(notification(spec, seen), { now, caughtUpAt: now, reach: "" }), { activeSince: Date.parse(created), selection, change: "none" }, JSON.stringify(spec));
    }
  });

  it("since everything was settled under the spec before, after an edit of selection or route", () => {
    for (const spec of [{ filter: { statuses: ["Succeeded"] } }, { providerRef: { name: "q" } }, { githubApp: { context: "x" } }, { filter: { statuses: ["Failed"], expression: "terminal" } }]) {
      const known = activityOf(notification(spec, seen), { now, caughtUpAt: now - 5_000, reach: "" });
      assert.deepEqual([known.activeSince, known.change], [now - 5_000, "edited"], JSON.stringify(spec));
      assert.equal(activityOf(notification(spec, seen), { now, caughtUpAt: undefined, reach: "" }).activeSince, Date.parse(later), "edited while no controller ran");
    }
  });

  it("never since an earlier moment than before", () => {
    const status = { ...seen, activeSince: "2026-01-01T02:00:00Z" };
    assert.equal(activityOf(notification({ filter: {} }, status), { now, caughtUpAt: undefined, reach: "" }).activeSince, Date.parse(status.activeSince));
  });

  it("since the same moment where the status is from a version that kept no digest", () => {
    const { selection: _, ...status } = seen;
    assert.equal(activityOf(notification({ filter: {} }, status), { now, caughtUpAt: now, reach: "" }).activeSince, Date.parse(created));
  });
});

it("the digest does not depend on the order of keys", () => {
  assert.equal(selectionOf(notification({ filter: { kinds: ["TaskRun"], children: true } })), selectionOf(notification({ filter: { children: true, kinds: ["TaskRun"] } })));
  assert.notEqual(selectionOf(notification({ filter: { kinds: ["TaskRun"] } })), selectionOf(notification({ filter: { kinds: ["PipelineRun"] } })));

  it("since all was settled when labels of Namespaces change what it reaches; as long as they are not known, nothing has changed", () => {
    const reached = { ...seen, selection: selectionOf(notification(), "before") };
    const of = (reach: string | undefined) => activityOf(notification({}, reached), { now, caughtUpAt: now - 5_000, reach });
    assert.deepEqual([of("before").change, of("before").activeSince], ["none", Date.parse(created)]);
    assert.deepEqual([of("after").change, of("after").activeSince], ["edited", now - 5_000]);
    assert.deepEqual([of(undefined).change, of(undefined).selection], ["none", reached.selection]);
  });
});
