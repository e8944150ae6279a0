import { createHmac } from "node:crypto";
import { DeliveryError } from "../delivery-error.ts";
import type { SenderOptions } from "../provider.ts";
import type { CloudEventsProvider } from "./config.ts";
import { clientCredentials } from "./oauth2.ts";
import { credentialRefs } from "./secrets.ts";

type Options = SenderOptions<CloudEventsProvider>;

/** How the receiver knows who sends. */
export interface Authentication {
  /** The headers for a request with this event and body. */
  readonly headers: (id: string, body: string, signal: AbortSignal) => Promise<Readonly<Record<string, string>>>;
  /** The receiver refused them (401). Whether others may be had at once. */
  readonly refused: (headers: Readonly<Record<string, string>>) => boolean;
  /** Gets a token, unless there is a good one; only where tokens are given out. */
  readonly verify?: (signal: AbortSignal) => Promise<void>;
}

const fixed = (headers: Readonly<Record<string, string>>): Authentication => ({ headers: () => Promise.resolve(headers), refused: () => false });

/** Reads a key of a Secret; files that were put into Secrets often end in a line break. Throws SecretMalformed. */
function read({ secrets }: Options, { name, key }: { readonly name: string; readonly key: string }, form: RegExp, what: string): string {
  const value = (secrets.get(`${name}/${key}`) ?? "").replace(/^\s+|\s+$/g, "");
  if (!form.test(value)) throw new DeliveryError("SecretMalformed", `Secret ${name}, key ${key}: not ${what}`);
  return value;
}

/** Standard Webhooks: 24 to 64 bytes. During a rotation there are several. */
function signingKeys(text: string): Buffer[] | undefined {
  const keys = text.split(/\s+/).map((word) => (/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(word) ? Buffer.from(word.slice("whsec_".length), "base64") : Buffer.alloc(0)));
  return keys.length <= 5 && keys.every(({ length }) => length >= 24 && length <= 64) ? keys : undefined;
}

function signing(options: Options, ref: { readonly name: string; readonly key: string }): Authentication {
  const keys = signingKeys(read(options, ref, /./, "a key"));
  if (keys === undefined) throw new DeliveryError("SecretMalformed", `Secret ${ref.name}, key ${ref.key}: not whsec_ and 24 to 64 bytes in base64; during a rotation several of those, with spaces between`);
  const headers = (id: string, body: string): Record<string, string> => {
    const timestamp = String(Math.floor(options.clock.now() / 1000));
    const signatures = keys.map((key) => `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`);
    return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
  };
  return { headers: (id, body) => Promise.resolve(headers(id, body)), refused: () => false };
}

function withTokens(options: Options, clientId: string, clientSecret: string): Authentication {
  const { tokenURL = "", scopes, audience } = options.provider.authentication ?? {};
  const tokens = clientCredentials({ ...options, tokenURL, clientId, clientSecret, ...(scopes !== undefined && { scopes }), ...(audience !== undefined && { audience }) });
  return {
    headers: async (_id, _body, signal) => ({ authorization: `Bearer ${await tokens.current(signal)}` }),
    refused: ({ authorization = "" }) => {
      tokens.refused(authorization.slice("Bearer ".length));
      return true;
    },
    verify: async (signal) => {
      await tokens.current(signal);
    },
  };
}

const visible = /^[!-~]{1,8192}$/;
const line = /^[^\p{Cc}]{1,4096}$/u;

/** Makes the Provider's authentication of its Secret. Throws SecretMalformed. */
export function authenticationOf(options: Options): Authentication {
  const [first, second] = credentialRefs(options.provider);
  if (first === undefined) return fixed({});
  switch (options.provider.authentication?.type) {
    case "HMAC":
      return signing(options, first);
    case "Basic": {
      const password = read(options, second ?? first, line, "a password in one line");
      const pair = Buffer.from(`${read(options, first, /^[^:\p{Cc}]{1,1024}$/u, "a user name without a colon")}:${password}`).toString("base64");
      options.learnSecret(pair);
      return fixed({ authorization: `Basic ${pair}` });
    }
    case "OAuth2":
      return withTokens(options, read(options, first, line, "the id of a client"), read(options, second ?? first, line, "the secret of a client"));
    default:
      return fixed({ authorization: `Bearer ${read(options, first, visible, "a token without spaces")}` });
  }
}

/** Headers whose values {@link render} masks. Throws SecretMalformed. */
export function maskedHeaders(options: Options): Readonly<Record<string, string>> {
  const own = options.provider.headers ?? [];
  return Object.fromEntries(
    own.map(({ name, value, valueFrom }): [string, string] => [
      name.toLowerCase(),
      valueFrom === undefined ? (value ?? "") : read(options, valueFrom.secretRef, /^[!-~](?:[ -~]{0,8190}[!-~])?$/, `a value for the header ${name}: one line of ASCII`),
    ]),
  );
}
