import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { createConnections, recheckMs, type Connection } from "../../src/controller/connections.ts";
import { KubeError } from "../../src/kube/kube-error.ts";
import { Response } from "undici";
import type { Http, Transport } from "../../src/providers/http.ts";
import type { Outbound } from "../../src/providers/outbound.ts";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createRedactor } from "../../src/telemetry/redact.ts";
import { manualClock } from "../support/manual-clock.ts";
import { fakeKube } from "./fake-kube.ts";
import { cloudEventsProvider, gitHubProvider, pubSubProvider, snsProvider } from "./objects.ts";
import { key, keys, lineOf, secretEveryMs, senderOf, setting, signal, told, unused, unusedHttp } from "./connections-scene.ts";

describe("a connection", () => {
  it("is not ready until the Secret is there, has the key, and the key is one", async () => {
    const { store, refresh, connections } = setting();
    assert.equal(told(await refresh()), "SecretNotFound: Secret github-app (the private key of the GitHub App) does not exist in namespace ci");
    store({ other: "x" });
    assert.equal(told(await refresh()), "SecretNotFound: Secret github-app has no key private-key.pem (the private key of the GitHub App)");
    store({ "private-key.pem": "" });
    assert.match(told(await refresh()), /^SecretNotFound: /);
    store({ "private-key.pem": "not-a-key-at-all" });
    assert.equal(told(await refresh()), "SecretMalformed: Secret github-app, key private-key.pem: not an RSA private key in PEM form, as GitHub offers it for download");
    store({ "private-key.pem": keys[0] });
    assert.equal(told(await refresh()), "ready");
    assert.equal(connections.current(key), await refresh(0));
  });

  it("with required opt-in, is ready while the Secret's annotation names the Provider, and within a minute no longer", async () => {
    const { store, refresh } = setting(true);
    const allow = (list?: string): void => {
      store({ "private-key.pem": keys[0] }, list === undefined ? {} : { "integrations.tekton.ornew.io/allowed-providers": list });
    };
    const refusal = "SecretNotAllowed: Secret github-app (the private key of the GitHub App) does not allow this Provider: its annotation integrations.tekton.ornew.io/allowed-providers must name service, or be *";
    for (const list of [undefined, "", "service-2", "serv*", "Service", "a,b"]) {
      allow(list);
      assert.equal(told(await refresh()), refusal, list);
    }
    for (const list of ["service", "*", "a, service ,b"]) {
      allow(list);
      const connection = await refresh();
      assert.equal(told(connection), "ready", list);
      const closed = mock.method(senderOf(connection), "close");
      allow();
      assert.equal(told(await refresh()), refusal);
      assert.equal(closed.mock.callCount(), 1);
    }
  });

  it("reads the Secret once a minute, and keeps its sender while nothing changes", async () => {
    const { store, refresh, reads } = setting();
    store({ "private-key.pem": keys[0] });
    const sender = senderOf(await refresh());
    assert.equal(senderOf(await refresh(secretEveryMs - 1)), sender);
    assert.equal(reads(), 1);
    assert.equal(senderOf(await refresh(1)), sender);
    assert.equal(reads(), 2);
  });

  it("gets a new sender from a rotated Secret, and the old one is closed", async () => {
    const { store, refresh } = setting();
    store({ "private-key.pem": keys[0] });
    const sender = senderOf(await refresh());
    const closed = mock.method(sender, "close");
    store({ "private-key.pem": keys[1] });
    assert.notEqual(senderOf(await refresh()), sender);
    assert.equal(closed.mock.callCount(), 1);
  });

  it("gets a new sender at once when the Provider's section changes, and none when only the rest does", async () => {
    const { store, refresh } = setting();
    store({ "private-key.pem": keys[0] });
    const sender = senderOf(await refresh());
    const longer = gitHubProvider({}, { generation: 2 });
    const connection = await refresh(0, { ...longer, spec: { ...longer.spec, timeout: "42s" } });
    assert.equal(senderOf(connection), sender);
    assert.ok(connection.ready && connection.timeoutMs === 42_000);
    assert.notEqual(senderOf(await refresh(0, gitHubProvider({ appId: 7 }, { generation: 3 }))), sender);
  });

  it("is closed when its Secret vanishes, and heals when it comes back", async () => {
    const { store, refresh } = setting();
    store({ "private-key.pem": keys[0] });
    const closed = mock.method(senderOf(await refresh()), "close");
    store(undefined);
    assert.match(told(await refresh()), /^SecretNotFound/);
    assert.equal(closed.mock.callCount(), 1);
    store({ "private-key.pem": keys[0] });
    assert.equal(told(await refresh()), "ready");
  });

  it("is closed when the controller is no longer let read the Secret, and says so", async () => {
    const { store, refresh, fail } = setting();
    store({ "private-key.pem": keys[0] });
    const closed = mock.method(senderOf(await refresh()), "close");
    fail.get = new KubeError("KubernetesRequestFailed", "get secrets/github-app in ci: 403 Forbidden", { status: 403, reason: "Forbidden" });
    assert.equal(told(await refresh()), "SecretForbidden: the controller may not read Secret github-app (the private key of the GitHub App): this installation has not bound it to read Secrets in namespace ci");
    assert.equal(closed.mock.callCount(), 1);
  });

  for (const code of ["KubernetesUnreachable", "KubernetesRequestFailed"] as const) {
    it(`in use outlives a failed read of its Secret (${code}); a changed Provider does not`, async () => {
      const { store, refresh, fail } = setting();
      store({ "private-key.pem": keys[0] });
      const sender = senderOf(await refresh());
      fail.get = new KubeError(code, "no answer", { status: code === "KubernetesUnreachable" ? 0 : 503, reason: "x" });
      assert.equal(senderOf(await refresh()), sender);
      assert.equal(told(await refresh(0, gitHubProvider({ appId: 7 }, { generation: 2 }))), `${code}: no answer`);
    });
  }

  it("of a Provider that this version cannot use says so", async () => {
    const { refresh } = setting();
    const unknown = { ...gitHubProvider(), spec: { type: "Pigeon", pigeon: {} } };
    assert.match(told(await refresh(0, unknown)), /^ProviderInvalid: .*type Pigeon/);
    assert.match(told(await refresh(0, cloudEventsProvider({ url: "https://user:secret@x.example.com/" }))), /^UrlInvalid: spec\.cloudEvents\.url must not hold/);
    assert.equal(told(await refresh(0, cloudEventsProvider({}, { generation: 2 }))), "ready");
  });

  it("is forgotten with its Provider", async () => {
    const { store, refresh, connections } = setting();
    store({ "private-key.pem": keys[0] });
    const closed = mock.method(senderOf(await refresh()), "close");
    connections.drop(key);
    assert.equal(closed.mock.callCount(), 1);
    assert.equal(connections.current(key), undefined);
  });

  it("is closed with all others at the end", async () => {
    const { refresh, connections } = setting();
    const closed = mock.method(senderOf(await refresh(0, cloudEventsProvider())), "close");
    await connections.close();
    assert.equal(closed.mock.callCount(), 1);
  });

  it("rejects when the signal aborts, and only then", async () => {
    const { connections, fail } = setting();
    fail.get = new Error("whatever");
    await assert.rejects(connections.refresh(key, gitHubProvider(), AbortSignal.abort(new Error("stop"))), /whatever/);
    assert.equal(connections.current(key), undefined);
    assert.equal(told(await connections.refresh(key, gitHubProvider(), signal)), "ServiceFailed: the connection could not be made; the controller's log says why");
  });
});

describe("refused credentials", () => {
  const refusal = new DeliveryError("CredentialsRefused", "answered 401");

  it("are not used again for ten minutes", async () => {
    const { store, refresh, connections } = setting();
    store({ "private-key.pem": keys[0] });
    const sender = senderOf(await refresh());
    assert.equal(connections.refused(key, refusal, sender), true);
    assert.equal(connections.refused(key, refusal, sender), false, "it was refused before");
    assert.equal(told(connections.current(key) ?? assert.fail()), "CredentialsRefused: answered 401");
    assert.equal(told(await refresh(recheckMs - 1)), "CredentialsRefused: answered 401");
    assert.equal(senderOf(await refresh(1)), sender);
  });

  it("are left behind at once when the Secret changes", async () => {
    const { store, refresh, connections } = setting();
    store({ "private-key.pem": keys[0] });
    const sender = senderOf(await refresh());
    connections.refused(key, refusal, sender);
    store({ "private-key.pem": keys[1] });
    assert.notEqual(senderOf(await refresh(0)), sender);
  });

  it("of a sender that has been replaced say nothing about the new one", async () => {
    const { store, refresh, connections } = setting();
    store({ "private-key.pem": keys[0] });
    const old = senderOf(await refresh());
    store({ "private-key.pem": keys[1] });
    const sender = senderOf(await refresh());
    assert.equal(connections.refused(key, refusal, old), false);
    assert.equal(senderOf(await refresh()), sender);
  });
});

describe("the redactor", () => {
  it("knows the values of the Secrets in use, and forgets those that are not", async () => {
    const { store, refresh, redactor, connections } = setting();
    const masked = (): boolean[] => keys.map((text) => redactor.clean(`x ${lineOf(text)} y`) === "x [redacted] y");
    store({ "private-key.pem": keys[0] });
    await refresh();
    assert.deepEqual(masked(), [true, false]);
    store({ "private-key.pem": keys[1] });
    await refresh();
    assert.deepEqual(masked(), [false, true]);
    connections.drop(key);
    assert.deepEqual(masked(), [false, false]);
  });

  it("does not keep a value that turned out not to be usable", async () => {
    const { store, refresh, redactor } = setting();
    store({ "private-key.pem": "perhaps-a-password" });
    assert.match(told(await refresh()), /^SecretMalformed/);
    assert.equal(redactor.clean("perhaps-a-password"), "perhaps-a-password");
  });
});

describe("how a connection travels", () => {
  const travelling = (http: () => Http) => {
    const made: Transport[] = [];
    const outbound: Outbound = {
      ...unused,
      client: (transport) => {
        made.push(transport);
        return http();
      },
    };
    const fake = fakeKube();
    const clock = manualClock();
    const redactor = createRedactor();
    const metrics = createMetrics();
    const connections = createConnections({ kube: fake.kube, outbound, ownIdentityNamespaces: new Set(["trusted"]), telemetry: { clock, redactor, log: silentLogger, metrics } });
    const store = (name: string, data: Record<string, string>): void => {
      fake.objects.set(`ci/${name}`, { apiVersion: "v1", kind: "Secret", metadata: { name }, data: Object.fromEntries(Object.entries(data).map(([field, value]) => [field, Buffer.from(value).toString("base64")])) });
    };
    const refresh = (spec: Record<string, unknown> = {}): Promise<Connection> => {
      clock.advance(secretEveryMs);
      const provider = cloudEventsProvider();
      return connections.refresh(key, { ...provider, spec: { ...provider.spec, ...spec } }, signal);
    };
    return { connections, made, store, refresh, redactor, metrics };
  };
  const proxied = { proxy: { url: "http://proxy.example.com:3128", secretRef: { name: "login" } } };

  it("is as the Provider's frame and its Secrets say, and anew when either changes", async () => {
    const closed: number[] = [];
    const { made, store, refresh, redactor } = travelling(() => ({ ...unusedHttp, close: () => Promise.resolve(void closed.push(made.length)) }));
    assert.equal(told(await refresh(proxied)), "SecretNotFound: Secret login (the login at the proxy) does not exist in namespace ci");
    store("login", { username: "tekton", password: "s3cret-1" });
    assert.equal(told(await refresh(proxied)), "ready");
    const authorization = (password: string): string => `Basic ${Buffer.from(`tekton:${password}`).toString("base64")}`;
    assert.deepEqual(made, [{ namespace: "ci", proxy: { url: "http://proxy.example.com:3128", authorization: authorization("s3cret-1") } }]);
    assert.equal(redactor.clean(`x ${authorization("s3cret-1").slice(6)} s3cret-1`), "x [redacted] [redacted]");
    await refresh(proxied);
    assert.equal(made.length, 1);
    store("login", { username: "tekton", password: "s3cret-2" });
    await refresh(proxied);
    await refresh({});
    assert.deepEqual([made.length, made[1]?.proxy.authorization, made[2]], [3, authorization("s3cret-2"), { namespace: "ci" }]);
    assert.deepEqual(closed, [2, 3], "the way of the one before is closed");
  });

  it("is not opened where the Provider or a Secret cannot be used", async () => {
    const { made, store, refresh } = travelling(() => unusedHttp);
    store("cert", { "tls.crt": "s3cret", "tls.key": "s3cret" });
    assert.match(told(await refresh({ tls: { caBundle: "none" } })), /^FieldInvalid: spec\.tls\.caBundle holds no certificate/);
    assert.match(told(await refresh({ tls: { clientCertificate: { secretRef: { name: "cert" } } } })), /^SecretMalformed: Secret cert: tls\.crt is no certificate/);
    assert.deepEqual(made, []);
  });

  it("counts requests for tokens, and what came of them", async () => {
    const answers = [500, 200];
    const { store, refresh, metrics } = travelling(() => ({ ...unusedHttp, fetch: () => Promise.resolve(Response.json({ access_token: "s3cret", token_type: "Bearer" }, { status: answers.shift() ?? 404 })) }));
    store("client", { "client-id": "a", "client-secret": "b" });
    const authentication = { type: "OAuth2", tokenURL: "https://login.example.com/", secretRef: { name: "client" } };
    const { verify } = senderOf(await refresh({ cloudEvents: { url: "https://events.example.com/", authentication } }));
    await assert.rejects(verify?.(signal) ?? Promise.resolve());
    await verify?.(signal);
    await verify?.(signal);
    const { body } = await metrics.render();
    for (const result of ["failed", "granted"]) assert.match(body, new RegExp(`credential_requests_total\\{provider_type="CloudEvents",result="${result}"\\} 1\n`));
  });

  it("is the controller's own identity only in namespaces that may use it, and says so", async () => {
    const { connections, made } = travelling(() => unusedHttp);
    for (const namespace of ["ci", "trusted"]) {
      for (const provider of [snsProvider({ credentials: undefined }, { namespace }), pubSubProvider({ credentials: undefined }, { namespace })]) {
        const connection = await connections.refresh(`${namespace}/${provider.spec.type}`, provider, signal);
        if (namespace === "trusted") assert.equal(told(connection), "ready");
        else assert.match(told(connection), /^CredentialsRequired: spec\.(?:awsSNS|gcpPubSub)\.credentials must name a Secret: this installation does not let Providers of this namespace use the controller's own identity/);
      }
    }
    assert.deepEqual(made, [{ namespace: "trusted" }, { namespace: "trusted" }]);
    await connections.close();
  });

  it("stays open until what is under way has ended", async () => {
    const events: string[] = [];
    const answer = Promise.withResolvers<Response>();
    const { refresh, connections } = travelling(() => ({
      fetch: () => {
        events.push("fetch");
        return answer.promise;
      },
      close: () => Promise.resolve(void events.push("close")),
    }));
    const sender = senderOf(await refresh());
    const event = { specversion: "1.0", id: "1", source: "/x", type: "t" };
    const sending = sender.send({ key: "event", target: {}, request: { method: "POST", url: "https://events.example.com/", headers: { "content-type": "application/cloudevents+json" }, body: event } }, signal);
    connections.drop(key);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(events, ["fetch"]);
    answer.resolve(new Response(null, { status: 202 }));
    await sending;
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(events, ["fetch", "close"]);
  });
});
