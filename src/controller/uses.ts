import { faultText, type Fault } from "../api/fault.ts";
import { maxFaults, maxRecent, type Notification } from "../api/notification.ts";
import type { RunEvent } from "../api/run-event.ts";
import { shorten } from "../api/text.ts";
import { errorCatalogue } from "../errors.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Outcome } from "./attempt.ts";
import type { Judged } from "./judge.ts";
import { isoSeconds } from "./iso-seconds.ts";
import type { NotificationUse } from "./notification-status.ts";
import { holderOf } from "./pairs.ts";
import type { ProviderUse } from "./provider-status.ts";

/** Counters and times go into a status at most this often. */
const publishEveryMs = 30_000;

/** What deliveries showed, for the statuses; conditions are not delayed by it. */
interface Kept<Use> {
  current: Use;
  published: Use;
  publishedAt: number | undefined;
}

/** Keeps the use of each object, and says when it may be shown again. */
export interface Uses<Use> {
  readonly update: (key: string, change: (use: Use) => Use) => void;
  readonly current: (key: string) => Use;
  /** What the status may show now; `againInMs`: there is more to show, but not yet. */
  readonly toPublish: (key: string) => { readonly use: Use; readonly againInMs: number | undefined };
  readonly forget: (key: string) => void;
}

export function createUses<Use>(clock: Clock, initial: (key: string) => Use): Uses<Use> {
  const kept = new Map<string, Kept<Use>>();
  const of = (key: string): Kept<Use> => {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const use = initial(key);
    const made: Kept<Use> = { current: use, published: use, publishedAt: undefined };
    kept.set(key, made);
    return made;
  };
  return {
    update: (key, change) => {
      const entry = of(key);
      entry.current = change(entry.current);
    },
    current: (key) => of(key).current,
    toPublish: (key) => {
      const entry = of(key);
      if (entry.current === entry.published) return { use: entry.published, againInMs: undefined };
      const age = entry.publishedAt === undefined ? Infinity : clock.monotonic() - entry.publishedAt;
      if (age < publishEveryMs) return { use: entry.published, againInMs: publishEveryMs - age };
      entry.published = entry.current;
      entry.publishedAt = clock.monotonic();
      return { use: entry.published, againInMs: undefined };
    },
    forget: (key) => {
      kept.delete(key);
    },
  };
}

/** What a Notification's status says from before this process. */
export function notificationUseOf(notification: Notification | undefined): NotificationUse {
  const { delivered = 0, otherNamespaces, lastDelivery, faults, recent, series, observedGeneration, caughtUpAt } = notification?.status ?? {};
  const current = observedGeneration === notification?.metadata.generation;
  return {
    delivered,
    ...(otherNamespaces !== undefined && { elsewhere: otherNamespaces }),
    ...(lastDelivery !== undefined && { lastDelivery }),
    ...(current && faults !== undefined && { faults }),
    ...(current && recent !== undefined && { recent }),
    ...(series !== undefined && { series }),
    ...(caughtUpAt !== undefined && { caughtUpAt: Date.parse(caughtUpAt) }),
  };
}

/** Whether an outcome is about a run of another namespace than its Notification, of which nothing is shown there. */
export const isAboutElsewhere = ({ notificationKey, event }: Pick<Outcome, "notificationKey" | "event">): boolean => holderOf(notificationKey) !== event.namespace;

/** What is said where nothing of a run may be shown. */
export const elsewhereRefused = "a message about a run of another namespace was refused: its Delivery, in the controller's own namespace, says why";

/** A Notification's use after an outcome. A destination that is refused stays so, whatever others take, until it takes a message itself. */
export function notificationUseAfter(use: NotificationUse, told: Outcome, now: number): NotificationUse {
  const { outcome, destination, event, error } = told;
  const { routeError: before, ...kept } = use;
  const still = before?.destination === destination ? undefined : before;
  const hidden = isAboutElsewhere(told);
  const routeError = error?.class === "route" ? { destination, code: error.code, message: hidden ? elsewhereRefused : error.message } : still;
  const { delivered, deadLetters } = use.elsewhere ?? { delivered: 0, deadLetters: 0 };
  const shown = hidden
    ? { elsewhere: { delivered: delivered + Number(outcome === "Delivered"), deadLetters: deadLetters + Number(outcome === "DeadLetter") } }
    : { lastDelivery: { time: isoSeconds(now), outcome, run: `${event.kind}/${event.name}`, status: event.status } };
  return { ...kept, delivered: use.delivered + Number(outcome === "Delivered"), ...shown, ...(routeError !== undefined && { routeError }) };
}

/** A Notification's use after a part of it failed on a run. */
export function notificationUseAfterFault(use: NotificationUse, fault: Fault, now: number): NotificationUse {
  const text = faultText(fault);
  const others = (use.faults ?? []).filter((known) => faultText(known) !== text);
  const count = (use.faults?.find((known) => faultText(known) === text)?.count ?? 0) + 1;
  return { ...use, faults: [{ ...fault, count, lastTime: isoSeconds(now) }, ...others].slice(0, maxFaults) };
}

/** A Notification's use after a state of a run was judged. What is found out later about the same state takes the place of what was. */
export function notificationUseAfterJudging(use: NotificationUse, { kind, name, status }: RunEvent, { matched, why = "" }: Judged, now: number): NotificationUse {
  const judged = { run: `${kind}/${name}`, status, matched, ...(why !== "" && { why: shorten(why, 512) }), time: isoSeconds(now) };
  const others = (use.recent ?? []).filter((known) => known.run !== judged.run || known.status !== status || known.matched !== matched);
  return { ...use, recent: [judged, ...others].slice(0, maxRecent) };
}

/** A Notification's use under a new spec: what failed and what was judged under the old one says nothing about it. */
export function notificationUseAfterEdit({ faults, recent, routeError, ...rest }: NotificationUse): NotificationUse {
  return rest;
}

/** A Provider's use after an outcome. Who reads it may not be able to read runs of other namespaces than its own, `namespace`: of errors about them, only the kind is shown. */
export function providerUseAfter(use: ProviderUse, { outcome, event, error }: Outcome, namespace: string, now: number): ProviderUse {
  if (outcome === "Delivered") return { lastDelivery: { time: isoSeconds(now) } };
  if (error === undefined) return use;
  const message = event.namespace === namespace ? error.message : `${errorCatalogue[error.code].meaning} (a run of another namespace)`;
  return { ...use, lastError: { code: error.code, message: shorten(message, 1024), time: isoSeconds(now) } };
}
