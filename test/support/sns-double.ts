import { randomBytes, randomUUID } from "node:crypto";
import type { Http } from "../../src/providers/http.ts";
import { awsError, awsLimits, awsResult, wrongParameters } from "./aws-contract.ts";
import { meantForHeader, signedBy, type KnownKey, type Signed, wrongSignature } from "./aws-signature.ts";
import { type Answer, type Received, type Receiver, startReceiver } from "./receivers.ts";

/** A message that a topic took. */
export interface Published {
  readonly messageId: string;
  readonly topicArn: string;
  readonly message: string;
  readonly subject: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  readonly group: string | undefined;
  readonly deduplicationId: string | undefined;
  /** Id of the key that signed it. */
  readonly keyId: string;
}

export interface SnsOptions {
  readonly topicArn?: string;
  /** Roles that can be assumed, by ARN, with the external ids that they ask for. */
  readonly roles?: Readonly<Record<string, string>>;
  /** How long the key of a role is good for, in milliseconds. Default: an hour. */
  readonly sessionMs?: number;
  readonly port?: number;
}

/**
 * AWS SNS as far as Publish goes, and STS as far as AssumeRole and GetCallerIdentity go. It checks signatures, parameters and limits, and holds
 * its own answers against AWS's published model.
 */
export interface SnsDouble extends Receiver {
  readonly topicArn: string;
  /** A key that may publish and assume roles. */
  readonly key: KnownKey;
  /** Messages that were taken, in the order of their arrival; what a FIFO topic had already got is not among them. */
  readonly published: readonly Published[];
  /** How often a role was assumed. */
  readonly rolesAssumed: () => number;
  /** Lets the key no longer publish. */
  readonly forbid: (keyId: string) => void;
  /** Replaces the double's key by another one. */
  readonly rotate: () => KnownKey;
  /** A temporary key that may publish and assume roles. */
  readonly grant: () => KnownKey;
  /** Makes the keys of all roles, and all that were granted, invalid. */
  readonly endSessions: () => void;
  readonly deleteTopic: () => void;
  /** What was wrong with requests by AWS's model and limits. */
  readonly violations: readonly string[];
}

interface State {
  readonly keys: Map<string, KnownKey>;
  readonly sessions: Set<string>;
  readonly forbidden: Set<string>;
  readonly topics: Set<string>;
  readonly roles: Readonly<Record<string, string>>;
  readonly sessionMs: number;
  readonly published: Published[];
  assumed: number;
}

const makeKey = (token?: string): KnownKey => ({ id: `AKIA${randomBytes(8).toString("hex").toUpperCase()}`, secret: randomBytes(20).toString("hex"), ...(token !== undefined && { token }) });

function attributesOf(form: URLSearchParams): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (let index = 1, name; (name = form.get(`MessageAttributes.entry.${index}.Name`)) !== null; index += 1) {
    attributes[name] = form.get(`MessageAttributes.entry.${index}.Value.StringValue`) ?? "";
  }
  return attributes;
}

const attributeName = /^(?!aws\.|amazon\.)(?!\.)[A-Za-z0-9_.-]{1,256}(?<!\.)$/i;

/** What SNS documents about attributes. */
function wrongAttributes(form: URLSearchParams, attributes: Readonly<Record<string, string>>): string | undefined {
  if (Object.keys(attributes).length > awsLimits.rawDeliveryAttributes) return "too many attributes for raw delivery";
  for (const [name, value] of Object.entries(attributes)) {
    if (!attributeName.test(name) || name.includes("..")) return `attribute name ${name}`;
    if (value === "") return `attribute ${name} is empty`;
    if (/[\p{Cc}\ufffe\uffff]/u.test(value)) return `attribute ${name} holds a control character`;
  }
  const types = [...form].filter(([name]) => name.endsWith(".DataType")).map(([, value]) => value);
  return types.length === Object.keys(attributes).length && types.every((type) => type === "String") ? undefined : `data types ${types.join(", ")}`;
}

function wrongSubject(subject: string | null): string | undefined {
  if (subject === null) return undefined;
  const fits = subject.length >= 1 && subject.length <= awsLimits.subjectCharacters && /^[\x21-\x7e][\x20-\x7e]*$/.test(subject);
  return fits ? undefined : `Subject ${JSON.stringify(subject)}`;
}

function wrongFifo(form: URLSearchParams): string | undefined {
  const [group, id] = [form.get("MessageGroupId"), form.get("MessageDeduplicationId")];
  if (!(form.get("TopicArn") ?? "").endsWith(".fifo")) return group === null && id === null ? undefined : "MessageGroupId on a standard topic";
  if (group === null || !/^[\x21-\x7e]{1,128}$/.test(group)) return `MessageGroupId ${JSON.stringify(group)}`;
  return id !== null && /^[\x21-\x7e]{1,128}$/.test(id) ? undefined : `MessageDeduplicationId ${JSON.stringify(id)}`;
}

function wrongPublish(form: URLSearchParams): string | undefined {
  const attributes = attributesOf(form);
  const bytes = [form.get("Message") ?? "", form.get("Subject") ?? "", ...Object.entries(attributes).flatMap(([name, value]) => [name, "String", value])];
  const size = bytes.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  if (size > awsLimits.messageBytes) return `Message too long: ${size} bytes`;
  return wrongSubject(form.get("Subject")) ?? wrongAttributes(form, attributes) ?? wrongFifo(form);
}

function publish(form: URLSearchParams, { keyId, region }: Signed, state: State): Answer {
  const topicArn = form.get("TopicArn") ?? "";
  if (state.forbidden.has(keyId)) {
    return awsError("AuthorizationError", `User: arn:aws:iam::123456789012:user/ci is not authorized to perform: SNS:Publish on resource: ${topicArn}`);
  }
  if (topicArn.split(":")[3] !== region) return awsError("InvalidParameter", "Invalid parameter: TopicArn");
  if (!state.topics.has(topicArn)) return awsError("NotFound", "Topic does not exist");
  const deduplicationId = form.get("MessageDeduplicationId") ?? undefined;
  const before = deduplicationId === undefined ? undefined : state.published.find((each) => each.topicArn === topicArn && each.deduplicationId === deduplicationId);
  const messageId = before?.messageId ?? randomUUID();
  if (before === undefined) {
    const group = form.get("MessageGroupId") ?? undefined;
    state.published.push({ messageId, topicArn, message: form.get("Message") ?? "", subject: form.get("Subject") ?? undefined, attributes: attributesOf(form), group, deduplicationId, keyId });
  }
  return { status: 200, headers: { "content-type": "text/xml" }, body: awsResult("Publish", { MessageId: messageId }) };
}

/** A key for a while. */
function grant(state: State): KnownKey {
  const key = makeKey(randomBytes(60).toString("base64"));
  state.keys.set(key.id, key);
  state.sessions.add(key.id);
  return key;
}

function assumeRole(form: URLSearchParams, state: State): Answer {
  const role = form.get("RoleArn") ?? "";
  const wanted = Object.hasOwn(state.roles, role) ? state.roles[role] : undefined;
  if (wanted === undefined || form.get("ExternalId") !== wanted) {
    return awsError("AccessDenied", `User: arn:aws:iam::123456789012:user/ci is not authorized to perform: sts:AssumeRole on resource: ${role}`);
  }
  const key = grant(state);
  state.assumed += 1;
  const expiration = new Date(Date.now() + state.sessionMs).toISOString().replace(/\.\d+Z$/, "Z");
  const given = { AccessKeyId: key.id, SecretAccessKey: key.secret, SessionToken: key.token ?? "", Expiration: expiration };
  return { status: 200, headers: { "content-type": "text/xml" }, body: awsResult("AssumeRole", { Credentials: given }) };
}

/** Starts the double on 127.0.0.1. */
export async function startSns(options: SnsOptions = {}): Promise<SnsDouble> {
  const topicArn = options.topicArn ?? "arn:aws:sns:eu-central-1:123456789012:tekton-runs";
  const violations: string[] = [];
  const state: State = {
    keys: new Map(), sessions: new Set(), forbidden: new Set(), topics: new Set([topicArn]), roles: options.roles ?? {}, sessionMs: options.sessionMs ?? 3_600_000, published: [], assumed: 0,
  };
  const rotate = (): KnownKey => {
    state.keys.clear();
    const key = makeKey();
    state.keys.set(key.id, key);
    return key;
  };
  const key = rotate();
  const refuse = (request: Received, wrong: string): Answer => {
    violations.push(`${request.method} ${request.path}: ${wrong}`);
    return awsError("InvalidParameter", `Invalid parameter: ${wrong}`);
  };
  const respond = (request: Received): Answer => {
    const form = new URLSearchParams(request.body);
    const signed = signedBy(request);
    if (signed === undefined) return awsError("MissingAuthenticationToken");
    const known = state.keys.get(signed.keyId);
    if (known === undefined) return awsError("InvalidClientTokenId", "The security token included in the request is invalid.");
    const forged = wrongSignature(request, known, Date.now());
    if (forged !== undefined) return awsError(forged, `The Canonical String for this request should have been ... ${known.token ?? ""} ${known.secret}`);
    if (request.method !== "POST" || request.headers["content-type"] !== "application/x-www-form-urlencoded") return refuse(request, "no form was posted");
    const wrong = wrongParameters(form);
    if (wrong !== undefined) return refuse(request, wrong);
    const action = form.get("Action");
    if (signed.service !== (action === "Publish" ? "sns" : "sts")) return refuse(request, `${action ?? ""} signed for ${signed.service}`);
    if (action === "GetCallerIdentity") {
      return { status: 200, headers: { "content-type": "text/xml" }, body: awsResult(action, { Arn: "arn:aws:iam::123456789012:user/ci", UserId: known.id, Account: "123456789012" }) };
    }
    if (action === "AssumeRole") return assumeRole(form, state);
    const unfit = wrongPublish(form);
    return unfit === undefined ? publish(form, signed, state) : refuse(request, unfit);
  };
  const receiver = await startReceiver({ respond, ...(options.port !== undefined && { port: options.port }) });
  return {
    ...receiver,
    topicArn,
    key,
    published: state.published,
    rolesAssumed: () => state.assumed,
    forbid: (keyId) => {
      state.forbidden.add(keyId);
    },
    rotate,
    grant: () => grant(state),
    endSessions: () => {
      for (const id of state.sessions) state.keys.delete(id);
      state.sessions.clear();
    },
    deleteTopic: () => {
      state.topics.clear();
    },
    violations,
  };
}

/** An outbound client for which the hosts of AWS are at the double. */
export function awsAt({ url }: Pick<SnsDouble, "url">, http: Http): Http {
  return {
    ...http,
    fetch: (target, init) => {
      const meant = new URL(target);
      if (!/\.amazonaws\.(?:com|com\.cn|eu)$/.test(meant.hostname)) return http.fetch(target, init);
      return http.fetch(`${url}${meant.pathname}${meant.search}`, { ...init, headers: { ...(init.headers as Record<string, string>), [meantForHeader]: meant.host } });
    },
  };
}
