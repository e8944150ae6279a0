import { defaultPerMinute, type Notification, type NotificationFault, type NotificationJudged, type NotificationSeries, type NotificationStatus } from "../api/notification.ts";
import type { AnyProviderDefinition } from "../providers/provider.ts";
import { conditionsOf, stalled, type Finding } from "./conditions.ts";
import type { Gate } from "./sending.ts";
import { isoSeconds } from "./iso-seconds.ts";
import type { Matcher } from "./match.ts";
import { statusesOf } from "./routes.ts";
import { notResolved } from "../api/sharing.ts";

/** Counters and the last outcome, written at most every 30 s. */
export interface NotificationUse {
  readonly delivered: number;
  /** Milliseconds since the epoch. */
  readonly caughtUpAt?: number;
  /** The last states that were judged, the latest first. */
  readonly recent?: readonly NotificationJudged[];
  readonly lastDelivery?: NonNullable<NotificationStatus["lastDelivery"]>;
  /** Parts that failed on runs, the latest first. */
  readonly faults?: readonly NotificationFault[];
  /** The last finished runs of its series. */
  readonly series?: NotificationSeries;
  /** The destination was refused: this Notification, not its Provider, is to be mended. */
  readonly routeError?: { readonly destination: string; readonly code: string; readonly message: string };
}

export interface NotificationView {
  readonly matcher: Matcher;
  readonly definition: AnyProviderDefinition | undefined;
  /** Templates that do not compile, a sentence each. */
  readonly templateProblems: readonly string[];
  readonly gate: Gate;
  readonly use: NotificationUse;
  /** Milliseconds since the epoch; undefined while suspended. */
  readonly activeSince: number | undefined;
  /** See `selectionOf`. */
  readonly selection: string;
  /** Messages have to wait, being too many. */
  readonly throttled: boolean;
  /** All is known that it judges by. */
  readonly followed: boolean;
}

function resolvedOf(notification: Notification, { definition, gate }: NotificationView): Finding {
  const name = notification.spec.providerRef.name;
  if (definition !== undefined) return { type: "ProviderResolved", status: "True", reason: "Found", message: `the Provider ${name} is of type ${definition.type}` };
  const message = gate.ready === false ? gate.message : notResolved(notification);
  return { type: "ProviderResolved", status: "False", reason: "ProviderNotFound", message };
}

function filterOf({ matcher: { problems }, templateProblems }: NotificationView): Finding {
  if (problems.length === 0 && templateProblems.length > 0) return { type: "FilterValid", status: "False", reason: "TemplateInvalid", message: templateProblems.join("; ") };
  if (problems.length === 0) return { type: "FilterValid", status: "True", reason: "Compiled", message: "the filter is compiled" };
  return { type: "FilterValid", status: "False", reason: "FilterInvalid", message: problems.join("; ") };
}

function readyOf(notification: Notification, view: NotificationView, parts: readonly Finding[]): Finding {
  const ready = (status: Finding["status"], reason: string, message: string): Finding => ({ type: "Ready", status, reason, message });
  const failing = parts.find(({ status }) => status === "False");
  if (notification.spec.suspend === true) return ready("False", "Suspended", "spec.suspend is true: no run is selected");
  if (failing !== undefined) return ready("False", failing.reason, failing.message);
  if (view.gate.ready === "soon") return ready("Unknown", "Connecting", "the Provider is being looked at");
  if (!view.gate.ready) return ready("False", "ProviderNotReady", `${view.gate.code}: ${view.gate.message}`);
  if (view.use.routeError !== undefined) return ready("False", view.use.routeError.code, view.use.routeError.message);
  if (!view.followed) return ready("Unknown", "Starting", "the runs and tasks that it asks about are being listed");
  return ready("True", "Active", "runs that match are reported");
}

/** What is counted, and when; left out where there is nothing to say. */
const counted = ({ delivered, lastDelivery, faults, series, caughtUpAt, recent }: NotificationUse): Pick<NotificationStatus, "delivered" | "lastDelivery" | "faults" | "series" | "caughtUpAt" | "recent"> => ({
  delivered,
  ...(lastDelivery !== undefined && { lastDelivery }),
  ...(series !== undefined && { series }),
  ...(faults !== undefined && { faults: [...faults] }),
  ...(recent !== undefined && { recent: [...recent] }),
  ...(caughtUpAt !== undefined && { caughtUpAt: isoSeconds(caughtUpAt) }),
});

/** The Notification's status after a look at it. */
export function notificationStatus(notification: Notification, view: NotificationView, now: number): NotificationStatus {
  const { generation } = notification.metadata;
  const parts = [resolvedOf(notification, view), filterOf(view)];
  const ready = readyOf(notification, view, parts);
  const mustMend = ready.status === "False" && ready.reason !== "Suspended" && ready.reason !== "ProviderNotReady";
  const perMinute = notification.spec.maxPerMinute ?? defaultPerMinute;
  const throttled: Finding = { type: "Throttled", status: "True", reason: "MaxPerMinute", message: `there are more than ${perMinute} messages a minute; what is above it waits` };
  const findings = [ready, ...parts, ...(view.throttled ? [throttled] : []), ...(mustMend ? [stalled(ready.reason, ready.message)] : [])];
  const statuses = statusesOf(notification, view.definition);
  return {
    ...(generation !== undefined && { observedGeneration: generation }),
    conditions: conditionsOf(findings, notification.status?.conditions, generation, now),
    ...(view.activeSince !== undefined && { activeSince: isoSeconds(view.activeSince) }),
    selection: view.selection,
    ...(statuses !== undefined && { statuses: [...statuses] }),
    ...counted(view.use),
  };
}
