import assert from "node:assert/strict";
import { inspect } from "node:util";
import { DeliveryError } from "../../src/providers/delivery-error.ts";

/** The DeliveryError that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<DeliveryError> {
  const error = await promise.then(
    () => assert.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DeliveryError, inspect(error));
  return error;
}

/** Everything that could be read from an error: its text, its properties, its stack, and those of its causes. */
export const allTextOf = (error: unknown): string => `${inspect(error, { depth: Infinity, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity })}\n${JSON.stringify(error)}\n${String(error)}`;
