import { randomBytes } from "node:crypto";
import { parse } from "node:querystring";
import { type Answer, type Received, type Receiver, startReceiver } from "./receivers.ts";

/** A message that stands in a channel. */
export interface SlackMessage {
  readonly channel: string;
  readonly ts: string;
  /** Of the message that it replies to. */
  readonly threadTs: string | undefined;
  text: string;
  blocks: readonly unknown[];
  attachments: readonly unknown[];
  edits: number;
}

/** One accepted or refused call, with its arguments as the method takes them. */
export interface SlackCall {
  readonly method: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly answer: Readonly<Record<string, unknown>>;
}

export interface SlackChannelState {
  readonly id: string;
  readonly name: string;
  /** Whether the App is in it. Default: true. */
  readonly member?: boolean;
  readonly archived?: boolean;
}

export interface SlackOptions {
  /** Default: C0123456789, named `deployments`. */
  readonly channels?: readonly SlackChannelState[];
  readonly scopes?: readonly string[];
  readonly port?: number;
}

/**
 * Slack's Web API as far as an App needs it to post and edit messages: auth.test, and chat.postMessage and chat.update with the checks that
 * Slack documents. Calls and answers are kept, so that tests can hold them against the types of Slack's own SDK.
 */
export interface SlackDouble extends Receiver {
  /** What belongs into a Provider's `baseURL`. */
  readonly baseURL: string;
  /** The App's bot token. */
  readonly token: string;
  /** The messages that stand in channels, in the order of their posting. */
  readonly messages: readonly SlackMessage[];
  readonly calls: readonly SlackCall[];
  /** The next `times` calls are answered with this error. */
  readonly refuse: (error: string, more?: Readonly<Record<string, unknown>>, times?: number) => void;
  /** Another token from now on. */
  readonly rotateToken: () => string;
  readonly remove: (ts: string) => void;
  /** What was wrong with requests by Slack's rules. */
  readonly violations: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

interface State {
  token: string;
  readonly channels: readonly SlackChannelState[];
  readonly scopes: readonly string[];
  readonly messages: SlackMessage[];
  count: number;
}

const argumentsOf: Readonly<Record<string, readonly string[]>> = {
  "auth.test": [],
  "chat.postMessage": ["channel", "text", "blocks", "attachments", "parse", "link_names", "mrkdwn", "unfurl_links", "unfurl_media", "thread_ts", "reply_broadcast", "metadata"],
  "chat.update": ["channel", "ts", "text", "blocks", "attachments", "parse", "link_names", "metadata", "reply_broadcast", "file_ids", "as_user"],
};

const no = (error: string, more: Json = {}): Json => ({ ok: false, error, ...more });

/** The arguments in their own types; undefined when a JSON argument is none. */
function typed(form: Readonly<Record<string, string>>): Json | undefined {
  try {
    return Object.fromEntries(
      Object.entries(form).map(([name, value]) => [name, ["blocks", "attachments", "metadata"].includes(name) ? (JSON.parse(value) as unknown) : value === "true" || value === "false" ? value === "true" : value]),
    );
  } catch {
    return undefined;
  }
}

/** What Slack takes of a text, by the kind of object that it is in. */
const limits: Readonly<Record<string, number>> = { header: 150, button: 75, section: 3000, context: 3000, image: 2000 };

/** What is wrong with a value in blocks, by Slack's documented rules: lengths, texts that are missing, URLs. */
function wrongIn(value: unknown, parent: string, key: string): string[] {
  if (Array.isArray(value)) {
    const most = parent === "context" ? 10 : key === "fields" ? 10 : 50;
    return [...(value.length === 0 || value.length > most ? [`${key} has ${value.length} entries`] : []), ...value.flatMap((inner) => wrongIn(inner, parent, key))];
  }
  if (typeof value !== "object" || value === null) return [];
  const object = value as Json;
  const type = typeof object["type"] === "string" ? object["type"] : "";
  const problems: string[] = [];
  if (type === "plain_text" || type === "mrkdwn") {
    const text = typeof object["text"] === "string" ? object["text"] : "";
    const limit = key === "fields" ? 2000 : (limits[parent] ?? 3000);
    if (text.length === 0 || text.length > limit) problems.push(`a ${type} in ${parent} has ${text.length} characters`);
    if (/&(?!amp;|lt;|gt;)/.test(text)) problems.push(`an & in ${parent} is not escaped`);
    return problems;
  }
  if (type === "header" && (object["text"] as Json | undefined)?.["type"] !== "plain_text") problems.push("a header without plain_text");
  if (type === "section" && object["text"] === undefined && object["fields"] === undefined) problems.push("a section without text and fields");
  if (["context", "actions", "rich_text"].includes(type) && object["elements"] === undefined) problems.push(`${type} without elements`);
  for (const name of ["url", "image_url"]) {
    const url = object[name];
    if (url !== undefined && (typeof url !== "string" || !/^https?:\/\/\S+$/.test(url) || url.length > 3000)) problems.push(`${name} in ${type} is no URL`);
  }
  return [...problems, ...Object.entries(object).flatMap(([name, inner]) => wrongIn(inner, type, name))];
}

function wrongBlocks(blocks: unknown): string[] {
  if (!Array.isArray(blocks)) return ["blocks are no list"];
  const characters = JSON.stringify(blocks.flatMap((block) => textsOf(block))).length;
  return [...(blocks.length > 50 ? [`${blocks.length} blocks`] : []), ...(characters > 13_000 ? [`${characters} characters in blocks`] : []), ...blocks.flatMap((block) => wrongIn(block, "message", "blocks"))];
}

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

function wrongContent({ text, blocks, attachments }: Json): { readonly error: string; readonly why: string } | undefined {
  const lists = [blocks ?? [], ...((attachments ?? []) as readonly Json[]).map((attachment) => attachment["blocks"] ?? [])];
  const why = lists.flatMap(wrongBlocks);
  if (why.length > 0) return { error: "invalid_blocks", why: why.join("; ") };
  if (typeof text === "string" && text.length > 40_000) return { error: "msg_too_long", why: "text is too long" };
  const empty = (text ?? "") === "" && ((blocks ?? []) as unknown[]).length === 0 && ((attachments ?? []) as unknown[]).length === 0;
  return empty ? { error: "no_text", why: "no text" } : undefined;
}

/** `C…`, or `#name` of a channel. */
const find = (state: State, wanted: unknown): SlackChannelState | undefined => state.channels.find(({ id, name }) => wanted === id || wanted === `#${name}` || wanted === name);

function postMessage(args: Json, state: State): Json {
  const channel = find(state, args["channel"]);
  if (channel === undefined) return no("channel_not_found");
  if (channel.archived === true) return no("is_archived");
  if (channel.member === false) return no("not_in_channel");
  state.count += 1;
  const ts = `${1_790_000_000 + state.count}.${String(100 + state.count).padStart(6, "0")}`;
  const { text = "", blocks = [], attachments = [], thread_ts: threadTs } = args as { text?: string; blocks?: unknown[]; attachments?: unknown[]; thread_ts?: string };
  state.messages.push({ channel: channel.id, ts, threadTs, text, blocks, attachments, edits: 0 });
  return { ok: true, channel: channel.id, ts, message: { type: "message", subtype: "bot_message", text, ts, bot_id: "B0123456789", ...(threadTs !== undefined && { thread_ts: threadTs }) } };
}

function update(args: Json, state: State): Json {
  // Unlike posting, editing takes no name.
  if (!state.channels.some(({ id }) => id === args["channel"])) return no("channel_not_found");
  const message = state.messages.find(({ channel, ts }) => channel === args["channel"] && ts === args["ts"]);
  if (message === undefined) return no("message_not_found");
  const { text, blocks, attachments } = args as { text?: string; blocks?: unknown[]; attachments?: unknown[] };
  message.text = text ?? message.text;
  message.blocks = blocks ?? message.blocks;
  message.attachments = attachments ?? message.attachments;
  message.edits += 1;
  return { ok: true, channel: message.channel, ts: message.ts, text: message.text, message: { type: "message", text: message.text, bot_id: "B0123456789" } };
}

/** Starts the double on 127.0.0.1. */
export async function startSlack(options: SlackOptions = {}): Promise<SlackDouble> {
  const violations: string[] = [];
  const calls: SlackCall[] = [];
  const refusals: { readonly answer: Json; times: number }[] = [];
  const makeToken = (): string => `xoxb-${randomBytes(6).readUIntBE(0, 6)}-${randomBytes(18).toString("hex")}`;
  const state: State = { token: makeToken(), channels: options.channels ?? [{ id: "C0123456789", name: "deployments" }], scopes: options.scopes ?? ["chat:write"], messages: [], count: 0 };

  const answerTo = (request: Received, method: string, args: Json | undefined): Json => {
    const [authorization = ""] = [request.headers["authorization"]];
    if (authorization === "") return no("not_authed");
    if (authorization !== `Bearer ${state.token}`) return no("invalid_auth");
    if (method === "auth.test") return { ok: true, url: "https://example.slack.com/", team: "Example", user: "tekton", team_id: "T0123456789", user_id: "U0123456789", bot_id: "B0123456789", is_enterprise_install: false };
    if (!state.scopes.includes("chat:write")) return no("missing_scope", { needed: "chat:write", provided: state.scopes.join(",") });
    const refusal = refusals.find(({ times }) => times > 0);
    if (refusal !== undefined) {
      refusal.times -= 1;
      return refusal.answer;
    }
    if (args === undefined) return no("invalid_blocks_format");
    const wrong = wrongContent(args);
    if (wrong !== undefined) {
      violations.push(`${method}: ${wrong.why}`);
      return no(wrong.error, { response_metadata: { messages: [`[ERROR] ${wrong.why}`] } });
    }
    return method === "chat.update" ? update(args, state) : postMessage(args, state);
  };

  const respond = (request: Received): Answer => {
    const [, method = ""] = /^\/api\/([a-z]+\.[A-Za-z]+)$/.exec(request.path) ?? [];
    const known = argumentsOf[method];
    if (known === undefined || request.method !== "POST") {
      violations.push(`${request.method} ${request.path}: no method that is used`);
      return { status: 200, body: no("unknown_method") };
    }
    if (!/^application\/x-www-form-urlencoded(;|$)/.test(request.headers["content-type"] ?? "")) violations.push(`${method}: content-type ${request.headers["content-type"] ?? ""}`);
    const form = { ...parse(request.body) } as Record<string, string>;
    const unknown = Object.keys(form).filter((name) => !known.includes(name));
    if (unknown.length > 0) violations.push(`${method}: unknown arguments ${unknown.join(", ")}`);
    const args = typed(form);
    const answer = answerTo(request, method, args);
    calls.push({ method, arguments: args ?? {}, answer });
    return { status: 200, headers: { "content-type": "application/json; charset=utf-8" }, body: answer };
  };
  const receiver = await startReceiver({ respond, ...(options.port === undefined ? {} : { port: options.port }) });
  return {
    ...receiver,
    baseURL: `${receiver.url}/api`,
    get token() {
      return state.token;
    },
    messages: state.messages,
    calls,
    refuse: (error, more = {}, times = Infinity) => {
      refusals.push({ answer: no(error, more), times });
    },
    rotateToken: () => {
      state.token = makeToken();
      return state.token;
    },
    remove: (ts) => {
      state.messages.splice(0, state.messages.length, ...state.messages.filter((message) => message.ts !== ts));
    },
    violations,
  };
}
