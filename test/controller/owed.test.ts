import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RunEvent, RunStatus } from "../../src/api/run-event.ts";
import type { Match } from "../../src/controller/match.ts";
import { decideOwed, type OwedInput, type Recorded } from "../../src/controller/owed.ts";
import { commitState } from "../../src/providers/github/states.ts";
import { ended, runEvent } from "./runs.ts";

/** GitHub shows one current state, in which Pending and Running are the same; a queue takes each status as it is. */
const github = { keepsState: true, serviceState: commitState };
const queue = { keepsState: false, serviceState: (status: RunStatus) => status };

const matched: Match = { matched: true };
const unmatched: Match = { matched: false, why: "statuses: x is not in [y]" };
const suspended: Match = { matched: false, why: "suspend: the Notification is suspended" };

const sent = (...statuses: (RunStatus | undefined)[]): ReadonlyMap<string, Recorded> =>
  new Map(statuses.map((sentStatus, index) => [`d${index}`, { sentCount: 1, ...(sentStatus !== undefined && { sentStatus }) }]));

const activeSince = Date.UTC(2026, 0, 1, 12, 0, 0, 400);
const before = activeSince - 1_000;

/** Which of the destinations d0 and d1 are owed the event; or why none is. */
function owes(fields: Partial<OwedInput> & { readonly event: RunEvent }): string {
  const owed = decideOwed({ endedAt: undefined, match: matched, unseen: false, activeSince, recorded: new Map(), ...github, ...fields });
  if (!owed.owed) return owed.why;
  const to = ["d0", "d1"].filter((key) => owed.to(key)).join(" ");
  return `${owed.closing ? "closing" : "owed"} to ${to === "" ? "nobody" : to}`;
}

const pending = runEvent({ status: "Pending", reason: "Pending" });
const running = runEvent();
const succeeded = ended("Succeeded");
const failed = ended("Failed");
const deleted = ended("Cancelled", { reason: "Deleted", deleted: true });
const tooOld = "activeSince: the run ended before the Notification was active";

const table: readonly [what: string, fields: Parameters<typeof owes>[0], expected: string][] = [
  ["the first state", { event: pending }, "owed to d0 d1"],
  ["the first state seen is the last", { event: succeeded, endedAt: activeSince }, "owed to d0 d1"],
  ["Running after Pending: one state for GitHub", { event: running, recorded: sent("Pending", "Running") }, "owed to nobody"],
  ["Running after Pending: two for a queue", { event: running, recorded: sent("Pending", "Running"), ...queue }, "owed to d0"],
  ["Pending after Running, a task tried again", { event: pending, recorded: sent("Running"), ...queue }, "owed to d0 d1"],
  ["the same status again", { event: failed, recorded: sent("Failed", "Failed") }, "owed to nobody"],
  ["the end after the beginning", { event: failed, recorded: sent("Running", "Pending") }, "owed to d0 d1"],
  ["one of two destinations has it", { event: failed, recorded: sent("Failed", "Running") }, "owed to d1"],
  ["a destination that never got anything", { event: failed, recorded: sent("Failed", undefined) }, "owed to d1"],
  ["a non-terminal state after a terminal one", { event: running, recorded: sent("Succeeded", "Failed") }, "owed to nobody"],
  ["a terminal state after another one", { event: failed, recorded: sent("Succeeded", "Cancelled"), ...queue }, "owed to nobody"],
  ["the deletion of a run that was reported as running", { event: deleted, recorded: sent("Running") }, "owed to d0 d1"],
  ["the deletion of a run that was never reported", { event: deleted }, "owed to d0 d1"],
  ["the deletion of a run that was reported as finished", { event: deleted, recorded: sent("Failed", "Succeeded") }, "owed to nobody"],
  ["vanished unseen, reported as running: ended where it was begun", { event: deleted, unseen: true, recorded: sent("Running", "Failed") }, "closing to d0"],
  ["vanished unseen, reported as running to a queue", { event: deleted, unseen: true, recorded: sent("Pending", undefined), ...queue }, "closing to d0"],
  ["vanished unseen, reported as running, no longer selected", { event: deleted, unseen: true, recorded: sent("Running"), match: unmatched }, "closing to d0"],
  ["vanished unseen, never reported", { event: deleted, unseen: true }, "unseen: the run vanished while nobody watched, and nothing had been reported of it"],
  ["vanished unseen, reported as finished", { event: deleted, unseen: true, recorded: sent("Succeeded") }, "unseen: the run vanished while nobody watched, and nothing had been reported of it"],

  ["ended in the second before activeSince", { event: succeeded, endedAt: before }, tooOld],
  ["ended in the same second, but earlier in it", { event: succeeded, endedAt: activeSince - 400 }, "owed to d0 d1"],
  ["ended after activeSince", { event: succeeded, endedAt: activeSince + 1 }, "owed to d0 d1"],
  ["ended at no known time", { event: succeeded, endedAt: undefined }, "owed to d0 d1"],
  ["ended before activeSince, but has a record", { event: succeeded, endedAt: before, recorded: sent("Running") }, "owed to d0 d1"],
  ["running since before activeSince", { event: running, endedAt: undefined }, "owed to d0 d1"],
  ["deleted, whenever its condition changed last", { event: deleted, endedAt: before }, "owed to d0 d1"],
  ["ended before a Notification that is suspended now", { event: succeeded, endedAt: before, activeSince: Infinity }, tooOld],

  ["not selected", { event: failed, match: unmatched }, unmatched.why],
  ["not selected, nothing accepted yet", { event: failed, match: unmatched, recorded: sent(undefined) }, unmatched.why],
  ["not selected, begun at GitHub", { event: failed, match: unmatched, recorded: sent("Running", "Failed") }, "closing to d0"],
  ["not selected, begun at a queue", { event: failed, match: unmatched, recorded: sent("Running"), ...queue }, unmatched.why],
  ["not selected, begun and still running", { event: running, match: unmatched, recorded: sent("Pending") }, unmatched.why],
  ["not selected, ended at GitHub", { event: failed, match: unmatched, recorded: sent("Cancelled") }, unmatched.why],
  ["suspended", { event: failed, match: suspended }, suspended.why],
  ["suspended, begun at GitHub", { event: failed, match: suspended, recorded: sent("Pending") }, "closing to d0"],
  ["suspended, begun at GitHub, then deleted", { event: deleted, match: suspended, recorded: sent("Pending") }, "closing to d0"],
  ["suspended, begun at GitHub, ended before activeSince", { event: failed, match: suspended, recorded: sent("Running"), endedAt: before, activeSince: Infinity }, "closing to d0"],
  ["selected no more for an error of the expression, begun at GitHub", { event: failed, match: { ...unmatched, error: true }, recorded: sent("Running") }, "closing to d0"],
];

describe("decideOwed", () => {
  for (const [what, fields, expected] of table) {
    it(`${what}: ${expected}`, () => {
      assert.equal(owes(fields), expected);
    });
  }

  it("says the same after a restart: it depends on its input alone", () => {
    for (const [, fields] of table) assert.equal(owes(structuredCloneable(fields)), owes(fields));
  });
});

/** A copy that shares nothing with the original but the functions. */
function structuredCloneable(fields: Parameters<typeof owes>[0]): Parameters<typeof owes>[0] {
  return { ...fields, event: structuredClone(fields.event), ...(fields.recorded !== undefined && { recorded: structuredClone(fields.recorded) }) };
}
