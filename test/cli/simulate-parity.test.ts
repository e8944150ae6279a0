import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { simulate } from "../../src/cli/simulate-play.ts";
import type { Provider } from "../../src/api/provider.ts";
import { createHttp } from "../../src/providers/http.ts";
import { providerOfType } from "../../src/providers/registry.ts";
import { commitOf } from "../../src/controller/commit.ts";
import { systemClock } from "../../src/telemetry/clock.ts";
import { start } from "../controller/deliver-harness.ts";
import { cloudEventsProvider, gitHubProvider, snsProvider, pubSubProvider } from "../controller/objects.ts";
import { recorded } from "../controller/runs.ts";
import { startGitHub } from "../support/github-double.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { startPubSub } from "../support/pubsub-double.ts";
import { startSns } from "../support/sns-double.ts";
import type { Received } from "../support/receivers.ts";

const changes = recorded(true).map(({ event, run }) => ({ deleted: event.type === "DELETED", run: { ...run, namespace: "ci" } }));
const spec = { filter: { kinds: ["PipelineRun", "TaskRun", "CustomRun"], children: true } };

/** What a request consists of for the one who gets it. */
const shown = (method: string, path: string, headers: Readonly<Record<string, string>>, body: unknown): unknown => ({ method, path, headers, body });

const masks = ["[redacted]", "[varies]"];

/** Of the headers that arrived, those that were said; what stands for a value that only the sender knows stands for one that is there. */
const headersAsSaid = (arrived: Readonly<Record<string, string>>, said: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(said).map(([name, value]) => [name, masks.includes(value) && !["", ...masks].includes(arrived[name] ?? "") ? value : (arrived[name] ?? "")]));

/**
 * Plays every recording through the deliverer and the provider's own sender to a real receiver, change by change, and
 * holds what arrived against what `simulate` says.
 */
async function compare(t: TestContext, provider: Provider, secrets: ReadonlyMap<string, string>, arrived: () => readonly Received[], section: Record<string, unknown> = {}): Promise<number> {
  const definition = providerOfType(provider.spec.type) ?? assert.fail();
  const { open } = await definition.load();
  const http = createHttp({ policy: { development: true } });
  t.after(() => http.close());
  const sender = open({ provider: provider.spec[definition.section], secrets, http, clock: systemClock, learnSecret: () => undefined });
  const harness = start(t, { provider, spec: { ...spec, ...section } });
  const { signal } = new AbortController();
  let underWay: Promise<unknown> = Promise.resolve();
  harness.service = (message) => {
    const sending = sender.send(message, signal);
    underWay = Promise.allSettled([sending]);
    return sending;
  };
  for (const { run, deleted } of changes) {
    await (deleted ? harness.vanish(run) : harness.change(run));
    // Nothing is left to wait for: every change reaches it alone.
    await harness.advance(2_000);
    await underWay;
    await harness.quiet();
  }
  assert.deepEqual(harness.outcomes.filter(({ outcome }) => outcome !== "Delivered"), []);

  const lines = [...simulate({ providers: [provider], notifications: harness.notifications, namespaces: new Map() }, changes)];
  assert.equal(lines.length, changes.length, "one line for each change");
  const said = lines.flatMap(({ requests }) => requests).map(({ method, url, headers, body }) => {
    const { pathname, search } = new URL(url);
    return { headers, request: JSON.parse(JSON.stringify(shown(method, `${pathname}${search}`, headers, body))) as unknown };
  });
  const got = arrived().map(({ method, path, headers, json, body }, index) => shown(method, path, headersAsSaid(headers, said[index]?.headers), json ?? body));
  assert.deepEqual(got, said.map(({ request }) => request));
  return said.length;
}

describe("what simulate says is what the controller sends:", () => {
  const signed = { type: "HMAC", secretRef: { name: "signing" } };
  for (const [what, section] of [["structured", {}], ["binary", { mode: "Binary", headers: [{ name: "X-Tenant", value: "shop" }] }], ["signed", { authentication: signed }], ["as Tekton's", { format: "Tekton", authentication: signed }]] as const) {
    it(`CloudEvents, ${what}`, async (t) => {
      const sink = await startCloudEventsSink();
      t.after(() => sink.close());
      const secrets = new Map([["signing/secret", `whsec_${Buffer.alloc(32).toString("base64")}`]]);
      const sent = await compare(t, cloudEventsProvider({ url: `${sink.url}/tekton?from=test`, ...section }), secrets, () => sink.received);
      assert.ok(sent > 100, String(sent));
      assert.deepEqual(sink.violations, []);
    });
  }

  it("AWSSNS", async (t) => {
    const double = await startSns();
    t.after(() => double.close());
    const secrets = new Map([["aws/access-key-id", double.key.id], ["aws/secret-access-key", double.key.secret]]);
    const sent = await compare(t, snsProvider({ endpoint: `${double.url}/sns` }), secrets, () => double.received);
    assert.ok(sent > 100 && sent === double.published.length, String(sent));
    assert.deepEqual(double.violations, []);
  });

  it("GCPPubSub", async (t) => {
    const double = await startPubSub();
    t.after(() => double.close());
    const sent = await compare(t, pubSubProvider({ endpoint: double.url }), new Map([["pubsub/service-account.json", JSON.stringify(double.key)]]), () => double.received);
    assert.ok(sent > 100 && sent === double.published.length, String(sent));
    assert.deepEqual([double.violations, double.tokens.size], [[], 1]);
  });

  it("GitHubApp", async (t) => {
    const owners = [...new Set(changes.flatMap(({ run }) => commitOf(run.annotations).owner ?? []))];
    const double = await startGitHub({ installations: owners.map((owner, id) => ({ id: id + 1, owner })) });
    t.after(() => double.close());
    const provider = gitHubProvider({ appId: double.appId, baseURL: double.baseURL });
    const sent = await compare(t, provider, new Map([["github-app/private-key.pem", double.privateKey]]), () => double.received.filter(({ path }) => path.includes("/statuses/")));
    assert.ok(sent > 80 && sent === double.statuses.length, String(sent));
    assert.deepEqual([double.violations, double.tokensIssued()], [[], owners.length]);
  });

  it("GitHubApp with check runs, whose ids vary", async (t) => {
    const owners = [...new Set(changes.flatMap(({ run }) => commitOf(run.annotations).owner ?? []))];
    const double = await startGitHub({ installations: owners.map((owner, id) => ({ id: id + 1, owner })) });
    t.after(() => double.close());
    const provider = gitHubProvider({ appId: double.appId, baseURL: double.baseURL });
    const arrived = (): Received[] =>
      double.received.filter(({ method, path }) => method !== "GET" && path.includes("/check-runs")).map((received) => ({ ...received, path: received.path.replace(/(?<=\/check-runs\/)[0-9]+$/, "[varies]") }));
    const sent = await compare(t, provider, new Map([["github-app/private-key.pem", double.privateKey]]), arrived, { githubApp: { report: "CheckRun" } });
    const ids = new Set(double.checkRuns.map(({ externalId }) => externalId));
    assert.ok(sent > 100 && ids.size > 40 && ids.size === double.checkRuns.length, `${sent} requests, ${double.checkRuns.length} check runs`);
    assert.deepEqual(double.violations, []);
  });
});
