/** Parameters of SNS's Publish, as its API names them. All attributes are of type String. */
export interface Publish {
  readonly TopicArn: string;
  /** JSON. */
  readonly Message: string;
  readonly Subject: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly MessageDeduplicationId?: string;
  readonly MessageGroupId?: string;
}

/** As RFC 3986 has it, and as AWS's SDKs write it. */
const encode = (value: string): string => encodeURIComponent(value).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** The body of the request in AWS's Query protocol, byte for byte as the SDK writes it. */
export function encodePublish({ TopicArn, Message, Subject, attributes, MessageDeduplicationId, MessageGroupId }: Publish): string {
  const named = Object.entries(attributes).flatMap(([name, value], index) => {
    const entry = `MessageAttributes.entry.${index + 1}`;
    return [[`${entry}.Name`, name], [`${entry}.Value.DataType`, "String"], [`${entry}.Value.StringValue`, value]] as const;
  });
  const parameters: readonly (readonly [string, string | undefined])[] = [
    ["Action", "Publish"],
    ["Version", "2010-03-31"],
    ["Message", Message],
    ["TopicArn", TopicArn],
    ["Subject", Subject],
    ...named,
    ["MessageDeduplicationId", MessageDeduplicationId],
    ["MessageGroupId", MessageGroupId],
  ];
  return parameters.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encode(value)}`])).join("&");
}

/** What {@link encodePublish} has encoded. */
export function decodePublish(body: string): Publish {
  const form = new URLSearchParams(body);
  const attributes: Record<string, string> = {};
  for (let index = 1, name; (name = form.get(`MessageAttributes.entry.${index}.Name`)) !== null; index += 1) {
    attributes[name] = form.get(`MessageAttributes.entry.${index}.Value.StringValue`) ?? "";
  }
  const group = form.get("MessageGroupId");
  const id = form.get("MessageDeduplicationId");
  return {
    TopicArn: form.get("TopicArn") ?? "",
    Message: form.get("Message") ?? "",
    Subject: form.get("Subject") ?? "",
    attributes,
    ...(id !== null && { MessageDeduplicationId: id }),
    ...(group !== null && { MessageGroupId: group }),
  };
}
