import type { Notification } from "../api/notification.ts";
import type { EventRecorder } from "../kube/events.ts";
import { notifications } from "../kube/resources.ts";
import type { Outcome } from "./attempt.ts";

/** Tells of an outcome that somebody should look at: a dead letter, or a destination that began to refuse. */
export function tellOutcome(recorder: EventRecorder, { metadata }: Notification, { outcome, event, error }: Outcome, routeErrorBefore: string | undefined): void {
  const regarding = { resource: notifications, namespace: metadata.namespace, name: metadata.name, uid: metadata.uid };
  if (outcome === "DeadLetter") {
    const note = `${event.kind} ${event.name} (${event.status}) was given up: ${error?.code ?? ""}: ${error?.message ?? ""}`;
    recorder.publish(regarding, { type: "Warning", reason: "DeadLetter", action: "Deliver", note });
  } else if (error?.class === "route" && routeErrorBefore !== error.code) {
    recorder.publish(regarding, { type: "Warning", reason: error.code, action: "Deliver", note: error.message });
  }
}
