import type { Kube } from "./kube.ts";
import { apiVersionOf, leases, type KubeObject, type ObjectMeta } from "./resources.ts";

/** A Lease as the election reads it. */
export interface LeaseRecord {
  readonly metadata: ObjectMeta;
  readonly spec: Readonly<Record<string, unknown>>;
  /** "": nobody. */
  readonly holder: string;
  readonly durationMs: number;
}

/** Without one on the object: the default of Kubernetes' own components. */
const usualDurationMs = 15_000;

function decode(object: KubeObject): LeaseRecord {
  const spec = (object["spec"] ?? {}) as Readonly<Record<string, unknown>>;
  const { holderIdentity, leaseDurationSeconds } = spec;
  return {
    metadata: object.metadata,
    spec,
    holder: typeof holderIdentity === "string" ? holderIdentity : "",
    durationMs: typeof leaseDurationSeconds === "number" && leaseDurationSeconds > 0 ? leaseDurationSeconds * 1000 : usualDurationMs,
  };
}

/** The Lease as it is; undefined when there is none. Throws KubeError. */
export async function readLease(kube: Kube, { namespace, name }: { readonly namespace: string; readonly name: string }, signal: AbortSignal): Promise<LeaseRecord | undefined> {
  const object = await kube.get(leases, { namespace, name }, signal);
  return object === undefined ? undefined : decode(object);
}

/** Creates the Lease, or updates the one it was made over. Throws KubeError, a 409 when somebody else wrote it first. */
export async function writeLease(kube: Kube, lease: KubeObject, signal: AbortSignal): Promise<LeaseRecord> {
  const exists = lease.metadata.resourceVersion !== undefined;
  return decode(await (exists ? kube.update(leases, lease, signal) : kube.create(leases, lease, signal)));
}

export interface LeaseContent {
  readonly namespace: string;
  readonly name: string;
  /** "" lets it go. */
  readonly identity: string;
  readonly durationMs: number;
  /** Wall-clock milliseconds, for people who read it; nobody decides by it. */
  readonly now: number;
}

/** A MicroTime: six digits after the point. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace("Z", "000Z");

/** The Lease that is to be written over `before`; the API server refuses it when that has changed meanwhile. */
export function newLease({ namespace, name, identity, durationMs, now }: LeaseContent, before: LeaseRecord | undefined): KubeObject {
  const { acquireTime, leaseTransitions } = before?.spec ?? {};
  const goesOn = before?.holder === identity || identity === "";
  const transitions = typeof leaseTransitions === "number" ? leaseTransitions : 0;
  return {
    apiVersion: apiVersionOf(leases),
    kind: leases.kind,
    metadata: before?.metadata ?? { namespace, name },
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.round(durationMs / 1000)),
      acquireTime: goesOn && typeof acquireTime === "string" ? acquireTime : microTime(now),
      renewTime: microTime(now),
      leaseTransitions: transitions + (before === undefined || goesOn ? 0 : 1),
    },
  };
}
