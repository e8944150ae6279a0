import assert from "node:assert/strict";
import type { Notification } from "../../src/api/notification.ts";
import type { Provider } from "../../src/api/provider.ts";
import { createConnections, type Connections } from "../../src/controller/connections.ts";
import { createCredentialChecks } from "../../src/controller/credential-checks.ts";
import type { Gate } from "../../src/controller/sending.ts";
import { careForNotification, careForProviders, type CareOptions, type ProviderCare } from "../../src/controller/look-after.ts";
import type { NotificationUse } from "../../src/controller/notification-status.ts";
import type { ProviderUse } from "../../src/controller/provider-status.ts";
import { reachOf } from "../../src/controller/reach.ts";
import { createRoutes, type Routes } from "../../src/controller/route-index.ts";
import { createUses, type Uses } from "../../src/controller/uses.ts";
import type { Requeue, WorkQueue } from "../../src/kube/work-queue.ts";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import type { Sender } from "../../src/providers/provider.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createRedactor } from "../../src/telemetry/redact.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";
import { fakeKube } from "./fake-kube.ts";
import { cloudEventsProvider, notification } from "./objects.ts";

export const { signal } = new AbortController();
export const key = "ci/service";

export interface Setting {
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

export async function setting(count: number): Promise<Setting> {
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
      write: (_, { metadata: { name } }) => {
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
export const each = (what: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${what} ci/n-${index}`);
export const refusal = new DeliveryError("CredentialsRefused", "answered 401");
export const count = 100;
