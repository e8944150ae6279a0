import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Notification } from "../../src/api/notification.ts";
import type { Provider } from "../../src/api/provider.ts";
import { createConnections, recheckMs, type Connections } from "../../src/controller/connections.ts";
import { createCredentialChecks } from "../../src/controller/credential-checks.ts";
import type { Gate } from "../../src/controller/sending.ts";
import { careForNotification, careForProviders, type CareOptions, type ProviderCare } from "../../src/controller/look-after.ts";
import type { NotificationUse } from "../../src/controller/notification-status.ts";
import type { ProviderUse } from "../../src/controller/provider-status.ts";
import { reachOf } from "../../src/controller/reach.ts";
import { createRoutes, type Routes } from "../../src/controller/route-index.ts";
import { createUses, notificationUseAfterFault, providerUseAfter, type Uses } from "../../src/controller/uses.ts";
import type { Requeue, WorkQueue } from "../../src/kube/work-queue.ts";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import type { Sender } from "../../src/providers/provider.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createRedactor } from "../../src/telemetry/redact.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";
import { fakeKube } from "./fake-kube.ts";
import { cloudEventsProvider, notification } from "./objects.ts";
import { ended } from "./runs.ts";

const { signal } = new AbortController();
const key = "ci/service";

interface Setting {
  readonly clock: ManualClock;
  readonly connections: Connections;
  readonly routes: Routes;
  readonly notificationUses: Uses<NotificationUse>;
  readonly providerUses: Uses<ProviderUse>;
  readonly providers: ProviderCare;
  readonly lookAtNotification: (key: string) => Promise<Requeue | undefined>;
  readonly lookAtProvider: () => Promise<Requeue | undefined>;
  /** What happened since this was last read: `status`, `queue`, `wake`, `event` and `route` with what they are about. */
  readonly happened: () => string[];
  readonly sender: () => Sender;
  provider: Provider | undefined;
  notifications: Map<string, Notification>;
  failStatuses: number;
  caughtUpAt: number | undefined;
  throttled: boolean;
  followed: boolean;
}

async function setting(count: number): Promise<Setting> {
  const clock = manualClock();
  const telemetry = { clock, redactor: createRedactor(), log: silentLogger, metrics: createMetrics() };
  const { kube } = fakeKube();
  const http = { fetch: () => Promise.reject(new Error("unused")), close: () => Promise.resolve() };
  const connections = createConnections({ kube, outbound: { client: () => http, platform: http, close: () => Promise.resolve() }, ownIdentityNamespaces: new Set(), telemetry });
  const credentialChecks = createCredentialChecks({ telemetry, signal, onFinding: () => undefined, onRefused: () => undefined });
  const routes = createRoutes();
  const log: string[] = [];
  const queue = (name: string): WorkQueue => ({
    add: (added) => log.push(`${name} ${added}`),
    addAfter: () => undefined,
    addRateLimited: () => undefined,
    forget: () => undefined,
    isBusy: () => false,
    length: 0,
    delayed: 0,
    run: () => Promise.resolve(),
  });
  const options: CareOptions = {
    clock,
    statuses: {
      write: (_, { name }) => {
        if (self.failStatuses > 0) {
          self.failStatuses -= 1;
          return Promise.reject(new Error("no status today"));
        }
        log.push(`status ${name}`);
        return Promise.resolve("written");
      },
      forget: () => undefined,
    },
    recorder: { publish: (_, { reason }) => log.push(`event ${reason}`), flush: () => Promise.resolve() },
    connections,
    credentialChecks,
    routes,
    providerUses: createUses<ProviderUse>(clock, () => ({})),
    notificationUses: createUses<NotificationUse>(clock, () => ({ delivered: 0 })),
    providerQueue: queue("queue-provider"),
    notificationQueue: queue("queue"),
    deliverer: {
      touch: () => undefined,
      redeliver: () => undefined,
      forget: () => undefined,
      isSettled: () => true,
      touchNotification: (touched) => log.push(`wake ${touched}`),
      ofRun: () => [],
      runVanished: () => undefined,
      letGo: () => undefined,
      owedCount: () => 0,
      run: () => Promise.resolve(),
    },
    deadlineMs: 86_400_000,
    caughtUpAt: () => self.caughtUpAt,
    isThrottled: () => self.throttled,
    providerOf: () => self.provider,
    providerFor: () => self.provider,
    notificationOf: (of) => self.notifications.get(of),
    gateOf: (): Gate => connections.current(key) ?? { ready: "soon" },
    isFollowed: () => self.followed,
    reachOf,
    watchNamespaces: [],
    onRouteChanged: (changed) => log.push(`route ${changed}`),
  };
  const names = Array.from({ length: count }, (_, index) => `n-${index}`);
  const care = careForNotification(options);
  const providers = careForProviders(options);
  const self: Setting = {
    clock,
    connections,
    routes,
    notificationUses: options.notificationUses,
    providerUses: options.providerUses,
    providers,
    lookAtNotification: (of) => care(of, signal),
    lookAtProvider: () => providers.look(key, signal),
    happened: () => log.splice(0),
    sender: () => {
      const connection = connections.current(key);
      assert.ok(connection?.ready === true);
      return connection.sender;
    },
    provider: cloudEventsProvider(),
    notifications: new Map(names.map((name) => [`ci/${name}`, notification({}, { name, uid: name })])),
    failStatuses: 0,
    caughtUpAt: undefined,
    throttled: false,
    followed: true,
  };
  await self.lookAtProvider();
  for (const name of names) await self.lookAtNotification(`ci/${name}`);
  self.happened();
  return self;
}

/** `what` about each of the Notifications. */
const each = (what: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${what} ci/n-${index}`);
const refusal = new DeliveryError("CredentialsRefused", "answered 401");
const count = 100;

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
