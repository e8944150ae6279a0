import type { NotificationFilter } from "../api/notification.ts";
import type { RunEvent, RunKind, RunStatus } from "../api/run-event.ts";
import type { LabelSelector, NamespaceSelector } from "../api/selectors.ts";
import type { ErrorCode } from "../errors.ts";
import { compile, compilePattern, runEventEnvironment, type Program } from "../filter/index.ts";

/** Whether a state of a run is selected; where not, `why` names the part of the filter, without run data in it. */
export type Match = { readonly matched: true } | { readonly matched: false; readonly why: string; readonly error?: boolean };

/** Why a part does not hold; of an error, which is counted and shown, only its code. */
type Failure = string | { readonly error: ErrorCode };

/** One part of a filter: undefined when it holds, else why not. */
interface Predicate {
  readonly name: string;
  readonly test: (event: RunEvent) => Failure | undefined;
}

/** A Notification's filter, compiled. */
export interface Matcher {
  /** Kinds it can match; others need not be offered. */
  readonly kinds: ReadonlySet<RunKind>;
  readonly match: (event: RunEvent) => Match;
  /** Errors of the expression or a pattern, a sentence each; a filter with errors matches nothing. */
  readonly problems: readonly string[];
}

const yes: Match = { matched: true };
const own = (map: Readonly<Record<string, unknown>>, key: string): unknown => (Object.hasOwn(map, key) ? map[key] : undefined);

function requirementFails(requirement: NonNullable<LabelSelector["matchExpressions"]>[number], labels: RunEvent["labels"]): boolean {
  const value = own(labels, requirement.key) as string | undefined;
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case "In":
      return value === undefined || !values.includes(value);
    case "NotIn":
      return value !== undefined && values.includes(value);
    case "Exists":
      return value === undefined;
    case "DoesNotExist":
      return value !== undefined;
  }
}

function labelPredicate(selector: LabelSelector): Predicate {
  const equal = Object.entries(selector.matchLabels ?? {});
  const requirements = selector.matchExpressions ?? [];
  return {
    name: "labelSelector",
    test: ({ labels }) => {
      const missing = equal.find(([key, value]) => own(labels, key) !== value);
      if (missing !== undefined) return `label ${missing[0]} is not ${missing[1]}`;
      const failed = requirements.find((requirement) => requirementFails(requirement, labels));
      return failed === undefined ? undefined : `label ${failed.key} does not fit ${failed.operator}`;
    },
  };
}

/** Until Namespaces are watched, only the Notification's own namespace can be selected; admission refuses the rest. */
function namespacePredicate(selector: NamespaceSelector | undefined, namespace: string): Predicate {
  const allowed = selector?.matchNames?.filter((name) => name === namespace) ?? [namespace];
  const none = selector !== undefined && selector.matchNames === undefined;
  return {
    name: "namespaceSelector",
    test: (event) => (!none && allowed.includes(event.namespace) ? undefined : `${event.namespace} is not in [${none ? "" : allowed.join(", ")}]`),
  };
}

function childPredicate(filter: NotificationFilter): Predicate {
  return {
    name: "children",
    // Naming TaskRun or CustomRun in `kinds` asks for children; PipelineRun alone does not.
    test: (event) =>
      event.parent === undefined || event.kind !== "PipelineRun" || filter.children === true ? undefined : "the run belongs to another run",
  };
}

type ResultCondition = NonNullable<NotificationFilter["results"]>[number];

/** Steps that one pattern may take on one result: as many as a whole expression, about 50 ms. */
const patternSteps = 100_000;

function patternFailure(pattern: ReturnType<typeof compilePattern>, name: string, value: unknown): Failure | undefined {
  if (typeof pattern === "string") return { error: "PatternInvalid" };
  const fits = typeof value === "string" && pattern.test(value, { steps: patternSteps });
  if (typeof fits !== "boolean") return { error: "FilterBudgetExceeded" };
  return fits ? undefined : `${name} does not match`;
}

function resultPredicate(condition: ResultCondition): Predicate {
  const { name } = condition;
  const pattern = condition.matches === undefined ? undefined : compilePattern(condition.matches);
  return {
    name: "results",
    test: ({ results }) => {
      const value = own(results, name);
      if (condition.exists === false) return value === undefined ? undefined : `${name} exists`;
      if (value === undefined) return `${name} does not exist`;
      if (condition.value !== undefined && value !== condition.value) return `${name} has another value`;
      return pattern === undefined ? undefined : patternFailure(pattern, name, value);
    },
  };
}

function expressionMatch(program: Program, event: RunEvent): Match {
  const outcome = program.evaluate(event);
  switch (outcome.kind) {
    case "value":
      return outcome.value === true ? yes : { matched: false, why: "expression: is false" };
    case "absent":
      return { matched: false, why: `expression: ${outcome.what} is absent (${outcome.line}:${outcome.column})` };
    case "error":
      return { matched: false, why: `expression: ${outcome.code} at ${outcome.line}:${outcome.column}`, error: true };
  }
}

function patternProblems(filter: NotificationFilter): string[] {
  return (filter.results ?? []).flatMap(({ matches }, index) => {
    const pattern = matches === undefined ? undefined : compilePattern(matches);
    return typeof pattern === "string" ? [`spec.filter.results[${index}].matches: ${pattern}`] : [];
  });
}

/**
 * Compiles a filter into an ordered list of predicates, the cheapest first.
 * @param defaultStatuses what the Provider's type reports when the filter names no statuses
 */
export function compileFilter(filter: NotificationFilter, namespace: string, defaultStatuses: readonly RunStatus[]): Matcher {
  const kinds = new Set<RunKind>(filter.kinds ?? ["PipelineRun"]);
  const statuses: readonly RunStatus[] = filter.statuses ?? defaultStatuses;
  const predicates: Predicate[] = [
    { name: "kinds", test: ({ kind }) => (kinds.has(kind) ? undefined : `${kind} is not in [${[...kinds].join(", ")}]`) },
    namespacePredicate(filter.namespaceSelector, namespace),
    { name: "statuses", test: ({ status }) => (statuses.includes(status) ? undefined : `${status} is not in [${statuses.join(", ")}]`) },
    childPredicate(filter),
    ...(filter.labelSelector === undefined ? [] : [labelPredicate(filter.labelSelector)]),
    ...(filter.results ?? []).map(resultPredicate),
  ];
  const compiled = filter.expression === undefined ? undefined : compile(filter.expression, { environment: runEventEnvironment, result: "bool" });
  return {
    kinds,
    problems: [...(compiled?.errors ?? []).map(({ line, column, message }) => `spec.filter.expression:${line}:${column}: ${message}`), ...patternProblems(filter)],
    match: (event) => {
      for (const { name, test } of predicates) {
        const failure = test(event);
        if (typeof failure === "string") return { matched: false, why: `${name}: ${failure}` };
        if (failure !== undefined) return { matched: false, why: `${name}: ${failure.error}`, error: true };
      }
      if (compiled === undefined) return yes;
      return compiled.program === undefined ? { matched: false, why: "expression: is not valid", error: true } : expressionMatch(compiled.program, event);
    },
  };
}
