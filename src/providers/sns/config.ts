import { Type, type Static } from "typebox";
import { objectName, stringMap, text } from "../../api/schema.ts";
import { runStatuses } from "../../api/run-event.ts";
import { maxLoopField } from "../loop-guard.ts";
import { standardAttributes } from "../message-attributes.ts";
import { defineProvider, type SectionProblem } from "../provider.ts";
import { checkBaseUrl, urlsAt } from "../url.ts";
import { isEndpointOfAws, maxOwnAttributes, render, topicOf } from "./render.ts";

const providerSection = Type.Object(
  {
    region: Type.Optional(
      text(32, {
        description: "The region of the topic. When left out, it follows from the ARN.",
        examples: ["eu-central-1"],
        pattern: "^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$",
      }),
    ),
    topicARN: text(320, {
      description: "The topic that messages are published to; a name that ends in .fifo is that of a FIFO topic.",
      examples: ["arn:aws:sns:eu-central-1:123456789012:tekton-runs"],
      pattern: "^arn:aws[a-z-]*:sns:[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\\.fifo)?$",
    }),
    endpoint: Type.Optional(
      text(2048, {
        description: "URL of the SNS API, for a VPC endpoint or a local receiver. When left out: the region's own.",
        examples: ["https://vpce-0123456789abcdef0-abcdefgh.sns.eu-central-1.vpce.amazonaws.com"],
        pattern: "^https?://[^\\s]+$",
      }),
    ),
    roleARN: Type.Optional(
      text(2048, {
        description: "A role that is assumed to publish, with the external id `<namespace>/<name>` of this Provider.",
        examples: ["arn:aws:iam::123456789012:role/tekton-runs-publisher"],
        pattern: "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,576}$",
      }),
    ),
    credentials: Type.Optional(
      Type.Object(
        {
          secretRef: Type.Object(
            { name: objectName({ description: "Name of the Secret, in the namespace of the Provider." }) },
            { description: "The Secret with the keys access-key-id, secret-access-key and, for temporary ones, session-token." },
          ),
        },
        { description: "The access key. When left out: the controller's own identity, in namespaces where the installation allows it." },
      ),
    ),
    maxLoop: maxLoopField("Messages carry the attribute `tektonloop`"),
  },
  { description: "Settings of a topic of AWS SNS." },
);

const notificationSection = Type.Object(
  {
    subject: Type.Optional(
      text(1024, {
        description: "The subject, a template such as `${pipeline}: ${status}`; what mail subscriptions show. ASCII, cut at 99 characters. When left out, or empty for a run: kind, name and status.",
        minLength: 1,
      }),
    ),
    attributes: Type.Optional(
      stringMap({
        maxProperties: maxOwnAttributes,
        maxLength: 1024,
        description: "Message attributes beside those that every message has, for filter policies of subscriptions: templates by name, such as `team: ${labels.team}`. Those that are empty for a run are left out.",
      }),
    ),
    messageGroupId: Type.Optional(
      text(1024, {
        description: "On a FIFO topic, the group that keeps its order, a template such as `${namespace}/${pipeline}`. When left out, or empty for a run: each run is a group of its own.",
        minLength: 1,
      }),
    ),
  },
  { description: "What this route adds for AWS SNS." },
);

export type SnsProvider = Static<typeof providerSection>;
export type SnsNotification = Static<typeof notificationSection>;

/** Names that SNS takes: no dot at either end, no two in a row, and none of AWS's own. */
const attributeName = /^(?!\.)(?!.*\.\.)(?!.*\.$)(?!aws\.|amazon\.)[A-Za-z0-9_.-]{1,256}$/i;

function checkRegion({ region, topicARN }: SnsProvider): SectionProblem[] {
  const named = topicOf(topicARN).region;
  if (region === undefined || region === named) return [];
  return [{ path: ["region"], code: "FieldInvalid", message: `is ${region}, and the topic is in ${named}: set it to ${named}` }];
}

/** What ARNs begin with where a region belongs: no request crosses from one partition to another. */
const partitionOf = (region: string): string | undefined => (region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : region.includes("-iso") || region.startsWith("eusc-") ? undefined : "aws");

function checkPartitions({ topicARN, roleARN }: SnsProvider): SectionProblem[] {
  const { partition, region = "" } = topicOf(topicARN);
  const expected = partitionOf(region);
  if (expected !== undefined && partition !== expected) {
    return [{ path: ["topicARN"], code: "FieldInvalid", message: `is of the partition ${partition}, and the region ${region} is of ${expected}: it begins with arn:${expected}:` }];
  }
  const [, ofRole = partition] = roleARN?.split(":") ?? [];
  return ofRole === partition ? [] : [{ path: ["roleARN"], code: "FieldInvalid", message: `is of the partition ${ofRole}, and the topic of ${partition}: a role of another partition cannot be assumed` }];
}

/** AWS's own endpoints name their region: one of another signs for a topic that is not there. */
function checkEndpointRegion({ endpoint, topicARN }: SnsProvider): SectionProblem[] {
  if (endpoint === undefined || !isEndpointOfAws(endpoint)) return [];
  const { region } = topicOf(topicARN);
  const [, named] = /(?:^|\.)sns(?:-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})\./.exec(URL.parse(endpoint)?.hostname ?? "") ?? [];
  return named === undefined || region === undefined || named === region ? [] : [{ path: ["endpoint"], code: "FieldInvalid", message: `is of ${named}, and the topic is in ${region}` }];
}

/** What is signed with the controller's own identity goes to AWS and nowhere else. */
function checkOwnEndpoint({ credentials, endpoint }: SnsProvider): SectionProblem[] {
  if (credentials !== undefined || endpoint === undefined || isEndpointOfAws(endpoint)) return [];
  return [{ path: ["endpoint"], code: "FieldForbidden", message: "must be an https URL of AWS itself where no credentials are named: the controller's own identity is shown to nobody else" }];
}

function checkAttributes({ attributes = {} }: SnsNotification): SectionProblem[] {
  return Object.keys(attributes).flatMap((name): SectionProblem[] => {
    const path = ["attributes", name];
    if (standardAttributes.includes(name)) return [{ path, code: "FieldForbidden", message: "is an attribute that every message has: choose another name" }];
    if (!attributeName.test(name)) return [{ path, code: "FieldInvalid", message: "is no name that SNS takes: letters, digits, `_`, `-` and single dots inside, not beginning with AWS. or Amazon." }];
    return [];
  });
}

const secret = (name: string, key: string, what: string) => ({ name, key, what });

/**
 * AWS SNS: publishes each state of a run to a topic; the message is the RunEvent.
 * @example
 * spec:
 *   type: AWSSNS
 *   awsSNS:
 *     topicARN: arn:aws:sns:eu-central-1:123456789012:tekton-runs
 *     credentials: { secretRef: { name: aws } }
 */
export const awsSns = defineProvider<SnsProvider, SnsNotification>({
  type: "AWSSNS",
  section: "awsSNS",
  title: "AWS SNS",
  providerSection,
  notificationSection,
  defaultStatuses: runStatuses,
  keepsState: false,
  serviceState: (status) => status,
  usesOwnIdentity: ({ credentials }) => credentials === undefined,
  secretRefs: ({ credentials }) =>
    credentials === undefined
      ? []
      : [
          secret(credentials.secretRef.name, "access-key-id", "the id of the access key"),
          secret(credentials.secretRef.name, "secret-access-key", "the secret access key"),
          { ...secret(credentials.secretRef.name, "session-token", "the session token of a temporary access key"), optional: true },
        ],
  templates: [["subject"], ["attributes", "**"], ["messageGroupId"]],
  reads: () => ["tasks"],
  defaults: ({ topicARN }) => {
    const region = typeof topicARN === "string" ? topicOf(topicARN).region : undefined;
    return region === undefined ? {} : { region };
  },
  urls: ({ endpoint }) => urlsAt([["endpoint"], endpoint]),
  check: (provider) => [...checkRegion(provider), ...checkPartitions(provider), ...checkBaseUrl(provider.endpoint, ["endpoint"]), ...checkEndpointRegion(provider), ...checkOwnEndpoint(provider)],
  checkNotification: checkAttributes,
  render,
  load: async () => await import("./send.ts"),
});
