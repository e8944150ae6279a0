import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it, type TestContext } from "node:test";
import { Webhook } from "standardwebhooks";
import { cloudEvents, type CloudEventsProvider } from "../../src/providers/cloudevents/config.ts";
import type { Message, Sender } from "../../src/providers/provider.ts";
import { ended } from "../controller/runs.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";
import { startReceiver, type Answer, type Received, type Receiver } from "../support/receivers.ts";
import { sendingTo } from "./cloudevents-harness.ts";
import { allTextOf, failureOf } from "./errors.ts";
import { noTemplates } from "./templates.ts";

const { signal } = new AbortController();

function messageTo(provider: CloudEventsProvider, uid = "run-1"): Message {
  const result = cloudEvents.render({ event: ended("Failed", { uid }), provider, notification: {}, notificationName: { namespace: "ci", name: "n" }, providerNamespace: "ci", sentBefore: () => ({ sentCount: 0 }), ...noTemplates });
  return ("messages" in result ? result.messages[0] : undefined) ?? assert.fail();
}

/** What arrived has every header that was rendered; masked ones have a value that nobody rendered. */
function arrivedAsRendered({ request: { headers } }: Message, arrived: Received | undefined): void {
  for (const [name, value] of Object.entries(headers)) {
    if (value === "[redacted]" || value === "[varies]") assert.ok((arrived?.headers[name] ?? "") !== "" && arrived?.headers[name] !== value, name);
    else assert.equal(arrived?.headers[name], value, name);
  }
}

describe("headers of the Provider", () => {
  it("are sent with every event; those from a Secret are not in what is rendered", async (t) => {
    const headers = [{ name: "X-Tenant", value: "shop & co" }, { name: "X-Api-Key", valueFrom: { secretRef: { name: "keys", key: "api" } } }, { name: "Authorization", value: "Token s3cret-in-the-open" }];
    const { sink, sender, provider } = await sendingTo(t, { headers }, { secrets: { "keys/api": "s3cret-api-key\n" } });
    const message = messageTo(provider);
    assert.deepEqual([message.request.headers["x-tenant"], message.request.headers["x-api-key"], message.request.headers["authorization"]], ["shop & co", "[redacted]", "[redacted]"]);
    await sender.send(message, signal);
    const [arrived] = sink.received;
    assert.deepEqual([arrived?.headers["x-tenant"], arrived?.headers["x-api-key"], arrived?.headers["authorization"]], ["shop & co", "s3cret-api-key", "Token s3cret-in-the-open"]);
    arrivedAsRendered(message, arrived);
    assert.doesNotMatch(JSON.stringify(message), /s3cret/);
  });

  const fieldsOf = (section: Partial<CloudEventsProvider>): string[] => cloudEvents.check({ url: "https://events.example.com/", ...section }).map(({ path }) => path.join("."));
  for (const name of ["ce-id", "Ce-X", "webhook-id", "Webhook-Signature", "Host", "Content-Type", "content-length", "Connection", "Keep-Alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Proxy-Authorization", "Expect"]) {
    it(`may not be ${name}`, () => {
      assert.deepEqual(fieldsOf({ headers: [{ name: "X-Ok", value: "x" }, { name, value: "x" }] }), ["headers.1.name"]);
    });
  }

  it("may be Authorization only without an authentication, and each name is there once", () => {
    const authorization = [{ name: "AUTHORIZATION", value: "x" }];
    assert.deepEqual(fieldsOf({ headers: authorization }), []);
    assert.deepEqual(fieldsOf({ headers: authorization, authentication: { type: "None" } }), []);
    assert.deepEqual(fieldsOf({ headers: authorization, authentication: { type: "HMAC", secretRef: { name: "s" } } }), ["headers.0.name"]);
    assert.deepEqual(fieldsOf({ headers: [{ name: "X-A", value: "x" }, { name: "x-a", value: "x" }] }), ["headers.1.name"]);
  });

  it("whose value cannot be one make the connection fail, and are not shown", async (t) => {
    const headers = [{ name: "X-Api-Key", valueFrom: { secretRef: { name: "keys", key: "api" } } }];
    for (const value of ["s3cret\r\nX-Injected: 1", "s3cret é", "\n"]) {
      const error = await failureOf(sendingTo(t, { headers }, { secrets: { "keys/api": value } }));
      assert.equal(error.code, "SecretMalformed");
      assert.doesNotMatch(allTextOf(error), /s3cret/);
    }
  });
});

describe("authentication", () => {
  it("Bearer sends the token of the Secret", async (t) => {
    const { sink, sender, provider } = await sendingTo(t, { authentication: { type: "Bearer", secretRef: { name: "s" } } }, { secrets: { "s/token": "s3cret.token~1\n" } });
    const message = messageTo(provider);
    await sender.send(message, signal);
    assert.equal(sink.received[0]?.headers["authorization"], "Bearer s3cret.token~1");
    arrivedAsRendered(message, sink.received[0]);
    assert.doesNotMatch(JSON.stringify(message), /s3cret/);
  });

  it("Basic sends user name and password as RFC 7617 has it, and has the pair masked", async (t) => {
    const { sink, sender, provider, learnt } = await sendingTo(t, { authentication: { type: "Basic", secretRef: { name: "s" } } }, { secrets: { "s/username": "tekton", "s/password": "pässword: 1" } });
    await sender.send(messageTo(provider), signal);
    const pair = Buffer.from("tekton:pässword: 1").toString("base64");
    assert.deepEqual([sink.received[0]?.headers["authorization"], learnt], [`Basic ${pair}`, [pair]]);
  });

  for (const [type, secrets] of [
    ["Bearer", { "s/token": "s3cret with spaces" }], ["Basic", { "s/username": "a:b", "s/password": "s3cret" }], ["Basic", { "s/username": "a", "s/password": "s3cret\ns3cret" }],
    ["HMAC", { "s/secret": "s3cret" }], ["HMAC", { "s/secret": `whsec_${Buffer.alloc(23).toString("base64")}` }], ["HMAC", { "s/secret": `whsec_${Buffer.alloc(65).toString("base64")}` }], ["HMAC", { "s/secret": Buffer.alloc(32).toString("base64") }], ["HMAC", {}],
  ] as const) {
    it(`${type} refuses a Secret that cannot be one when it is opened: ${JSON.stringify(secrets)}`, async (t) => {
      const error = await failureOf(sendingTo(t, { authentication: { type, secretRef: { name: "s" } } }, { secrets }));
      assert.equal(error.code, "SecretMalformed");
      assert.doesNotMatch(allTextOf(error), /s3cret/);
    });
  }

  it("names the keys it needs of the Secret", () => {
    const keys = (type: "None" | "Bearer" | "Basic" | "OAuth2" | "HMAC", key?: string): string[] =>
      cloudEvents.secretRefs({ url: "", authentication: { type, ...(type !== "None" && { secretRef: { name: "s", ...(key !== undefined && { key }) } }) } }).map((ref) => `${ref.name}/${ref.key}`);
    assert.deepEqual([keys("None"), keys("Bearer"), keys("Bearer", "k"), keys("HMAC"), keys("HMAC", "k")], [[], ["s/token"], ["s/k"], ["s/secret"], ["s/k"]]);
    assert.deepEqual([keys("Basic"), keys("OAuth2")], [["s/username", "s/password"], ["s/client-id", "s/client-secret"]]);
  });

  it("takes no key where two are needed", () => {
    for (const type of ["Basic", "OAuth2"] as const) {
      const [problem] = cloudEvents.check({ url: "https://x.example.com/", authentication: { type, secretRef: { name: "s", key: "k" }, tokenURL: "https://x.example.com/" } });
      assert.deepEqual(problem?.path, ["authentication", "secretRef", "key"]);
    }
  });
});

describe("authentication by HMAC", () => {
  const key = (): string => `whsec_${randomBytes(32).toString("base64")}`;
  const signed = async (t: TestContext, secret: string, mode: "Structured" | "Binary" = "Structured"): Promise<{ arrived: Received; message: Message }> => {
    const { sink, sender, provider } = await sendingTo(t, { mode, authentication: { type: "HMAC", secretRef: { name: "s" } } }, { secrets: { "s/secret": secret } });
    const message = messageTo(provider);
    await sender.send(message, signal);
    return { arrived: sink.received[0] ?? assert.fail(), message };
  };

  for (const mode of ["Structured", "Binary"] as const) {
    it(`signs each event as Standard Webhooks has it (${mode}), and its own library takes it`, async (t) => {
      const secret = key();
      const { arrived, message } = await signed(t, secret, mode);
      new Webhook(secret).verify(arrived.body, arrived.headers);
      assert.deepEqual(message.request.headers["webhook-id"], arrived.headers["webhook-id"]);
      arrivedAsRendered(message, arrived);
      for (const [body, headers, by] of [[`${arrived.body} `, arrived.headers, secret], [arrived.body, { ...arrived.headers, "webhook-id": "another" }, secret], [arrived.body, arrived.headers, key()]] as const) {
        assert.throws(() => new Webhook(by).verify(body, headers));
      }
    });
  }

  it("signs with each of several keys, so that one can take the place of the other", async (t) => {
    const [old, fresh] = [key(), key()];
    const { arrived } = await signed(t, `${old}\n${fresh}\n`);
    for (const secret of [old, fresh]) new Webhook(secret).verify(arrived.body, arrived.headers);
    assert.equal(arrived.headers["webhook-signature"]?.split(" ").length, 2);
  });
});

interface TokenBench {
  readonly server: Receiver;
  readonly sink: Receiver;
  readonly sender: Sender;
  readonly provider: CloudEventsProvider;
  readonly clock: ManualClock;
  readonly learnt: readonly string[];
  /** Tokens that the sink takes. */
  readonly good: Set<string>;
  readonly authorizations: () => (string | undefined)[];
}

/** A token server whose tokens are `token-1`, `token-2` and so on. */
async function withTokens(t: TestContext, answer: Partial<Record<string, unknown>> = { expires_in: 600 }, authentication: Partial<CloudEventsProvider["authentication"]> = {}): Promise<TokenBench> {
  let count = 0;
  const respond = (): Answer => {
    count += 1;
    return { status: 200, body: { access_token: `s3cret-token-${count}`, token_type: "Bearer", ...answer } };
  };
  const server = await startReceiver({ respond });
  t.after(() => server.close());
  const clock = manualClock();
  const bench = await sendingTo(
    t,
    { authentication: { type: "OAuth2", secretRef: { name: "s" }, tokenURL: `${server.url}/token?tenant=1`, ...authentication } },
    { secrets: { "s/client-id": "a client/ä", "s/client-secret": "s3cret:+ %" }, clock },
  );
  return { ...bench, server, clock, good: new Set(), authorizations: () => bench.sink.received.map(({ headers }) => headers["authorization"]) };
}

describe("authentication by OAuth2 client credentials", () => {
  it("asks as RFC 6749 has it: a form, and the client in the Authorization header", async (t) => {
    const { server, sender, provider, learnt } = await withTokens(t, {}, { scopes: ["events.write", "a"], audience: "https://events.example.com" });
    const message = messageTo(provider);
    await sender.send(message, signal);
    const [asked] = server.received;
    assert.deepEqual([asked?.method, asked?.path, asked?.headers["content-type"]], ["POST", "/token?tenant=1", "application/x-www-form-urlencoded"]);
    assert.deepEqual(Object.fromEntries(new URLSearchParams(asked?.body)), { grant_type: "client_credentials", scope: "events.write a", audience: "https://events.example.com" });
    const pair = Buffer.from((asked?.headers["authorization"] ?? "").slice("Basic ".length), "base64").toString("utf8");
    assert.deepEqual(pair.split(":").map((part) => new URLSearchParams(`x=${part}`).get("x")), ["a client/ä", "s3cret:+ %"]);
    assert.ok(learnt.includes("s3cret-token-1") && learnt.length === 2);
    assert.equal(message.request.headers["authorization"], "[redacted]");
  });

  it("asks for the token that the first event takes, when it is asked whether the client is known", async (t) => {
    const { server, sender, provider, sink } = await withTokens(t);
    await sender.verify?.(signal);
    assert.deepEqual([server.received.length, sink.received.length], [1, 0]);
    await sender.send(messageTo(provider), signal);
    assert.equal(server.received.length, 1);
    const other = await withTokens(t);
    other.server.misbehave({ answer: { status: 401 } });
    assert.equal((await failureOf(other.sender.verify?.(signal) ?? Promise.resolve())).code, "CredentialsRefused");
  });

  it("asks once for many events, also when they come at once, and again before the token ends", async (t) => {
    const { server, sender, provider, clock, authorizations } = await withTokens(t);
    await Promise.all(Array.from({ length: 20 }, (_, index) => sender.send(messageTo(provider, `run-${index}`), signal)));
    clock.advance(539_000);
    await sender.send(messageTo(provider), signal);
    assert.equal(server.received.length, 1);
    clock.advance(1_000);
    await sender.send(messageTo(provider), signal);
    assert.deepEqual([server.received.length, new Set(authorizations()), authorizations().at(-1)], [2, new Set(["Bearer s3cret-token-1", "Bearer s3cret-token-2"]), "Bearer s3cret-token-2"]);
  });

  for (const [what, expiresIn, goodForMs] of [["does not say how long it lives", undefined, 240_000], ["lives for 20 seconds", 20, 15_000], ["says how long it lives in quotes", "600", 540_000], ["says nonsense", -5, 240_000], ["lives for years", 1e9, 86_340_000]] as const) {
    it(`keeps a token that ${what} for ${goodForMs / 1000} s`, async (t) => {
      const { server, sender, provider, clock } = await withTokens(t, { expires_in: expiresIn });
      await sender.send(messageTo(provider), signal);
      clock.advance(goodForMs - 1);
      await sender.send(messageTo(provider), signal);
      assert.equal(server.received.length, 1);
      clock.advance(1);
      await sender.send(messageTo(provider), signal);
      assert.equal(server.received.length, 2);
    });
  }

  it("asks once more when the receiver refuses a token, and blames the credentials when it refuses that one too", async (t) => {
    const { server, sink, sender, provider, authorizations } = await withTokens(t);
    sink.misbehave({ answer: { status: 401 } }, 1);
    await sender.send(messageTo(provider), signal);
    assert.deepEqual([server.received.length, authorizations()], [2, ["Bearer s3cret-token-1", "Bearer s3cret-token-2"]]);
    sink.misbehave({ answer: { status: 401 } });
    const error = await failureOf(sender.send(messageTo(provider), signal));
    assert.deepEqual([error.code, server.received.length, sink.received.length], ["CredentialsRefused", 3, 4]);
  });

  for (const [status, code] of [[400, "CredentialsRefused"], [401, "CredentialsRefused"], [403, "CredentialsRefused"], [404, "CredentialsRefused"], [302, "CredentialsRefused"], [429, "RateLimited"], [500, "ServiceFailed"], [503, "ServiceFailed"]] as const) {
    it(`a token server that answers ${status} is ${code}, and what it says is not shown`, async (t) => {
      const { server, sink, sender, provider } = await withTokens(t);
      server.misbehave({ answer: { status, headers: { "retry-after": "7", location: "https://x.example.com/s3cret" }, body: { error: "invalid_client", error_description: "s3cret" } } });
      const error = await failureOf(sender.send(messageTo(provider), signal));
      assert.deepEqual([error.code, error.status, error.retryAfterMs, sink.received.length], [code, status, 7000, 0]);
      assert.match(error.message, /^could not get a token: 127\.0\.0\.1:\d+ answered \d+/);
      assert.doesNotMatch(allTextOf(error), /s3cret|invalid_client/);
    });
  }

  for (const [what, body] of [["a page", "<html>s3cret</html>"], ["nothing", ""], ["null", "null"], ["no token", { token_type: "Bearer" }], ["a token of another type", { access_token: "s3cret", token_type: "mac" }], ["a token with a line break", { access_token: "s3cret\nx" }], ["an answer without end", "x".repeat(2_000_000)]] as const) {
    it(`a token server that answers ${what} is retryable`, async (t) => {
      const { server, sink, sender, provider } = await withTokens(t);
      server.misbehave({ answer: { status: 200, body } });
      const error = await failureOf(sender.send(messageTo(provider), signal));
      assert.deepEqual([error.class, sink.received.length], ["retryable", 0]);
      assert.doesNotMatch(allTextOf(error), /s3cret/);
    });
  }

  it("an event that is given up takes no other's token away", async (t) => {
    const { server, sender, provider } = await withTokens(t);
    server.misbehave({ hang: true }, 1);
    const first = new AbortController();
    const failing = failureOf(sender.send(messageTo(provider, "a"), first.signal));
    const second = sender.send(messageTo(provider, "b"), signal);
    while (server.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    first.abort(new DOMException("too slow", "TimeoutError"));
    assert.equal((await failing).code, "ServiceTimeout");
    await second;
    assert.equal(server.received.length, 2);
  });

  it("is not asked for where this installation does not send", async (t) => {
    const { sender, provider } = await withTokens(t, {}, { tokenURL: "https://169.254.169.254/token" });
    assert.equal((await failureOf(sender.send(messageTo(provider), signal))).code, "EgressDenied");
  });
});
