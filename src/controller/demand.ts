import type { Delivery } from "../api/delivery.ts";
import { annotations } from "../api/group.ts";
import type { Notification } from "../api/notification.ts";
import { runKinds, type RunKind } from "../api/run-event.ts";
import { shorten } from "../api/text.ts";
import { notificationKeyOf, pairOfRecord } from "./ledger.ts";
import { addTo, removeFrom } from "./multi-map.ts";
import { isOver } from "./pair-state.ts";
import { kindsFollowed } from "./routes.ts";

/** Whether a record still asks for its run: something is owed, or was begun and not ended. */
export const isOpen = ({ status }: Pick<Delivery, "status">): boolean => status?.owed !== undefined || !(status?.destinations ?? []).every(isOver);

/** The word of a redelivery that a Delivery's annotation asks for and that is not done. */
export function redeliveryAsked({ metadata, status }: Pick<Delivery, "metadata" | "status">): string | undefined {
  const word = metadata.annotations?.[annotations.redeliver];
  return word === undefined || shorten(word, 253) === status?.redelivered ? undefined : shorten(word, 253);
}

/** Which kinds of runs are to be followed, and for whom. Keys are `namespace/name`. */
export interface Demand {
  readonly setNotification: (key: string, notification: Notification | undefined) => void;
  readonly setRecord: (key: string, record: Delivery) => void;
  readonly deleteRecord: (key: string, record: Delivery) => void;
  /** Whether a Notification needs the kind, or a record of one that still exists needs its run. */
  readonly wants: (kind: RunKind) => boolean;
  /** Keys of the Notifications that need it. */
  readonly notificationsFor: (kind: RunKind) => readonly string[];
  /** Keys of the records that need runs of it. */
  readonly recordsFor: (kind: RunKind) => readonly string[];
}

export function createDemand(): Demand {
  const uids = new Map<string, string>();
  const notifications = new Map<RunKind, Set<string>>();
  /** The Notification of each record, by kind of its run. */
  const records = new Map<RunKind, Map<string, { readonly key: string; readonly uid: string }>>();

  function* recordsFor(kind: RunKind): Generator<string, void> {
    for (const [key, notification] of records.get(kind) ?? []) if (uids.get(notification.key) === notification.uid) yield key;
  }

  return {
    setNotification: (key, notification) => {
      const kinds = notification === undefined ? [] : kindsFollowed(notification);
      if (notification === undefined) uids.delete(key);
      else uids.set(key, notification.metadata.uid);
      for (const kind of runKinds) {
        if (kinds.includes(kind)) addTo(notifications, kind, key);
        else removeFrom(notifications, kind, key);
      }
    },
    setRecord: (key, record) => {
      const { runRef, notificationRef: { uid } } = record.spec;
      const ofKind = records.get(runRef.kind) ?? new Map<string, { readonly key: string; readonly uid: string }>();
      if (isOpen(record) || redeliveryAsked(record) !== undefined) ofKind.set(key, { key: notificationKeyOf(pairOfRecord(record)), uid });
      else ofKind.delete(key);
      records.set(runRef.kind, ofKind);
    },
    deleteRecord: (key, { spec: { runRef } }) => {
      records.get(runRef.kind)?.delete(key);
    },
    wants: (kind) => notifications.has(kind) || recordsFor(kind).next().done !== true,
    notificationsFor: (kind) => [...(notifications.get(kind) ?? [])],
    recordsFor: (kind) => [...recordsFor(kind)],
  };
}
