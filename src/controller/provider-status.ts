import type { Provider, ProviderStatus } from "../api/provider.ts";
import { errorCatalogue, type ErrorCode } from "../errors.ts";
import { conditionsOf, stalled, type Finding } from "./conditions.ts";
import type { Connection } from "./connections.ts";

/** What deliveries through a Provider showed. */
export interface ProviderUse {
  readonly lastDelivery?: { readonly time: string };
  readonly lastError?: { readonly code: string; readonly message: string; readonly time: string };
}

/** Whether a user must act, or waiting is enough. */
const needsUser = (code: ErrorCode): boolean => errorCatalogue[code].class !== "retryable";

function readyOf(provider: Provider, connection: Connection): Finding[] {
  if (provider.spec.suspend === true) {
    return [{ type: "Ready", status: "False", reason: "Suspended", message: "spec.suspend is true: messages are kept and sent when it is false again" }];
  }
  if (connection.ready) return [{ type: "Ready", status: "True", reason: "Connected", message: "messages can be sent" }];
  const { code, message } = connection;
  return [{ type: "Ready", status: "False", reason: code, message }, ...(needsUser(code) ? [stalled(code, message)] : [])];
}

/** The Provider's status after a look at it. */
export function providerStatus(provider: Provider, connection: Connection, use: ProviderUse, now: number): ProviderStatus {
  const { generation } = provider.metadata;
  return {
    ...(generation !== undefined && { observedGeneration: generation }),
    conditions: conditionsOf(readyOf(provider, connection), provider.status?.conditions, generation, now),
    ...(use.lastDelivery !== undefined && { lastDelivery: use.lastDelivery }),
    ...(use.lastError !== undefined && { lastError: use.lastError }),
  };
}
