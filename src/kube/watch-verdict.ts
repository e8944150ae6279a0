import { KubeError } from "./kube-error.ts";

/** What a stream had shown when it ended. */
export interface StreamRecord {
  /** The server had accepted it. */
  readonly opened: boolean;
  /** It had carried the position forward. */
  readonly moved: boolean;
  /** It was to bring the initial state too ("WatchList"). */
  readonly initial: boolean;
}

/** What to do after a list or a watch failed. */
export interface Verdict {
  /** The position is worth nothing any more. */
  readonly relist: boolean;
  /** From now on the initial state is read in pages. */
  readonly usePages: boolean;
  /** `unless-steady`: only when the stream was short and showed nothing; the other two always. */
  readonly wait: "none" | "unless-steady" | "backoff" | "absent";
}

const go = (wait: Verdict["wait"], changes: Partial<Verdict> = {}): Verdict => ({ relist: false, usePages: false, ...changes, wait });

/** Never "stop": whatever an API server answers, it may answer otherwise later. */
export function judgeFailure(error: unknown, stream: StreamRecord): Verdict {
  if (!(error instanceof KubeError)) return go("backoff");
  const { status } = error;
  // Servers that do not know WatchList refuse it; some that know it cannot complete it.
  if (stream.initial && (status === 400 || status === 422)) return go("none", { usePages: true });
  if (stream.initial && stream.opened && error.reason === "Stalled") return go("backoff", { usePages: true });
  switch (status) {
    case 0:
      // Bytes that cannot be read would come again from the same place.
      return go("unless-steady", { relist: error.code === "KubernetesAnswerInvalid" && !stream.moved });
    case 404:
      return go("absent", { relist: true });
    case 410:
      return go("unless-steady", { relist: true });
    case 400:
    case 422:
      return go("backoff", { relist: true });
    default:
      // The API server's etcd may be behind us after a restore.
      return go("backoff", { relist: error.message.includes("Too large resource version") });
  }
}

const decimal = /^[1-9][0-9]*$/u;

/**
 * Orders two resource versions as numbers, which is how Kubernetes defines them since 1.35: negative when `a` is older.
 * undefined where one is missing or not a number: then nothing can be said.
 */
export function compareVersions(a: string | undefined, b: string | undefined): number | undefined {
  if (a === undefined || b === undefined || !decimal.test(a) || !decimal.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a === b ? 0 : a < b ? -1 : 1;
}
