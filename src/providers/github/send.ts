import { createPrivateKey } from "node:crypto";
import { App } from "@octokit/app";
import { Octokit } from "@octokit/core";
import type { Http } from "../http.ts";
import { DeliveryError } from "../delivery-error.ts";
import { secretOf, type Message, type Sender, type SenderOptions } from "../provider.ts";
import type { GitHubProvider } from "./config.ts";
import { toDeliveryError, type Doing } from "./errors.ts";
import { createInstallations } from "./installations.ts";
import { apiBase } from "./render.ts";

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

/** GitHub redirects from a repository's former name. Octokit would take that for a success. */
function withoutRedirects({ fetch }: Http): Http["fetch"] {
  return async (url, init) => {
    const response = await fetch(url, init);
    if (response.status < 300 || response.status >= 400) return response;
    await response.body?.cancel();
    const message = `${new URL(url).host} answered ${response.status} (redirects are not followed; was the repository renamed or transferred?)`;
    throw new DeliveryError("DestinationRefused", message, { status: response.status });
  };
}

/** Sends commit statuses as a GitHub App: a JWT finds the installation and gets its token, the token sets the status. */
export function open(options: SenderOptions<GitHubProvider>): Sender {
  const { provider, http, clock } = options;
  const base = apiBase(provider);
  const host = new URL(base).host;
  const Client = Octokit.defaults({
    baseUrl: base,
    userAgent: "tekton-integrations",
    request: { fetch: withoutRedirects(http) },
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const app = new App({ appId: provider.appId, privateKey: privateKeyOf(options), Octokit: Client, log: new Client().log });
  const installations = createInstallations(app.octokit, provider.installationId, clock, options.learnSecret);

  const during = async <Value>(what: Doing["what"], signal: AbortSignal, work: () => Promise<Value>): Promise<Value> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      throw toDeliveryError(error, { what, host, signal, now: clock.now(), trusted: provider.baseURL === undefined });
    }
  };

  const post = async (message: Message, token: string, signal: AbortSignal): Promise<string | undefined> => {
    const { authorization, ...headers } = message.request.headers;
    const response = await new Client({ auth: token }).request({
      method: message.request.method,
      url: message.request.url,
      headers,
      data: message.request.body,
      request: { signal },
    });
    const { id, url } = (response.data as { id?: unknown; url?: unknown } | undefined) ?? {};
    // A proxy's page with status 200 is no acceptance.
    if (typeof id !== "number") throw new DeliveryError("ServiceFailed", `${host} answered ${response.status} with something that is no commit status`, { status: response.status });
    return typeof url === "string" ? url.slice(0, 2048) : undefined;
  };

  const sendAs = async (installation: number, message: Message, signal: AbortSignal): Promise<string | undefined> => {
    for (let again = true; ; again = false) {
      const token = await during("get a token", signal, () => installations.token(installation, signal));
      try {
        return await during("set the commit status", signal, () => post(message, token, signal));
      } catch (error) {
        if (!(error instanceof DeliveryError) || error.status !== 401) throw error;
        installations.refused(installation, token);
        // A token can be revoked before its time: one fresh one is tried before the credentials are blamed.
        if (!again) throw error;
      }
    }
  };

  const send = async (message: Message, signal: AbortSignal): Promise<string | undefined> => {
    const { owner = "", repo = "" } = message.target;
    const installation = await during("find the installation", signal, () => installations.of(owner, repo, signal));
    try {
      return await sendAs(installation, message, signal);
    } catch (error) {
      // The App may have been installed anew, under another id.
      if (error instanceof DeliveryError && error.status === 404) installations.moved(owner, repo);
      throw error;
    }
  };

  return {
    send: async (message, signal) => {
      const externalRef = await send(message, signal);
      return externalRef === undefined ? {} : { externalRef };
    },
    close: () => Promise.resolve(),
  };
}
