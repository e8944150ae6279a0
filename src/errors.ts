/**
 * The error catalogue: every code the product can show, once. `docs/reference/errors.md` lists the same codes; a test
 * compares the two both ways.
 */

/**
 * What an error means for whoever caused it:
 * - `input`: something a user wrote is wrong; fix it and apply again.
 * - `retryable`: the service or the network failed; tried again with back-off.
 * - `credentials`: the Provider's credentials were refused; tried again when they change and every 10 minutes.
 * - `route`: this Notification's destination was refused, the Provider is fine; tried again like `credentials`.
 * - `permanent`: this message can never be delivered.
 * - `internal`: a fault of this program or of the cluster below it.
 */
export type ErrorClass = "input" | "retryable" | "credentials" | "route" | "permanent" | "internal";

/** Which part of the product reports it. */
export type ErrorArea = "filter" | "admission" | "delivery" | "kubernetes" | "command";

export interface ErrorEntry {
  readonly area: ErrorArea;
  readonly class: ErrorClass;
  /** One sentence: what happened. */
  readonly meaning: string;
  /** One sentence: what to do about it. */
  readonly remedy: string;
}

const entry = (area: ErrorArea, errorClass: ErrorClass, meaning: string, remedy: string): ErrorEntry => ({
  area,
  class: errorClass,
  meaning,
  remedy,
});

export const errorCatalogue = {
  // filter (entries of src/filter)

  // admission (entries of src/webhook)

  // delivery (entries of src/providers and src/controller)

  // kubernetes (entries of src/kube)
  KubernetesRequestFailed: entry("kubernetes", "retryable", "The Kubernetes API server refused or failed a request.", "Look at the status code and reason in the message; the request is tried again."),

  // command (entries of src/cli and src/config.ts)
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** An error with a code from the catalogue. `message` is safe to log and to show: it never holds a secret or run data. */
export class CodedError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CodedError";
    this.code = code;
  }

  get class(): ErrorClass {
    return errorCatalogue[this.code].class;
  }
}
