import { createHash, createHmac } from "node:crypto";
import type { Received } from "./receivers.ts";

/** An access key that a double knows. */
export interface KnownKey {
  readonly id: string;
  readonly secret: string;
  readonly token?: string;
}

/** What a signature says about itself. */
export interface Signed {
  readonly keyId: string;
  readonly region: string;
  readonly service: string;
}

const sha256 = (value: string): string => createHash("sha256").update(value).digest("hex");
const hmac = (key: string | Buffer, value: string): Buffer => createHmac("sha256", key).update(value).digest();

/** The parts of the header of Signature Version 4. */
const authorization = /^AWS4-HMAC-SHA256 Credential=(?<id>[^/]+)\/(?<day>\d{8})\/(?<region>[^/]+)\/(?<service>[^/]+)\/aws4_request, SignedHeaders=(?<names>[a-z0-9;-]+), Signature=(?<signature>[0-9a-f]{64})$/;

/** The header in which tests say which host a request was meant for; it is part of what is signed. */
export const meantForHeader = "x-test-meant-for";

/** Who signed the request, with no look at whether it is right; undefined without a signature. */
export function signedBy(request: Received): Signed | undefined {
  const groups = authorization.exec(request.headers["authorization"] ?? "")?.groups;
  return groups === undefined ? undefined : { keyId: groups["id"] ?? "", region: groups["region"] ?? "", service: groups["service"] ?? "" };
}

/** The AWS error code for what is wrong with the signature (AWS Signature Version 4), or undefined. */
export function wrongSignature(request: Received, key: KnownKey, now: number): string | undefined {
  const groups = authorization.exec(request.headers["authorization"] ?? "")?.groups;
  const date = request.headers["x-amz-date"] ?? "";
  if (groups === undefined || !/^\d{8}T\d{6}Z$/.test(date)) return "IncompleteSignature";
  if ((request.headers["x-amz-security-token"] ?? "") !== (key.token ?? "")) return "InvalidClientTokenId";
  const { day = "", region = "", service = "", names = "", signature } = groups;
  const at = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (Math.abs(at - now) > 900_000) return "RequestTimeTooSkewed";
  const signed = names.split(";");
  if (!signed.includes("host") || (key.token !== undefined && !signed.includes("x-amz-security-token"))) return "IncompleteSignature";
  const valueOf = (name: string): string => (name === "host" ? (request.headers[meantForHeader] ?? request.headers["host"] ?? "") : (request.headers[name] ?? ""));
  const [path = "/", query = ""] = request.path.split("?");
  const headers = signed.map((name) => `${name}:${valueOf(name).trim().replace(/ +/g, " ")}\n`).join("");
  const canonical = [request.method, path, query, headers, names, sha256(request.body)].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const derived = hmac(hmac(hmac(hmac(`AWS4${key.secret}`, day), region), service), "aws4_request");
  const right = hmac(derived, ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n")).toString("hex");
  return right === signature ? undefined : "SignatureDoesNotMatch";
}
