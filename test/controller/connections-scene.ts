import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { Provider } from "../../src/api/provider.ts";
import { createConnections, type Connection, type Connections } from "../../src/controller/connections.ts";
import type { Http } from "../../src/providers/http.ts";
import type { Outbound } from "../../src/providers/outbound.ts";
import type { Sender } from "../../src/providers/provider.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createRedactor, type Redactor } from "../../src/telemetry/redact.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";
import { fakeKube, type FakeKube } from "./fake-kube.ts";
import { gitHubProvider } from "./objects.ts";

export const key = "ci/service";
export const { signal } = new AbortController();
export const secretEveryMs = 60_000;
export const unusedHttp: Http = { fetch: () => Promise.reject(new Error("nothing is sent here")), close: () => Promise.resolve() };
export const unused: Outbound = { client: () => unusedHttp, platform: unusedHttp, close: () => Promise.resolve() };

const pem = (): string => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
export const keys = [pem(), pem()] as const;
/** A line of the key that occurs nowhere else. */
export const lineOf = (text: string): string => text.split("\n")[3] ?? assert.fail();

export interface Setting extends FakeKube {
  readonly connections: Connections;
  readonly clock: ManualClock;
  readonly redactor: Redactor;
  readonly store: (data: Record<string, string> | undefined, annotations?: Record<string, string>) => void;
  /** Looks at the Provider again after `ms`. */
  readonly refresh: (ms?: number, provider?: Provider) => Promise<Connection>;
  readonly reads: () => number;
}

export function setting(requireSecretOptIn = false): Setting {
  const fake = fakeKube();
  const clock = manualClock();
  const redactor = createRedactor();
  const connections = createConnections({ kube: fake.kube, outbound: unused, ownIdentityNamespaces: new Set(), requireSecretOptIn, telemetry: { clock, redactor, log: silentLogger, metrics: createMetrics() } });
  return {
    ...fake,
    connections,
    clock,
    redactor,
    store: (data, annotations = {}) => {
      if (data === undefined) fake.objects.delete("ci/github-app");
      else fake.objects.set("ci/github-app", { apiVersion: "v1", kind: "Secret", metadata: { name: "github-app", annotations }, data: Object.fromEntries(Object.entries(data).map(([name, value]) => [name, Buffer.from(value).toString("base64")])) });
    },
    refresh: (ms = secretEveryMs, provider = gitHubProvider()) => {
      clock.advance(ms);
      return connections.refresh(key, provider, signal);
    },
    reads: () => fake.calls.filter(({ verb, resource }) => verb === "get" && resource === "secrets").length,
  };
}

export function senderOf(connection: Connection): Sender {
  assert.ok(connection.ready, JSON.stringify(connection));
  return connection.sender;
}

export const told = (connection: Connection): string => (connection.ready ? "ready" : `${connection.code}: ${connection.message}`);
