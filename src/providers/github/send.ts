import { createPrivateKey } from "node:crypto";
import { DeliveryError } from "../delivery-error.ts";
import { secretOf, type Message, type Sender, type SenderOptions } from "../provider.ts";
import { createApi } from "./api.ts";
import type { GitHubProvider } from "./config.ts";
import { createUpserts } from "./upsert.ts";

/** A PEM key, with line breaks that were written as two characters put right. Throws SecretMalformed. */
function privateKeyOf({ provider, secrets }: SenderOptions<GitHubProvider>): string {
  const ref = secretOf(provider.privateKey, "private-key.pem", "the private key");
  const pem = (secrets.get(`${ref.name}/${ref.key}`) ?? "").replaceAll("\\n", "\n").trim();
  try {
    if (createPrivateKey(pem).asymmetricKeyType !== "rsa") throw new Error("not an RSA key");
  } catch (cause) {
    throw new DeliveryError("SecretMalformed", `Secret ${ref.name}, key ${ref.key}: not an RSA private key in PEM form, as GitHub offers it for download`, { cause });
  }
  return pem;
}

/** Sends commit statuses, check runs and comments as a GitHub App. */
export function open(options: SenderOptions<GitHubProvider>): Sender {
  const { provider, clock } = options;
  const api = createApi(options, privateKeyOf(options));
  const upsert = createUpserts(api, provider.appId, clock);

  const setStatus = async ({ target: { owner = "", repo = "" }, request: { url, headers, body } }: Message, signal: AbortSignal): Promise<string | undefined> => {
    const data = await api.call({ owner, repo }, { what: "set the commit status", method: "POST", url, headers, body }, signal);
    const { id, url: status } = (data ?? {}) as { id?: unknown; url?: unknown };
    // A proxy's page with status 200 is no acceptance.
    if (typeof id !== "number") throw new DeliveryError("ServiceFailed", `could not set the commit status: ${api.host} answered with something that is none`, { status: 200 });
    return typeof status === "string" ? status.slice(0, 2048) : undefined;
  };

  return {
    send: async (message, signal) => {
      const externalRef = message.target["report"] === undefined ? await setStatus(message, signal) : await upsert(message, signal);
      return externalRef === undefined ? {} : { externalRef };
    },
    verify: api.authenticate,
    close: () => Promise.resolve(),
  };
}
