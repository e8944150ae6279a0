import type { Clock } from "../telemetry/clock.ts";
import { backoffDelay, type BackoffOptions } from "./backoff.ts";
import { createFairQueue } from "./fair-queue.ts";

/** Done with this key until the time is over; without one, until somebody adds the key again. */
export interface Requeue {
  readonly afterMs: number;
}

export interface WorkQueueOptions {
  /** Keys that are processed at one time; Infinity: all. */
  readonly concurrency: number;
  readonly clock: Clock;
  /** For keys whose processing throws. */
  readonly backoff: BackoffOptions;
  /** Lanes take turns, so that many keys of one hold up no other's; always the same for a key. Left out: one lane for all. */
  laneOf?(key: string): string;
  /** A processing threw; its key comes again after the back-off. */
  onFailure(key: string, error: unknown): void;
}

/**
 * A level-based queue of keys: a key says "look again", not what happened. A key that waits is not added twice; a key that
 * is being processed is never processed a second time meanwhile, and once more afterwards if it was added in between.
 */
export interface WorkQueue {
  add(key: string): void;
  /** Adds the key when `ms` have passed; of several times the earliest counts. */
  addAfter(key: string, ms: number): void;
  /** Adds the key after the next step of its own back-off. */
  addRateLimited(key: string): void;
  /** The key's back-off starts from the beginning, and what `addAfter` planned is dropped. */
  forget(key: string): void;
  /** Whether the key waits or is being processed. */
  isBusy(key: string): boolean;
  /** Keys that wait to be processed now. */
  readonly length: number;
  /** Keys that are to be added later. */
  readonly delayed: number;
  /**
   * Processes the keys of each lane in the order they came, `concurrency` at a time. After a success the key's back-off is reset; after an
   * exception it comes again. When the signal aborts, no key is begun any more; resolves when those begun are through.
   */
  run(process: (key: string) => Promise<Requeue | undefined>, signal: AbortSignal): Promise<void>;
}

interface Delayed {
  readonly dueAt: number;
  readonly cancel: AbortController;
}

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { clock } = options;
  const waiting = createFairQueue();
  const processing = new Set<string>();
  const again = new Set<string>();
  const later = new Map<string, Delayed>();
  const failures = new Map<string, number>();
  /** Begins what may begin. */
  let pump = (): void => undefined;
  let pumping = false;
  /** Later, so that of keys that come together each lane's first is seen. */
  const pumpSoon = (): void => {
    if (pumping) return;
    pumping = true;
    queueMicrotask(() => {
      pumping = false;
      pump();
    });
  };

  const cancelLater = (key: string): void => {
    later.get(key)?.cancel.abort();
    later.delete(key);
  };
  const add = (key: string): void => {
    if (processing.has(key)) {
      again.add(key);
      return;
    }
    waiting.add(options.laneOf?.(key) ?? "", key);
    pumpSoon();
  };
  /** The end has come: a time that is planned now would only keep the process alive. */
  let stopped = false;
  const addAfter = (key: string, ms: number): void => {
    if (stopped) return;
    if (ms <= 0) {
      add(key);
      return;
    }
    const dueAt = clock.monotonic() + ms;
    const planned = later.get(key);
    if (planned !== undefined && planned.dueAt <= dueAt) return;
    cancelLater(key);
    const entry = { dueAt, cancel: new AbortController() };
    later.set(key, entry);
    clock.sleep(ms, entry.cancel.signal).then(
      () => {
        later.delete(key);
        add(key);
      },
      () => undefined,
    );
  };
  const addRateLimited = (key: string): void => {
    const attempt = failures.get(key) ?? 0;
    failures.set(key, attempt + 1);
    addAfter(key, backoffDelay(attempt, options.backoff));
  };

  async function processOne(key: string, process: (key: string) => Promise<Requeue | undefined>): Promise<void> {
    processing.add(key);
    try {
      const requeue = await process(key);
      failures.delete(key);
      if (requeue !== undefined) addAfter(key, requeue.afterMs);
    } catch (error) {
      options.onFailure(key, error);
      addRateLimited(key);
    } finally {
      processing.delete(key);
      if (again.delete(key)) add(key);
    }
  }

  return {
    add,
    addAfter,
    addRateLimited,
    forget: (key) => {
      failures.delete(key);
      cancelLater(key);
    },
    isBusy: (key) => processing.has(key) || waiting.has(options.laneOf?.(key) ?? "", key),
    get length() {
      return waiting.length();
    },
    get delayed() {
      return later.size;
    },
    run: async (process, signal) => {
      const none = Promise.withResolvers<undefined>();
      let underWay = 0;
      pump = () => {
        while (!signal.aborted && underWay < options.concurrency) {
          const key = waiting.take();
          if (key === undefined) break;
          underWay += 1;
          void processOne(key, process).finally(() => {
            underWay -= 1;
            pump();
          });
        }
        if (signal.aborted && underWay === 0) none.resolve(undefined);
      };
      const stop = (): void => {
        stopped = true;
        for (const key of [...later.keys()]) cancelLater(key);
        pump();
      };
      signal.addEventListener("abort", stop, { once: true });
      pump();
      await none.promise;
      stop();
      signal.removeEventListener("abort", stop);
    },
  };
}
