import { parse } from "node:querystring";
import { LogLevel, WebAPIPlatformError, WebClient } from "@slack/web-api";
import type { Clock } from "../../telemetry/clock.ts";
import { refuseUnlessAccepted } from "../answer.ts";
import { DeliveryError } from "../delivery-error.ts";
import { requestFailed, type Http } from "../http.ts";
import { secretOf, type Message, type Sender, type SenderOptions } from "../provider.ts";
import type { SlackProvider } from "./config.ts";
import { externalRefOf, isPosted } from "./destinations.ts";
import { isNotEditable, refusalError, type Refusal } from "./errors.ts";
import { createPace } from "./pace.ts";
import { apiBase, type SlackMethod } from "./render.ts";

/** Where Slack asks to wait and does not say how long. */
const unnamedPauseMs = 10_000;

function tokenOf({ provider, secrets, learnSecret }: SenderOptions<SlackProvider>): string {
  const ref = secretOf(provider.accessToken, "access-token", "the bot token");
  const value = secrets.get(`${ref.name}/${ref.key}`) ?? "";
  const token = value.trim();
  if (!/^[\x21-\x7e]{1,4096}$/.test(token)) {
    throw new DeliveryError("SecretMalformed", `Secret ${ref.name}, key ${ref.key}: not a token, such as the bot token that Slack shows under OAuth & Permissions`);
  }
  if (token !== value) learnSecret(token);
  return token;
}

const silent = {
  debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined,
  setLevel: () => undefined, setName: () => undefined, getLevel: () => LogLevel.ERROR,
};

type Form = Readonly<Record<string, string>>;

/** The answer to a request that was accepted, or what Slack says against it. */
type Answer = { readonly accepted: Readonly<Record<string, unknown>> } | { readonly refused: Refusal; readonly retryAfterMs: number | undefined };

/** What an answer with `ok: false` says; undefined when Slack's client failed in another way. */
function refusalOf(error: unknown): Extract<Answer, { refused: unknown }> | undefined {
  if (!(error instanceof WebAPIPlatformError)) return undefined;
  const { error: code, needed, response_metadata: metadata }: Refusal & Pick<typeof error.data, "response_metadata"> = error.data;
  const seconds = metadata?.retryAfter;
  return { refused: { error: code, needed }, retryAfterMs: typeof seconds === "number" && Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 3600) * 1000 : undefined };
}

const isJsonObject = (text: string): boolean => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
};

interface Transport {
  readonly http: Http;
  readonly clock: Clock;
  readonly host: string;
}

/** One exchange. Slack's client gets to see only what is an answer of Slack's: JSON, with a status that says so. */
async function exchange({ http, clock, host }: Transport, url: string, init: { readonly headers: Record<string, string>; readonly body: string }, signal: AbortSignal): Promise<globalThis.Response> {
  const response = await http.fetch(url, { method: "POST", ...init, signal });
  if (response.status !== 200) await response.body?.cancel();
  const retryAfter = response.headers.get("retry-after");
  refuseUnlessAccepted(host, response.status, retryAfter, clock.now());
  const text = await response.text().catch((error: unknown) => {
    throw requestFailed(error, host, signal);
  });
  if (!isJsonObject(text)) throw new DeliveryError("ServiceFailed", `${host} answered something that is no answer of Slack's Web API`, { status: response.status });
  return new Response(text, { headers: { "content-type": "application/json", ...(retryAfter !== null && { "retry-after": retryAfter }) } });
}

/** Posts and edits messages through Slack's own client, which is given our transport and none of its retries, queues and log lines. */
export function open(options: SenderOptions<SlackProvider>): Sender {
  const { provider, http, clock } = options;
  const base = apiBase(provider);
  const host = new URL(base).host;
  const token = tokenOf(options);
  const pace = createPace(clock);

  /** One request. A client of its own carries the signal, which Slack's client has no argument for. */
  const request = async (method: SlackMethod, form: Form, signal: AbortSignal): Promise<Answer> => {
    let failure: DeliveryError | undefined;
    const client = new WebClient(token, {
      slackApiUrl: `${base}/`,
      headers: { "User-Agent": "tekton-integrations" },
      logger: silent,
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      fetch: async (url, init) => {
        try {
          return await exchange({ http, clock, host }, url as string, { headers: init?.headers as Record<string, string>, body: init?.body as string }, signal);
        } catch (error) {
          if (error instanceof DeliveryError) failure = error;
          throw error;
        }
      },
    });
    try {
      return { accepted: { ...(await client.apiCall(method, { ...form })) } };
    } catch (error) {
      if (failure !== undefined) throw failure;
      const refusal = refusalOf(error);
      if (refusal !== undefined) return refusal;
      throw requestFailed(error, host, signal);
    }
  };

  const refuse = ({ refused, retryAfterMs }: Extract<Answer, { refused: unknown }>): never => {
    throw refusalError(refused, { host, trusted: provider.baseURL === undefined, retryAfterMs });
  };

  const posted = (address: string, { accepted }: Extract<Answer, { accepted: unknown }>): string => {
    // A proxy's page with status 200 is no acceptance.
    if (!isPosted(accepted)) throw new DeliveryError("ServiceFailed", `${host} answered something that is no message of Slack's`, { status: 200 });
    return externalRefOf(address, accepted);
  };

  /** What is to be kept of a message: of a reply, the message that it replies to. */
  const send = async (method: SlackMethod, address: string, form: Form, signal: AbortSignal): Promise<string> => {
    const answer = await request(method, form, signal);
    if ("accepted" in answer) {
      const { thread_ts: parent, channel = "" } = form;
      const ref = posted(address, answer);
      return parent === undefined ? ref : externalRefOf(address, { channel, ts: parent });
    }
    if (method !== "chat.update" || !isNotEditable(answer.refused)) return refuse(answer);
    // Somebody deleted it, or the workspace lets nobody edit: the news is worth a message of its own.
    const { ts, attachments = "[]", blocks = "[]", ...rest } = form;
    const lists = Object.fromEntries(Object.entries({ attachments, blocks }).filter(([, list]) => list !== "[]"));
    return send("chat.postMessage", address, { ...rest, ...lists, mrkdwn: "false", unfurl_links: "false", unfurl_media: "false" }, signal);
  };

  return {
    send: async (message: Message, signal) => {
      const { channel: address = "" } = message.target;
      const form = { ...parse(message.request.body as string) } as Form;
      await pace.turn(address, signal);
      try {
        return { externalRef: await send(message.request.url.slice(base.length + 1) as SlackMethod, address, form, signal) };
      } catch (error) {
        if (!(error instanceof DeliveryError) || error.code !== "RateLimited") throw error;
        const wait = error.retryAfterMs ?? unnamedPauseMs;
        pace.pause(address, wait);
        throw new DeliveryError("RateLimited", error.message, { cause: error, retryAfterMs: wait, ...(error.status !== undefined && { status: error.status }) });
      }
    },
    verify: async (signal) => {
      const answer = await request("auth.test", {}, signal);
      if ("refused" in answer) refuse(answer);
    },
    close: () => Promise.resolve(),
  };
}
