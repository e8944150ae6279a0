import { Type } from "typebox";
import { annotations } from "../api/group.ts";
import type { RunEvent } from "../api/run-event.ts";
import type { Rendered } from "./provider.ts";

/** The schema of `maxLoop`; `carried` says how messages carry `tektonloop`. */
export const maxLoopField = (carried: string) =>
  Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 1,
      description: `The loop guard: a run whose annotation ${annotations.loop} is this number or more is not sent. ${carried}, one more than the run's own number.`,
    }),
  );

/** The generation of the run in a chain of runs that messages started: 0 for a run without the annotation. */
function loopOf(event: RunEvent, maxLoop: number): number {
  const value = event.annotations[annotations.loop];
  if (value === undefined) return 0;
  return /^[0-9]{1,9}$/.test(value) ? Number(value) : maxLoop;
}

/** What `tektonloop` says in messages about this run; or that there are none, because the run is the last of its chain. */
export function guardLoop(event: RunEvent, maxLoop = 1): { readonly tektonloop: number } | { readonly stopped: Rendered } {
  const loop = loopOf(event, maxLoop);
  if (loop < maxLoop) return { tektonloop: loop + 1 };
  const message = `the run was itself started by an event: its annotation ${annotations.loop} has reached maxLoop (${maxLoop})`;
  return { stopped: { nothing: { reason: "LoopGuard", message } } };
}
