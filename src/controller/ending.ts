import type { Clock } from "../telemetry/clock.ts";

/** A signal of its own, and what lets go of what it follows. */
export interface Ending {
  readonly signal: AbortSignal;
  readonly dispose: () => void;
}

/** A signal that aborts when another one did so long ago. */
export function abortAfter(signal: AbortSignal, ms: number, clock: Clock): Ending {
  const late = new AbortController();
  const timer = new AbortController();
  const wait = (): void => {
    clock.sleep(ms, timer.signal).then(
      () => {
        late.abort(signal.reason);
      },
      () => undefined,
    );
  };
  if (signal.aborted) wait();
  else signal.addEventListener("abort", wait, { once: true });
  return {
    signal: late.signal,
    dispose: () => {
      signal.removeEventListener("abort", wait);
      timer.abort();
    },
  };
}

/** A signal that aborts with the first of others; by hand, so that nothing stays attached to a signal that lives for long. */
export function abortWithAny(...signals: readonly AbortSignal[]): Ending {
  const any = new AbortController();
  const abort = (event: Event): void => {
    any.abort((event.target as AbortSignal).reason);
  };
  for (const signal of signals) {
    if (signal.aborted) any.abort(signal.reason);
    else signal.addEventListener("abort", abort, { once: true });
  }
  return {
    signal: any.signal,
    dispose: () => {
      for (const signal of signals) signal.removeEventListener("abort", abort);
    },
  };
}

/**
 * Runs the parts of one life, each until its signal aborts: when `signal` does, or when another part fails. Resolves when all have
 * ended; rejects, then, with the first error.
 */
export async function together(signal: AbortSignal, ...parts: readonly ((signal: AbortSignal) => Promise<void>)[]): Promise<void> {
  const failed = new AbortController();
  const ending = abortWithAny(signal, failed.signal);
  const errors: unknown[] = [];
  await Promise.all(
    parts.map(async (part) => {
      try {
        await part(ending.signal);
      } catch (error) {
        errors.push(error);
        failed.abort(error);
      }
    }),
  );
  ending.dispose();
  if (errors.length > 0) throw errors[0];
}
