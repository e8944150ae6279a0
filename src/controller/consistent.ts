import { createBackoff } from "../kube/backoff.ts";
import type { Kube } from "../kube/kube.ts";
import { deliveries, keyOf, type KubeObject } from "../kube/resources.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Caches } from "./caches.ts";

const lookEveryMs = 20;
/** After so many looks at the cache, the API server is asked whether the rest still exist. */
const looksBetweenReads = 50;

/** Whether the first version is not older than the second; versions of one kind are numbers that grow. */
const reaches = (version: string, wanted: string): boolean => version === wanted || (/^\d+$/.test(version) && /^\d+$/.test(wanted) && BigInt(version) >= BigInt(wanted));

export interface ConsistencyOptions {
  readonly kube: Kube;
  readonly caches: Pick<Caches, "versionOfRecord">;
  /** Where Deliveries are; none: everywhere. */
  readonly namespaces: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Resolves when the cache holds every Delivery at least as new as it was at the time of the call: a consistent list is made,
 * and the watch is waited for. Where the API server does not answer it is asked again. Throws the signal's reason only.
 */
export async function untilCachesHoldRecords(options: ConsistencyOptions, signal: AbortSignal): Promise<void> {
  const backoff = createBackoff({ baseMs: 500, capMs: 10_000 });
  for (;;) {
    try {
      await onceCachesHoldRecords(options, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      options.log.warn("it could not be found out which Deliveries there are; trying again", { error });
      await options.clock.sleep(backoff.next(), signal);
    }
  }
}

async function onceCachesHoldRecords({ kube, caches, namespaces, clock }: ConsistencyOptions, signal: AbortSignal): Promise<void> {
  const places = namespaces.length === 0 ? [{}] : namespaces.map((namespace) => ({ namespace }));
  const lists = await Promise.all(places.map((place) => kube.listAll(deliveries, place, signal)));
  const items = lists.flatMap((list) => list.items);
  const isBehind = ({ metadata: { namespace, name, resourceVersion = "" } }: KubeObject): boolean => !reaches(caches.versionOfRecord(keyOf(namespace, name)) ?? "", resourceVersion);
  let behind = items.filter(isBehind);
  for (let looks = 1; behind.length > 0; looks += 1) {
    await clock.sleep(lookEveryMs, signal);
    behind = behind.filter(isBehind);
    if (looks % looksBetweenReads === 0) behind = await stillThere(kube, behind, signal);
  }
}

async function stillThere(kube: Kube, objects: readonly KubeObject[], signal: AbortSignal): Promise<KubeObject[]> {
  const found: KubeObject[] = [];
  for (const object of objects) {
    const { namespace, name, uid } = object.metadata;
    const now = await kube.get(deliveries, { namespace, name }, signal);
    if (now?.metadata.uid === uid) found.push(object);
  }
  return found;
}
