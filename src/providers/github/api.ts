import { App } from "@octokit/app";
import { Octokit } from "@octokit/core";
import { DeliveryError } from "../delivery-error.ts";
import type { Http } from "../http.ts";
import type { SenderOptions } from "../provider.ts";
import type { GitHubProvider } from "./config.ts";
import { toDeliveryError, type Doing } from "./errors.ts";
import { createInstallations } from "./installations.ts";
import { apiBase } from "./urls.ts";

/** One request about a repository. */
export interface Call {
  readonly what: Doing["what"];
  readonly method: "GET" | "POST" | "PATCH";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Repository {
  readonly owner: string;
  readonly repo: string;
}

/** The REST API as one App sees it. */
export interface Api {
  /** Such as `api.github.com`. */
  readonly host: string;
  /** The answer's data, which may be anything. Rejects with a {@link DeliveryError}. */
  readonly call: (repository: Repository, call: Call, signal: AbortSignal) => Promise<unknown>;
  /** Asks who the App is, as the App. Rejects with a {@link DeliveryError}. */
  readonly authenticate: (signal: AbortSignal) => Promise<void>;
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

const isStatus = (error: unknown, status: number): error is DeliveryError => error instanceof DeliveryError && error.status === status;

/** Speaks to GitHub as the App: a JWT finds the installation of a repository and gets its token, the token does the rest. */
export function createApi({ provider, http, clock, learnSecret, onTokenRequest }: Omit<SenderOptions<GitHubProvider>, "secrets">, privateKey: string): Api {
  const base = apiBase(provider);
  const host = new URL(base).host;
  const Client = Octokit.defaults({
    baseUrl: base,
    userAgent: "tekton-integrations",
    request: { fetch: withoutRedirects(http) },
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const app = new App({ appId: provider.appId, privateKey, Octokit: Client, log: new Client().log });
  const installations = createInstallations(app.octokit, provider.installationId, { clock, learnSecret, onTokenRequest });

  const during = async <Value>(what: Doing["what"], signal: AbortSignal, work: () => Promise<Value>): Promise<Value> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      throw toDeliveryError(error, { what, host, signal, now: clock.now(), trusted: provider.baseURL === undefined });
    }
  };

  const request = async ({ method, url, headers = {}, body }: Call, token: string, signal: AbortSignal): Promise<unknown> => {
    const { authorization, ...others } = headers;
    const answer: { readonly data: unknown } = await new Client({ auth: token }).request({ method, url, headers: others, ...(body !== undefined && { data: body }), request: { signal } });
    return answer.data;
  };

  const callAs = async (installation: number, call: Call, signal: AbortSignal): Promise<unknown> => {
    for (let again = true; ; again = false) {
      const token = await during("get a token", signal, () => installations.token(installation, signal));
      try {
        return await during(call.what, signal, () => request(call, token, signal));
      } catch (error) {
        if (!isStatus(error, 401)) throw error;
        installations.refused(installation, token);
        // A token can be revoked before its time: one fresh one is tried before the credentials are blamed.
        if (!again) throw error;
      }
    }
  };

  const installationOf = (repository: Repository, signal: AbortSignal): Promise<number> => during("find the installation", signal, () => installations.of(repository.owner, repository.repo, signal));

  const authenticate = async (signal: AbortSignal): Promise<void> => {
    const { data } = await app.octokit.request("GET /app", { request: { signal } });
    const { id } = (data ?? {}) as { readonly id?: unknown };
    if (typeof id !== "number") throw new DeliveryError("ServiceFailed", `could not authenticate the App: ${host} answered with something that is no App`, { status: 200 });
  };

  return {
    host,
    authenticate: (signal) => during("authenticate the App", signal, () => authenticate(signal)),
    call: async (repository, call, signal) => {
      const installation = await installationOf(repository, signal);
      try {
        return await callAs(installation, call, signal);
      } catch (error) {
        if (!isStatus(error, 404)) throw error;
        // The App may have been installed anew, or the repository have moved: to another installation.
        installations.moved(repository.owner, repository.repo);
        const now = await installationOf(repository, signal);
        if (now === installation) throw error;
        return callAs(now, call, signal);
      }
    },
  };
}
