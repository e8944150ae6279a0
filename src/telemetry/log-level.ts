import type { LeveledLogger } from "./log.ts";

/** The signal that switches to `debug` and back; SIGUSR1 is Node's own. */
export const debugSignal = "SIGUSR2";

/**
 * Has the signal switch a process's log to `debug`, and the next one back to the level that it was started with. Says so in the log
 * both times. Returns what ends that.
 */
export function debugOnSignal(log: LeveledLogger): () => void {
  const usual = log.level();
  const onSignal = (): void => {
    const to = log.level() === "debug" && usual !== "debug" ? usual : "debug";
    // Said while much is shown, so that it is seen whatever the level is.
    log.setLevel("debug");
    log.info("the log level was changed", { to, signal: debugSignal });
    log.setLevel(to);
  };
  process.on(debugSignal, onSignal);
  return () => {
    process.off(debugSignal, onSignal);
  };
}
