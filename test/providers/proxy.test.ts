import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { EgressPolicy } from "../../src/providers/egress.ts";
import { createHttp, type Http, type HttpOptions, type Transport } from "../../src/providers/http.ts";
import { platformProxyFor } from "../../src/providers/proxy.ts";
import { startProxy, type ProxyDouble, type ProxyOptions } from "../support/proxy-double.ts";
import { startReceiver, type Receiver } from "../support/receivers.ts";
import { selfSignedCertificate } from "../support/self-signed-certificate.ts";
import { startTlsFront } from "../support/tls-front.ts";
import { eventually } from "../support/wait.ts";
import { allTextOf, failureOf } from "./errors.ts";

const { signal } = new AbortController();
const development: EgressPolicy = { development: true };
const login = `Basic ${Buffer.from("tekton:s3cret-of-proxy").toString("base64")}`;

describe("NO_PROXY", () => {
  for (const [host, entry, without] of [
    ["example.com", "example.com", true], ["a.example.com", "example.com", true], ["a.example.com", ".example.com", true], ["example.com", ".example.com", true], ["a.example.com", "*.example.com", true], ["notexample.com", "example.com", false], ["EXAMPLE.com", "Example.COM", true], ["example.com.", "example.com", true],
    ["example.com:8443", "example.com:8443", true], ["example.com:8443", "example.com:443", false], ["example.com", "example.com:443", true], ["events.ci.svc", ".svc", true], ["x", "*", true],
    ["10.1.2.3", "10.0.0.0/8", true], ["11.1.2.3", "10.0.0.0/8", false], ["10.1.2.3", "10.1.2.3", true], ["10.1.2.3:8443", "10.1.2.3:8443", true], ["[fd00::1]", "fd00::/8", true], ["[fd00::1]:8443", "[fd00::1]:8443", true], ["[fd00::1]", "10.0.0.0/8", false], ["a.10.1.2.3.example.com", "10.1.2.3", false], ["example.com", "10.0.0.0/8", false], ["example.com", "10.0.0.0/99", false], ["10.1.2.3", "10.0.0.0/99", false], ["example.com", ".", false],
  ] as const) {
    it(`${entry} ${without ? "names" : "does not name"} ${host}`, () => {
      const proxies = { https: { url: "http://proxy.example.com:3128" }, none: ["unrelated.example.org", entry] };
      assert.equal(platformProxyFor(new URL(`https://${host}/`), proxies), without ? undefined : proxies.https);
    });
  }

  it("is asked for the scheme's own proxy", () => {
    const proxies = { https: { url: "http://a.example.com" }, http: { url: "http://b.example.com" }, none: [] };
    assert.deepEqual(["https://x/", "http://x/"].map((url) => platformProxyFor(new URL(url), proxies)), [proxies.https, proxies.http]);
    assert.equal(platformProxyFor(new URL("http://x/"), { https: proxies.https, none: [] }), undefined);
  });
});

interface Bench {
  readonly receiver: Receiver;
  readonly proxy: ProxyDouble;
  readonly client: (transport?: Transport, options?: Partial<HttpOptions>) => Http;
  readonly post: (http: Http, url?: string, given?: AbortSignal) => Promise<number>;
}

async function bench(t: TestContext, options: ProxyOptions = {}): Promise<Bench> {
  const receiver = await startReceiver();
  const proxy = await startProxy(options);
  t.after(async () => {
    await proxy.close();
    await receiver.close();
  });
  return {
    receiver,
    proxy,
    client: (transport = { proxy: { url: proxy.url, authorization: login } }, more = {}) => {
      const http = createHttp({ policy: development, ...more }, transport);
      t.after(() => http.close());
      return http;
    },
    post: async (http, url = receiver.url, given = signal) => {
      const response = await http.fetch(url, { method: "POST", body: "hello", signal: given });
      await response.text();
      // A connection is free again a moment after its answer was read.
      await new Promise((resolve) => setImmediate(resolve));
      return response.status;
    },
  };
}

describe("a Provider's proxy", () => {
  it("makes the connections, of plain http too, and is shown its login and nobody else", async (t) => {
    const { receiver, proxy, client, post } = await bench(t, { authorization: login });
    const http = client();
    for (let times = 0; times < 3; times += 1) assert.equal(await post(http), 200);
    assert.deepEqual(proxy.asked, [{ target: new URL(receiver.url).host, authorization: login }]);
    assert.deepEqual(receiver.received.map(({ path, body, headers }) => [path, body, headers["proxy-authorization"]]), Array.from({ length: 3 }, () => ["/", "hello", undefined]));
  });

  it("finds what only it knows, over TLS from end to end", async (t) => {
    const certificate = await selfSignedCertificate("events.example.com");
    const { receiver, proxy, client, post } = await bench(t, { route: () => ({ host: "127.0.0.1", port: front.port }) });
    const front = await startTlsFront({ ...certificate, to: () => Number(new URL(receiver.url).port) });
    t.after(() => front.close());
    const http = client({ proxy: { url: proxy.url }, ca: certificate.cert }, { policy: { development: true } });
    assert.equal(await post(http, "https://events.example.com/x"), 200);
    assert.deepEqual([proxy.asked, receiver.received[0]?.headers["host"]], [[{ target: "events.example.com:443", authorization: undefined }], "events.example.com"]);
    const strangers = client({ proxy: { url: proxy.url } });
    assert.equal((await failureOf(post(strangers, "https://events.example.com/x"))).code, "ServiceUnreachable");
    assert.equal(receiver.received.length, 1);
  });

  it("can be spoken to over TLS, where caBundle vouches for it", async (t) => {
    const certificate = await selfSignedCertificate("127.0.0.1");
    const { proxy, client, post } = await bench(t, { certificate });
    assert.equal(await post(client({ proxy: { url: proxy.url }, ca: certificate.cert })), 200);
    assert.equal((await failureOf(post(client({ proxy: { url: proxy.url } })))).code, "ServiceUnreachable");
  });

  it("wins over the platform's, NO_PROXY or not", async (t) => {
    const { proxy, client, post } = await bench(t);
    await post(client(undefined, { proxies: { http: { url: "http://127.0.0.1:9" }, none: ["*"] } }));
    assert.equal(proxy.asked.length, 1);
  });

  for (const [what, options, code, message] of [
    ["wants another login", { authorization: "Basic eA==" }, "CredentialsRefused", /^the proxy 127\.0\.0\.1:\d+ answered 407 instead of making a connection$/],
    ["does not want to", { answer: 403 }, "ServiceUnreachable", /answered 403/],
    ["cannot reach the service", { answer: 502 }, "ServiceUnreachable", /answered 502/],
  ] as const) {
    it(`that ${what} is ${code}, and the login is not shown`, async (t) => {
      const { receiver, client, post } = await bench(t, options);
      const error = await failureOf(post(client()));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.doesNotMatch(allTextOf(error), /s3cret|c3Nl|dGVrdG9u/);
      assert.equal(receiver.received.length, 0);
    });
  }

  it("that says nothing ends with the message's time, and holds no connection then", async (t) => {
    const { proxy, client, post } = await bench(t, { answer: "hang" });
    const http = client();
    const controller = new AbortController();
    const failing = failureOf(post(http, undefined, controller.signal));
    await eventually("a proxy that was asked", () => (proxy.asked.length === 1 ? true : undefined));
    controller.abort(new DOMException("too slow", "TimeoutError"));
    assert.equal((await failing).code, "ServiceTimeout");
  });

  it("that is not there is ServiceUnreachable", async (t) => {
    const { client, post } = await bench(t);
    assert.equal((await failureOf(post(client({ proxy: { url: "http://127.0.0.1:9" } })))).code, "ServiceUnreachable");
  });
});

describe("egress through a proxy", () => {
  const production: EgressPolicy = { development: false, allowHttp: true };

  for (const url of ["http://127.0.0.1:3128", "http://localhost:3128", "http://169.254.169.254", "http://squid.other.svc:3128", "http://[::1]:3128"]) {
    it(`does not lead to a proxy at ${url}`, async (t) => {
      const { client, post } = await bench(t);
      const error = await failureOf(post(client({ namespace: "ci", proxy: { url } }, { policy: production }), "https://events.example.com/"));
      assert.equal(error.code, "EgressDenied");
    });
  }

  it("is refused by the address that the proxy's name has when the connection is made", async (t) => {
    const { proxy, client, post } = await bench(t);
    const port = new URL(proxy.url).port;
    const http = client({ namespace: "ci", proxy: { url: `http://proxy.example.com:${port}` } }, { policy: production, resolve: (_, __, callback) => { callback(null, [{ address: "127.0.0.1", family: 4 }]); } });
    assert.deepEqual([(await failureOf(post(http, "https://events.example.com/"))).code, proxy.asked.length], ["EgressDenied", 0]);
  });

  for (const url of ["https://169.254.169.254/", "https://127.0.0.1/", "https://hooks.other.svc/", "https://[fe80::1]/"]) {
    it(`does not lead to ${url}, which needs no look-up to be known`, async (t) => {
      const { client, post } = await bench(t);
      const resolved: string[] = [];
      const http = client({ namespace: "ci", proxy: { url: "http://proxy.example.com:3128" } }, { policy: production, resolve: (name, _, callback) => { resolved.push(name); callback(null, []); } });
      assert.deepEqual([(await failureOf(post(http, url))).code, resolved], ["EgressDenied", []]);
    });
  }

  it("of the platform is not asked about: it may be anywhere", async (t) => {
    const { proxy, client, post } = await bench(t, { answer: 502 });
    const error = await failureOf(post(client({ namespace: "ci" }, { policy: production, proxies: { https: { url: proxy.url }, none: [] } }), "https://events.example.com/"));
    assert.deepEqual([error.code, proxy.asked.map(({ target }) => target)], ["ServiceUnreachable", ["events.example.com:443"]]);
  });

  it("of the platform is left out for hosts that NO_PROXY names", async (t) => {
    const { receiver, proxy, client, post } = await bench(t);
    const http = client({}, { proxies: { http: { url: proxy.url }, none: ["127.0.0.0/8"] } });
    assert.equal(await post(http), 200);
    assert.deepEqual([proxy.asked.length, receiver.received.length], [0, 1]);
    assert.equal(await post(client({}, { proxies: { http: { url: proxy.url }, none: [] } })), 200);
    assert.equal(proxy.asked.length, 1);
  });
});
