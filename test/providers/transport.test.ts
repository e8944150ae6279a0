import assert from "node:assert/strict";
import { before, describe, it, type TestContext } from "node:test";
import type { Provider, TransportSpec } from "../../src/api/provider.ts";
import type { Transport } from "../../src/providers/http.ts";
import { createOutbound, type Outbound } from "../../src/providers/outbound.ts";
import { checkTransport, transportOf, transportSecretRefs } from "../../src/providers/transport.ts";
import { cloudEventsProvider } from "../controller/objects.ts";
import { startReceiver } from "../support/receivers.ts";
import { selfSignedCertificate, type Certificate } from "../support/self-signed-certificate.ts";
import { startTlsFront } from "../support/tls-front.ts";
import { eventually } from "../support/wait.ts";
import { allTextOf, failureOf } from "./errors.ts";

const { signal } = new AbortController();
let server: Certificate;
let client: Certificate;

before(async () => {
  server = await selfSignedCertificate("127.0.0.1");
  client = await selfSignedCertificate("tekton.example.com");
});

const providerWith = (spec: TransportSpec): Provider => ({ ...cloudEventsProvider(), spec: { ...cloudEventsProvider().spec, ...spec } });

describe("tls.caBundle", () => {
  const problems = (caBundle: string): string[] => checkTransport({ tls: { caBundle } }).map(({ path, message }) => `${path.join(".")} ${message}`);

  it("may hold several certificates with text around them", () => {
    assert.deepEqual(problems(`# ours\n${server.cert}\nsubject: x\n${client.cert}`), []);
  });

  it("is refused when it is applied, with a reason, and without being shown", () => {
    for (const [bundle, message] of [
      ["nonsense", /^tls\.caBundle holds no certificate/],
      [Buffer.from(server.cert).toString("base64"), /holds no certificate in PEM form/],
      [`${server.cert}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`, /number 2 cannot be read/],
      [`${server.cert}${server.key}`, /holds a private key/],
      [`${server.cert}\n-----BEGIN CERTIFICATE-----\nhalf`, /something besides certificates/],
      [server.cert.repeat(65), /holds 65 certificates/],
    ] as const) {
      const [problem = "", ...others] = problems(bundle);
      assert.match(problem, message);
      assert.deepEqual(others, []);
      assert.doesNotMatch(problem, /nonsense|AAAA/);
    }
  });
});

describe("proxy.url", () => {
  for (const [url, ok] of [["http://proxy.example.com:3128", true], ["https://proxy.example.com", true], ["http://u:p@proxy.example.com", false], ["socks5://proxy.example.com", false], ["http://", false]] as const) {
    it(`${url} is ${ok ? "one" : "refused"}`, () => {
      assert.deepEqual(checkTransport({ proxy: { url } }).map(({ path }) => path.join(".")), ok ? [] : ["proxy.url"]);
    });
  }
});

describe("Secrets of tls and proxy", () => {
  const spec = { tls: { clientCertificate: { secretRef: { name: "cert" } } }, proxy: { url: "http://proxy.example.com", secretRef: { name: "login" } } };

  it("are named with their keys", () => {
    assert.deepEqual(transportSecretRefs(spec).map(({ name, key }) => `${name}/${key}`), ["cert/tls.crt", "cert/tls.key", "login/username", "login/password"]);
    assert.deepEqual(transportSecretRefs({ tls: { caBundle: "x" }, proxy: { url: "http://proxy.example.com" } }), []);
  });

  const secrets = (fields: Readonly<Record<string, string>>): Map<string, string> =>
    new Map(Object.entries({ "cert/tls.crt": client.cert, "cert/tls.key": client.key, "login/username": "tekton", "login/password": "s3cret: ä\n", ...fields }));

  it("are read into the transport", () => {
    const { namespace, certificate, proxy } = transportOf(providerWith(spec), secrets({}));
    assert.deepEqual([namespace, certificate, proxy], ["ci", { cert: client.cert, key: client.key }, { url: "http://proxy.example.com", authorization: `Basic ${Buffer.from("tekton:s3cret: ä").toString("base64")}` }]);
  });

  it("that cannot be used are SecretMalformed, and are not shown", () => {
    for (const fields of [{ "cert/tls.crt": "s3cret" }, { "cert/tls.key": "s3cret" }, { "cert/tls.key": server.key }, { "cert/tls.crt": "" }, { "login/username": "" }, { "login/username": "a:s3cret" }, { "login/password": "s3cret\ns3cret" }]) {
      assert.throws(() => transportOf(providerWith(spec), secrets(fields)), (error) => {
        assert.equal((error as { code?: string }).code, "SecretMalformed");
        assert.doesNotMatch(allTextOf(error), /s3cret|PRIVATE/);
        return true;
      });
    }
  });
});

const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;

async function outboundTo(t: TestContext, clientCa?: string): Promise<{ readonly url: string; readonly clients: readonly string[]; readonly outbound: Outbound; readonly get: (transport: Transport) => Promise<number> }> {
  const receiver = await startReceiver();
  const front = await startTlsFront({ ...server, to: () => Number(new URL(receiver.url).port), ...(clientCa !== undefined && { clientCa }) });
  const outbound = createOutbound({ policy: { development: true } });
  t.after(async () => {
    await outbound.close();
    await front.close();
    await receiver.close();
  });
  const url = `https://127.0.0.1:${front.port}/`;
  return {
    url,
    clients: front.clients,
    outbound,
    get: async (transport) => {
      const http = outbound.client(transport);
      try {
        const response = await http.fetch(url, { signal });
        await response.text();
        return response.status;
      } finally {
        await http.close();
      }
    },
  };
}

describe("a transport", () => {
  it("trusts the servers that caBundle vouches for, and no others", async (t) => {
    const { get } = await outboundTo(t);
    assert.equal(await get({ ca: server.cert }), 200);
    for (const transport of [{}, { ca: client.cert }]) assert.equal((await failureOf(get(transport))).code, "ServiceUnreachable");
  });

  it("shows its certificate to servers that ask for one", async (t) => {
    const { get, clients } = await outboundTo(t, client.cert);
    assert.equal(await get({ ca: server.cert, certificate: client }), 200);
    assert.deepEqual(clients, ["tekton.example.com"]);
    const error = await failureOf(get({ ca: server.cert }));
    assert.deepEqual([error.class, clients.length], ["retryable", 1]);
  });

  it("has one pool of connections, however many Providers have it, and another transport has another", async (t) => {
    const { outbound, url, clients } = await outboundTo(t);
    const ask = async (transport: Transport): Promise<() => Promise<void>> => {
      const http = outbound.client(transport);
      await (await http.fetch(url, { signal })).text();
      // A connection is free again a moment after its answer was read.
      await new Promise((resolve) => setImmediate(resolve));
      return http.close;
    };
    const same = { namespace: "ci", ca: server.cert };
    const closes = [await ask(same), await ask({ ...same })];
    assert.equal(clients.length, 1);
    for (const other of [{ ...same, namespace: "other" }, { ...same, certificate: client }]) closes.push(await ask(other));
    assert.equal(clients.length, 3);
    await closes[0]?.();
    await closes[0]?.();
    closes.push(await ask(same));
    assert.equal(clients.length, 3, "it is open while somebody uses it");
    for (const close of closes) await close();
    const last = await ask(same);
    assert.equal(clients.length, 4, "it is closed with the last who used it");
    await last();
  });

  it("leaves no socket behind when it is closed", async (t) => {
    const start = sockets();
    const { outbound, url } = await outboundTo(t);
    const http = outbound.client({ ca: server.cert });
    await Promise.all(Array.from({ length: 10 }, async () => (await http.fetch(url, { signal })).text()));
    assert.ok(sockets() > start);
    await http.close();
    await eventually("no sockets", () => (sockets() <= start ? true : undefined));
  });

  it("of the platform's own endpoints has no rules", async (t) => {
    const receiver = await startReceiver();
    const outbound = createOutbound({ policy: { development: false }, mayBegin: () => false });
    t.after(async () => {
      await outbound.close();
      await receiver.close();
    });
    assert.equal((await outbound.platform.fetch(receiver.url, { signal })).status, 200);
    assert.equal((await failureOf(outbound.client({}).fetch(receiver.url, { signal }))).code, "EgressDenied");
  });
});
