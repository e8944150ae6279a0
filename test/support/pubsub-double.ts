import { generateKeyPairSync, randomBytes, verify, type KeyObject } from "node:crypto";
import { googleError, pubSubLimits, wrongMessage } from "./pubsub-contract.ts";
import { type Answer, type Received, type Receiver, startReceiver } from "./receivers.ts";

/** A message that a topic took. */
export interface PubSubPublished {
  readonly messageId: string;
  readonly topic: string;
  /** Decoded. */
  readonly data: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderingKey: string | undefined;
}

export interface PubSubOptions {
  readonly projectId?: string;
  readonly topic?: string;
  readonly port?: number;
}

/** A key file of a service account, as Google offers it for download. */
export interface ServiceAccountFile {
  readonly type: string;
  readonly project_id: string;
  readonly private_key_id: string;
  readonly private_key: string;
  readonly client_email: string;
  readonly [url: string]: string;
}

/**
 * Pub/Sub's REST API as far as publishing goes. It checks the tokens that service accounts sign themselves, requests and
 * limits, and holds its own answers against Google's published description.
 */
export interface PubSubDouble extends Receiver {
  readonly projectId: string;
  readonly topic: string;
  /** The key of an account that may publish. */
  readonly key: ServiceAccountFile;
  /** Messages that were taken, in the order of their arrival. */
  readonly published: readonly PubSubPublished[];
  /** The tokens that came, each once. */
  readonly tokens: ReadonlySet<string>;
  /** A token that Google gave to somebody who may publish. */
  readonly grant: () => string;
  /** Makes the tokens that were granted invalid. */
  readonly revoke: () => void;
  /** Lets accounts no longer publish. */
  readonly forbid: () => void;
  /** Replaces the account's key by another one. */
  readonly rotate: () => ServiceAccountFile;
  readonly deleteTopic: () => void;
  /** What was wrong with requests by Google's description and limits, and with answers of this double. */
  readonly violations: readonly string[];
}

const email = "tekton@example-project.iam.gserviceaccount.com";

interface State {
  readonly keys: Map<string, KeyObject>;
  readonly topics: Set<string>;
  readonly published: PubSubPublished[];
  readonly tokens: Set<string>;
  readonly granted: Set<string>;
  forbidden: boolean;
}

function makeKey(state: State): ServiceAccountFile {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const id = publicKey.export({ type: "spki", format: "der" }).toString("hex").slice(-40);
  state.keys.clear();
  state.keys.set(id, publicKey);
  return {
    type: "service_account",
    project_id: "example-project",
    private_key_id: id,
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    client_email: email,
    client_id: "100000000000000000000",
    auth_uri: "https://accounts.google.com/o/oauth2/auth",
    token_uri: "https://oauth2.googleapis.com/token",
    auth_provider_x509_cert_url: "https://www.googleapis.com/oauth2/v1/certs",
    client_x509_cert_url: "https://www.googleapis.com/robot/v1/metadata/x509/tekton",
    universe_domain: "googleapis.com",
  };
}

const decode = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;

/** What is wrong with a self-signed token (google.aip.dev/auth/4111). */
function wrongToken(authorization: string, keys: ReadonlyMap<string, KeyObject>, now: number): string | undefined {
  const [, header = "", claims = "", signature = ""] = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(authorization) ?? [];
  if (signature === "") return "no token";
  const { alg, typ, kid } = decode(header);
  if (alg !== "RS256" || typ !== "JWT") return "not RS256";
  const key = keys.get(String(kid));
  if (key === undefined) return "unknown key";
  if (!verify("RSA-SHA256", Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url"))) return "wrong signature";
  const { iss, sub, scope, aud, iat, exp } = decode(claims) as Record<string, string | undefined> & { iat: number; exp: number };
  if (iss !== email || sub !== email) return "wrong issuer";
  if (aud !== undefined || scope !== "https://www.googleapis.com/auth/pubsub") return "not the scope of Pub/Sub";
  const seconds = now / 1000;
  return iat <= seconds && exp > seconds && exp - iat <= 3600 ? undefined : "not its time";
}

function wrongLimits(request: Received): string | undefined {
  const { messages } = request.json as { messages: readonly { data?: string; attributes?: Record<string, string>; orderingKey?: string }[] };
  const bytes = (text: string): number => Buffer.byteLength(text);
  if (bytes(request.body) > pubSubLimits.requestBytes) return `${bytes(request.body)} bytes`;
  if (messages.length !== 1) return `${messages.length} messages`;
  const [{ data = "", attributes = {}, orderingKey = "" } = {}] = messages;
  if (data === "") return "no data";
  if (Object.keys(attributes).length > pubSubLimits.attributes) return "too many attributes";
  const wrong = Object.entries(attributes).find(([name, value]) => name === "" || /^goog/.test(name) || bytes(name) > pubSubLimits.attributeKeyBytes || bytes(value) > pubSubLimits.attributeValueBytes);
  if (wrong !== undefined) return `attribute ${wrong[0]}`;
  return bytes(orderingKey) <= pubSubLimits.orderingKeyBytes ? undefined : "orderingKey is too long";
}

/** Starts the double on 127.0.0.1. */
export async function startPubSub(options: PubSubOptions = {}): Promise<PubSubDouble> {
  const { projectId = "example-project", topic = "tekton-runs" } = options;
  const violations: string[] = [];
  const state: State = { keys: new Map(), topics: new Set([`projects/${projectId}/topics/${topic}`]), published: [], tokens: new Set(), granted: new Set(), forbidden: false };
  const key = makeKey(state);

  const publish = (request: Received, name: string): Answer => {
    if (state.forbidden) return googleError("PERMISSION_DENIED", "User not authorized to perform this action.");
    if (!state.topics.has(name)) return googleError("NOT_FOUND", `Resource not found (resource=${topic}).`);
    const [{ data, attributes = {}, orderingKey } = { data: "" }] = (request.json as { messages: { data: string; attributes?: Record<string, string>; orderingKey?: string }[] }).messages;
    const messageId = String(1_000_000 + state.published.length);
    state.published.push({ messageId, topic: name, data: Buffer.from(data, "base64").toString("utf8"), attributes, orderingKey });
    const body = { messageIds: [messageId] };
    const wrong = wrongMessage("PublishResponse", body);
    if (wrong !== undefined) violations.push(`the answer of this double is wrong: ${wrong}`);
    return { status: 200, body };
  };

  const respond = (request: Received): Answer => {
    const refuse = (wrong: string): Answer => {
      violations.push(`${request.method} ${request.path}: ${wrong}`);
      return googleError("INVALID_ARGUMENT", wrong);
    };
    const authorization = request.headers["authorization"] ?? "";
    const forged = state.granted.has(authorization.slice("Bearer ".length)) ? undefined : wrongToken(authorization, state.keys, Date.now());
    if (forged !== undefined) return googleError("UNAUTHENTICATED", `Request had invalid authentication credentials: ${forged} ${authorization}`);
    state.tokens.add(authorization);
    const [, name] = /^\/v1\/(projects\/[^/]+\/topics\/[^/:]+):publish$/.exec(request.path) ?? [];
    if (request.method !== "POST" || name === undefined) return refuse("there is no such method");
    if (!(request.headers["content-type"] ?? "").startsWith("application/json")) return refuse("not JSON");
    const wrong = wrongMessage("PublishRequest", request.json) ?? wrongLimits(request);
    return wrong === undefined ? publish(request, decodeURIComponent(name)) : refuse(wrong);
  };

  const receiver = await startReceiver({ respond, ...(options.port !== undefined && { port: options.port }) });
  return {
    ...receiver,
    projectId,
    topic,
    key,
    published: state.published,
    tokens: state.tokens,
    grant: () => {
      const token = `ya29.${randomBytes(60).toString("base64url")}`;
      state.granted.add(token);
      return token;
    },
    revoke: () => {
      state.granted.clear();
    },
    forbid: () => {
      state.forbidden = true;
    },
    rotate: () => makeKey(state),
    deleteTopic: () => {
      state.topics.clear();
    },
    violations,
  };
}
