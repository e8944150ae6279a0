import type { Fault } from "../api/fault.ts";
import type { RunEvent } from "../api/run-event.ts";
import type { Message } from "../providers/provider.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { PairState } from "./pairs.ts";
import { takeSteps } from "./match-expression.ts";
import { recordedOf } from "./pair-state.ts";
import type { Places } from "./places.ts";
import { plan, type Known, type Plan, type Route } from "./plan.ts";
import type { RunView } from "./run-store.ts";

/** What came of a look at a state of a run. */
export interface Judged {
  /** Whether the filter selects it. */
  readonly matched: boolean;
  /** Why not; or why nothing can be sent for it although it is selected. */
  readonly why?: string;
}

export interface JudgeOptions {
  readonly metrics: Metrics;
  readonly places: Pick<Places, "isOvertaken">;
  /** The filter was asked about a state of a run; or there is nothing to send for one that it selects. */
  readonly onJudged: (notificationKey: string, event: RunEvent, judged: Judged) => void;
  /** A part of the Notification failed on a state of a run. */
  readonly onFault: (notificationKey: string, fault: Fault) => void;
}

/** The one place that asks filters about states of runs, and counts and tells what fails in it. Neither function waits. */
export interface Judge {
  /** Whether the filter selects a state of a run of which nothing is on record. */
  readonly selects: (notificationKey: string, route: Route, view: RunView) => boolean;
  /** The messages that are owed; none while there is no Provider to make them for; undefined when nothing is owed. */
  readonly owed: (state: PairState, route: Route, view: RunView) => readonly Message[] | undefined;
}

const outcomeOf = (planned: Plan): "match" | "no_match" | "error" => {
  if (planned.kind === "waiting") return "match";
  return planned.kind === "nothing" && planned.error === true ? "error" : planned.matched ? "match" : "no_match";
};

const judgedOf = (planned: Plan): Judged =>
  planned.kind === "nothing" ? { matched: planned.matched, why: planned.why } : planned.kind === "waiting" || planned.matched ? { matched: true } : { matched: false, why: planned.why ?? "" };

/** What is known of the state's selection already. */
function knownOf({ selected, owedOnRecord, asked }: PairState, route: Route, view: RunView): Known | undefined {
  // What was put on record as owed has been judged; too little of it may be left to judge it once more. What is to be sent again was sent.
  if (asked !== undefined || (view.restored && owedOnRecord !== undefined)) return "owed";
  return selected?.version === view.version && selected.route === route ? "selected" : undefined;
}

export function createJudge({ metrics, places, onFault, onJudged }: JudgeOptions): Judge {
  const count = (outcome: "match" | "no_match" | "error"): void => {
    metrics.add("filter_evaluations_total", { outcome });
    const steps = takeSteps();
    if (steps !== undefined) metrics.observe("filter_evaluation_steps", {}, steps);
  };
  return {
    selects: (notificationKey, route, { event }) => {
      const match = route.matcher.match(event);
      count(match.matched ? "match" : match.error === true ? "error" : "no_match");
      onJudged(notificationKey, event, match);
      if (!match.matched && match.fault !== undefined) onFault(notificationKey, match.fault);
      return match.matched;
    },
    owed: (state, route, view) => {
      const known = knownOf(state, route, view);
      // Whoever asks for a redelivery means this run's state.
      const planned = plan(route, view, recordedOf(state.destinations.values()), known, (message) => state.asked === undefined && places.isOvertaken(route, message, view.event));
      if (known === undefined) count(outcomeOf(planned));
      if (known === undefined || planned.kind === "nothing") onJudged(state.notificationKey, view.event, judgedOf(planned));
      state.selected = planned.kind === "waiting" || planned.matched ? { version: view.version, route } : undefined;
      if (planned.kind === "waiting") return [];
      if (planned.fault !== undefined) onFault(state.notificationKey, planned.fault);
      for (const fault of planned.faults ?? []) {
        metrics.add("template_faults_total", { provider_type: route.destination?.definition.type ?? "", code: fault.code });
        onFault(state.notificationKey, fault);
      }
      return planned.kind === "send" && planned.messages.length > 0 ? planned.messages : undefined;
    },
  };
}
