/** What the webhook's server takes from whoever connects. It cannot know who that is, so each of these bounds holds for everybody together. */
export interface ServerLimits {
  /** An AdmissionReview holds an object twice on an update, and etcd takes 1.5 MiB for one. */
  readonly bodyBytes: number;
  /** Bodies that are being read or judged at one time, together. Beyond that requests are answered with 429. */
  readonly bodiesBytes: number;
  readonly headerBytes: number;
  /** Connections at one time. One more takes the place of the one that has been idle longest. */
  readonly connections: number;
  /** From the first byte of a connection until TLS is agreed upon. */
  readonly handshakeMs: number;
  /** From the connection, or the first byte of a request, until its headers are complete. */
  readonly headersMs: number;
  /** From the first byte of a request to its last. */
  readonly requestMs: number;
  /** How long a connection may be idle between requests. Longer than API servers keep one (90 s), so that they are the ones who close it. */
  readonly idleMs: number;
  /** How often Node looks for connections whose headers or request are late. */
  readonly lookEveryMs: number;
}

export const serverLimits: ServerLimits = {
  bodyBytes: 3 * 1024 * 1024,
  bodiesBytes: 32 * 1024 * 1024,
  headerBytes: 16 * 1024,
  connections: 1_024,
  handshakeMs: 5_000,
  headersMs: 5_000,
  requestMs: 10_000,
  idleMs: 120_000,
  lookEveryMs: 2_000,
};
