import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it, type TestContext } from "node:test";
import type { DeliveryError } from "../../src/providers/delivery-error.ts";
import { open } from "../../src/providers/github/send.ts";
import { systemClock } from "../../src/telemetry/clock.ts";
import type { GitHubDouble } from "../support/github-double.ts";
import type { Answer, Fault, Received } from "../support/receivers.ts";
import { runEvent } from "../controller/runs.ts";
import { allTextOf, failureOf } from "./errors.ts";
import { messagesOf, openSender, owner, sha, startDouble, type Opened } from "./github-harness.ts";

const { signal } = new AbortController();

/** The three requests that a first message takes, by the end of their paths. */
const phases = { "find the installation": /\/installation$/, "get a token": /\/access_tokens$/, "set the commit status": /\/statuses\/[0-9a-f]+$/ } as const;
type Phase = keyof typeof phases;

const during = (phase: Phase, fault: Fault) => (request: Received): Fault | undefined => (phases[phase].test(request.path) ? fault : undefined);

interface Setting {
  readonly double: GitHubDouble;
  readonly opened: Opened;
  readonly send: (signal?: AbortSignal) => Promise<unknown>;
  readonly posts: () => number;
}

async function setting(t: TestContext, options: Parameters<typeof openSender>[2] = {}): Promise<Setting> {
  const double = await startDouble(t);
  const opened = openSender(t, double, options);
  const [message] = messagesOf(runEvent({ commit: { owner, repo: "crane-console", sha }, message: "s3cret-message" }), opened.provider);
  assert.ok(message !== undefined);
  return {
    double,
    opened,
    send: (of = signal) => opened.sender.send(message, of),
    posts: () => double.received.filter(({ path }) => phases["set the commit status"].test(path)).length,
  };
}

/** What a message fails with when every request of a phase meets the fault. */
async function failure(t: TestContext, phase: Phase, fault: Fault): Promise<{ readonly error: DeliveryError; readonly after: Setting }> {
  const after = await setting(t);
  after.double.misbehave(during(phase, fault));
  return { error: await failureOf(after.send()), after };
}

const answer = (status: number, message = "no", headers: Record<string, string> = {}): { answer: Answer } => ({ answer: { status, headers, body: { message, documentation_url: "https://docs.github.com" } } });

for (const phase of Object.keys(phases) as Phase[]) {
  describe(`to ${phase}: GitHub answers`, () => {
    for (const [status, code] of [
      [401, "CredentialsRefused"],
      [403, "DestinationRefused"],
      [404, "DestinationRefused"],
      [410, "DestinationRefused"],
      [422, "MessageRefused"],
      [408, "ServiceFailed"],
      [500, "ServiceFailed"],
      [502, "ServiceFailed"],
      [503, "ServiceFailed"],
    ] as const) {
      it(`${status}, which is ${code}`, async (t) => {
        const { error } = await failure(t, phase, answer(status, "s3cret answer of a server that a user chose"));
        assert.deepEqual([error.code, error.status], [code, status]);
        assert.match(error.message, new RegExp(`^could not ${phase}: 127\\.0\\.0\\.1:\\d+ answered ${status}`));
        assert.doesNotMatch(allTextOf(error), /s3cret/);
      });
    }

    for (const [what, fault, retryAfterMs] of [
      ["429 with Retry-After", answer(429, "slow down", { "retry-after": "17" }), 17_000],
      ["429 without a word", answer(429), 60_000],
      ["403 with Retry-After", answer(403, "You have exceeded a secondary rate limit.", { "retry-after": "90" }), 90_000],
      ["403 for a secondary limit, by its documentation", { answer: { status: 403, body: { message: "no", documentation_url: "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#secondary-rate-limits" } } }, 60_000],
      ["403 for a secondary limit, without a time", answer(403, "You have exceeded a secondary rate limit. Please wait."), 60_000],
    ] as const) {
      it(`${what}, which is RateLimited for ${retryAfterMs} ms`, async (t) => {
        const { error } = await failure(t, phase, fault);
        assert.deepEqual([error.code, error.class, error.retryAfterMs], ["RateLimited", "retryable", retryAfterMs]);
      });
    }

    it("that nothing is left of the hour's requests, which is RateLimited until the reset", async (t) => {
      const reset = Math.floor(Date.now() / 1000) + 1_800;
      const { error } = await failure(t, phase, answer(403, "API rate limit exceeded", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(reset) }));
      assert.equal(error.code, "RateLimited");
      assert.ok(error.retryAfterMs !== undefined && error.retryAfterMs > 1_780_000 && error.retryAfterMs <= 1_800_000, String(error.retryAfterMs));
    });

    for (const [what, fault, code] of [
      ["with a page of HTML and 200", { answer: { status: 200, headers: { "content-type": "text/html" }, body: "<html>s3cret login page</html>" } }, "ServiceFailed"],
      ["with a JSON document of another kind", { answer: { status: 200, body: { s3cret: true } } }, "ServiceFailed"],
      ["with nothing", { answer: { status: 200 } }, "ServiceFailed"],
      ["with a redirect", { answer: { status: 307, headers: { location: "https://elsewhere.example.com/s3cret" } } }, "DestinationRefused"],
      ["with more than is read", { answer: { status: 200, headers: { "content-type": "application/json" }, body: `"${"s3cret".repeat(200_000)}"` } }, "ServiceFailed"],
      ["by closing the connection", { reset: true }, "ServiceUnreachable"],
    ] as const) {
      it(`${what}, which is ${code}`, async (t) => {
        const { error } = await failure(t, phase, fault);
        assert.equal(error.code, code);
        assert.doesNotMatch(allTextOf(error), /s3cret/);
      });
    }

    it("never: the signal ends it", async (t) => {
      const { double, send } = await setting(t);
      double.misbehave(during(phase, { hang: true }));
      const controller = new AbortController();
      const sending = failureOf(send(controller.signal));
      while (!double.received.some(({ outcome }) => outcome === "hang")) await new Promise((resolve) => setImmediate(resolve));
      controller.abort(new DOMException("too slow", "TimeoutError"));
      assert.equal((await sending).code, "ServiceTimeout");
    });
  });
}

describe("after a failure", () => {
  it("nothing is kept of it: the next message does as if it were the first", async (t) => {
    for (const phase of Object.keys(phases) as Phase[]) {
      const { double, send } = await setting(t);
      double.misbehave(during(phase, { answer: { status: 502 } }), 1);
      await assert.rejects(send());
      await send();
      assert.equal(double.statuses.length, 1);
    }
  });

  it("one call is one request that carries the message; only a refused token is tried once more", async (t) => {
    for (const [status, posts] of [[500, 1], [429, 1], [403, 1], [422, 1], [401, 2]] as const) {
      const { after } = await failure(t, "set the commit status", answer(status));
      assert.equal(after.posts(), posts, String(status));
    }
  });

  it("the message that a user reads says what to do", async (t) => {
    const said = async (phase: Phase, status: number): Promise<string> => (await failure(t, phase, answer(status))).error.message;
    assert.match(await said("find the installation", 404), /the App is not installed on this repository/);
    assert.match(await said("get a token", 404), /the installation no longer exists/);
    assert.match(await said("set the commit status", 403), /lacks the permission "Commit statuses: Read and write"/);
    assert.match(await said("set the commit status", 404), /the repository does not exist, or the App may not see it/);
    assert.match(await said("set the commit status", 422), /the commit does not exist there/);
  });

  it("a commit with a thousand statuses of the context is an error for good, which says so", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double);
    const [message] = messagesOf(runEvent({ commit: { owner, repo: "crane-console", sha } }), provider);
    for (let count = 0; count < 1000; count += 20) await Promise.all(Array.from({ length: 20 }, () => sender.send(message ?? assert.fail(), signal)));
    const error = await failureOf(sender.send(message ?? assert.fail(), signal));
    assert.deepEqual([error.code, error.class, double.statuses.length], ["MessageRefused", "permanent", 1000]);
    assert.match(error.message, /the commit has 1,000 statuses of this context, and GitHub takes no more: use another context, or report fewer statuses/);
  });

  it("no error holds a token, a JWT or the key, wherever one looks", async (t) => {
    for (const phase of Object.keys(phases) as Phase[]) {
      for (const fault of [answer(500), answer(401), answer(403), { reset: true }, { answer: { status: 200, body: "<html>" } }] satisfies Fault[]) {
        const { after, error } = await failure(t, phase, fault);
        const text = allTextOf(error) + allTextOf(await failureOf(after.send()));
        const key = after.double.privateKey.split("\n")[5] ?? assert.fail();
        const bearers = after.double.received.map(({ headers }) => headers["authorization"]?.split(" ")[1] ?? "").filter((value) => value !== "");
        assert.ok(bearers.length > 0);
        for (const secret of [key, ...bearers, ...bearers.map((jwt) => jwt.split(".").at(-1) ?? jwt)]) assert.ok(!text.includes(secret), `${phase}: ${secret.slice(0, 8)}`);
      }
    }
  });
});

describe("the private key", () => {
  const provider = { appId: 1, privateKey: { secretRef: { name: "app", key: "my-key" } } };
  const opening = (value: string | undefined) => (): unknown =>
    open({ provider, secrets: new Map(value === undefined ? [] : [["app/my-key", value]]), http: { fetch: () => Promise.reject(new Error()), close: () => Promise.resolve() }, clock: systemClock, learnSecret: () => undefined });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const publicKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ type: "spki", format: "pem" }).toString();

  for (const [what, value] of [["missing", undefined], ["empty", ""], ["a password", "s3cret-password"], ["half a key", "-----BEGIN RSA PRIVATE KEY-----\ns3cret\n"], ["a key of another kind", ec], ["the public key", publicKey]] as const) {
    it(`that is ${what} is SecretMalformed when the connection is opened, and is not shown`, () => {
      assert.throws(opening(value), (error) => {
        const { code, class: errorClass, message } = error as DeliveryError;
        assert.deepEqual([code, errorClass, message], ["SecretMalformed", "credentials", "Secret app, key my-key: not an RSA private key in PEM form, as GitHub offers it for download"]);
        assert.doesNotMatch(allTextOf(error), /s3cret/);
        return true;
      });
    });
  }

  it("of another App is CredentialsRefused", async (t) => {
    const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs1", format: "pem" }).toString();
    const { send } = await setting(t, { key });
    const error = await failureOf(send());
    assert.deepEqual([error.code, error.status], ["CredentialsRefused", 401]);
  });
});
