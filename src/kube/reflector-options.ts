import type { Clock } from "../telemetry/clock.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Kube } from "./kube.ts";
import type { ReflectorHandlers } from "./reflector-store.ts";
import type { KubeObject, Resource } from "./resources.ts";

/** All times in milliseconds. */
export interface ReflectorSettings {
  /** A watch that has shown nothing for so long is cut and resumed. The API server sends a bookmark every 60 s; the first may take 121 s. */
  readonly idleMs: number;
  /** A watch is asked to end after a time between these. */
  readonly watchMs: readonly [number, number];
  /** How long after that the server may take. */
  readonly graceMs: number;
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** Between two looks for a kind that the API server does not serve (its CRD is not installed). */
  readonly absentMs: number;
  /** A server's Retry-After counts up to this. */
  readonly retryAfterCapMs: number;
  /** A stream that lived for so long, or moved forward, may be followed by the next at once. */
  readonly steadyMs: number;
  readonly pageSize: number;
  readonly maxLineBytes: number;
  /** `stream`: WatchList, and pages where it is not served. */
  readonly initialState: "stream" | "pages";
}

export const defaultReflectorSettings: ReflectorSettings = {
  idleMs: 150_000,
  watchMs: [300_000, 600_000],
  graceMs: 30_000,
  backoffBaseMs: 500,
  backoffCapMs: 30_000,
  absentMs: 30_000,
  retryAfterCapMs: 120_000,
  steadyMs: 5_000,
  pageSize: 500,
  maxLineBytes: 16 * 1024 * 1024,
  initialState: "stream",
};

export interface ReflectorOptions<T> {
  readonly kube: Kube;
  readonly resource: Resource;
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  /** Makes of each object what is kept of it; the object itself is let go. */
  transform(object: KubeObject): T;
  /** What is kept of a value when the handlers have been told of it; absent: all of it. */
  keep?(value: T): T;
  readonly handlers: ReflectorHandlers<T>;
  readonly log: Logger;
  readonly metrics?: Metrics;
  readonly clock: Clock;
  readonly random?: () => number;
  readonly settings?: Partial<ReflectorSettings>;
}

/** `absent`: the API server does not serve this kind (yet). `failing`: the last attempt failed; see the log. */
export type ReflectorState = "starting" | "listing" | "watching" | "absent" | "failing";

/** Counters since the start, for metrics. */
export interface ReflectorHealth {
  readonly state: ReflectorState;
  readonly objects: number;
  /** Object events and bookmarks of watches. */
  readonly events: number;
  /** Watches that went on where the one before had ended. */
  readonly resumes: number;
  /** Lists after the first complete one. */
  readonly relists: number;
  /** Streams that broke, stalled or were never accepted, and were tried again. */
  readonly reconnects: number;
  /** Answers of 400 and above, unreadable answers, and connections that could not be made or broke. */
  readonly errors: number;
  /** Exceptions of transforms and handlers. */
  readonly handlerErrors: number;
  /** `Clock.monotonic()` of the last event or bookmark; undefined before the first. */
  readonly lastEventAt: number | undefined;
}

/** A local copy of one kind that follows the API server until its signal aborts, whatever happens in between. */
export interface Reflector<T> {
  get(namespace: string | undefined, name: string): T | undefined;
  values(): IterableIterator<T>;
  /** True once everything that existed at the start is known; stays true. */
  readonly isSynced: boolean;
  /** Resolves when {@link isSynced} becomes true; stays pending where that never happens. */
  readonly synced: Promise<void>;
  health(): ReflectorHealth;
  /** Resolves after the signal aborted and the last handler returned. Never rejects. */
  readonly done: Promise<void>;
}
