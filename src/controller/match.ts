import type { Fault } from "../api/fault.ts";
import type { NotificationFilter } from "../api/notification.ts";
import type { RunEvent, RunKind, RunStatus } from "../api/run-event.ts";
import { expressionPredicate } from "./match-expression.ts";
import { labelPredicate } from "./match-labels.ts";
import { resultsPredicate } from "./match-results.ts";
import { childrenPredicate, kindsPredicate, namespacePredicate, servedPredicate, statusesPredicate } from "./match-run.ts";
import type { Predicate } from "./predicate.ts";
import { isCut, selectedBy, type Reach } from "./reach.ts";

/**
 * Whether a state of a run is selected; where not, `why` begins with the part of the filter that does not hold. `error`:
 * that part could not be asked; `fault`: because of what this run brought.
 */
export type Match = { readonly matched: true } | { readonly matched: false; readonly why: string; readonly error?: boolean; readonly fault?: Fault };

/** One part of a filter, named as in `spec.filter`; `why`: why it does not hold. */
export interface Explained {
  readonly name: string;
  readonly holds: boolean;
  readonly why?: string;
}

/** A Notification's filter, compiled. */
export interface Matcher {
  /** Kinds it can match; others need not be offered. */
  readonly kinds: ReadonlySet<RunKind>;
  /** Statuses it can match; others need not be offered. */
  readonly statuses: ReadonlySet<RunStatus>;
  readonly match: (event: RunEvent) => Match;
  /** What each part of the filter says of the event, also behind the first that does not hold. For people. */
  readonly explain: (event: RunEvent) => readonly Explained[];
  /** Errors of the expression or a pattern, a sentence each; a filter with errors matches nothing. */
  readonly problems: readonly string[];
  /** Whether the filter can depend on the variable of expressions. */
  readonly reads: (variable: string) => boolean;
}

interface Part {
  readonly predicate: Predicate;
  readonly problems: readonly string[];
  readonly reads?: (variable: string) => boolean;
}

const yes: Match = { matched: true };

const whole = (predicate: Predicate): Part => ({ predicate, problems: [] });

const byName = (filter: NotificationFilter, namespace: string): Pick<Reach, "selected" | "served"> => {
  const selected = selectedBy(filter.namespaceSelector, namespace);
  return { selected, served: selected };
};

/**
 * Compiles a filter into one list of predicates, the cheapest first: one look-up each, labels, results, those with patterns
 * last, the expression. The first that does not hold gives the reason.
 * @param defaultStatuses what the Provider's type reports when the filter names no statuses
 * @param reach left out: what can be said without Namespaces and without a Provider
 */
export function compileFilter(filter: NotificationFilter, namespace: string, defaultStatuses: readonly RunStatus[], reach: Pick<Reach, "selected" | "served"> = byName(filter, namespace)): Matcher {
  const kinds = new Set<RunKind>(filter.kinds ?? ["PipelineRun"]);
  const statuses = new Set<RunStatus>(filter.statuses ?? defaultStatuses);
  const parts: readonly Part[] = [
    whole(kindsPredicate(kinds)),
    whole(namespacePredicate(filter.namespaceSelector, namespace, reach.selected)),
    ...(isCut(reach) ? [whole(servedPredicate(reach.served))] : []),
    whole(statusesPredicate(statuses)),
    whole(childrenPredicate(filter.children === true)),
    ...(filter.labelSelector === undefined ? [] : [whole(labelPredicate(filter.labelSelector))]),
    ...(filter.results === undefined ? [] : [resultsPredicate(filter.results)]),
    ...(filter.expression === undefined ? [] : [expressionPredicate(filter.expression)]),
  ];
  const predicates = parts.map(({ predicate }) => predicate);
  return {
    kinds,
    statuses,
    problems: parts.flatMap(({ problems }) => problems),
    reads: (variable) => parts.some(({ reads }) => reads?.(variable) === true),
    match: (event) => {
      for (const { name, test } of predicates) {
        const failure = test(event);
        if (failure !== undefined) return { matched: false, ...failure, why: `${name}: ${failure.why}` };
      }
      return yes;
    },
    explain: (event) =>
      predicates.map(({ name, test }) => {
        const failure = test(event);
        return failure === undefined ? { name, holds: true } : { name, holds: false, why: failure.why };
      }),
  };
}
