import type { Fault } from "../api/fault.ts";
import { maxRecent } from "../api/notification.ts";
import type { RunEvent } from "../api/run-event.ts";
import type { EventRecorder } from "../kube/events.ts";
import type { WorkQueue } from "../kube/work-queue.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Outcome } from "./attempt.ts";
import type { Caches } from "./caches.ts";
import type { JudgeOptions, Judged } from "./judge.ts";
import type { NotificationUse } from "./notification-status.ts";
import { holderOf } from "./pairs.ts";
import type { Previous } from "./previous.ts";
import type { ProviderUse } from "./provider-status.ts";
import { providerKeyOf } from "./routes.ts";
import { tellOutcome } from "./tell-outcome.ts";
import { createUses, notificationUseAfter, notificationUseAfterFault, notificationUseAfterJudging, notificationUseOf, providerUseAfter, type Uses } from "./uses.ts";

const soonMs = 1_000;
const seldomMs = 300_000;

export interface BookkeepingOptions {
  readonly clock: Clock;
  readonly caches: Pick<Caches, "notification" | "provider">;
  readonly previous: Pick<Previous, "latest">;
  readonly recorder: EventRecorder;
  readonly notificationQueue: WorkQueue;
  readonly providerQueue: WorkQueue;
  /** The service accepted a message, and so the credentials of the Provider, by its key. */
  readonly onAccepted: (providerKey: string) => void;
}

/** What judging and delivering showed: noted for the statuses of Notifications and Providers, which are then looked at again. */
export interface Bookkeeping extends Pick<JudgeOptions, "onJudged" | "onFault"> {
  readonly notificationUses: Uses<NotificationUse>;
  readonly providerUses: Uses<ProviderUse>;
  readonly onOutcome: (outcome: Outcome) => void;
  /** The runs before runs that the Notification's status is to tell of may be other ones. */
  readonly onSeries: (notificationKey: string) => void;
}

export function createBookkeeping({ clock, caches, previous, recorder, notificationQueue, providerQueue, onAccepted }: BookkeepingOptions): Bookkeeping {
  const notificationUses = createUses<NotificationUse>(clock, (key) => notificationUseOf(caches.notification(key)));
  const providerUses = createUses<ProviderUse>(clock, (key) => {
    const { lastDelivery, lastError } = caches.provider(key)?.status ?? {};
    return { ...(lastDelivery !== undefined && { lastDelivery }), ...(lastError !== undefined && { lastError }) };
  });

  return {
    notificationUses,
    providerUses,
    onOutcome: (outcome) => {
      const notification = caches.notification(outcome.notificationKey);
      if (notification === undefined) return;
      const providerKey = providerKeyOf(notification);
      const before = notificationUses.current(outcome.notificationKey).routeError?.code;
      notificationUses.update(outcome.notificationKey, (use) => notificationUseAfter(use, outcome, clock.now()));
      providerUses.update(providerKey, (use) => providerUseAfter(use, outcome, holderOf(providerKey), clock.now()));
      if (outcome.outcome === "Delivered") onAccepted(providerKey);
      notificationQueue.add(outcome.notificationKey);
      providerQueue.add(providerKey);
      tellOutcome(recorder, notification, outcome, before);
    },
    onJudged: (key: string, event: RunEvent, judged: Judged) => {
      if (event.namespace !== holderOf(key)) {
        notificationQueue.addAfter(key, seldomMs);
        return;
      }
      const { recent = [] } = notificationUses.current(key);
      notificationUses.update(key, (use) => notificationUseAfterJudging(use, event, judged, clock.now()));
      // Somebody may be watching what a new Notification does; later, what is only looked at need not be written often.
      notificationQueue.addAfter(key, recent.length < maxRecent ? soonMs : seldomMs);
    },
    onFault: (key: string, fault: Fault) => {
      notificationUses.update(key, (use) => notificationUseAfterFault(use, fault, clock.now()));
      notificationQueue.add(key);
    },
    onSeries: (key) => {
      const series = previous.latest(key);
      const shown = notificationUses.current(key).series;
      if (series === shown || (series?.length === 0 && shown === undefined)) return;
      notificationUses.update(key, ({ series: _, ...use }) => (series === undefined ? use : { ...use, series }));
      notificationQueue.add(key);
    },
  };
}
