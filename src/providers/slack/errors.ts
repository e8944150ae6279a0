import type { ErrorCode } from "../../errors.ts";
import { DeliveryError } from "../delivery-error.ts";

/** What Slack's error codes mean (docs/providers/slack.md lists them by what to do). */
const meanings: readonly (readonly [ErrorCode, hint: string, codes: readonly string[]])[] = [
  ["RateLimited", "", ["ratelimited", "rate_limited", "message_limit_exceeded"]],
  [
    "ServiceFailed",
    "",
    ["internal_error", "fatal_error", "service_unavailable", "request_timeout", "update_failed", "team_added_to_org", "org_login_required", "external_channel_migrating", "streaming_state_conflict"],
  ],
  ["CredentialsRefused", "the Secret must hold the bot token of the App, which begins with xoxb-", ["invalid_auth", "not_authed", "not_allowed_token_type"]],
  ["CredentialsRefused", "the token is no longer valid: install the App again and put the new token into the Secret", ["token_revoked", "token_expired", "account_inactive"]],
  ["CredentialsRefused", "give the App the scope chat:write, and install it again", ["missing_scope", "no_permission"]],
  ["CredentialsRefused", "Slack's administrators do not let the App in", ["ekm_access_denied", "accesslimited", "access_denied", "team_access_not_granted", "two_factor_setup_required", "enterprise_is_restricted"]],
  ["DestinationRefused", "there is no such channel, or it is private and the App is not in it: invite the App", ["channel_not_found"]],
  ["DestinationRefused", "invite the App into the channel, or give it the scope chat:write.public", ["not_in_channel"]],
  ["DestinationRefused", "the channel is archived", ["is_archived", "is_inactive"]],
  ["DestinationRefused", "the workspace does not let the App post there", ["restricted_action", "messages_tab_disabled", "user_not_found", "cannot_dm_bot"]],
  ["MessageRefused", "the message is too long", ["msg_too_long", "msg_blocks_too_long", "metadata_too_large", "too_many_attachments"]],
  [
    "MessageRefused",
    "look at the Notification's blocks",
    ["invalid_blocks", "invalid_blocks_format", "invalid_attachments", "no_text", "block_mismatch", "invalid_arguments", "invalid_metadata_format", "invalid_arg_name", "invalid_array_arg", "invalid_charset", "invalid_form_data", "invalid_post_type"],
  ],
];

const known = new Map(meanings.flatMap(([code, hint, codes]) => codes.map((slackCode) => [slackCode, { code, hint }] as const)));

/** Only this is an error code; anything else an answer may hold in its place is none. */
const codePattern = /^[a-z0-9_]{1,64}$/;

/** The message that was to be edited cannot be: it is posted anew. */
const notEditable: ReadonlySet<string> = new Set(["message_not_found", "cant_update_message", "edit_window_closed"]);

/** `ok: false`, with the code in `error`. */
export interface Refusal {
  readonly error: unknown;
  /** The scope that was missing. */
  readonly needed?: unknown;
}

export const isNotEditable = ({ error }: Refusal): boolean => typeof error === "string" && notEditable.has(error);

export interface Circumstances {
  readonly host: string;
  /** Answers come from Slack itself, not from a URL that a user gave: codes that are not known here may be shown. */
  readonly trusted: boolean;
  readonly retryAfterMs: number | undefined;
}

function meaningOf(error: string): { readonly code: ErrorCode; readonly hint: string } | undefined {
  const exact = known.get(error);
  return exact ?? (error.startsWith("restricted_action") ? known.get("restricted_action") : undefined);
}

/** The {@link DeliveryError} of an answer that says no. What is not known may pass: it is tried again until the deadline. */
export function refusalError({ error, needed }: Refusal, { host, trusted, retryAfterMs }: Circumstances): DeliveryError {
  const name = typeof error === "string" && codePattern.test(error) ? error : undefined;
  if (name === undefined) return new DeliveryError("ServiceFailed", `${host} answered something that is no answer of Slack's Web API`, { status: 200 });
  const meaning = meaningOf(name);
  const said = trusted || meaning !== undefined || notEditable.has(name) ? name : "an error that is not known";
  const scope = trusted && name === "missing_scope" && typeof needed === "string" && /^[a-z:.,_]{1,200}$/.test(needed) ? ` (needed: ${needed})` : "";
  const hint = meaning === undefined || meaning.hint === "" ? "" : `: ${meaning.hint}`;
  return new DeliveryError(meaning?.code ?? "ServiceFailed", `${host} answered ${said}${hint}${scope}`, { status: 200, retryAfterMs });
}
