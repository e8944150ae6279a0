import type { ErrorCode } from "../errors.ts";
import { DeliveryError } from "./delivery-error.ts";

/** What an HTTP status says about a message, for services without a finer language of their own. */
export function codeOfStatus(status: number): ErrorCode | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status === 401 || status === 403 || status === 407) return "CredentialsRefused";
  if (status === 404 || status === 410) return "DestinationRefused";
  if (status === 429) return "RateLimited";
  if (status === 408 || status === 425 || status >= 500) return "ServiceFailed";
  if (status >= 300 && status < 400) return "DestinationRefused";
  return "MessageRefused";
}

/** Never wait longer than an hour on a service's word, nor less than nothing. */
const longestWaitMs = 3_600_000;

/** `Retry-After` in milliseconds: whole seconds or an HTTP date (RFC 9110, 10.2.3). */
export function retryAfterMs(value: string | null | undefined, now: number): number | undefined {
  if (value === null || value === undefined) return undefined;
  const text = value.trim();
  // Date.parse takes much for a date that is none, such as "1.5"; all of HTTP's begin with the day's name.
  const ms = /^[0-9]{1,10}$/.test(text) ? Number(text) * 1000 : /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) - now : Number.NaN;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), longestWaitMs) : undefined;
}

/** Throws what a status that is no success means. The body is not part of it: it may hold anything. */
export function refuseUnlessAccepted(host: string, status: number, retryAfter: string | null, now: number): void {
  const code = codeOfStatus(status);
  if (code === undefined) return;
  const redirect = status >= 300 && status < 400 ? " (redirects are not followed)" : "";
  throw new DeliveryError(code, `${host} answered ${status}${redirect}`, { status, retryAfterMs: retryAfterMs(retryAfter, now) });
}
