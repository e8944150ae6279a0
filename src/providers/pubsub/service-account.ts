import { createPrivateKey, sign, type KeyObject } from "node:crypto";
import type { Clock } from "../../telemetry/clock.ts";
import { DeliveryError } from "../delivery-error.ts";

/** The parts of a service account's key file that are used. The URLs in it are not: where requests go is never up to a Secret. */
export interface ServiceAccount {
  readonly email: string;
  readonly keyId: string | undefined;
  readonly privateKey: KeyObject;
}

/** The one right that is asked for. */
export const scope = "https://www.googleapis.com/auth/pubsub";

/** Google takes tokens of at most an hour. They are made anew this long before, so that none ends on its way. */
const lifeSeconds = 3600;
const renewBeforeMs = 300_000;

/** Clocks differ a little, and Google takes no token from the future. */
const leewaySeconds = 30;

function rsaKey(pem: unknown): KeyObject | undefined {
  if (typeof pem !== "string") return undefined;
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === "rsa" ? key : undefined;
  } catch {
    return undefined;
  }
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads the key file of a service account. Throws SecretMalformed, without a cause: errors of parsers quote what they read.
 * @param where for people: which Secret and key
 */
export function readServiceAccount(text: string, where: string): ServiceAccount {
  const malformed = (what: string): DeliveryError => new DeliveryError("SecretMalformed", `${where}: ${what}; it must be the JSON key of a service account as Google offers it for download`);
  const file = jsonObject(text);
  if (file === undefined) throw malformed("not a JSON object");
  if (file["type"] !== "service_account") throw malformed("its \"type\" is not \"service_account\"");
  const { client_email: email, private_key_id: keyId, private_key: pem } = file;
  if (typeof email !== "string" || !/^[^\s@]{1,200}@[A-Za-z0-9.-]{1,200}$/.test(email)) throw malformed("its \"client_email\" is no address");
  const privateKey = rsaKey(pem);
  if (privateKey === undefined) throw malformed("its \"private_key\" is no RSA private key in PEM form");
  return { email, privateKey, keyId: typeof keyId === "string" && keyId !== "" ? keyId : undefined };
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/**
 * Tokens that the service account signs itself: Google's APIs take them as they are (RFC 7523 without an exchange), so that
 * no token is ever requested. One an hour is made.
 */
export function selfSignedTokens({ email, keyId, privateKey }: ServiceAccount, clock: Clock, learnSecret: (secret: string) => void): () => string {
  let current: { readonly token: string; readonly expiresAt: number } | undefined;
  return () => {
    if (current !== undefined && current.expiresAt - renewBeforeMs > clock.now()) return current.token;
    const issuedAt = Math.floor(clock.now() / 1000) - leewaySeconds;
    const header = { alg: "RS256", typ: "JWT", ...(keyId !== undefined && { kid: keyId }) };
    const claims = { iss: email, sub: email, scope, iat: issuedAt, exp: issuedAt + lifeSeconds };
    const content = `${base64url(header)}.${base64url(claims)}`;
    const token = `${content}.${sign("RSA-SHA256", Buffer.from(content), privateKey).toString("base64url")}`;
    learnSecret(token);
    current = { token, expiresAt: (issuedAt + lifeSeconds) * 1000 };
    return token;
  };
}
