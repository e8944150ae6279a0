import type { Notification } from "../api/notification.ts";
import type { EventRecorder } from "../kube/events.ts";
import { notifications } from "../kube/resources.ts";
import type { Outcome } from "./attempt.ts";
import { elsewhereRefused, isAboutElsewhere } from "./uses.ts";

/** Tells of an outcome that somebody should look at: a dead letter, or a destination that began to refuse. */
export function tellOutcome(recorder: EventRecorder, { metadata }: Notification, told: Outcome, routeErrorBefore: string | undefined): void {
  const { outcome, event, error } = told;
  const hidden = isAboutElsewhere(told);
  const regarding = { resource: notifications, namespace: metadata.namespace, name: metadata.name, uid: metadata.uid };
  if (outcome === "DeadLetter") {
    const note = hidden ? `${error?.code ?? ""}: ${elsewhereRefused}` : `${event.kind} ${event.name} (${event.status}) was given up: ${error?.code ?? ""}: ${error?.message ?? ""}`;
    recorder.publish(regarding, { type: "Warning", reason: "DeadLetter", action: "Deliver", note });
  } else if (error?.class === "route" && routeErrorBefore !== error.code) {
    recorder.publish(regarding, { type: "Warning", reason: error.code, action: "Deliver", note: hidden ? elsewhereRefused : error.message });
  }
}
