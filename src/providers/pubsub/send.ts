import { AsyncLocalStorage } from "node:async_hooks";
import { v1 } from "@google-cloud/pubsub";
import { PassThroughClient } from "google-auth-library";
import { retryAfterMs } from "../answer.ts";
import { readBody } from "../body.ts";
import { DeliveryError } from "../delivery-error.ts";
import { requestFailed } from "../http.ts";
import { secretOf, type Sender, type SenderOptions } from "../provider.ts";
import type { Tokens } from "../tokens.ts";
import { ambientTokens } from "./ambient.ts";
import type { PubSubProvider } from "./config.ts";
import { readGoogleError, refused, type Answer } from "./errors.ts";
import { apiBase, topicPath, type PublishBody } from "./render.ts";
import { readServiceAccount, selfSignedTokens } from "./service-account.ts";

/** One message on its way through the SDK, which knows nothing of signals, and keeps little of what went wrong. */
interface Call {
  readonly signal: AbortSignal;
  token?: string;
  answer?: Answer;
  failure?: unknown;
}

/** Longer than any Provider's timeout, which is what ends a call: this one is the SDK's own. */
const sdkTimeoutMs = 65_000;

/** Statuses of answers that cannot have a body. */
const bodiless = new Set([204, 205, 304]);

/** The tokens of the service account in the Secret, or of the controller's own identity. Throws CredentialsRequired, SecretMalformed. */
function tokensOf(options: SenderOptions<PubSubProvider>): Tokens<string> {
  const { provider: { projectId, credentials }, secrets, platform, clock, learnSecret } = options;
  if (credentials === undefined) {
    if (platform === undefined) throw new DeliveryError("CredentialsRequired", "spec.gcpPubSub.credentials must name a Secret with the key of a service account: the controller's own identity may not be used here");
    return ambientTokens(projectId, options);
  }
  const { name, key } = secretOf(credentials, "service-account.json", "");
  const sign = selfSignedTokens(readServiceAccount(secrets.get(`${name}/${key}`) ?? "", `Secret ${name}, key ${key}`), clock, learnSecret);
  return { current: () => Promise.resolve(sign()), refused: () => undefined };
}

/** Publishes to one topic with the SDK's client in its REST mode, one message a request, through our own outbound client. */
export function open(options: SenderOptions<PubSubProvider>): Sender {
  const { provider, http, clock } = options;
  const tokens = tokensOf(options);
  const { protocol, hostname, port, host } = new URL(apiBase(provider));
  const scheme = protocol.slice(0, -1);
  const calls = new AsyncLocalStorage<Call>();

  const post = async (call: Call, url: URL, init: RequestInit): Promise<Response> => {
    // Asks for numbers in the place of names of enums; there are none in the answer.
    url.search = "";
    call.token = await tokens.current(call.signal);
    const headers = { ...Object.fromEntries(new Headers(init.headers)), authorization: `Bearer ${call.token}` };
    const response = await http.fetch(url.href, { method: "POST", headers, body: init.body as string, signal: call.signal });
    const body = await readBody(response, host);
    const { status } = response;
    const wait = retryAfterMs(response.headers.get("retry-after"), clock.now());
    call.answer = { status, retryAfterMs: wait, ...(status < 300 ? { word: undefined, said: undefined } : readGoogleError(Buffer.from(body).toString("utf8"))) };
    return new Response(bodiless.has(status) ? null : Buffer.from(body), { status, headers: { "content-type": response.headers.get("content-type") ?? "" } });
  };

  const authClient = new PassThroughClient({
    transporterOptions: {
      fetchImplementation: async (target, init = {}) => {
        const call = calls.getStore();
        if (call === undefined) throw new DeliveryError("ServiceFailed", "the SDK made a request of its own accord");
        try {
          return await post(call, new URL(target instanceof Request ? target.url : target), init);
        } catch (error) {
          call.failure = error;
          throw error;
        }
      },
    },
  });

  const client = new v1.PublisherClient({
    fallback: true,
    protocol: scheme,
    servicePath: hostname,
    port: port === "" ? (scheme === "https" ? 443 : 80) : Number(port),
    projectId: provider.projectId,
    universeDomain: "googleapis.com",
    authClient,
  });

  const publish = async (call: Call, { messages }: PublishBody): Promise<string> => {
    try {
      const [{ messageIds }] = await calls.run(call, () => client.publish({ topic: topicPath(provider), messages: [...messages] }, { retry: null, timeout: sdkTimeoutMs }));
      const [id] = messageIds ?? [];
      if (typeof id === "string" && id !== "") return id;
    } catch (error) {
      // The SDK's own error holds the answer, so it is never the cause.
      if (call.answer === undefined) throw requestFailed(call.failure ?? error, host, call.signal);
    }
    throw refused(call.answer ?? { status: 200, retryAfterMs: undefined, word: undefined, said: undefined }, host, provider.endpoint === undefined);
  };

  const send = async (body: PublishBody, signal: AbortSignal): Promise<string> => {
    for (let again = provider.credentials === undefined; ; again = false) {
      const call: Call = { signal };
      try {
        return await publish(call, body);
      } catch (error) {
        // A token can be revoked before its time: one fresh one is tried before the credentials are blamed.
        if (!(error instanceof DeliveryError) || error.status !== 401 || call.token === undefined || !again) throw error;
        tokens.refused(call.token);
      }
    }
  };

  return {
    // A key in a Secret signs its own tokens: only the topic could say something about it.
    ...(provider.credentials === undefined && {
      verify: async (signal: AbortSignal) => {
        await tokens.current(signal).catch((error: unknown) => {
          throw requestFailed(error, host, signal);
        });
      },
    }),
    send: async ({ request }, signal) => ({ externalRef: await send(request.body as PublishBody, signal) }),
    close: () => client.close(),
  };
}
