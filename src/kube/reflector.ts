import { createBackoff } from "./backoff.ts";
import { startDeadline } from "./deadline.ts";
import { startIdleLimit } from "./idle-limit.ts";
import { KubeError, statusOf } from "./kube-error.ts";
import type { WatchEvent } from "./objects.ts";
import { defaultReflectorSettings, type Reflector, type ReflectorHealth, type ReflectorOptions } from "./reflector-options.ts";
import { createStore } from "./reflector-store.ts";
import { resourceName } from "./resources.ts";
import { compareVersions, judgeFailure } from "./watch-verdict.ts";

type Counters = { -readonly [Field in keyof ReflectorHealth]: ReflectorHealth[Field] };

/** What one attempt showed so far. */
interface Stream {
  openedAt: number | undefined;
  moved: boolean;
  initial: boolean;
  /** It goes on where an earlier one had ended. */
  resumes: boolean;
}

/**
 * Lists, watches, resumes; starts at once. Handlers learn of every object and of its last state, never of an older state
 * after a newer one; states in between may be left out while the connection is down.
 */
export function reflect<T>(options: ReflectorOptions<T>, signal: AbortSignal): Reflector<T> {
  const { kube, resource, clock, log } = options;
  const settings = { ...defaultReflectorSettings, ...options.settings };
  const random = options.random ?? Math.random;
  const backoff = createBackoff({ baseMs: settings.backoffBaseMs, capMs: settings.backoffCapMs, random });
  const fields = { resource: resourceName(resource), ...(options.namespace === undefined ? {} : { namespace: options.namespace }) };
  const scope = { namespace: options.namespace, labelSelector: options.labelSelector };
  const count = (name: "watch_relists_total" | "watch_resumes_total" | "watch_reconnects_total" | "watch_errors_total"): void => {
    options.metrics?.add(name, { resource: fields.resource });
  };
  const health: Counters = {
    state: "starting",
    objects: 0,
    events: 0,
    resumes: 0,
    relists: 0,
    reconnects: 0,
    errors: 0,
    handlerErrors: 0,
    lastEventAt: undefined,
  };
  const store = createStore<T>({
    transform: (object) => options.transform(object),
    keep: (value) => options.keep?.(value) ?? value,
    handlers: options.handlers,
    onFault: (what, key, error) => {
      health.handlerErrors += 1;
      log.warn("an object was passed over because its handling failed", { ...fields, key, what, error });
    },
  });

  /** The resourceVersion up to which everything has been told; undefined: a list is needed. */
  let position: string | undefined;
  let pagesOnly = false;
  let isSynced = false;
  let trouble = "";
  const { promise: synced, resolve: resolveSynced } = Promise.withResolvers<undefined>();

  const listed = (resourceVersion: string): void => {
    store.endList();
    position = resourceVersion;
    if (isSynced) health.relists += 1;
    count("watch_relists_total");
    isSynced = true;
    resolveSynced(undefined);
  };
  const recovered = (): void => {
    health.state = position === undefined ? "listing" : "watching";
    if (trouble === "") return;
    trouble = "";
    log.info("watching again", fields);
  };

  async function listByPages(): Promise<void> {
    let token: string | undefined;
    for (;;) {
      const page = await kube.list(resource, { ...scope, limit: settings.pageSize, continue: token }, signal);
      for (const item of page.items) store.upsert(item);
      token = page.continue;
      if (token === undefined) {
        listed(page.resourceVersion);
        return;
      }
    }
  }

  function takeBookmark(event: WatchEvent & { type: "BOOKMARK" }, stream: Stream): void {
    if (stream.initial) {
      if (!event.initialEventsEnd) return;
      stream.initial = false;
      stream.moved = true;
      listed(event.resourceVersion);
      recovered();
      return;
    }
    const order = compareVersions(event.resourceVersion, position);
    if (order !== undefined && order < 0) {
      // After a restore of etcd from a backup versions begin lower, and what we hold may no longer be true.
      throw new KubeError("KubernetesRequestFailed", `watch ${fields.resource}: the server's version went back`, { status: 410, reason: "Rewound" });
    }
    stream.moved ||= event.resourceVersion !== position;
    position = event.resourceVersion;
  }

  function take(event: WatchEvent, stream: Stream): void {
    health.events += 1;
    health.lastEventAt = clock.monotonic();
    if (event.type === "BOOKMARK") {
      takeBookmark(event, stream);
      return;
    }
    const { resourceVersion } = event.object.metadata;
    const order = compareVersions(resourceVersion, position);
    // A watch from a version shows only later ones; a repetition must not undo what is newer.
    if (!stream.initial && order !== undefined && order <= 0) return;
    if (event.type === "DELETED") store.remove(event.object);
    else store.upsert(event.object);
    if (stream.initial || resourceVersion === undefined) return;
    stream.moved = true;
    position = resourceVersion;
  }

  /** One watch, from `position` or with the initial state, until it ends. */
  async function follow(stream: Stream): Promise<void> {
    const timeoutSeconds = Math.round((settings.watchMs[0] + random() * (settings.watchMs[1] - settings.watchMs[0])) / 1000);
    const overdue = (): Error => stalled(fields.resource, "did not end when it should have");
    const deadline = startDeadline(timeoutSeconds * 1000 + settings.graceMs, overdue, clock, signal);
    const silent = (): void => {
      deadline.abort(stalled(fields.resource, `showed nothing for ${settings.idleMs} ms`));
    };
    const idle = startIdleLimit(settings.idleMs, silent, clock);
    const events = kube.watch(
      resource,
      {
        ...scope,
        timeoutSeconds,
        maxLineBytes: settings.maxLineBytes,
        ...(stream.initial ? { sendInitialEvents: true } : { resourceVersion: position }),
        onOpen: () => {
          idle.touch();
          stream.openedAt = clock.monotonic();
          if (stream.resumes) {
            health.resumes += 1;
            count("watch_resumes_total");
          }
          recovered();
        },
      },
      deadline.signal,
    );
    try {
      for await (const event of events) {
        idle.touch();
        take(event, stream);
      }
    } finally {
      idle.stop();
      deadline.dispose();
    }
  }

  async function attempt(stream: Stream): Promise<void> {
    stream.resumes = position !== undefined;
    if (position === undefined) {
      if (trouble === "") health.state = "listing";
      store.beginList();
      if (settings.initialState === "pages" || pagesOnly) await listByPages();
      else stream.initial = true;
    }
    await follow(stream);
  }

  /** A stream that lived or moved forward has earned the next one at once. */
  function settle(stream: Stream): boolean {
    const lived = stream.openedAt === undefined ? 0 : clock.monotonic() - stream.openedAt;
    const steady = stream.moved || lived >= settings.steadyMs;
    if (steady) backoff.reset();
    return steady;
  }

  function report(error: unknown, kind: string): void {
    health.state = kind === "404" ? "absent" : "failing";
    if (kind === trouble) return;
    trouble = kind;
    log.warn(kind === "404" ? "this kind is not served; looking again from time to time" : "watching failed; trying again", { ...fields, error });
  }

  /** How long to wait before the next attempt. */
  function afterFailure(error: unknown, stream: Stream): number {
    health.errors += 1;
    health.reconnects += 1;
    count("watch_reconnects_total");
    count("watch_errors_total");
    const verdict = judgeFailure(error, { opened: stream.openedAt !== undefined, moved: stream.moved, initial: stream.initial });
    if (verdict.relist) position = undefined;
    pagesOnly ||= verdict.usePages;
    const steady = settle(stream);
    if (verdict.wait === "none" || (verdict.wait === "unless-steady" && steady)) {
      log.debug("watch interrupted", { ...fields, error });
      return 0;
    }
    const status = statusOf(error);
    report(error, status === 0 && error instanceof KubeError ? error.code : String(status));
    if (verdict.wait === "absent") return settings.absentMs * (0.8 + 0.4 * random());
    const asked = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
    return Math.max(Math.min(asked, settings.retryAfterCapMs), backoff.next());
  }

  async function run(): Promise<void> {
    const stopped = (): boolean => signal.aborted;
    while (!stopped()) {
      const stream: Stream = { openedAt: undefined, moved: false, initial: false, resumes: false };
      let delay: number;
      try {
        await attempt(stream);
        delay = settle(stream) ? 0 : backoff.next();
      } catch (error) {
        if (stopped()) return;
        delay = afterFailure(error, stream);
      }
      if (delay > 0) await clock.sleep(delay, signal).catch(() => undefined);
    }
  }

  return {
    get: store.get,
    values: store.values,
    get isSynced() {
      return isSynced;
    },
    synced,
    health: () => ({ ...health, objects: store.size() }),
    done: run(),
  };
}

const stalled = (resource: string, how: string): KubeError =>
  new KubeError("KubernetesUnreachable", `watch ${resource}: the stream ${how}`, { reason: "Stalled" });
