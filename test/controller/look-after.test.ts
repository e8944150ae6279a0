import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Provider } from "../../src/api/provider.ts";
import { selectionOf } from "../../src/controller/activity.ts";
import { recheckMs } from "../../src/controller/connections.ts";
import { notificationUseAfterFault, providerUseAfter } from "../../src/controller/uses.ts";
import { cloudEventsProvider, notification } from "./objects.ts";
import { ended } from "./runs.ts";
import { count, each, key, refusal, setting } from "./look-after-scene.ts";

describe("a Provider that 100 Notifications refer to", () => {
  it("touches none of them when a message was accepted", async () => {
    const { providerUses, lookAtProvider, happened, clock } = await setting(count);
    for (let messages = 0; messages < 10; messages += 1) {
      providerUses.update(key, (use) => providerUseAfter(use, { notificationKey: "ci/n-7", destination: "event", outcome: "Delivered", event: ended("Failed") }, "ci", clock.now()));
      await lookAtProvider();
    }
    assert.deepEqual(happened(), Array.from({ length: 10 }, () => "status service"));
  });

  it("has all of them looked at, and people told, when the service refuses its credentials, once", async () => {
    const { providers, sender, lookAtProvider, happened } = await setting(count);
    const refused = sender();
    providers.refused(key, refusal, refused);
    assert.deepEqual(happened(), ["event CredentialsRefused", ...each("queue", count), "queue-provider ci/service"]);
    providers.refused(key, refusal, refused);
    await lookAtProvider();
    assert.deepEqual(happened(), ["status service"]);
  });

  it("has a new connection once it is resumed: a receiver that was gone may be back", async () => {
    const self = await setting(1);
    const suspended = (suspend: boolean, generation: number): Provider => ({ ...cloudEventsProvider({}, { generation }), spec: { ...cloudEventsProvider().spec, suspend } });
    await self.lookAtProvider();
    const before = self.sender();
    self.provider = suspended(true, 2);
    await self.lookAtProvider();
    assert.equal(self.sender(), before);
    self.provider = suspended(false, 3);
    await self.lookAtProvider();
    assert.notEqual(self.sender(), before);
  });

  it("wakes what they owe when its credentials are tried again, when it was suspended, and when it is replaced", async () => {
    const self = await setting(count);
    self.providers.refused(key, refusal, self.sender());
    await self.lookAtProvider();
    self.happened();
    self.clock.advance(recheckMs);
    const all = [...each("queue", count), ...each("wake", count), "status service"];
    await self.lookAtProvider();
    assert.deepEqual(self.happened(), all);
    self.provider = { ...cloudEventsProvider({}, { generation: 2 }), spec: { ...cloudEventsProvider().spec, suspend: true } };
    await self.lookAtProvider();
    assert.deepEqual(self.happened(), [...each("queue", count), "status service"]);
    self.provider = cloudEventsProvider({}, { generation: 3 });
    await self.lookAtProvider();
    assert.deepEqual(self.happened(), all);
    self.provider = cloudEventsProvider({ url: "https://other.example.com/" }, { generation: 4 });
    await self.lookAtProvider();
    assert.deepEqual(self.happened(), all);
  });

  it("has all of them looked at when it is gone, and when it comes back", async () => {
    const self = await setting(count);
    self.provider = undefined;
    await self.lookAtProvider();
    assert.deepEqual(self.happened(), each("queue", count));
    self.provider = cloudEventsProvider({}, { uid: "p-2" });
    await self.lookAtProvider();
    assert.deepEqual(self.happened(), [...each("queue", count), ...each("wake", count), "status service"]);
  });

  it("tells of a change even if its own status cannot be written", async () => {
    const self = await setting(count);
    self.provider = cloudEventsProvider({ url: "https://other.example.com/" }, { generation: 2 });
    self.failStatuses = 1;
    await assert.rejects(self.lookAtProvider());
    assert.deepEqual(self.happened(), [...each("queue", count), ...each("wake", count)]);
    await self.lookAtProvider();
    assert.deepEqual(self.happened(), ["status service"]);
  });
});

describe("a Notification", () => {
  it("is compiled, and offered all runs, only when its spec or its Provider's section changed", async () => {
    const self = await setting(1);
    const before = self.routes.get("ci/n-0");
    await self.lookAtNotification("ci/n-0");
    self.notifications.set("ci/n-0", { ...notification({}, { name: "n-0", uid: "n-0" }), status: { delivered: 3 } });
    await self.lookAtNotification("ci/n-0");
    assert.deepEqual([self.happened(), self.routes.get("ci/n-0") === before], [["status n-0", "status n-0"], true]);
    self.notifications.set("ci/n-0", notification({ filter: { statuses: ["Failed"] } }, { name: "n-0", uid: "n-0", generation: 2 }));
    await self.lookAtNotification("ci/n-0");
    assert.deepEqual([self.happened(), self.routes.get("ci/n-0") === before], [["status n-0", "route ci/n-0", "wake ci/n-0"], false]);
    self.provider = { ...cloudEventsProvider({}, { generation: 2 }), spec: { ...cloudEventsProvider().spec, timeout: "20s" } };
    await self.lookAtNotification("ci/n-0");
    assert.deepEqual(self.happened(), ["status n-0"], "the same place, by the same filter");
  });

  it("keeps the status that it had before a restart until it is known how its Provider fares", async () => {
    const self = await setting(1);
    const [written, edited] = ["written", "edited"].map((name) => notification({}, { name, uid: name }));
    assert.ok(written !== undefined && edited !== undefined);
    const status = { observedGeneration: 1, delivered: 3, activeSince: written.metadata.creationTimestamp, selection: selectionOf(written) };
    self.notifications.set("ci/written", { ...written, status });
    self.notifications.set("ci/edited", { ...edited, metadata: { ...edited.metadata, generation: 2 }, status });
    self.connections.drop(key);
    await self.lookAtNotification("ci/written");
    await self.lookAtNotification("ci/edited");
    assert.deepEqual(self.happened(), ["route ci/written", "wake ci/written", "status edited", "route ci/edited", "wake ci/edited"]);
    await self.lookAtProvider();
    self.happened();
    await self.lookAtNotification("ci/written");
    assert.deepEqual(self.happened(), ["status written"]);
    self.notifications.set("ci/late", { ...notification({}, { name: "late", uid: "late" }), status });
    assert.deepEqual(await self.lookAtNotification("ci/late"), { afterMs: 0 });
    assert.deepEqual(self.happened(), ["route ci/late", "wake ci/late"], "runs do not wait for a status that says nothing new to them");
    await self.lookAtNotification("ci/late");
    assert.deepEqual(self.happened(), ["status late"]);
  });

  it("whose route is new is looked at once more, since its Provider's changes were not told to it", async () => {
    const self = await setting(1);
    self.notifications.set("ci/late", notification({}, { name: "late", uid: "late" }));
    assert.deepEqual(await self.lookAtNotification("ci/late"), { afterMs: 0 });
    assert.deepEqual(await self.lookAtNotification("ci/late"), { afterMs: 3_600_000 });
  });

  it("reports after an edit from the moment up to which all was settled, and from the same one after a re-apply", async () => {
    const self = await setting(1);
    const since = (): number | undefined => self.routes.get("ci/n-0")?.activeSince;
    const before = since();
    self.clock.advance(3_600_000);
    self.caughtUpAt = self.clock.now() - 10_000;
    self.notifications.set("ci/n-0", notification({ suspend: false }, { name: "n-0", uid: "n-0", generation: 2 }));
    await self.lookAtNotification("ci/n-0");
    assert.equal(since(), before);
    self.notifications.set("ci/n-0", notification({ filter: { statuses: ["Failed"] } }, { name: "n-0", uid: "n-0", generation: 3 }));
    await self.lookAtNotification("ci/n-0");
    assert.equal(since(), self.clock.now() - 10_000);
    self.clock.advance(60_000);
    await self.lookAtNotification("ci/n-0");
    assert.equal(since(), self.clock.now() - 70_000);
  });

  it("that is resumed says so, and reports from then on", async () => {
    const self = await setting(1);
    self.notifications.set("ci/n-0", notification({ suspend: true }, { name: "n-0", uid: "n-0", generation: 2 }));
    await self.lookAtNotification("ci/n-0");
    self.clock.advance(60_000);
    self.happened();
    self.notifications.set("ci/n-0", { ...notification({}, { name: "n-0", uid: "n-0", generation: 3 }), status: { observedGeneration: 2, delivered: 0 } });
    await self.lookAtNotification("ci/n-0");
    assert.equal(self.routes.get("ci/n-0")?.activeSince, Math.floor(self.clock.now() / 1000) * 1000);
    assert.equal(self.happened().filter((line) => line === "event Resumed").length, 1);
  });

  it("asks nothing of runs that ended before its records may have been removed", async () => {
    const self = await setting(1);
    const caughtUpAt = new Date(self.clock.now() + 90 * 3_600_000).toISOString();
    self.notifications.set("ci/n-0", { ...notification({}, { name: "n-0", uid: "n-0", generation: 2 }), status: { caughtUpAt } });
    await self.lookAtNotification("ci/n-0");
    assert.equal(self.routes.get("ci/n-0")?.activeSince, self.clock.now() + 66 * 3_600_000);
  });

  it("judges nothing under a new spec before all is known that it judges by", async () => {
    const self = await setting(1);
    const before = self.routes.get("ci/n-0");
    self.followed = false;
    self.notifications.set("ci/n-0", notification({ filter: { kinds: ["TaskRun"] } }, { name: "n-0", uid: "n-0", generation: 2 }));
    self.happened();
    assert.equal(await self.lookAtNotification("ci/n-0"), undefined);
    assert.deepEqual([self.happened(), self.routes.get("ci/n-0") === before], [["status n-0"], true]);
    self.followed = true;
    await self.lookAtNotification("ci/n-0");
    assert.deepEqual([self.happened(), self.routes.get("ci/n-0")?.notification.metadata.generation], [["status n-0", "route ci/n-0", "wake ci/n-0"], 2]);
  });

  it("whose messages have to wait is looked at again when a minute has passed", async () => {
    const self = await setting(1);
    self.throttled = true;
    assert.deepEqual(await self.lookAtNotification("ci/n-0"), { afterMs: 60_000 });
  });

  it("forgets what failed in it when its spec changes", async () => {
    const self = await setting(1);
    self.notificationUses.update("ci/n-0", (use) => notificationUseAfterFault(use, { field: "spec.filter.expression", code: "FilterOverflow", line: 1, column: 2 }, 0));
    await self.lookAtNotification("ci/n-0");
    assert.equal(self.notificationUses.current("ci/n-0").faults?.length, 1);
    self.notifications.set("ci/n-0", notification({}, { name: "n-0", uid: "n-0", generation: 2 }));
    await self.lookAtNotification("ci/n-0");
    assert.equal(self.notificationUses.current("ci/n-0").faults, undefined);
  });
});
