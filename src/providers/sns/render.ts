import { eventJson } from "../event-data.ts";
import { guardLoop } from "../loop-guard.ts";
import { messageAttributes, standardAttributes } from "../message-attributes.ts";
import { messageId } from "../message-id.ts";
import { noticeOf, type Notice } from "../notice.ts";
import { redacted, type Rendered, type RenderInput } from "../provider.ts";
import { oneLine } from "../text.ts";
import type { SnsNotification, SnsProvider } from "./config.ts";
import { encodePublish } from "./form.ts";

type Input = RenderInput<SnsProvider, SnsNotification>;

/** SNS hands at most ten attributes on to a queue with raw delivery. */
export const maxOwnAttributes = 10 - standardAttributes.length;

/** Message, subject and attributes together: 256 KiB. */
const maxMessageBytes = 262_144;

/** SNS wants fewer than 100 characters. */
const maxSubject = 99;

const maxTemplateBytes = 1024;

/** SNS's bound of a group's name. */
const maxGroup = 128;

/** Where a topic is, by its ARN. */
interface Topic {
  readonly partition: string;
  /** Undefined for what is no ARN of a topic. */
  readonly region: string | undefined;
  readonly fifo: boolean;
}

export function topicOf(arn: string): Topic {
  const match = /^arn:(?<partition>aws[a-z-]*):sns:(?<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}):[0-9]{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?$/.exec(arn);
  return { partition: match?.groups?.["partition"] ?? "aws", region: match?.groups?.["region"], fifo: arn.endsWith(".fifo") };
}

/** The domain of each partition's services. */
const domains: Readonly<Record<string, string>> = {
  aws: "amazonaws.com",
  "aws-us-gov": "amazonaws.com",
  "aws-cn": "amazonaws.com.cn",
  "aws-eusc": "amazonaws.eu",
  "aws-iso": "c2s.ic.gov",
  "aws-iso-b": "sc2s.sgov.gov",
  "aws-iso-e": "cloud.adc-e.uk",
  "aws-iso-f": "csp.hci.ic.gov",
};

/** Whether the URL leads to AWS itself, VPC endpoints among them. */
export function isEndpointOfAws(url: string): boolean {
  const { protocol = "", hostname = "" } = URL.parse(url) ?? {};
  return protocol === "https:" && [...Object.values(domains), "api.aws"].some((domain) => hostname.endsWith(`.${domain}`));
}

/** The address of an AWS service in the topic's region. */
export function serviceUrl(service: "sns" | "sts", topicARN: string): string {
  const { partition, region = "" } = topicOf(topicARN);
  return `https://${service}.${region}.${domains[partition] ?? "amazonaws.com"}/`;
}

/** Where requests to SNS go; with a slash at the end, as the SDK writes it. */
export const snsUrl = ({ endpoint, topicARN }: SnsProvider): string => (endpoint === undefined ? serviceUrl("sns", topicARN) : endpoint.replace(/\/*$/, "/"));

/** SNS takes ASCII here: letters lose their accents, and other characters become question marks. */
function ascii(value: string): string {
  return oneLine(value).normalize("NFKD").replace(/\p{M}+/gu, "").replace(/[^\x20-\x7e]/gu, "?");
}

function cut(value: string, limit: number): string {
  return value.length <= limit ? value : `${value.slice(0, limit - 3)}...`;
}

function subjectOf({ event, template }: Input, notice: Notice | undefined): string {
  const chosen = ascii(template("subject", maxTemplateBytes) ?? notice?.title ?? "").trim();
  return cut(chosen === "" ? ascii(`${event.kind} ${event.namespace}/${event.name}: ${event.status}`) : chosen, maxSubject);
}

/** The group whose order a FIFO topic keeps: printable ASCII without spaces, as SNS wants it. */
function groupOf({ event, template }: Input): string {
  const chosen = ascii(template("messageGroupId", maxTemplateBytes) ?? "").replaceAll(" ", "_").slice(0, maxGroup);
  return chosen === "" ? event.uid : chosen;
}

/** The one destination of a Notification. */
const messageKey = "message";

/** The message of a run's state, or why there is none. */
export function render(input: Input): Rendered {
  const { event, provider } = input;
  const guarded = guardLoop(event, provider.maxLoop);
  if ("stopped" in guarded) return guarded.stopped;
  const id = messageId(input, messageKey);
  const attributes = messageAttributes(input, id, guarded.tektonloop);
  const notice = noticeOf(input);
  const subject = subjectOf(input, notice);
  // SNS counts names, types and values.
  const beside = Object.entries(attributes).reduce((sum, [name, value]) => sum + Buffer.byteLength(`${name}String${value}`), subject.length);
  const body = encodePublish({
    TopicArn: provider.topicARN,
    Message: eventJson(event, maxMessageBytes - beside, notice),
    Subject: subject,
    attributes,
    ...(topicOf(provider.topicARN).fifo && { MessageDeduplicationId: id, MessageGroupId: groupOf(input) }),
  });
  return {
    messages: [
      {
        key: messageKey,
        lane: provider.topicARN,
        target: { topicARN: provider.topicARN },
        request: {
          method: "POST",
          url: snsUrl(provider),
          headers: { authorization: redacted, "content-type": "application/x-www-form-urlencoded" },
          body,
        },
      },
    ],
  };
}
