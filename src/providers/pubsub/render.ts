import { eventJson } from "../event-data.ts";
import { guardLoop } from "../loop-guard.ts";
import { messageAttributes } from "../message-attributes.ts";
import { messageId } from "../message-id.ts";
import { noticeOf } from "../notice.ts";
import { redacted, type Rendered, type RenderInput } from "../provider.ts";
import { oneLine } from "../text.ts";
import type { PubSubNotification, PubSubProvider } from "./config.ts";

/** A message in the JSON of Pub/Sub's API. */
export interface PubSubMessage {
  /** Base64. */
  readonly data: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderingKey?: string;
}

/** The body of `projects.topics.publish`; here always with one message. */
export interface PublishBody {
  readonly messages: readonly PubSubMessage[];
}

/** Pub/Sub takes requests of at most 10 MB. */
const maxRequestBytes = 10_000_000;

/** Pub/Sub's bound of an ordering key. */
const maxKeyBytes = 1024;

/** Where the API is, without a slash at the end. */
export const apiBase = ({ endpoint }: PubSubProvider): string => (endpoint ?? "https://pubsub.googleapis.com").replace(/\/$/, "");

/** The topic's full name. */
export const topicPath = ({ projectId, topic }: PubSubProvider): string => `projects/${projectId}/topics/${topic}`;

/** The topic's full name in a URL. */
const topicUrlPath = ({ projectId, topic }: PubSubProvider): string => `projects/${encodeURIComponent(projectId)}/topics/${encodeURIComponent(topic)}`;

/** The one destination of a Notification. */
const messageKey = "message";

/** The message of a run's state, or why there is none. */
export function render(input: RenderInput<PubSubProvider, PubSubNotification>): Rendered {
  const { event, provider, template } = input;
  const guarded = guardLoop(event, provider.maxLoop);
  if ("stopped" in guarded) return guarded.stopped;
  const attributes = messageAttributes(input, messageId(input, messageKey), guarded.tektonloop);
  const orderingKey = oneLine(template("orderingKey", maxKeyBytes) ?? "");
  const around: PublishBody = { messages: [{ data: "", attributes, ...(orderingKey !== "" && { orderingKey }) }] };
  // Four characters of base64 stand for three bytes.
  const room = Math.floor((maxRequestBytes - Buffer.byteLength(JSON.stringify(around))) / 4) * 3;
  const data = Buffer.from(eventJson(event, room, noticeOf(input))).toString("base64");
  const body: PublishBody = { messages: around.messages.map((message) => ({ ...message, data })) };
  return {
    messages: [
      {
        key: messageKey,
        lane: topicPath(provider),
        target: { topic: topicPath(provider) },
        request: {
          method: "POST",
          url: `${apiBase(provider)}/v1/${topicUrlPath(provider)}:publish`,
          headers: { authorization: redacted, "content-type": "application/json" },
          body,
        },
      },
    ],
  };
}
