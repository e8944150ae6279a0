import type { Provider, ProviderStatus } from "../api/provider.ts";
import { errorCatalogue, type ErrorCode } from "../errors.ts";
import { conditionsOf, stalled, type Finding } from "./conditions.ts";
import type { Connection } from "./connections.ts";
import type { CredentialsFinding } from "./credential-checks.ts";

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

/** What the status is made of. */
export interface ProviderView {
  readonly connection: Connection;
  readonly use: ProviderUse;
  /** What is known about the credentials of a connection that is ready; undefined: nothing yet. */
  readonly credentials: CredentialsFinding | undefined;
}

/** Until something is known, what was known before a restart stands. */
function credentialsOf(provider: Provider, { connection, credentials }: ProviderView): Finding {
  const { metadata: { generation }, status } = provider;
  const type = "CredentialsValid";
  if (!connection.ready) {
    const { code, message } = connection;
    const blamed = errorCatalogue[code].class === "credentials";
    return blamed ? { type, status: "False", reason: code, message } : { type, status: "Unknown", reason: "NotChecked", message: "nothing can be sent: see Ready" };
  }
  if (credentials !== undefined) return { type, ...credentials };
  const before = status?.conditions?.find((condition) => condition.type === type);
  if (before?.status === "True" && before.observedGeneration === generation) return { type, status: "True", reason: before.reason, message: before.message };
  const unasked = connection.sender.verify === undefined ? "the service has no call that would show it: the first message will" : "the service is being asked";
  return { type, status: "Unknown", reason: "NotChecked", message: provider.spec.suspend === true ? "nothing is asked while spec.suspend is true" : unasked };
}

/** The Provider's status after a look at it. */
export function providerStatus(provider: Provider, view: ProviderView, now: number): ProviderStatus {
  const { connection, use } = view;
  const { generation } = provider.metadata;
  const [ready, ...others] = readyOf(provider, connection);
  return {
    ...(generation !== undefined && { observedGeneration: generation }),
    conditions: conditionsOf([...(ready === undefined ? [] : [ready]), credentialsOf(provider, view), ...others], provider.status?.conditions, generation, now),
    ...(use.lastDelivery !== undefined && { lastDelivery: use.lastDelivery }),
    ...(use.lastError !== undefined && { lastError: use.lastError }),
  };
}
