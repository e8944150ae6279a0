import type { Notification } from "../api/notification.ts";
import { runKinds, runStatuses, type RunEvent, type RunKind, type RunStatus } from "../api/run-event.ts";
import type { Provider } from "../api/provider.ts";
import type { AnyProviderDefinition } from "../providers/provider.ts";
import { providerOfType } from "../providers/registry.ts";
import { routeTemplates } from "../providers/templates.ts";
import { compileTemplate, runEventEnvironment, type Template } from "../filter/index.ts";
import { compileFilter, type Match, type Matcher } from "./match.ts";
import type { Pair } from "./ledger.ts";
import { sectionOf, type Route } from "./plan.ts";
import { endedAt } from "./normalise-run.ts";
import { reachOf, type Reach } from "./reach.ts";
import { isTerminal, runStatus } from "./run-status.ts";
import type { TrimmedRun } from "./trim-run.ts";

/** Key of the Provider that a Notification refers to: `namespace/name`. */
export const providerKeyOf = ({ metadata, spec }: Notification): string => `${spec.providerRef.namespace ?? metadata.namespace}/${spec.providerRef.name}`;

/** Whether the object may be used: one that is being deleted is as good as gone. */
export const inUse = <Value extends { readonly metadata: { readonly deletionTimestamp?: string } }>(object: Value | undefined): Value | undefined =>
  object?.metadata.deletionTimestamp === undefined ? object : undefined;

/** What a route is made from, as far as it changes. */
const sourcesOf = (notification: Notification, provider: Provider | undefined, { digest }: Reach): string =>
  [...[notification, provider].map((object) => `${object?.metadata.uid ?? ""}/${object?.metadata.generation ?? ""}`), digest].join(" ");

/** The statuses that a Notification reports; undefined where it names none and its Provider is not known. */
export const statusesOf = (notification: Notification, definition: AnyProviderDefinition | undefined): readonly RunStatus[] | undefined =>
  notification.spec.filter?.statuses ??
  (definition === undefined ? undefined : (definition.defaultStatusesFor?.(sectionOf(notification, definition)) ?? definition.defaultStatuses));

/** Makes a Notification ready for judging runs. `reach` left out: as far as it is known without Namespaces. */
export function makeRoute(notification: Notification, provider: Provider | undefined, activeSince: number, reach = reachOf(notification, provider)): Route {
  const definition = provider === undefined ? undefined : providerOfType(provider.spec.type);
  const providerSection = definition === undefined ? undefined : provider?.spec[definition.section];
  const destination = definition === undefined || providerSection === undefined ? undefined : { definition, providerSection, templates: routeTemplates(definition, notification.spec) };
  const { template: groupBy, problems } = groupByOf(notification);
  // Without a Provider every status may be wanted: none is ruled out before it is known.
  const compiled = compileFilter(notification.spec.filter ?? {}, notification.metadata.namespace, statusesOf(notification, definition) ?? runStatuses, reach);
  const matcher = problems.length === 0 ? compiled : { ...compiled, match: () => invalidGroupBy, problems: [...compiled.problems, ...problems] };
  const judging = judgesTasks(matcher, groupBy);
  const reads = (variable: string): boolean => matcher.reads(variable) || destination?.templates.reads(variable) === true;
  return {
    notification,
    sources: sourcesOf(notification, provider, reach),
    matcher,
    reach,
    destination,
    activeSince,
    tasks: { judging, any: judging || tellsOfTasks(notification, destination) },
    object: destination?.definition.readsObject?.(destination.providerSection) === true,
    // Who says how runs are grouped wants to know.
    series: notification.spec.groupBy !== undefined || reads("previous") ? { groupBy } : undefined,
  };
}

/** What a message will say is not known without a Provider. */
const tellsOfTasks = (notification: Notification, destination: Route["destination"]): boolean =>
  destination === undefined || destination.definition.reads(sectionOf(notification, destination.definition)).includes("tasks") || destination.templates.reads("tasks");

const judgesTasks = (matcher: Pick<Matcher, "reads">, groupBy: Template | undefined): boolean => matcher.reads("tasks") || groupBy?.reads("tasks") === true;

/**
 * The kinds of runs that are to be followed for a Notification: those that it selects, and those of tasks where its filter or
 * its groups are made of them, so that a change of a task is one to it. What only messages are made of is listed when one is
 * made.
 */
export function kindsFollowed(notification: Notification): readonly RunKind[] {
  const { metadata, spec: { filter = {}, groupBy = "", suspend } } = notification;
  if (inUse(notification) === undefined || suspend === true) return [];
  const kinds = new Set<RunKind>(filter.kinds ?? ["PipelineRun"]);
  // Compiling takes longer than looking for the word.
  const mayRead = kinds.has("PipelineRun") && `${filter.expression ?? ""} ${groupBy}`.includes("tasks");
  const reads = mayRead && judgesTasks(compileFilter(filter, metadata.namespace, runStatuses), groupByOf(notification).template);
  return runKinds.filter((kind) => reads || kinds.has(kind));
}

const invalidGroupBy: Match = { matched: false, why: "groupBy: is not valid", error: true };

function groupByOf({ spec: { groupBy } }: Notification): { readonly template: Template | undefined; readonly problems: readonly string[] } {
  if (groupBy === undefined) return { template: undefined, problems: [] };
  const { template, errors } = compileTemplate(groupBy, { environment: runEventEnvironment });
  return { template, problems: errors.map(({ line, column, message }) => `spec.groupBy:${line}:${column}: ${message}`) };
}

/** The route as it is now: the one before, where nothing has changed that it is made from. */
export const remakeRoute = (before: Route | undefined, notification: Notification, provider: Provider | undefined, activeSince: number, reach: Reach): Route =>
  before?.sources === sourcesOf(notification, provider, reach) && before.activeSince === activeSince ? before : makeRoute(notification, provider, activeSince, reach);

/** Whether two routes of one Notification select the same runs. */
export const sameSelection = (before: Route | undefined, { notification: { metadata } }: Route): boolean =>
  before?.notification.metadata.uid === metadata.uid && before.notification.metadata.generation === metadata.generation;

/** Whether two routes of one Notification select runs of the same namespaces. */
export const sameReach = (before: Route | undefined, after: Route): boolean => before?.reach.digest === after.reach.digest;

/** Whether two routes of one Notification lead to the same place. */
export const sameDestination = (before: Route | undefined, after: Route): boolean =>
  before?.destination?.definition === after.destination?.definition &&
  JSON.stringify(before?.destination?.providerSection) === JSON.stringify(after.destination?.providerSection);

/** A (Notification, run). */
export const pairOf = ({ notification: { metadata } }: Route, { uid, namespace }: Pick<RunEvent, "uid" | "namespace">): Pair => ({
  notification: { namespace: metadata.namespace, name: metadata.name, uid: metadata.uid },
  runUid: uid,
  runNamespace: namespace,
});

/** Whether the run ended before the Notification was active; times of Kubernetes have whole seconds. */
export const endedBefore = ({ activeSince }: Route, { endedAt: end }: { readonly endedAt: number | undefined }): boolean =>
  end !== undefined && Math.floor(end / 1000) < Math.floor(activeSince / 1000);

/**
 * A cheap look before a RunEvent is made of a run of which nothing is on record: false only where judging could not lead to
 * a message.
 */
export function mayConcern(route: Route, run: Pick<TrimmedRun, "kind" | "condition" | "completionTime">): boolean {
  const { matcher, notification } = route;
  if (notification.spec.suspend === true || !matcher.kinds.has(run.kind)) return false;
  // Deleted, it would be cancelled.
  if (!isTerminal(run)) return matcher.statuses.has(runStatus(run)) || matcher.statuses.has("Cancelled");
  return matcher.statuses.has(runStatus(run)) && !endedBefore(route, { endedAt: endedAt(run) });
}
