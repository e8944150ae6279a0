import type { Clock } from "../telemetry/clock.ts";

/** A token, and when it ends: milliseconds since the epoch. */
export interface Issued<Token> {
  readonly token: Token;
  readonly expiresAt: number;
}

/** A token that is good for a while, and is renewed before it ends. */
export interface Tokens<Token> {
  /** A token that is good now. Whoever asks while one is requested gets that one. Rejects with what `request` rejects with, or the signal's reason. */
  readonly current: (signal: AbortSignal) => Promise<Token>;
  /** Forgets a token that was refused, unless a newer one has come since. */
  readonly refused: (token: Token) => void;
}

/** Told of each request for a token once it is answered: whether one was granted. Of one that was given up nothing is told. */
export type OnTokenRequest = (granted: boolean) => void;

export interface TokensOptions<Token> {
  readonly request: (signal: AbortSignal) => Promise<Issued<Token>>;
  readonly onRequest?: OnTokenRequest | undefined;
  readonly clock: Clock;
  /** Renewed this long before its end, so that none ends on its way; of short-lived ones, a quarter of their life. */
  readonly renewBeforeMs: number;
}

/** Rejects when the signal aborts, whatever becomes of the promise. */
async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => {
    aborted.reject(signal.reason as Error);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** What a request for a token comes to, which is told. */
export async function toldOf<Value>(request: Promise<Value>, onRequest: OnTokenRequest | undefined, signal: AbortSignal): Promise<Value> {
  try {
    const value = await request;
    onRequest?.(true);
    return value;
  } catch (error) {
    if (!signal.aborted) onRequest?.(false);
    throw error;
  }
}

/** Tokens of one identity: one request is under way at a time, and none while the last token is good. */
export function createTokens<Token>({ request, clock, renewBeforeMs, onRequest }: TokensOptions<Token>): Tokens<Token> {
  let held: { readonly token: Token; readonly renewAt: number } | undefined;
  let underWay: { readonly promise: Promise<Token>; readonly signal: AbortSignal } | undefined;

  const renew = async (signal: AbortSignal): Promise<Token> => {
    const askedAt = clock.now();
    const { token, expiresAt } = await toldOf(request(signal), onRequest, signal);
    held = { token, renewAt: expiresAt - Math.min(renewBeforeMs, (expiresAt - askedAt) / 4) };
    return token;
  };

  return {
    current: async (signal) => {
      for (;;) {
        signal.throwIfAborted();
        if (held !== undefined && clock.now() < held.renewAt) return held.token;
        underWay ??= {
          signal,
          // A request that heeds no signal must not keep the next one from being made.
          promise: unlessAborted(renew(signal), signal).finally(() => {
            underWay = undefined;
          }),
        };
        const asked = underWay;
        try {
          return await unlessAborted(asked.promise, signal);
        } catch (error) {
          // Whoever asked first went away: that says nothing to the others.
          if (signal.aborted || asked.signal === signal || !asked.signal.aborted) throw error;
        }
      }
    },
    refused: (token) => {
      if (held?.token === token) held = undefined;
    },
  };
}
