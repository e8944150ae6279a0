import type { Clock } from "../telemetry/clock.ts";
import type { Kube } from "./kube.ts";
import { startDeadline } from "./deadline.ts";
import { KubeError } from "./kube-error.ts";
import { subjectAccessReviews } from "./resources.ts";

/** Who asks, as the API server told it (`UserInfo` of authentication.k8s.io/v1). */
export interface Requester {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** `ResourceAttributes` of authorization.k8s.io/v1; "" stands for all. */
export interface AccessAttributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** Asks the API server's authorizers what somebody may do. */
export interface AccessReviews {
  /**
   * Whether the requester may do that. What is allowed is remembered for a few seconds, what is not is asked anew. Rejects with a
   * {@link KubeError} when no answer comes in time.
   */
  readonly isAllowed: (requester: Requester, attributes: AccessAttributes, signal: AbortSignal) => Promise<boolean>;
}

const rememberMs = 5_000;
const maxRemembered = 10_000;
/** The API server waits five seconds for the whole decision. */
const withinMs = 3_000;

export function createAccessReviews({ kube, clock }: { readonly kube: Pick<Kube, "review">; readonly clock: Clock }): AccessReviews {
  /** Until when, by `Clock.monotonic()`; the oldest first. */
  const allowed = new Map<string, number>();
  const isRemembered = (key: string): boolean => (allowed.get(key) ?? -Infinity) > clock.monotonic();
  const remember = (key: string): void => {
    allowed.delete(key);
    allowed.set(key, clock.monotonic() + rememberMs);
    const [oldest] = allowed.keys();
    if (allowed.size > maxRemembered && oldest !== undefined) allowed.delete(oldest);
  };
  return {
    isAllowed: async (requester, attributes, signal) => {
      const key = JSON.stringify([requester, attributes]);
      if (isRemembered(key)) return true;
      const { username, uid, groups, extra } = requester;
      const spec = { user: username, uid, groups, extra, resourceAttributes: attributes };
      const deadline = startDeadline(withinMs, () => new KubeError("KubernetesUnreachable", "the API server did not answer a SubjectAccessReview in time"), clock, signal);
      try {
        const answered = await kube.review(subjectAccessReviews, spec, deadline.signal);
        const yes = typeof answered === "object" && answered !== null && "allowed" in answered && answered.allowed === true;
        if (yes) remember(key);
        return yes;
      } finally {
        deadline.dispose();
      }
    },
  };
}
