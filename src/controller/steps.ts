/**
 * The points on a message's way at which a crash means something different. Tests inject faults there; the shipped
 * program observes nothing.
 */
export type Step = "matched" | "before-send" | "accepted" | "before-record" | "recorded";

export type StepObserver = (step: Step, about: { readonly notification: string; readonly run: string; readonly status: string }) => Promise<void> | void;

export const observeNothing: StepObserver = () => undefined;
