import { faultText } from "../api/fault.ts";
import { createConnections, type Connection } from "../controller/connections.ts";
import { plan } from "../controller/plan.ts";
import { providerKeyOf } from "../controller/routes.ts";
import { CodedError, type ErrorCode } from "../errors.ts";
import type { Kube } from "../kube/kube.ts";
import { startDeadline } from "../kube/deadline.ts";
import type { Outbound } from "../providers/outbound.ts";
import type { Message, RenderedRequest } from "../providers/provider.ts";
import { transportSecretRefs } from "../providers/transport.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Sendable } from "./send-setup.ts";

/** What became of one message. */
export interface SentMessage {
  readonly destination: string;
  /** The resolved place. */
  readonly target: Readonly<Record<string, string>>;
  readonly state: "Delivered" | "Failed" | "NotSent";
  readonly externalRef?: string;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** Credentials are left out. */
  readonly request: RenderedRequest;
}

/** What became of `send`. The shape is a contract (docs/reference/cli.md). */
export interface SendReport {
  readonly provider: string;
  readonly notification?: string;
  readonly run: { readonly kind: string; readonly namespace: string; readonly name: string; readonly uid: string };
  readonly status: string;
  readonly reason: string;
  /** Why there is no message for this state; or why the Notification would not have selected it. */
  readonly why?: string;
  /** Parts of the Notification's templates that failed and are empty. */
  readonly faults?: readonly string[];
  readonly messages: readonly SentMessage[];
}

/** The messages for the state that the run is in now, whether or not they were sent before, and whatever the filter says. */
export function messagesOf({ route, view }: Sendable, notification: string | undefined): { readonly report: SendReport; readonly messages: readonly Message[] } {
  const planned = plan(route, view, new Map(), "selected");
  const messages = planned.kind === "send" ? planned.messages : [];
  const match = route.matcher.match(view.event);
  const why = planned.kind === "nothing" ? planned.why : match.matched ? undefined : match.why;
  const faults = planned.kind === "waiting" ? undefined : planned.faults?.map(faultText);
  const { kind, namespace, name, uid, status, reason } = view.event;
  const report: SendReport = {
    provider: providerKeyOf(route.notification),
    ...(notification !== undefined && { notification }),
    run: { kind, namespace, name, uid },
    status,
    reason,
    ...(why !== undefined && { why }),
    ...(faults !== undefined && { faults }),
    messages: messages.map(({ key, target, request }) => ({ destination: key, target, state: "NotSent", request })),
  };
  return { report, messages };
}

export interface SendOptions {
  /** Reads the Secrets, with the rights of whoever runs the command. */
  readonly kube: Kube;
  readonly outbound: Outbound;
  readonly telemetry: Telemetry;
}

/** Names of the Secrets that a Provider is sent with. */
function secretNames({ provider, route }: Sendable): string[] {
  const needed = route.destination?.definition.secretRefs(route.destination.providerSection) ?? [];
  return [...new Set([...needed, ...transportSecretRefs(provider.spec)].map(({ name }) => name))];
}

/** Why there is no connection, for whoever runs the command. */
function notReady(sendable: Sendable, { code, message }: Connection & { readonly ready: false }): CodedError {
  const { namespace, name } = sendable.provider.metadata;
  if (code === "SecretForbidden") return new CodedError(code, `you may not get secrets in namespace ${namespace}: the Provider ${namespace}/${name} is sent with ${secretNames(sendable).join(", ")}. Ask for that right; --dry-run needs none of it`);
  if (code === "CredentialsRequired") return new CodedError(code, `the Provider ${namespace}/${name} names no Secret: it is sent with the controller's own identity, which nobody else has`);
  return new CodedError(code, message);
}

/** Sends each message once, in turn. Throws the error that says why no connection could be opened. */
export async function sendMessages({ kube, outbound, telemetry }: SendOptions, sendable: Sendable, messages: readonly Message[], signal: AbortSignal): Promise<SentMessage[]> {
  const connections = createConnections({ kube, outbound, ownIdentityNamespaces: new Set(), telemetry });
  try {
    const connection = await connections.refresh(providerKeyOf(sendable.route.notification), sendable.provider, signal);
    if (!connection.ready) throw notReady(sendable, connection);
    const sent: SentMessage[] = [];
    for (const message of messages) sent.push(await sendOne(connection, message, telemetry, signal));
    return sent;
  } finally {
    await connections.close();
  }
}

async function sendOne({ sender, timeoutMs }: Connection & { readonly ready: true }, message: Message, { clock, redactor, log }: Telemetry, signal: AbortSignal): Promise<SentMessage> {
  const { key: destination, target, request } = message;
  const deadline = startDeadline(timeoutMs, () => new DOMException("the service did not answer in time", "TimeoutError"), clock, signal);
  try {
    const { externalRef } = await sender.send(message, deadline.signal);
    return { destination, target, state: "Delivered", ...(externalRef !== undefined && { externalRef: redactor.clean(externalRef) }), request };
  } catch (error) {
    if (signal.aborted) throw error;
    if (!(error instanceof CodedError)) log.error("the provider's client failed in an unexpected way", { error });
    const known = error instanceof CodedError ? error : new CodedError("ServiceFailed", "the provider's client failed in an unexpected way");
    return { destination, target, state: "Failed", error: { code: known.code, message: redactor.clean(known.message) }, request };
  } finally {
    deadline.dispose();
  }
}
