import type { Condition } from "../api/schema.ts";
import { isoSeconds } from "./iso-seconds.ts";
import { shorten } from "../api/text.ts";

/** A condition without the bookkeeping. */
export interface Finding {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** The findings as conditions; `lastTransitionTime` moves only where the status changed. */
export function conditionsOf(findings: readonly Finding[], previous: readonly Condition[] | undefined, generation: number | undefined, now: number): Condition[] {
  return findings.map((finding) => {
    const before = previous?.find(({ type }) => type === finding.type);
    const lastTransitionTime = before?.status === finding.status ? before.lastTransitionTime : isoSeconds(now);
    return { ...finding, message: shorten(finding.message, 4096), lastTransitionTime, ...(generation !== undefined && { observedGeneration: generation }) };
  });
}

/** kstatus' way of saying that only a user can mend it: `Stalled`, there only while it holds. */
export const stalled = (reason: string, message: string): Finding => ({ type: "Stalled", status: "True", reason, message });
