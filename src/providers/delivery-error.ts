import { CodedError, type ErrorCode } from "../errors.ts";

/** Why a message was not accepted. The class of `code` decides what happens next. */
export class DeliveryError extends CodedError {
  /** HTTP status of the answer, where there was one. */
  readonly status: number | undefined;
  /** How long the service asked to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions & { status?: number; retryAfterMs?: number | undefined } = {}) {
    super(code, message, options);
    this.name = "DeliveryError";
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}
