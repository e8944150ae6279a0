import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { AccessReviews } from "../../src/kube/access-reviews.ts";
import { goodProvider, review } from "./objects.ts";
import { begin, tlsSocket } from "./server-harness.ts";

const body = JSON.stringify(review(goodProvider));
const head = `POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
const whole = `${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** Everything that a connection brings, until it is closed. */
function untilClosed(socket: Socket): Promise<string> {
  let received = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
  socket.on("error", () => undefined);
  return new Promise((resolve) =>
    socket.once("close", () => {
      resolve(received);
    }),
  );
}

const firstLine = (socket: Socket): Promise<string> =>
  new Promise((resolve) =>
    socket.once("data", (chunk: Buffer) => {
      resolve(chunk.toString().split("\r\n")[0] ?? "");
    }),
  );

/** Rights that nobody decides about until the test says so. */
function undecided(): { readonly reviews: AccessReviews; readonly asked: (times: number) => Promise<void>; readonly decide: () => void } {
  const decided = Promise.withResolvers<boolean>();
  let requests = 0;
  return {
    reviews: {
      isAllowed: (_requester, { resource }) => {
        if (resource === "secrets") requests += 1;
        return decided.promise;
      },
    },
    asked: async (times) => {
      while (requests < times) await setImmediate();
    },
    decide: () => {
      decided.resolve(true);
    },
  };
}

const plainSocket = (port: number): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      resolve(socket);
    });
  });

describe("webhook server: who takes their time", () => {
  it("a connection that never speaks TLS is closed", async (test) => {
    const { port, post } = await begin(test, { limits: { handshakeMs: 100 } });
    assert.equal(await untilClosed(await plainSocket(port)), "");
    assert.equal((await post("/validate", body)).status, 200);
  });

  const early = { headersMs: 100, requestMs: 200, lookEveryMs: 20 };
  for (const [what, bytes] of [
    ["without a request", ""],
    ["whose headers do not end", `${head}X-More: 1\r\n`],
    ["whose body does not come", `${head}Content-Length: 500\r\n\r\n{`],
  ] as const) {
    it(`a connection ${what} is closed`, async (test) => {
      const { port, certificate, post } = await begin(test, { limits: early });
      const socket = await tlsSocket(port, certificate.cert);
      const closed = untilClosed(socket);
      if (bytes !== "") socket.write(bytes);
      assert.match(await closed, /^HTTP\/1\.1 408 /);
      assert.equal((await post("/validate", body)).status, 200);
    });
  }

  it("headers and body that trickle in get no more time than others", async (test) => {
    const { port, certificate } = await begin(test, { limits: early });
    const socket = await tlsSocket(port, certificate.cert);
    const closed = untilClosed(socket);
    socket.write(`${head}Content-Length: 100000\r\n\r\n`);
    const trickle = setInterval(() => socket.write(" "), 10);
    const received = await closed;
    clearInterval(trickle);
    assert.match(received, /^HTTP\/1\.1 408 /);
  });

  it("a connection that is idle after its request is closed", async (test) => {
    const { port, certificate } = await begin(test, { limits: { idleMs: 100 } });
    const socket = await tlsSocket(port, certificate.cert);
    const closed = untilClosed(socket);
    socket.write(whole);
    assert.match(await closed, /^HTTP\/1\.1 200 OK[^]*"allowed":true/);
  });
});

describe("webhook server: who comes with many connections", () => {
  it("one more takes the place of the one that has been idle longest, before TLS or after", async (test) => {
    const { port, certificate, post } = await begin(test, { limits: { connections: 3 } });
    const silent = await plainSocket(port);
    const used = await tlsSocket(port, certificate.cert);
    const unused = await tlsSocket(port, certificate.cert);
    used.write(whole);
    assert.equal(await firstLine(used), "HTTP/1.1 200 OK");
    const ends = [untilClosed(silent), untilClosed(unused), untilClosed(used)];
    const order: string[] = [];
    ["silent", "unused", "used"].forEach((name, index) => void ends[index]?.then(() => order.push(name)));
    for (const end of ends) {
      const one = await tlsSocket(port, certificate.cert);
      test.after(() => one.destroy());
      await end;
    }
    assert.deepEqual(order, ["silent", "unused", "used"]);
    assert.equal((await post("/validate", body)).status, 200);
  });

  it("hundreds that are held open do not keep a request out", async (test) => {
    const { port, post } = await begin(test, { limits: { connections: 100 } });
    let closed = 0;
    const hold = async (): Promise<void> => {
      const socket = await plainSocket(port);
      test.after(() => socket.destroy());
      void untilClosed(socket).then(() => (closed += 1));
    };
    await Promise.all(Array.from({ length: 500 }, hold));
    assert.equal((await post("/validate", body)).status, 200);
    while (closed < 400) await setImmediate();
    assert.equal((await post("/validate", body)).status, 200);
  });

  it("those that are at work are not ended for one more", async (test) => {
    const { reviews, asked, decide } = undecided();
    const { port, certificate } = await begin(test, { reviews, limits: { connections: 2 } });
    const working = [await tlsSocket(port, certificate.cert), await tlsSocket(port, certificate.cert)];
    const answers = working.map(firstLine);
    for (const socket of working) socket.write(whole);
    await asked(2);
    await assert.rejects(tlsSocket(port, certificate.cert));
    decide();
    assert.deepEqual(await Promise.all(answers), ["HTTP/1.1 200 OK", "HTTP/1.1 200 OK"]);
  });
});

describe("webhook server: who sends much", () => {
  const size = Buffer.byteLength(body);

  it("bodies beyond the limit are answered with 429 at once, which API servers take as: again in a second", async (test) => {
    const { reviews, asked, decide } = undecided();
    const { post } = await begin(test, { reviews, limits: { bodiesBytes: 2 * size } });
    const first = [post("/validate", body), post("/validate", body)];
    await asked(2);
    const { status, headers, body: said } = await post("/validate", body);
    assert.deepEqual([status, headers["retry-after"], headers["connection"], (said as { code: string }).code], [429, "1", "close", "TooManyReviews"]);
    decide();
    assert.deepEqual((await Promise.all(first)).map((answer) => answer.status), [200, 200]);
    assert.equal((await post("/validate", body)).status, 200);
  });

  it("a body that does not say its length counts as the longest there may be", async (test) => {
    const { reviews, asked, decide } = undecided();
    const { port, certificate, post } = await begin(test, { reviews, limits: { bodiesBytes: size + 9_999, bodyBytes: 10_000 } });
    const first = post("/validate", body);
    await asked(1);
    const socket = await tlsSocket(port, certificate.cert);
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
    assert.equal(await firstLine(socket), "HTTP/1.1 429 Too Many Requests");
    decide();
    assert.equal((await first).status, 200);
  });

  it("a request that breaks off gives back what it took", async (test) => {
    const { port, certificate, post } = await begin(test, { limits: { bodiesBytes: size } });
    const socket = await tlsSocket(port, certificate.cert);
    socket.write(whole.slice(0, -10));
    while ((await post("/validate", body)).status !== 429) await setImmediate();
    socket.destroy();
    while ((await post("/validate", body)).status !== 200) await setImmediate();
  });
});

describe("webhook server: ciphers", () => {
  it("agrees upon authenticated encryption with forward secrecy, in TLS 1.2 as well", async (test) => {
    const { port, certificate } = await begin(test);
    const socket = await tlsSocket(port, certificate.cert, { maxVersion: "TLSv1.2" });
    assert.equal(socket.getCipher().name, "ECDHE-ECDSA-AES128-GCM-SHA256");
    socket.destroy();
    await assert.rejects(tlsSocket(port, certificate.cert, { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA" }));
  });
});
