import { faultText } from "../api/fault.ts";
import type { Notification } from "../api/notification.ts";
import type { Provider } from "../api/provider.ts";
import type { RunEvent, RunStatus } from "../api/run-event.ts";
import type { Recorded } from "../controller/owed.ts";
import { createPlaces, type Places } from "../controller/places.ts";
import { plan, type Plan, type Route } from "../controller/plan.ts";
import type { Explained } from "../controller/match.ts";
import { makeRoute, providerKeyOf } from "../controller/routes.ts";
import { includes, reachOf } from "../controller/reach.ts";
import { createPrevious } from "../controller/previous.ts";
import { isOffered } from "../api/sharing.ts";
import { createRunStore, type RunView } from "../controller/run-store.ts";
import { varies, type RenderedRequest } from "../providers/provider.ts";
import type { RunChange } from "./simulate-runs.ts";
import type { Setup } from "./simulate-setup.ts";

/** What one Notification makes of one change of a run. The shape is a contract (docs/reference/cli.md). */
export interface Simulated {
  readonly notification: string;
  readonly run: { readonly kind: string; readonly namespace: string; readonly name: string; readonly uid: string };
  readonly status: RunStatus;
  readonly reason: string;
  readonly matched: boolean;
  readonly why?: string;
  /** What each part of the filter says; where it is asked for. */
  readonly predicates?: readonly Explained[];
  /** Parts of the Notification's templates that failed on this state and are empty. */
  readonly faults?: readonly string[];
  readonly requests: readonly (RenderedRequest & { readonly provider: string })[];
}

interface Player {
  readonly name: string;
  readonly providerName: string;
  readonly route: Route;
  /** What the services would have accepted so far, by run. */
  readonly recorded: Map<string, Map<string, Recorded>>;
  readonly places: Places;
}

function whyOf(planned: Plan, player: Player): string | undefined {
  if (planned.kind === "waiting") return `ProviderNotFound: there is no Provider ${player.providerName} in the configuration`;
  return planned.why;
}

/** Judges a state, and takes what would be sent as accepted. */
function judge(player: Player, view: RunView, explain: boolean): Simulated {
  const { event } = view;
  const recorded = player.recorded.get(event.uid) ?? new Map<string, Recorded>();
  const planned = plan(player.route, view, recorded, undefined, (message) => player.places.isOvertaken(player.route, message, event));
  const messages = planned.kind === "send" ? planned.messages : [];
  for (const { key } of messages) recorded.set(key, { sentStatus: event.status, sentCount: (recorded.get(key)?.sentCount ?? 0) + 1, externalRef: varies });
  for (const message of messages) player.places.note(player.route, message, event);
  if (messages.length > 0) player.recorded.set(event.uid, recorded);
  const why = whyOf(planned, player);
  const faults = planned.kind === "waiting" ? undefined : planned.faults?.map(faultText);
  const { kind, namespace, name, uid } = event;
  return {
    notification: player.name,
    run: { kind, namespace, name, uid },
    status: event.status,
    reason: event.reason,
    matched: planned.kind === "waiting" || planned.matched,
    ...(why !== undefined && { why }),
    ...(explain && { predicates: player.route.matcher.explain(event) }),
    ...(faults !== undefined && { faults }),
    requests: messages.map(({ request }) => ({ provider: player.route.destination?.definition.type ?? "", ...request })),
  };
}

const selectable = ({ route }: Player, event: RunEvent): boolean =>
  route.matcher.kinds.has(event.kind) && includes(route.reach.selected, event.namespace);

/**
 * Plays changes of runs to Notifications in order, as the controller would see them if every change reached it alone and
 * every message were accepted. `activeSince` is ignored.
 * @param explain whether each part of the filter is asked, also behind the first that does not hold
 */
export function* simulate(setup: Setup, changes: Iterable<RunChange>, explain = false): Generator<Simulated, void> {
  const providers = new Map(setup.providers.map((provider) => [`${provider.metadata.namespace}/${provider.metadata.name}`, provider]));
  const offered = (notification: Notification): Provider | undefined => {
    const provider = providers.get(providerKeyOf(notification));
    return provider !== undefined && isOffered(provider, notification.metadata.namespace, (namespace) => setup.namespaces.get(namespace)) ? provider : undefined;
  };
  const known = { names: () => setup.namespaces.keys(), labelsOf: (name: string) => setup.namespaces.get(name) };
  const places = createPlaces();
  const players = setup.notifications.map((notification): Player => {
    const providerName = providerKeyOf(notification);
    const provider = offered(notification);
    return {
      name: `${notification.metadata.namespace}/${notification.metadata.name}`,
      providerName,
      route: makeRoute(notification, provider, -Infinity, reachOf(notification, provider, known)),
      recorded: new Map(),
      places,
    };
  });
  const runs = createRunStore(undefined);
  const previous = createPrevious(runs);
  for (const { name, route } of players) previous.follow(name, route);
  const all = [...changes];
  // What ended before a run was created is known from its times, wherever it stands in the file.
  for (const { run } of all) {
    runs.upsert(run);
    previous.take(run);
  }
  for (const { run } of all) runs.release(run.uid);
  for (const { run, deleted } of all) {
    if (deleted) runs.vanish(run, "seen");
    else runs.upsert(run);
    const view = runs.view(run.uid);
    if (view === undefined) continue;
    for (const player of players) if (selectable(player, view.event)) yield judge(player, previous.fill(player.route, view), explain);
    if (deleted) runs.release(run.uid);
  }
}
