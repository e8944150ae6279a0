import type { Octokit } from "@octokit/core";
import { DeliveryError } from "../delivery-error.ts";
import type { SenderOptions } from "../provider.ts";
import { toldOf } from "../tokens.ts";

interface Token {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** A token is renewed this long before it ends, so that none ends on its way. */
const renewBeforeMs = 60_000;

/** At most this many repositories' installations are remembered. */
const maxRepositories = 10_000;

/** Installation ids and tokens of one App on one server. */
export interface Installations {
  /** The installation of a repository; looked up once. */
  readonly of: (owner: string, repo: string, signal: AbortSignal) => Promise<number>;
  /** A token that is good for a while; one request an hour and installation, however many ask at once. */
  readonly token: (installation: number, signal: AbortSignal) => Promise<string>;
  /** Forgets a token that was refused, unless a newer one has come since. */
  readonly refused: (installation: number, token: string) => void;
  /** Forgets where a repository is installed. */
  readonly moved: (owner: string, repo: string) => void;
}

function tokenOf(data: unknown): Token {
  const { token, expires_at: expires } = (data ?? {}) as { token?: unknown; expires_at?: unknown };
  const expiresAt = typeof expires === "string" ? Date.parse(expires) : Number.NaN;
  if (typeof token !== "string" || token === "" || Number.isNaN(expiresAt)) {
    throw new DeliveryError("ServiceFailed", "the answer to the token request is not what GitHub documents");
  }
  return { value: token, expiresAt };
}

/**
 * Tokens are kept here and not by @octokit/auth-app: it merges requests of different Apps and servers that share an
 * installation id, keeps refused tokens, and ignores when a token ends.
 */
export function createInstallations(app: Octokit, fixed: number | undefined, { clock, learnSecret, onTokenRequest }: Pick<SenderOptions<unknown>, "clock" | "learnSecret" | "onTokenRequest">): Installations {
  const ids = new Map<string, number>();
  const tokens = new Map<number, Token>();
  const lookUps = new Map<string, Promise<number>>();
  const renewals = new Map<number, Promise<Token>>();

  const lookUp = async (owner: string, repo: string, signal: AbortSignal): Promise<number> => {
    const { data } = await app.request("GET /repos/{owner}/{repo}/installation", { owner, repo, request: { signal } });
    const { id } = (data as { id?: unknown } | undefined) ?? {};
    if (typeof id !== "number") throw new DeliveryError("ServiceFailed", "the answer to the installation request is not what GitHub documents");
    return id;
  };

  const fetchToken = async (installation: number, signal: AbortSignal): Promise<Token> => {
    const { data } = await app.request("POST /app/installations/{installation_id}/access_tokens", { installation_id: installation, request: { signal } });
    const token = tokenOf(data);
    learnSecret(token.value);
    tokens.set(installation, token);
    return token;
  };

  return {
    of: async (owner, repo, signal) => {
      if (fixed !== undefined) return fixed;
      const key = `${owner}/${repo}`.toLowerCase();
      const known = ids.get(key);
      if (known !== undefined) return known;
      const id = await shared(lookUps, key, () => lookUp(owner, repo, signal));
      const [oldest] = ids.keys();
      if (ids.size >= maxRepositories && oldest !== undefined) ids.delete(oldest);
      ids.set(key, id);
      return id;
    },
    token: async (installation, signal) => {
      const known = tokens.get(installation);
      if (known !== undefined && known.expiresAt - renewBeforeMs > clock.now()) return known.value;
      return (await shared(renewals, installation, () => toldOf(fetchToken(installation, signal), onTokenRequest, signal))).value;
    },
    refused: (installation, token) => {
      if (tokens.get(installation)?.value === token) tokens.delete(installation);
    },
    moved: (owner, repo) => {
      ids.delete(`${owner}/${repo}`.toLowerCase());
    },
  };
}

/** Whoever asks while an answer is under way gets that one. */
async function shared<Key, Value>(underWay: Map<Key, Promise<Value>>, key: Key, make: () => Promise<Value>): Promise<Value> {
  const known = underWay.get(key);
  if (known !== undefined) return known;
  const promise = make();
  underWay.set(key, promise);
  try {
    return await promise;
  } finally {
    underWay.delete(key);
  }
}
