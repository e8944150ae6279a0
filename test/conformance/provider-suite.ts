import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { runKinds, runStatuses, type RunEvent } from "../../src/api/run-event.ts";
import { shorten } from "../../src/api/text.ts";
import { ended, runEvent } from "../controller/runs.ts";
import { failureOf } from "../providers/errors.ts";
import type { Answer } from "../support/receivers.ts";
import { selfSignedCertificate } from "../support/self-signed-certificate.ts";
import { eventually } from "../support/wait.ts";
import { bench, never } from "./provider-bench.ts";
import type { ProviderEntry } from "./provider-entries.ts";

const classesOfHttp: Readonly<Record<number, string>> = {
  301: "route", 302: "route", 307: "route", 400: "permanent", 401: "credentials", 403: "credentials", 404: "route", 408: "retryable", 409: "permanent", 410: "route", 413: "permanent", 415: "permanent", 422: "permanent",
  429: "retryable", 500: "retryable", 502: "retryable", 503: "retryable", 504: "retryable",
};

const hostile: readonly (readonly [string, string])[] = [
  ["quotes and braces", "\"'}]{[\\\"\\u0000${name} $${x}"],
  ["control characters", "a\u0000b\u0007c\u001b[31md\r\n\te\u2028f\u202eg"],
  ["emoji", "😀👩‍👩‍👧‍👦".repeat(600)],
  ["mentions and markup", "<!channel> @here <@U1> [x](https://evil.example.com) *b* `c` <script>alert(1)</script> &lt;"],
  ["nothing but spaces", " \n\t "],
  ["8,192 characters", "é".repeat(8192)],
];

/** Within the bounds of RunEvent, which normalising keeps; results have none of their own. */
function hostileEvent(text: string): RunEvent {
  const long = text.repeat(Math.ceil(1_000_000 / text.length));
  const name = shorten(text, 253);
  const reason = shorten(text, 1024);
  return ended("Failed", {
    name, reason, message: shorten(text, 8192), pipeline: name, labels: { team: text }, annotations: { note: text }, params: { text }, results: { text: long, list: [text, text] },
    tasks: [{ name, kind: "TaskRun", status: "Failed", reason, message: shorten(text, 8192), ignored: false }],
    commit: { ...runEvent().commit, branch: shorten(text, 255), author: shorten(text, 100) },
  });
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)]) : [];
}

async function startTls(t: TestContext): Promise<{ url: string; requests: () => number }> {
  let requests = 0;
  const { key, cert } = await selfSignedCertificate("127.0.0.1");
  const server: Server = createServer({ key, cert }, (_, response) => {
    requests += 1;
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests };
}

/** What every provider must do, whatever its service: what it delivers, and what goes wrong. */
export function providerSuite(entry: ProviderEntry): void {
  const { definition, name = definition.type } = entry;

  describe(`${name}: what it delivers`, () => {
    it("is each status of each kind of run, once, by the vendor's contract", async (t) => {
      const { counterpart, sender, messages, carried } = await bench(t, entry);
      let sent = 0;
      for (const kind of runKinds) {
        for (const status of runStatuses) {
          for (const message of messages(runEvent({ kind, status, uid: `${kind}-${status}`, terminal: status !== "Pending" && status !== "Running" }))) {
            await sender.send(message, never);
            sent += 1;
          }
        }
      }
      assert.equal(sent, runKinds.length * runStatuses.length);
      assert.deepEqual([carried(), counterpart.shown().length, counterpart.violations], [sent, sent, []]);
    });

    it("is the same message, for the same state, sent twice: shown once, or its page says so", async (t) => {
      const { counterpart, sender, messages } = await bench(t, entry);
      for (let times = 0; times < 2; times += 1) for (const message of messages()) await sender.send(message, never);
      if (entry.repeated === "once") assert.equal(counterpart.shown().length, 1);
      else {
        assert.equal(counterpart.shown().length, 2);
        assert.match(readFileSync(join(import.meta.dirname, "../../docs/providers", entry.repeated.page), "utf8"), entry.repeated.says);
      }
    });

    it("goes to every destination, each with a key that a record can hold", async (t) => {
      const { notification, count } = entry.several ?? { notification: entry.notification, count: 1 };
      const { counterpart, sender, messages } = await bench(t, entry);
      const rendered = messages(ended("Failed"), notification);
      const keys = rendered.map(({ key }) => key);
      assert.deepEqual([keys.length, new Set(keys).size], [count, count]);
      assert.ok(keys.every((key) => key.length > 0 && key.length <= 253));
      for (const message of rendered) {
        const { externalRef = "" } = await sender.send(message, never);
        assert.ok(externalRef.length <= 2048 && Object.values(message.target).every((value) => value.length <= 2048));
      }
      assert.deepEqual([counterpart.shown().length, counterpart.violations], [count, []]);
    });

    for (const [what, text] of hostile) {
      it(`is told whatever runs hold: ${what}`, async (t) => {
        const { counterpart, sender, messages } = await bench(t, entry);
        const rendered = messages(hostileEvent(text));
        assert.ok(textsIn(rendered.map(({ request }) => request)).every((each) => each.isWellFormed()));
        for (const message of rendered) await sender.send(message, never);
        assert.deepEqual([counterpart.shown().length, counterpart.violations], [1, []]);
      });
    }

    for (const [what, text] of hostile) {
      it(`is told whatever the Notification's message makes of it: ${what}`, async (t) => {
        const { counterpart, sender, messages } = await bench(t, entry);
        const message = { title: "*${name}* ${results.text}", text: "`${results.text}` ${message}\n> ${tasks}", url: "https://example.com/${params.text}" };
        const rendered = messages(hostileEvent(text), entry.notification, message);
        assert.notDeepEqual(rendered, messages(hostileEvent(text)));
        assert.ok(textsIn(rendered.map(({ request }) => request)).every((each) => each.isWellFormed()));
        for (const each of rendered) await sender.send(each, never);
        assert.deepEqual([counterpart.shown().length, counterpart.violations], [1, []]);
      });
    }

    it("is what was rendered: the same for the same event, with credentials masked", async (t) => {
      const { messages, holdsNoSecret, counterpart } = await bench(t, entry);
      assert.deepEqual(messages(), messages());
      holdsNoSecret(messages());
      for (const { request } of messages()) {
        if (counterpart.secrets.size > 0) assert.equal(request.headers["authorization"], "[redacted]");
        assert.ok(Object.keys(request.headers).every((name) => name === name.toLowerCase()));
      }
    });
  });

  describe(`${name}: what goes wrong`, () => {
    for (const [status, usual] of Object.entries(classesOfHttp)) {
      const expected = entry.classes?.[Number(status)] ?? usual;
      it(`${status} is ${expected}, after one request`, async (t) => {
        const { counterpart, send, misbehave, carried, holdsNoSecret } = await bench(t, entry);
        const echoed = [...counterpart.secrets.values()].join(" ");
        misbehave({ answer: { status: Number(status), headers: { location: "https://127.0.0.1/elsewhere" }, body: { message: echoed, error: echoed } } });
        const error = await failureOf(send());
        assert.deepEqual([error.class, error.status], [expected, Number(status)], error.message);
        assert.equal(carried(), status === "401" ? (entry.requestsOn401 ?? 1) : 1);
        if (echoed !== "") assert.ok(!error.message.includes(echoed));
        holdsNoSecret(error.message);
      });
    }

    it("Retry-After says how long to wait, in seconds or as a date", async (t) => {
      const { send, misbehave, counterpart } = await bench(t, entry);
      misbehave({ answer: { status: 429, headers: { "retry-after": "7" } } });
      assert.equal((await failureOf(send())).retryAfterMs, 7000);
      counterpart.receiver.behave();
      misbehave({ answer: { status: 429, headers: { "retry-after": new Date(Date.now() + 90_000).toUTCString() } } });
      const { retryAfterMs = 0 } = await failureOf(send());
      assert.ok(retryAfterMs > 60_000 && retryAfterMs <= 91_000, String(retryAfterMs));
    });

    it("a connection that breaks is retryable", async (t) => {
      const { send, misbehave, carried, holdsNoSecret } = await bench(t, entry);
      misbehave({ reset: true });
      const error = await failureOf(send());
      assert.deepEqual([error.code, error.class, carried()], ["ServiceUnreachable", "retryable", 1]);
      holdsNoSecret(error);
    });

    it("a service that is down is retryable, and works when it is back", async (t) => {
      const { send, counterpart, holdsNoSecret } = await bench(t, entry);
      await counterpart.receiver.goAway();
      const error = await failureOf(send());
      assert.deepEqual([error.code, error.class], ["ServiceUnreachable", "retryable"]);
      holdsNoSecret(error);
      await counterpart.receiver.comeBack();
      await send();
      assert.equal(counterpart.shown().length, 1);
    });

    it("a certificate that nobody vouches for is retryable, and sees no request", async (t) => {
      const tls = await startTls(t);
      const { send, holdsNoSecret } = await bench(t, entry, { at: () => tls.url });
      const error = await failureOf(send());
      assert.deepEqual([error.code, error.class, tls.requests()], ["ServiceUnreachable", "retryable", 0]);
      holdsNoSecret(error);
    });

    const page = "<html><body>welcome to the hotel's network</body></html>";
    const malformed: readonly (readonly [string, Answer])[] = [
      ["a page of HTML with status 200", { status: 200, headers: { "content-type": "text/html" }, body: page }],
      ["a page of HTML that says it is JSON", { status: 200, headers: { "content-type": "application/json" }, body: page }],
      ["nothing", { status: 200, body: "" }],
      ["null", { status: 200, headers: { "content-type": "application/json" }, body: "null" }],
      ["a list", { status: 200, body: [] }],
      ["an object with nothing in it", { status: 200, body: {} }],
      ["an answer without end", { status: 200, headers: { "content-type": "application/json" }, body: `{"ok":true,"id":1,"x":"${"x".repeat(3_000_000)}"}` }],
    ];
    for (const [what, answer] of malformed) {
      it(`${what} is ${entry.anyBodyAccepts === true ? "an acceptance, as its protocol has it" : "retryable"}`, async (t) => {
        const { send, misbehave, carried } = await bench(t, entry);
        misbehave({ answer });
        if (entry.anyBodyAccepts === true) await send();
        else assert.equal((await failureOf(send())).class, "retryable");
        assert.equal(carried(), 1);
      });
    }

    for (const [what, reason, code] of [["the Provider's timeout", new DOMException("too slow", "TimeoutError"), "ServiceTimeout"], ["the end of the process", new Error("stopping"), "ServiceUnreachable"]] as const) {
      it(`${what} ends a request that hangs`, async (t) => {
        const { send, misbehave, carried, holdsNoSecret } = await bench(t, entry);
        misbehave({ hang: true });
        const controller = new AbortController();
        const sending = failureOf(send(controller.signal));
        await eventually("a request that hangs", () => (carried() === 1 ? true : undefined));
        controller.abort(reason);
        const error = await sending;
        assert.deepEqual([error.code, error.class, carried()], [code, "retryable", 1]);
        holdsNoSecret(error);
      });

      it(`${what} also ends the first request of all, whatever it is for`, async (t) => {
        const { send, counterpart } = await bench(t, entry);
        counterpart.receiver.misbehave({ hang: true });
        const controller = new AbortController();
        const sending = failureOf(send(controller.signal));
        await eventually("a request that hangs", () => (counterpart.receiver.received.length === 1 ? true : undefined));
        controller.abort(reason);
        assert.equal((await sending).code, code);
      });
    }
  });
}
