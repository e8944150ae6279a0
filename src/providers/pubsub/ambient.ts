import { GoogleAuth } from "google-auth-library";
import { DeliveryError } from "../delivery-error.ts";
import type { SenderOptions } from "../provider.ts";
import { createTokens, type Issued, type Tokens } from "../tokens.ts";
import { scope } from "./service-account.ts";

/** Google's metadata server hands out the same token until five minutes before its end. */
const renewBeforeMs = 240_000;

const usualLifeMs = 300_000;

/** Google's error holds requests, and what they were made with. */
function noToken(error: unknown): DeliveryError {
  const { message, response, code } = error as Error & { readonly response?: { readonly status?: unknown }; readonly code?: unknown };
  const status = typeof response?.status === "number" ? response.status : undefined;
  if (status === undefined && /Could not load the default credentials/.test(message)) {
    return new DeliveryError("CredentialsRequired", "the controller has no identity of its own at Google: neither GOOGLE_APPLICATION_CREDENTIALS nor the metadata server gives it one");
  }
  const about = status === undefined ? (typeof code === "string" && /^[A-Z0-9_]{3,64}$/.test(code) ? ` (${code})` : "") : `: answered ${status}`;
  const refused = status !== undefined && status >= 400 && status < 500 && status !== 429;
  return new DeliveryError(refused ? "CredentialsRefused" : "ServiceUnreachable", `could not get the controller's own identity at Google${about}`, status === undefined ? {} : { status });
}

/**
 * Tokens of the controller's own identity, found as Google's libraries always do (Application Default Credentials): a file
 * that GOOGLE_APPLICATION_CREDENTIALS names, workload identity federation among them, or the metadata server.
 * @param projectId of the topic; it says nothing about whose identity it is
 */
export function ambientTokens(projectId: string, { clock, learnSecret, onTokenRequest }: Pick<SenderOptions<unknown>, "clock" | "learnSecret" | "onTokenRequest">): Tokens<string> {
  const request = async (): Promise<Issued<string>> => {
    try {
      // Made anew each time: it keeps its tokens itself, refused ones too. Without a project it would look for one everywhere.
      const client = await new GoogleAuth({ scopes: [scope], projectId }).getClient();
      const { token } = await client.getAccessToken();
      if (typeof token !== "string" || !/^[!-~]{1,16384}$/.test(token)) throw new DeliveryError("ServiceFailed", "could not get the controller's own identity at Google: the answer is no token");
      learnSecret(token);
      const end = client.credentials.expiry_date;
      return { token, expiresAt: typeof end === "number" ? end : clock.now() + usualLifeMs };
    } catch (error) {
      throw error instanceof DeliveryError ? error : noToken(error);
    }
  };
  return createTokens({ request, clock, renewBeforeMs, onRequest: onTokenRequest });
}
