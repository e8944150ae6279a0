import type { Clock } from "../telemetry/clock.ts";

/** A signal that follows another one and also aborts by itself when a time has passed. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Aborts with this reason at once. */
  abort(reason: Error): void;
  /** Stops the time; the signal goes on following its parent. */
  stop(): void;
  /** Stops the time and lets go of the parent. Must be called in the end. */
  dispose(): void;
}

/**
 * `expired` makes the reason with which the signal aborts after `ms`. By hand instead of `AbortSignal.any`, so that nothing
 * stays attached to a signal that lives as long as the process.
 */
export function startDeadline(ms: number, expired: () => Error, clock: Clock, parent: AbortSignal): Deadline {
  const controller = new AbortController();
  const timer = new AbortController();
  const follow = (): void => {
    controller.abort(parent.reason);
  };
  if (parent.aborted) follow();
  else parent.addEventListener("abort", follow, { once: true });
  const stop = (): void => {
    timer.abort();
  };
  clock.sleep(ms, timer.signal).then(
    () => {
      controller.abort(expired());
    },
    () => undefined,
  );
  return {
    signal: controller.signal,
    abort: (reason) => {
      controller.abort(reason);
    },
    stop,
    dispose: () => {
      stop();
      parent.removeEventListener("abort", follow);
    },
  };
}
