import assert from "node:assert/strict";
import { parse } from "node:querystring";
import type { TestContext } from "node:test";
import type { RunEvent } from "../../src/api/run-event.ts";
import { createHttp } from "../../src/providers/http.ts";
import type { Message, Rendered, SentBefore, Sender } from "../../src/providers/provider.ts";
import { slackApp, type SlackNotification, type SlackProvider } from "../../src/providers/slack/config.ts";
import { render } from "../../src/providers/slack/render.ts";
import { open } from "../../src/providers/slack/send.ts";
import { systemClock, type Clock } from "../../src/telemetry/clock.ts";
import { startSlack, type SlackDouble, type SlackOptions } from "../support/slack-double.ts";
import { templatesOn } from "./templates.ts";

export const channel = "C0123456789";

/** A Slack with one channel, {@link channel}, named `deployments`. */
export async function startDouble(t: TestContext, options: SlackOptions = {}): Promise<SlackDouble> {
  const started = await startSlack(options);
  t.after(() => started.close());
  return started;
}

export interface Opened {
  readonly sender: Sender;
  readonly provider: SlackProvider;
}

/** A sender for the App of a Slack, with its token unless a test says otherwise. */
export function openSender(t: TestContext, { baseURL, token }: SlackDouble, options: { token?: string; clock?: Clock; provider?: Partial<SlackProvider>; learnSecret?: (secret: string) => void } = {}): Opened {
  const http = createHttp({ policy: { development: true } });
  t.after(() => http.close());
  const provider: SlackProvider = { baseURL, accessToken: { secretRef: { name: "app" } }, channels: [{ id: channel }], ...options.provider };
  const secrets = new Map([["app/access-token", options.token ?? token]]);
  return { provider, sender: open({ provider, secrets, http, clock: options.clock ?? systemClock, learnSecret: options.learnSecret ?? (() => assert.fail("nothing is handed out")) }) };
}

export interface Case {
  readonly event: RunEvent;
  readonly provider?: Partial<SlackProvider>;
  readonly notification?: SlackNotification;
  readonly before?: Readonly<Record<string, SentBefore>>;
  /** Default: `ci`, that of the Notification. */
  readonly providerNamespace?: string;
}

export function rendered({ event, provider = {}, notification = {}, before = {}, providerNamespace = "ci" }: Case): Rendered {
  return render({
    event,
    provider: { accessToken: { secretRef: { name: "app" } }, channels: [{ id: channel }], ...provider },
    notification,
    notificationName: { namespace: "ci", name: "to-slack" },
    providerNamespace,
    sentBefore: (key) => before[key] ?? { sentCount: 0 },
    ...templatesOn(slackApp, notification, event),
  });
}

/** The messages of a state of a run. */
export function messagesOf(of: Case): readonly Message[] {
  const result = rendered(of);
  return "messages" in result ? result.messages : [];
}

type Json = Readonly<Record<string, unknown>>;

/** The arguments of a rendered request; lists as JSON. */
export function formOf({ request }: Message): Json {
  const entries = Object.entries(parse(request.body as string));
  return Object.fromEntries(entries.map(([name, value]) => [name, name === "blocks" || name === "attachments" ? (JSON.parse(value as string) as unknown) : value]));
}

/** The blocks of a message, its own or those of its attachment. */
export function blocksOf(message: Message): Json[] {
  const { blocks, attachments } = formOf(message) as { blocks?: Json[]; attachments?: { blocks: Json[] }[] };
  return blocks ?? attachments?.[0]?.blocks ?? [];
}

/** Every text in a value. */
export const textsIn = (value: unknown): string[] =>
  typeof value === "string" ? [value] : typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
