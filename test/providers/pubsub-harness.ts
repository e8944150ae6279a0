import type { TestContext } from "node:test";
import type { RunEvent } from "../../src/api/run-event.ts";
import type { EgressPolicy } from "../../src/providers/egress.ts";
import { createHttp, type Http } from "../../src/providers/http.ts";
import type { Message, Rendered, Sender } from "../../src/providers/provider.ts";
import { gcpPubSub, type PubSubNotification, type PubSubProvider } from "../../src/providers/pubsub/config.ts";
import { render, type PubSubMessage, type PublishBody } from "../../src/providers/pubsub/render.ts";
import { open } from "../../src/providers/pubsub/send.ts";
import type { Clock } from "../../src/telemetry/clock.ts";
import { deepFreeze, runEvent } from "../controller/runs.ts";
import { manualClock } from "../support/manual-clock.ts";
import { startPubSub, type PubSubDouble, type PubSubOptions } from "../support/pubsub-double.ts";
import { templatesOn } from "./templates.ts";

export const section: PubSubProvider = { projectId: "example-project", topic: "tekton-runs", credentials: { secretRef: { name: "pubsub" } } };

export interface Case {
  readonly event?: RunEvent;
  readonly provider?: Partial<PubSubProvider>;
  readonly notification?: PubSubNotification;
  readonly name?: string;
  readonly sentCount?: number;
}

/** What is rendered for a state of a run. */
export function rendered({ event = runEvent(), provider = {}, notification = {}, name = "to-pubsub", sentCount = 0 }: Case): Rendered {
  return render({ event: deepFreeze(event), provider: { ...section, ...provider }, notification, notificationName: { namespace: "ci", name }, providerNamespace: "ci", sentBefore: () => ({ sentCount }), ...templatesOn(gcpPubSub, notification, event) });
}

/** The one message of a state of a run. */
export function messageOf(of: Case): Message {
  const result = rendered(of);
  const [message, ...others] = "messages" in result ? result.messages : [];
  if (message === undefined || others.length > 0) throw new Error("not one message was rendered");
  return message;
}

/** The same as Pub/Sub gets it. */
export function pubSubMessageOf(of: Case): PubSubMessage {
  const [message, ...others] = (messageOf(of).request.body as PublishBody).messages;
  if (message === undefined || others.length > 0) throw new Error("not one message was rendered");
  return message;
}

/** A double, ended with the test. */
export async function startDouble(t: TestContext, options: PubSubOptions = {}): Promise<PubSubDouble> {
  const double = await startPubSub(options);
  t.after(() => double.close());
  return double;
}

export interface OpenOptions {
  /** Content of the key file, instead of the double's key. */
  readonly key?: string;
  readonly clock?: Clock;
  readonly policy?: EgressPolicy;
  /** Whether requests may be begun. Default: yes. */
  readonly mayBegin?: () => boolean;
  /** Whether the double is Google itself, and no endpoint that a user gave. Default: true. */
  readonly google?: boolean;
  /** The Provider names no Secret, and may use the controller's own identity. */
  readonly platform?: Http;
}

/** An outbound client for which the double is Google. */
function googleAt({ url }: PubSubDouble, http: Http): Http {
  return { ...http, fetch: (target, init) => http.fetch(target.replace("https://pubsub.googleapis.com", url), init) };
}

/** A sender for the double's topic. */
export function openSender(t: TestContext, double: PubSubDouble, provider: Partial<PubSubProvider> = {}, options: OpenOptions = {}): { readonly sender: Sender; readonly learnt: string[]; readonly granted: boolean[] } {
  const http = createHttp({ policy: options.policy ?? { development: true }, mayBegin: options.mayBegin ?? (() => true) });
  t.after(() => http.close());
  const { clock = manualClock(Date.now()), key = JSON.stringify(double.key), google = true } = options;
  const learnt: string[] = [];
  const granted: boolean[] = [];
  const { platform } = options;
  const { credentials, ...bare } = section;
  const sender = open({
    provider: { ...bare, ...(platform === undefined && { credentials }), ...(!google && { endpoint: double.url }), ...provider },
    secrets: new Map([["pubsub/service-account.json", key]]),
    http: google ? googleAt(double, http) : http,
    ...(platform !== undefined && { platform }),
    clock,
    learnSecret: (secret) => learnt.push(secret),
    onTokenRequest: (answer) => granted.push(answer),
  });
  t.after(() => sender.close());
  return { sender, learnt, granted };
}
