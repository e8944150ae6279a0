import type { Fault } from "../api/fault.ts";
import type { Notification } from "../api/notification.ts";
import type { Template } from "../filter/index.ts";
import type { AnyProviderDefinition, Message } from "../providers/provider.ts";
import type { RouteTemplates } from "../providers/templates.ts";
import type { Match, Matcher } from "./match.ts";
import { decideOwed, type Recorded } from "./owed.ts";
import type { Reach } from "./reach.ts";
import type { RunView } from "./run-store.ts";

/** A Notification ready for judging runs. */
export interface Route {
  readonly notification: Notification;
  /** UIDs and generations of the objects it is made from. */
  readonly sources: string;
  readonly matcher: Matcher;
  readonly reach: Reach;
  /** The Provider's type and its section; undefined while there is no such Provider. */
  readonly destination: { readonly definition: AnyProviderDefinition; readonly providerSection: unknown; readonly templates: RouteTemplates } | undefined;
  /** Runs that ended before this moment are not reported, milliseconds since the epoch. */
  readonly activeSince: number;
  /** Whether a run's children are known for the filter (`judging`), or for the filter or the message (`any`). */
  readonly tasks: { readonly judging: boolean; readonly any: boolean };
  /** Whether messages are made of the run's own object. */
  readonly object: boolean;
  /** How runs are grouped into series; undefined: `previous` is not read. */
  readonly series: { readonly groupBy: Template | undefined } | undefined;
}

/** What is to be done about a state of a run for one Notification. */
export type Plan =
  /** Nothing: not selected, already reported, or nothing to be said (`why`). */
  | (Findings & { readonly kind: "nothing"; readonly matched: boolean; readonly why: string; readonly error?: boolean })
  /** Selected, but there is no Provider to render it for. */
  | { readonly kind: "waiting" }
  /** `why`: the filter does not select it, but what was begun is ended. */
  | (Findings & { readonly kind: "send"; readonly matched: boolean; readonly why?: string; readonly messages: readonly Message[] });

/** What failed on the way. */
interface Findings {
  /** The part of the filter that failed. */
  readonly fault?: Fault;
  /** Parts of templates that failed and are empty. */
  readonly faults?: readonly Fault[];
}

/** `selected`: the filter has been asked about this very state, and selects it. `owed`: the state stands on record as owed. */
export type Known = "selected" | "owed";

const unsent: Recorded = { sentCount: 0 };

function judge(route: Route, { event }: Pick<RunView, "event">, known: Known | undefined): Match {
  if (route.notification.spec.suspend === true) return { matched: false, why: "suspend: the Notification is suspended" };
  return known === undefined ? route.matcher.match(event) : { matched: true };
}

/** What the Notification adds for its Provider's type. */
export const sectionOf = ({ spec }: Notification, { section }: AnyProviderDefinition): unknown => spec[section] ?? {};

const keepsState = (definition: AnyProviderDefinition, section: unknown): boolean => definition.keepsStateFor?.(section) ?? definition.keepsState;

/**
 * Judges one state of a run for one Notification: filter, what is owed, and the messages. The controller and `simulate`
 * both decide with this function.
 * @param known what is known of its selection: the filter is not asked again
 * @param isOvertaken whether a newer run has reported to the place of a message
 */
export function plan(route: Route, view: Pick<RunView, "event" | "object" | "endedAt" | "unseen">, recorded: ReadonlyMap<string, Recorded>, known?: Known, isOvertaken: (message: Message) => boolean = () => false): Plan {
  const { event, object, endedAt } = view;
  const match = judge(route, view, known);
  const { destination, notification } = route;
  if (destination === undefined) return match.matched ? { kind: "waiting" } : { kind: "nothing", ...match };
  const { definition, providerSection, templates } = destination;
  const section = sectionOf(notification, definition);
  const [broken] = templates.problems;
  if (broken !== undefined) return { kind: "nothing", matched: false, why: broken, error: true };
  const owed = decideOwed({
    event,
    endedAt,
    match,
    // What stands on record as owed stays owed.
    unseen: view.unseen && known !== "owed",
    activeSince: route.activeSince,
    recorded,
    keepsState: keepsState(definition, section),
    serviceState: (status) => definition.serviceState(status, section),
  });
  if (!owed.owed) return { kind: "nothing", matched: match.matched, why: owed.why, ...(!match.matched && match.error === true && { error: true }), ...findingsOf(match, []) };
  const faults: Fault[] = [];
  const rendered = definition.render({
    event,
    ...(object !== undefined && { object }),
    provider: providerSection,
    notification: section,
    notificationName: { namespace: notification.metadata.namespace, name: notification.metadata.name },
    providerNamespace: notification.spec.providerRef.namespace ?? notification.metadata.namespace,
    sentBefore: (key) => recorded.get(key) ?? unsent,
    ...templates.on(event, (fault) => faults.push(fault)),
  });
  const told = findingsOf(match, faults);
  const open = "nothing" in rendered ? `${rendered.nothing.reason}: ${rendered.nothing.message}` : openOf(rendered.messages, owed.to, isOvertaken);
  if (typeof open === "string") return { kind: "nothing", matched: match.matched, why: open, ...told };
  return { kind: "send", matched: match.matched, ...(!match.matched && { why: match.why }), messages: open, ...told };
}

const findingsOf = (match: Match, faults: readonly Fault[]): Findings => ({
  ...(!match.matched && match.fault !== undefined && { fault: match.fault }),
  ...(faults.length > 0 && { faults }),
});

/** The messages that are to be sent; why there are none, where all of them come too late. */
function openOf(messages: readonly Message[], isOwed: (key: string) => boolean, isOvertaken: (message: Message) => boolean): readonly Message[] | string {
  const owed = messages.filter(({ key }) => isOwed(key));
  const open = owed.filter((message) => !isOvertaken(message));
  return open.length === 0 && owed.length > 0 ? "newer: a newer run has reported to the same place" : open;
}
