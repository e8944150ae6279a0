import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import type { Resolve } from "../../src/providers/egress.ts";
import type { Sender } from "../../src/providers/provider.ts";
import { ended } from "../controller/runs.ts";
import { allTextOf, failureOf } from "../providers/errors.ts";
import { hurriedClock } from "../support/hurried-clock.ts";
import { startProxy } from "../support/proxy-double.ts";
import { selfSignedCertificate } from "../support/self-signed-certificate.ts";
import { eventually } from "../support/wait.ts";
import { bench, never, sockets, tlsBench } from "./provider-bench.ts";
import type { ProviderEntry } from "./provider-entries.ts";

/** The sender, asked whether its credentials are good. */
const asked = (sender: Sender, signal = never): Promise<void> => sender.verify?.(signal) ?? Promise.resolve();

/** What every provider must do, whatever its service: its credentials, and how requests travel. */
export function connectionSuite(entry: ProviderEntry): void {
  const { definition, name = definition.type } = entry;

  describe(`${name}: credentials and connections`, () => {
    it("asks for credentials once for many messages", async (t) => {
      const { counterpart, sender, messages, carried } = await bench(t, entry);
      const count = 25;
      for (let index = 0; index < count; index += 1) for (const message of messages(ended("Failed", { uid: `run-${index}` }))) await sender.send(message, never);
      const others = counterpart.receiver.received.length - carried();
      assert.equal(carried(), count);
      assert.ok(others <= (entry.others ?? 2), `${others} requests besides the messages`);
    });

    it("says that the credentials are wrong, and not who is to blame by their value", async (t) => {
      const { send, holdsNoSecret, counterpart } = await bench(t, entry, { wrong: true });
      if (counterpart.wrongSecrets === undefined) {
        assert.deepEqual(definition.secretRefs(entry.sectionAt(counterpart.receiver.url)), []);
        return;
      }
      const error = await failureOf(send());
      assert.equal(error.class, "credentials");
      holdsNoSecret(error);
    });

    if (entry.verifies === true) {
      it("can be asked whether the credentials are good, and sends nothing for it", async (t) => {
        const { sender, counterpart, carried } = await bench(t, entry);
        await asked(sender);
        assert.deepEqual([counterpart.receiver.received.length, carried(), counterpart.shown(), counterpart.violations], [1, 0, [], []]);
      });

      it("says that they are not, when asked", async (t) => {
        const { sender, holdsNoSecret } = await bench(t, entry, { wrong: true });
        const error = await failureOf(asked(sender));
        assert.equal(error.class, "credentials");
        holdsNoSecret(error);
      });

      it("blames nobody's credentials for a service that cannot be asked", async (t) => {
        const { sender, counterpart } = await bench(t, entry);
        for (const fault of [{ answer: { status: 503 } }, { answer: { status: 200, headers: { "content-type": "text/html" }, body: "<html>" } }, { answer: { status: 200, body: {} } }, { reset: true }]) {
          counterpart.receiver.misbehave(fault);
          assert.equal((await failureOf(asked(sender))).class, "retryable", JSON.stringify(fault));
          counterpart.receiver.behave();
        }
        counterpart.receiver.misbehave({ hang: true });
        assert.equal((await failureOf(asked(sender, AbortSignal.timeout(100)))).code, "ServiceTimeout");
      });
    } else {
      it("asks nothing about its credentials where the service has no call for it", async (t) => {
        const { sender } = await bench(t, entry);
        assert.equal(sender.verify, undefined);
      });
    }

    it("refuses values that can be no credentials when it is opened, and shows none of them", async (t) => {
      const { counterpart, http } = await bench(t, entry);
      const { open } = await definition.load();
      const provider = entry.sectionAt(counterpart.receiver.url);
      for (const value of ["", "s3cret s3cret\nnot a credential", "-----BEGIN s3cret-----"]) {
        const secrets = new Map([...counterpart.secrets.keys()].map((name) => [name, value]));
        if (secrets.size === 0) continue;
        assert.throws(() => open({ provider, secrets, http, clock: hurriedClock(), learnSecret: () => undefined }), (error) => {
          assert.ok(error instanceof DeliveryError && error.code === "SecretMalformed");
          assert.doesNotMatch(allTextOf(error), /s3cret/);
          return true;
        });
      }
      assert.equal(counterpart.receiver.received.length, 0);
    });

    for (const [what, at] of [
      ["an address of this machine", (url: string) => url],
      ["an address of this machine over TLS", (url: string) => url.replace("http:", "https:")],
      ["a name that leads to it", (url: string) => url.replace("http://127.0.0.1", "https://localhost")],
      ["the metadata service", () => "https://169.254.169.254"],
    ] as const) {
      it(`reaches no ${what} outside development`, async (t) => {
        const { send, counterpart, holdsNoSecret } = await bench(t, entry, { policy: { development: false }, at });
        const error = await failureOf(send());
        assert.deepEqual([error.code, counterpart.receiver.received.length], ["EgressDenied", 0]);
        holdsNoSecret(error);
      });
    }

    it("reaches no name that has become an address of this machine since it was checked", async (t) => {
      // Nobody is there: TEST-NET-1 is never routed.
      const answers = ["192.0.2.1", "127.0.0.1"];
      const resolve: Resolve = (_, __, callback) => {
        callback(null, [{ address: answers.length > 1 ? (answers.shift() ?? "") : "127.0.0.1", family: 4 }]);
      };
      const at = (url: string): string => url.replace("http://127.0.0.1", "https://rebinding.example.com");
      const { send, counterpart } = await bench(t, entry, { policy: { development: false }, at, resolve });
      assert.notEqual((await failureOf(send(AbortSignal.timeout(200)))).code, "EgressDenied");
      assert.deepEqual([(await failureOf(send())).code, counterpart.receiver.received.length], ["EgressDenied", 0]);
    });

    it("begins no request once this controller does not lead", async (t) => {
      const { send, counterpart } = await bench(t, entry, { mayBegin: () => false });
      const error = await failureOf(send());
      assert.deepEqual([error.code, counterpart.receiver.received.length], ["NotLeading", 0]);
    });

    it("trusts whom the Provider's own CA vouches for, and uses its connections again", async (t) => {
      const { sender, messages, counterpart, front } = await tlsBench(t, entry);
      for (let index = 0; index < 25; index += 1) for (const message of messages(ended("Failed", { uid: `run-${index}` }))) await sender.send(message, never);
      assert.deepEqual([counterpart.shown().length > 0, counterpart.violations], [true, []]);
      assert.ok(front.clients.length <= 3, `${front.clients.length} connections`);
    });

    it("shows the Provider's certificate to a service that asks for one", async (t) => {
      const client = await selfSignedCertificate("tekton.example.com");
      const { send, counterpart, front } = await tlsBench(t, entry, { clientCa: client.cert, transport: { certificate: client } });
      await send();
      assert.deepEqual([new Set(front.clients), counterpart.shown().length], [new Set(["tekton.example.com"]), 1]);
    });

    it("without a certificate, is retryable where the service asks for one, and sends nothing", async (t) => {
      const client = await selfSignedCertificate("tekton.example.com");
      const { send, counterpart } = await tlsBench(t, entry, { clientCa: client.cert });
      const error = await failureOf(send());
      assert.deepEqual([error.code, error.class, counterpart.receiver.received.length], ["ServiceUnreachable", "retryable", 0]);
    });

    it("goes through the Provider's proxy, whose login nobody else sees", async (t) => {
      const authorization = `Basic ${Buffer.from("tekton:login-of-the-proxy").toString("base64")}`;
      const proxy = await startProxy({ authorization });
      t.after(() => proxy.close());
      const { send, counterpart, front } = await tlsBench(t, entry, { transport: { proxy: { url: proxy.url, authorization } } });
      await send();
      assert.deepEqual([counterpart.shown().length, front.clients.length], [1, proxy.asked.length]);
      assert.ok(proxy.asked.length > 0 && proxy.asked.every(({ target }) => target === `127.0.0.1:${front.port}`));
      assert.ok(counterpart.receiver.received.every(({ headers }) => headers["proxy-authorization"] === undefined));
    });

    it("says that the proxy wants another login, and shows none", async (t) => {
      const proxy = await startProxy({ authorization: "Basic eA==" });
      t.after(() => proxy.close());
      const { send, counterpart } = await bench(t, entry, { transport: { proxy: { url: proxy.url, authorization: "Basic bG9naW4tb2YtdGhlLXByb3h5" } } });
      const error = await failureOf(send());
      assert.deepEqual([error.code, counterpart.receiver.received.length], ["CredentialsRefused", 0]);
      assert.doesNotMatch(allTextOf(error), /bG9naW4tb2YtdGhlLXByb3h5/);
    });

    it("closes without leaving a socket behind, through a proxy and TLS", async (t) => {
      const before = sockets();
      const proxy = await startProxy();
      t.after(() => proxy.close());
      const { sender, http, messages, counterpart } = await tlsBench(t, entry, { transport: { proxy: { url: proxy.url } } });
      await Promise.all(Array.from({ length: 5 }, (_, index) => messages(ended("Failed", { uid: `run-${index}` }))).flat().map((message) => sender.send(message, never)));
      assert.ok(sockets() > before, "connections are kept while they may be needed");
      await sender.close();
      await http.close();
      await eventually("no sockets", () => (sockets() <= before && proxy.open() === 0 ? true : undefined));
      assert.equal(counterpart.violations.length, 0);
    });

    it("closes without leaving a socket behind", async (t) => {
      const before = sockets();
      const { counterpart, sender, http, messages } = await bench(t, entry);
      await Promise.all(Array.from({ length: 10 }, (_, index) => messages(ended("Failed", { uid: `run-${index}` }))).flat().map((message) => sender.send(message, never)));
      assert.ok(sockets() > before, "connections are kept while they may be needed");
      await sender.close();
      await http.close();
      await eventually("no sockets", () => (sockets() <= before ? true : undefined));
      assert.equal(counterpart.violations.length, 0);
    });
  });
}
