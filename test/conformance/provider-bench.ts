import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Notification } from "../../src/api/notification.ts";
import type { RunEvent } from "../../src/api/run-event.ts";
import type { EgressPolicy, Resolve } from "../../src/providers/egress.ts";
import { createHttp, type Http, type Transport } from "../../src/providers/http.ts";
import type { Message, Sender } from "../../src/providers/provider.ts";
import { ended } from "../controller/runs.ts";
import { allTextOf } from "../providers/errors.ts";
import { templatesOn } from "../providers/templates.ts";
import { hurriedClock } from "../support/hurried-clock.ts";
import type { Fault } from "../support/receivers.ts";
import { selfSignedCertificate } from "../support/self-signed-certificate.ts";
import { startTlsFront, type TlsFront } from "../support/tls-front.ts";
import type { Counterpart, ProviderEntry } from "./provider-entries.ts";

/** Of whoever never gives up. */
export const never = new AbortController().signal;

/** What a Notification says of a run and what its Provider's section adds. */
interface Route {
  readonly section: unknown;
  readonly notification: unknown;
  readonly message?: NotificationMessage | undefined;
}

type NotificationMessage = NonNullable<Notification["spec"]["message"]>;

/** A message of the entry's provider. */
function messagesFor({ definition, adapt = (event) => event }: ProviderEntry, { section, notification, message }: Route, of: RunEvent): readonly Message[] {
  const event = adapt(of);
  const rendered = definition.render({
    event,
    provider: section,
    notification,
    notificationName: { namespace: "ci", name: "conformance" },
    providerNamespace: "ci",
    sentBefore: () => ({ sentCount: 0 }),
    ...templatesOn(definition, notification, event, message),
  });
  return "messages" in rendered ? rendered.messages : assert.fail(`nothing was rendered: ${rendered.nothing.message}`);
}

/** A provider beside its service. */
export interface Bench {
  readonly counterpart: Counterpart;
  readonly sender: Sender;
  readonly http: Http;
  /** The messages of an event, at the counterpart or wherever the bench leads. */
  readonly messages: (event?: RunEvent, notification?: unknown, message?: NotificationMessage) => readonly Message[];
  /** One message, sent. */
  readonly send: (signal?: AbortSignal) => Promise<unknown>;
  /** Requests that carried a message. */
  readonly carried: () => number;
  /** Every request with a message meets this. */
  readonly misbehave: (fault: Fault) => void;
  /** Fails when the error, or anything below it, shows a Secret's value or a token. */
  readonly holdsNoSecret: (error: unknown) => void;
}

export interface BenchOptions {
  readonly policy?: EgressPolicy;
  readonly mayBegin?: () => boolean;
  /** Where the Provider leads, instead of to the counterpart. */
  readonly at?: (url: string) => string;
  readonly wrong?: boolean;
  readonly transport?: Transport;
  readonly resolve?: Resolve;
}

/** A counterpart, and a sender to it. */
export async function bench(t: TestContext, entry: ProviderEntry, { policy = { development: true }, mayBegin = () => true, at = (url) => url, wrong = false, transport = {}, resolve }: BenchOptions = {}): Promise<Bench> {
  const counterpart = await entry.start();
  const client = createHttp({ policy, mayBegin, ...(resolve !== undefined && { resolve }) }, transport);
  let closing: Promise<void> | undefined;
  const http: Http = { fetch: client.fetch, close: () => (closing ??= client.close()) };
  t.after(async () => {
    await http.close();
    await counterpart.receiver.close();
  });
  const section = entry.sectionAt(at(counterpart.receiver.url));
  const secrets = (wrong ? counterpart.wrongSecrets : undefined) ?? counterpart.secrets;
  const known = [...secrets.values()];
  const { open } = await entry.definition.load();
  const sender = open({ provider: section, secrets, http, clock: hurriedClock(), learnSecret: (secret) => known.push(secret) });
  const messages: Bench["messages"] = (event = ended("Failed"), notification = entry.notification, message) => messagesFor(entry, { section, notification, message }, event);
  return {
    counterpart,
    sender,
    http,
    messages,
    send: async (signal = never) => sender.send(messages()[0] ?? assert.fail("nothing was rendered"), signal),
    carried: () => counterpart.receiver.received.filter(entry.carriesMessage).length,
    misbehave: (fault) => {
      counterpart.receiver.misbehave((request) => (entry.carriesMessage(request) ? fault : undefined));
    },
    holdsNoSecret: (error) => {
      const text = allTextOf(error);
      // A key of many lines would be found by any of them.
      const parts = known.flatMap((secret) => secret.split("\n")).filter((part) => part.length >= 16 && !part.startsWith("-----"));
      assert.deepEqual(parts.filter((part) => text.includes(part)), []);
    },
  };
}

/** Sockets that this process has open. */
export const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;

/** A bench whose counterpart is reached over TLS only. */
export async function tlsBench(t: TestContext, entry: ProviderEntry, { clientCa, ...options }: Omit<BenchOptions, "at"> & { readonly clientCa?: string } = {}): Promise<Bench & { readonly front: TlsFront }> {
  const certificate = await selfSignedCertificate("127.0.0.1");
  // The port is known before the service is: it is asked for when the first connection comes.
  let to = 0;
  const front = await startTlsFront({ ...certificate, to: () => to, ...(clientCa !== undefined && { clientCa }) });
  t.after(() => front.close());
  const made = await bench(t, entry, { ...options, transport: { ca: certificate.cert, ...options.transport }, at: () => `https://127.0.0.1:${front.port}` });
  to = Number(new URL(made.counterpart.receiver.url).port);
  return { ...made, front };
}
