import type { RunEvent } from "../api/run-event.ts";

/**
 * The points on a message's way at which a crash means something different. Tests inject faults there; the shipped
 * program observes nothing.
 */
export type Step = "matched" | "before-send" | "accepted" | "before-record" | "recorded";

/** The message that has come so far. */
export interface About {
  /** `namespace/name`. */
  readonly notification: string;
  /** `kind/namespace/name`. */
  readonly run: string;
  readonly status: string;
}

export type StepObserver = (step: Step, about: About) => Promise<void> | void;

export const aboutOf = ({ notificationKey }: { readonly notificationKey: string }, { kind, namespace, name, status }: RunEvent): About => ({
  notification: notificationKey,
  run: `${kind}/${namespace}/${name}`,
  status,
});

export const observeNothing: StepObserver = () => undefined;
