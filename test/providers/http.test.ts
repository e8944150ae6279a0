import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { addressAllowed, type EgressPolicy } from "../../src/providers/egress.ts";
import { createHttp, requestFailed, type Http } from "../../src/providers/http.ts";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import { startReceiver, type Receiver } from "../support/receivers.ts";
import { allTextOf, failureOf } from "./errors.ts";

const production: EgressPolicy = { development: false };
const development: EgressPolicy = { development: true };
const { signal } = new AbortController();

function client(t: TestContext, policy = development): Http {
  const http = createHttp({ policy });
  t.after(() => http.close());
  return http;
}

async function receiver(t: TestContext): Promise<Receiver> {
  const started = await startReceiver();
  t.after(() => started.close());
  return started;
}

const get = (http: Http, url: string, init: { signal?: AbortSignal } = {}): ReturnType<Http["fetch"]> => http.fetch(url, { method: "POST", body: "s3cret-body", signal, ...init });

describe("addressAllowed", () => {
  const loopback = ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:7f00:1", "::127.0.0.1", "64:ff9b::127.0.0.1", "::ffff:0:127.0.0.1"];
  const never = [
    "0.0.0.0", "169.254.0.1", "169.254.169.254", "100.100.100.200", "168.63.129.16", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "fe80::1", "febf::1", "fe80::1%eth0", "ff02::1", "fd00:ec2::254", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe", "::ffff:0.0.0.0",
  ];
  const always = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "8.8.8.8", "100.100.100.201", "2606:4700::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::8.8.8.8"];

  for (const [what, addresses, inProduction, inDevelopment] of [["loopback", loopback, false, true], ["never reachable", never, false, false], ["reachable", always, true, true]] as const) {
    for (const address of addresses) {
      it(`${address} is ${what}`, () => {
        assert.deepEqual([addressAllowed(address, production), addressAllowed(address, development)], [inProduction, inDevelopment]);
      });
    }
  }
});

describe("egress in production", () => {
  for (const host of ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1.", "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "0", "224.0.0.1"]) {
    it(`never reaches https://${host}/`, async (t) => {
      const error = await failureOf(get(client(t, production), `https://${host}/`));
      assert.equal(error.code, "EgressDenied");
    });
  }

  for (const name of ["localhost", "LOCALHOST"]) {
    it(`never reaches ${name}: the address is checked when the connection is made`, async (t) => {
      let connections = 0;
      const server = createServer((socket) => {
        connections += 1;
        socket.destroy();
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      t.after(() => server.close());
      const { port } = server.address() as { port: number };
      const error = await failureOf(get(client(t, production), `https://${name}:${port}/`));
      assert.deepEqual([error.code, error.class, connections], ["EgressDenied", "credentials", 0]);
      assert.match(error.message, /may not reach/);
    });
  }

  it("refuses plain http", async (t) => {
    const error = await failureOf(get(client(t, production), "http://example.com/"));
    assert.deepEqual([error.code, error.message], ["EgressDenied", "plain http is not allowed by this installation: use an https URL"]);
  });
});

describe("egress in development", () => {
  it("reaches loopback by address and by name, over plain http", async (t) => {
    const target = await receiver(t);
    const http = client(t);
    for (const url of [target.url, target.url.replace("127.0.0.1", "localhost")]) {
      const response = await get(http, url);
      assert.equal(response.status, 200);
      await response.body?.cancel();
    }
    assert.deepEqual(target.received.map(({ body }) => body), ["s3cret-body", "s3cret-body"]);
  });

  it("still reaches no metadata service", async (t) => {
    assert.equal((await failureOf(get(client(t), "http://169.254.169.254/latest/meta-data/"))).code, "EgressDenied");
  });
});

describe("answers", () => {
  it("with redirects are handed on, not followed", async (t) => {
    const elsewhere = await receiver(t);
    const target = await receiver(t);
    target.misbehave({ answer: { status: 302, headers: { location: `${elsewhere.url}/stolen` } } });
    const response = await get(client(t), target.url);
    assert.deepEqual([response.status, response.headers.get("location")], [302, `${elsewhere.url}/stolen`]);
    await response.body?.cancel();
    assert.equal(elsewhere.received.length, 0);
  });

  it("are read up to 1 MiB and no further", async (t) => {
    const target = await receiver(t);
    const http = client(t);
    for (const [bytes, fits] of [[1024 * 1024, true], [1024 * 1024 + 1, false]] as const) {
      target.misbehave({ answer: { status: 200, body: "x".repeat(bytes) } }, 1);
      const read = get(http, target.url).then((response) => response.text());
      if (fits) assert.equal((await read).length, bytes);
      else await assert.rejects(read);
    }
  });
});

describe("no answer", () => {
  const secret = "/s3cret-path?s3cret=query#s3cret";

  it("in time is ServiceTimeout", async (t) => {
    const target = await receiver(t);
    target.misbehave({ hang: true });
    const controller = new AbortController();
    const asking = failureOf(get(client(t), `${target.url}${secret}`, { signal: controller.signal }));
    while (target.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new DOMException("too slow", "TimeoutError"));
    const error = await asking;
    assert.deepEqual([error.code, error.message], ["ServiceTimeout", `${new URL(target.url).host} did not answer in time`]);
    assert.doesNotMatch(allTextOf(error), /s3cret/);
  });

  it("because the connection is reset is ServiceUnreachable", async (t) => {
    const target = await receiver(t);
    target.misbehave({ reset: true });
    const error = await failureOf(get(client(t), `${target.url}${secret}`));
    assert.deepEqual([error.code, error.class], ["ServiceUnreachable", "retryable"]);
    assert.match(error.message, /^no answer from 127\.0\.0\.1:\d+ \((?:ECONNRESET|UND_ERR_SOCKET)\)$/);
    assert.doesNotMatch(allTextOf(error), /s3cret/);
  });

  it("because nobody listens is ServiceUnreachable", async (t) => {
    const target = await receiver(t);
    await target.goAway();
    const error = await failureOf(get(client(t), `${target.url}${secret}`));
    assert.match(error.message, /^no answer from 127\.0\.0\.1:\d+ \(ECONNREFUSED\)$/);
    assert.doesNotMatch(allTextOf(error), /s3cret/);
  });

  it("because the name does not exist is ServiceUnreachable", async (t) => {
    const error = await failureOf(get(client(t, production), `https://no-such-host.invalid${secret}`));
    assert.match(error.message, /^no answer from no-such-host\.invalid \(E[A-Z_]+\)$/);
    assert.doesNotMatch(allTextOf(error), /s3cret/);
  });

  it("because whoever asked went away is no time-out", async (t) => {
    const error = await failureOf(get(client(t), "http://127.0.0.1:9/", { signal: AbortSignal.abort(new Error("stop")) }));
    assert.equal(error.code, "ServiceUnreachable");
  });
});

describe("a client that may not begin requests any more", () => {
  it("writes nothing of a request that waited for its connection meanwhile", async (t) => {
    const target = await receiver(t);
    let mayBegin = true;
    const http = createHttp({ policy: development, mayBegin: () => mayBegin });
    t.after(() => http.close());
    const begun = get(http, target.url);
    // The connection is not there yet: the request has been dispatched, and is not written.
    mayBegin = false;
    const error = await failureOf(begun);
    assert.deepEqual([error.code, error.class, target.received.length], ["NotLeading", "retryable", 0]);
    mayBegin = true;
    assert.equal((await get(http, target.url)).status, 200);
    assert.equal(target.received.length, 1);
  });
});

describe("requestFailed", () => {
  it("finds our own refusal below the errors of clients, and bounds the search", () => {
    const own = new DeliveryError("EgressDenied", "denied");
    assert.equal(requestFailed(new Error("fetch failed", { cause: new Error("x", { cause: own }) }), "h", signal), own);
    const circular = new Error("a");
    circular.cause = circular;
    assert.equal(requestFailed(circular, "h", signal).message, "no answer from h");
    assert.equal(requestFailed(Object.assign(new Error("x"), { code: "strange code\n" }), "h", signal).message, "no answer from h");
  });
});
