import { defaultPerMinute, type Notification, type NotificationFault, type NotificationJudged, type NotificationSeries, type NotificationStatus } from "../api/notification.ts";
import type { AnyProviderDefinition } from "../providers/provider.ts";
import { conditionsOf, stalled, type Finding } from "./conditions.ts";
import type { Gate } from "./sending.ts";
import { isoSeconds } from "./iso-seconds.ts";
import type { Matcher } from "./match.ts";
import { includes, isCut, selectableNamespaces, type Reach } from "./reach.ts";
import { statusesOf } from "./routes.ts";
import { notResolved } from "../api/sharing.ts";

/** Counters and the last outcome, written at most every 30 s. */
export interface NotificationUse {
  readonly delivered: number;
  /** Of runs of other namespaces than the Notification's: all that is shown of them. */
  readonly elsewhere?: NonNullable<NotificationStatus["otherNamespaces"]>;
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
  readonly reach: Reach;
  /** Where runs are watched; none: everywhere. */
  readonly watchNamespaces: readonly string[];
}

/** Of namespaces that are selected by labels none is named: whoever reads the status may not list Namespaces. */
function notCovered(notification: Notification, { selected, served }: Reach): string {
  const names = selectableNamespaces(notification)?.filter((name) => includes(selected, name) && !includes(served, name));
  const which = names === undefined ? "all namespaces that it selects" : names.join(", ");
  return `the Provider's spec.runNamespaces do not include ${which}: runs of those that are not included are not sent`;
}

function resolvedOf(notification: Notification, { definition, gate, reach, followed }: NotificationView): Finding {
  const name = notification.spec.providerRef.name;
  if (definition !== undefined && followed && isCut(reach)) return { type: "ProviderResolved", status: "False", reason: "RunsNotCovered", message: notCovered(notification, reach) };
  if (definition !== undefined) return { type: "ProviderResolved", status: "True", reason: "Found", message: `the Provider ${name} is of type ${definition.type}` };
  const message = gate.ready === false ? gate.message : notResolved(notification);
  return { type: "ProviderResolved", status: "False", reason: "ProviderNotFound", message };
}

function filterOf({ matcher: { problems }, templateProblems }: NotificationView): Finding {
  if (problems.length === 0 && templateProblems.length > 0) return { type: "FilterValid", status: "False", reason: "TemplateInvalid", message: templateProblems.join("; ") };
  if (problems.length === 0) return { type: "FilterValid", status: "True", reason: "Compiled", message: "the filter is compiled" };
  return { type: "FilterValid", status: "False", reason: "FilterInvalid", message: problems.join("; ") };
}

/** What is selected, and not watched. Without rights to read Namespaces nobody knows their labels. */
function restrictionOf(notification: Notification, { watchNamespaces }: NotificationView): (Finding & { readonly all: boolean }) | undefined {
  const selector = notification.spec.filter?.namespaceSelector;
  if (watchNamespaces.length === 0 || selector === undefined) return undefined;
  const restricted = (all: boolean, what: string) => ({ type: "Restricted", status: "True", reason: "NamespacesNotWatched", message: `this controller watches some namespaces only: ${what}`, all }) as const;
  if (selector.any === true) return restricted(false, "runs of the others are not seen");
  if (selector.matchNames === undefined) return restricted(true, "it selects none by their labels, which it cannot read");
  const unwatched = selector.matchNames.filter((name) => !watchNamespaces.includes(name));
  return unwatched.length === 0 ? undefined : restricted(unwatched.length === selector.matchNames.length, `runs of ${unwatched.join(", ")} are not seen`);
}

function readyOf(notification: Notification, view: NotificationView, parts: readonly Finding[]): Finding {
  const ready = (status: Finding["status"], reason: string, message: string): Finding => ({ type: "Ready", status, reason, message });
  const failing = parts.find(({ status }) => status === "False");
  if (notification.spec.suspend === true) return ready("False", "Suspended", "spec.suspend is true: no run is selected");
  if (failing !== undefined) return ready("False", failing.reason, failing.message);
  if (view.gate.ready === "soon") return ready("Unknown", "Connecting", "the Provider is being looked at");
  if (!view.gate.ready) return ready("False", "ProviderNotReady", `${view.gate.code}: ${view.gate.message}`);
  if (view.use.routeError !== undefined) return ready("False", view.use.routeError.code, view.use.routeError.message);
  const restriction = restrictionOf(notification, view);
  if (restriction?.all === true) return ready("False", restriction.reason, restriction.message);
  if (!view.followed) return ready("Unknown", "Starting", "the runs and tasks that it asks about are being listed");
  return ready("True", "Active", "runs that match are reported");
}

/** What is counted, and when; left out where there is nothing to say. */
const counted = ({ delivered, elsewhere, lastDelivery, faults, series, caughtUpAt, recent }: NotificationUse): Pick<NotificationStatus, "delivered" | "otherNamespaces" | "lastDelivery" | "faults" | "series" | "caughtUpAt" | "recent"> => ({
  delivered,
  ...(elsewhere !== undefined && { otherNamespaces: elsewhere }),
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
  const { all: _, ...restricted } = restrictionOf(notification, view) ?? { all: false };
  const findings = [ready, ...parts, ...("type" in restricted ? [restricted] : []), ...(view.throttled ? [throttled] : []), ...(mustMend ? [stalled(ready.reason, ready.message)] : [])];
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
