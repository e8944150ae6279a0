import { refuseUnlessAccepted } from "../answer.ts";
import { readBody } from "../body.ts";
import { DeliveryError } from "../delivery-error.ts";
import { requestFailed } from "../http.ts";
import type { SenderOptions } from "../provider.ts";
import { createTokens, type Issued, type Tokens } from "../tokens.ts";

export interface ClientCredentials extends Pick<SenderOptions<unknown>, "http" | "clock" | "learnSecret" | "onTokenRequest"> {
  readonly tokenURL: string;
  readonly scopes?: readonly string[];
  readonly audience?: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

const renewBeforeMs = 60_000;

/** Of tokens that do not say how long they live. */
const usualSeconds = 300;

/** Nobody gives a token out for longer than a day and wants it used so long. */
const longestSeconds = 86_400;

/** As RFC 6749, 2.3.1 wants it. */
const formEncode = (value: string): string => new URLSearchParams({ "": value }).toString().slice(1);

function issuedIn(body: Uint8Array, now: number): Issued<string> | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
  const { access_token: token, token_type: type, expires_in: seconds } = (answer ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof token !== "string" || !/^[!-~]{1,16384}$/.test(token) || (typeof type === "string" && type.toLowerCase() !== "bearer")) return undefined;
  const life = Number(seconds ?? usualSeconds);
  return { token, expiresAt: now + 1000 * Math.min(Number.isFinite(life) && life > 0 ? life : usualSeconds, longestSeconds) };
}

/** Tokens by client credentials (RFC 6749, 4.4). What the server says to a refusal is not shown: its URL comes from a user. */
export function clientCredentials({ tokenURL, scopes = [], audience, clientId, clientSecret, http, clock, learnSecret, onTokenRequest }: ClientCredentials): Tokens<string> {
  const { host } = new URL(tokenURL);
  const authorization = `Basic ${Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`).toString("base64")}`;
  learnSecret(authorization.slice("Basic ".length));
  const form = new URLSearchParams({ grant_type: "client_credentials", ...(scopes.length > 0 && { scope: scopes.join(" ") }), ...(audience !== undefined && { audience }) });
  const headers = { authorization, accept: "application/json", "content-type": "application/x-www-form-urlencoded" };

  const request = async (signal: AbortSignal): Promise<Issued<string>> => {
    try {
      const response = await http.fetch(tokenURL, { method: "POST", headers, body: form.toString(), signal });
      const body = await readBody(response, host);
      refuseUnlessAccepted(host, response.status, response.headers.get("retry-after"), clock.now());
      const issued = issuedIn(body, clock.now());
      if (issued === undefined) throw new DeliveryError("ServiceFailed", `${host} answered ${response.status} with something that is no token`, { status: response.status });
      learnSecret(issued.token);
      return issued;
    } catch (error) {
      throw notGiven(requestFailed(error, host, signal));
    }
  };
  return createTokens({ request, clock, renewBeforeMs, onRequest: onTokenRequest });
}

/** Whatever is wrong with a request for a token, no message is at fault, and no route. */
function notGiven(error: DeliveryError): DeliveryError {
  const code = error.class === "permanent" || error.class === "route" ? "CredentialsRefused" : error.code;
  const { cause, status, retryAfterMs } = error;
  return new DeliveryError(code, `could not get a token: ${error.message}`, { cause, retryAfterMs, ...(status !== undefined && { status }) });
}
