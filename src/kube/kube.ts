import type { ListPage, WatchEvent } from "./objects.ts";
import type { KubeObject, ObjectRef, Resource } from "./resources.ts";

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects per page. */
  readonly limit?: number;
  readonly continue?: string | undefined;
}

export interface PageOptions extends ListOptions {
  /** What the API server has at hand, at once and without pages; it may be a moment old. Else what was true when it was asked for. */
  readonly fromCache?: boolean;
  /** A larger answer is an error, `KubernetesAnswerInvalid`. */
  readonly maxBytes?: number;
}

export interface WatchOptions extends Omit<ListOptions, "limit" | "continue"> {
  readonly resourceVersion?: string | undefined;
  /** First the existing objects as ADDED, then a bookmark with `initialEventsEnd`, then changes ("WatchList"). */
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds: number;
  /** Default 16 MiB. */
  readonly maxLineBytes?: number;
  /** The server accepted the watch. */
  readonly onOpen?: () => void;
}

export interface WriteOptions {
  /** Whose fields these are; see server-side apply. */
  readonly fieldManager: string;
  /** Take fields over from other managers. */
  readonly force?: boolean;
}

export interface DeleteOptions {
  /** Only if the object still has this uid; else 409. */
  readonly uid?: string;
}

export type PatchType = "application/merge-patch+json" | "application/json-patch+json";

export interface Patch {
  readonly type: PatchType;
  readonly body: unknown;
  readonly subresource?: "status";
}

/**
 * The API server. Everything rejects with a {@link KubeError} (or a CodedError `KubernetesConfigurationInvalid` about the
 * kubeconfig), and with the signal's reason when the signal aborts. Nothing is retried here except a read on a connection
 * that the server had closed, and a 401 once when the token on disk has changed.
 */
export interface Kube {
  /** Our own namespace: the ServiceAccount's, or the kubeconfig context's; undefined when neither names one. */
  readonly namespace: string | undefined;
  /** Scheme, host and port of the API server. */
  readonly server: string;
  /** undefined when there is no such object. */
  get(resource: Resource, ref: ObjectRef, signal: AbortSignal): Promise<KubeObject | undefined>;
  /** One page. */
  list(resource: Resource, options: PageOptions, signal: AbortSignal): Promise<ListPage>;
  /** All pages (500 objects each unless `limit` says otherwise); starts over when the list expires half-way. */
  listAll(resource: Resource, options: ListOptions, signal: AbortSignal): Promise<{ items: KubeObject[]; resourceVersion: string }>;
  create(resource: Resource, object: KubeObject, signal: AbortSignal): Promise<KubeObject>;
  /** Asks for what is answered and not stored, such as a SubjectAccessReview: the `status` of the answer. */
  review(resource: Resource, spec: object, signal: AbortSignal): Promise<unknown>;
  /** Replaces the object; with `metadata.resourceVersion` only if it is still the stored one (else 409). */
  update(resource: Resource, object: KubeObject, signal: AbortSignal): Promise<KubeObject>;
  updateStatus(resource: Resource, object: KubeObject, signal: AbortSignal): Promise<KubeObject>;
  patch(resource: Resource, ref: ObjectRef, patch: Patch, signal: AbortSignal): Promise<KubeObject>;
  /** Server-side apply: creates the object, or sets exactly the fields given. */
  apply(resource: Resource, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject>;
  /** Server-side apply of `status` alone. */
  applyStatus(resource: Resource, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject>;
  /** False when there was no such object. */
  delete(resource: Resource, ref: ObjectRef, options: DeleteOptions, signal: AbortSignal): Promise<boolean>;
  /** Events until the server ends the stream. An ERROR event is thrown as a KubeError with its code as `status`. */
  watch(resource: Resource, options: WatchOptions, signal: AbortSignal): AsyncGenerator<WatchEvent, void>;
  /** Closes all connections. */
  close(): Promise<void>;
}
