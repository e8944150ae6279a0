import type { RunEvent, RunKind } from "../api/run-event.ts";
import { addTo, removeFrom } from "./multi-map.ts";
import { endedAt, normaliseRun, type ChildRun } from "./normalise-run.ts";
import { listedAgain, unendedKinds, withListed, type Listed } from "./run-children.ts";
import { isTerminal } from "./run-status.ts";
import { PackedRun, settledRun, type SettledRun } from "./settled-run.ts";
import type { TrimmedRun } from "./trim-run.ts";

/** One state of a run, ready to be judged. */
export interface RunView {
  readonly event: RunEvent;
  /** The run's own object; see {@link TrimmedRun.whole}. */
  readonly object?: Readonly<Record<string, unknown>>;
  /** Another number is another state; views of one state have the same, also when made anew. */
  readonly version: number;
  /** When it ended, milliseconds since the epoch; undefined for a run that has not, or that never said. */
  readonly endedAt: number | undefined;
  /** The run is no longer in the API server. */
  readonly vanished: boolean;
  /** The run is known only from what a Delivery says of it. */
  readonly restored: boolean;
  /** The run vanished while nobody watched, and its end was not seen. */
  readonly unseen: boolean;
  /** Kinds of children that the run names and that have not ended, as far as is known. */
  readonly unended: readonly RunKind[];
  /** How often children were listed in this state, or since the run has ended; see {@link RunStore.adopt}. */
  readonly listings: number;
  /** `Clock.monotonic()` until which children that have not ended are waited for, where the run ended before them. */
  readonly childrenUntil: number | undefined;
}

/** A run that has ended, and how it is kept. */
export interface FinishedEntry {
  readonly uid: string;
  readonly namespace: string;
  /** Milliseconds since the epoch. */
  readonly endedAt: number | undefined;
  readonly packed: boolean;
  /** `Clock.monotonic()` of when its end was first seen. */
  readonly since: number;
}

interface KeptRun {
  kept: TrimmedRun | PackedRun | SettledRun;
  readonly vanished: "no" | "seen" | "missed";
  /** `Clock.monotonic()` of when its end was first seen. */
  readonly finalSince: number | undefined;
  listed: Listed | undefined;
}

type Entry = { version: number } & (KeptRun | { readonly known: RunEvent; readonly unseen: boolean });

/** Views that are kept, so that many Notifications judge one: enough for the runs that change at one time. */
const maxViews = 128;

/** Of a cancelled run or one that took too long, children are known to have ended a second or two after it. */
const childrenWithinMs = 2_000;

export type Outline = Pick<TrimmedRun, "kind" | "namespace" | "condition" | "completionTime">;

/** Every run that exists, and those that vanished while something was still owed for them. By uid. */
export interface RunStore {
  readonly upsert: (run: TrimmedRun) => void;
  /** Keeps the run's last state until {@link release}. */
  readonly vanish: (run: TrimmedRun, how: "seen" | "missed") => void;
  /** A run that is known only from what a Delivery says of it. One that had not ended then has ended unseen. */
  readonly restore: (event: RunEvent) => void;
  readonly release: (uid: string) => void;
  /** Children of kinds that are not watched, as the API server lists them now. */
  readonly adopt: (uid: string, children: readonly TrimmedRun[]) => void;
  /** The kind is watched no longer: nothing is known of its runs any more, but of those that vanished. Their uids. */
  readonly forget: (kind: RunKind) => readonly string[];
  readonly has: (uid: string) => boolean;
  /** The run as it was last seen, without making a RunEvent of it; undefined for one that is settled. */
  readonly run: (uid: string) => TrimmedRun | undefined;
  /** What of a run can be told without looking into it, however it is kept; undefined for one that only a Delivery tells of. */
  readonly outline: (uid: string) => Outline | undefined;
  /** What is left of a run after {@link settle}. */
  readonly settled: (uid: string) => SettledRun | undefined;
  /** Runs that have ended, exist, and are not settled. */
  readonly finished: () => Iterable<FinishedEntry>;
  /** Keeps a finished run, whole, in less memory; it takes longer to be read. */
  readonly pack: (uid: string) => void;
  /** Nothing more is to be decided about a finished run: little of it is kept until it changes. */
  readonly settle: (uid: string) => void;
  /** The run's state now, made once for each state while it is in use; undefined when nothing is known of it, or it is settled. */
  readonly view: (uid: string) => RunView | undefined;
  /** Runs that are kept. */
  readonly vanished: () => Iterable<string>;
  /** The namespaces that {@link inNamespace} has runs of. */
  readonly namespaces: () => Iterable<string>;
  /** Runs of one namespace that exist or are kept. */
  readonly inNamespace: (namespace: string) => Iterable<string>;
}

/** The last view of a run that vanished while nobody watched. */
const endedUnseen = (event: RunEvent): RunEvent => ({
  ...event,
  status: "Cancelled",
  reason: "Deleted",
  message: "The run vanished while nobody watched; its result was not seen.",
  terminal: true,
  deleted: true,
});

function wholeOf(entry: Entry): TrimmedRun | undefined {
  if (!("kept" in entry) || "series" in entry.kept) return undefined;
  return entry.kept instanceof PackedRun ? entry.kept.unpack() : entry.kept;
}

const settledOf = (entry: Entry): SettledRun | undefined => ("kept" in entry && "series" in entry.kept ? entry.kept : undefined);

/**
 * A store with no runs. `urlTemplate`: see {@link normaliseRun}; `monotonic`: `Clock.monotonic`, for {@link RunView.childrenUntil}.
 */
export function createRunStore(urlTemplate: string | undefined, monotonic: () => number = () => 0): RunStore {
  const entries = new Map<string, Entry>();
  const children = new Map<string, Set<string>>();
  /** Children that went before a parent that has ended, or is kept: pruners take them first, or right after it. */
  const former = new Map<string, TrimmedRun[]>();
  const namespaces = new Map<string, Set<string>>();
  /** Runs that have ended, exist, and are not settled. */
  const finished = new Set<string>();
  /** The least recently used first. */
  const views = new Map<string, RunView>();
  let newest = "";
  let versions = 0;

  const childrenOf = (uid: string): ChildRun[] =>
    [...(children.get(uid) ?? [])]
      .flatMap((child) => {
        const entry = entries.get(child);
        const run = entry === undefined ? undefined : (wholeOf(entry) ?? settledOf(entry));
        return run === undefined ? [] : [run];
      })
      .concat(former.get(uid) ?? []);

  const isOver = (entry: Entry | undefined): boolean => entry !== undefined && "kept" in entry && (entry.vanished !== "no" || entry.finalSince !== undefined);

  /** The run is in another state now; to its parent, which shows its children, that is another state too. */
  const changed = (uid: string | undefined): void => {
    const entry = uid === undefined ? undefined : entries.get(uid);
    if (uid === undefined || entry === undefined) return;
    entry.version = ++versions;
    views.delete(uid);
  };

  const put = (run: TrimmedRun, vanished: "no" | "seen" | "missed"): void => {
    const known = entries.get(run.uid);
    const before = known !== undefined && "kept" in known ? known : undefined;
    const finalSince = isTerminal(run) ? (before?.finalSince ?? monotonic()) : undefined;
    // Children of a run that has ended change no more.
    const listed = before?.finalSince === undefined && before?.listed !== undefined ? { ...before.listed, times: 0 } : before?.listed;
    entries.set(run.uid, { kept: run, vanished, version: 0, finalSince, listed });
    if (finalSince !== undefined && vanished === "no") finished.add(run.uid);
    else finished.delete(run.uid);
    addTo(namespaces, run.namespace, run.uid);
    if (run.owner !== undefined) addTo(children, run.owner.uid, run.uid);
    changed(run.uid);
    changed(run.owner?.uid);
  };

  const makeView = (uid: string, entry: Entry): RunView | undefined => {
    const { version } = entry;
    if ("known" in entry) return { event: entry.known, version, endedAt: undefined, vanished: true, restored: true, unseen: entry.unseen, unended: [], listings: 0, childrenUntil: undefined };
    const { vanished, finalSince, listed } = entry;
    const run = wholeOf(entry);
    if (run === undefined) return undefined;
    const deleted = vanished !== "no" && !isTerminal(run);
    const own = withListed(childrenOf(uid), listed);
    const unended = unendedKinds(run, own);
    const event = normaliseRun(run, { children: own, urlTemplate, deleted });
    const unseen = deleted && vanished === "missed";
    return {
      event: unseen ? endedUnseen(event) : event,
      ...(run.whole !== undefined && { object: run.whole }),
      version,
      endedAt: !deleted && isTerminal(run) ? endedAt(run) : undefined,
      vanished: vanished !== "no",
      restored: false,
      unseen,
      unended,
      listings: listed?.times ?? 0,
      // The children of a run that is gone go with it.
      childrenUntil: vanished === "no" && finalSince !== undefined && unended.length > 0 ? finalSince + childrenWithinMs : undefined,
    };
  };

  /** The uid of its owner. */
  const forgetOne = (uid: string, entry: Entry): string | undefined => {
    entries.delete(uid);
    views.delete(uid);
    former.delete(uid);
    finished.delete(uid);
    removeFrom(namespaces, "kept" in entry ? entry.kept.namespace : entry.known.namespace, uid);
    const owner = "kept" in entry ? entry.kept.owner?.uid : undefined;
    if (owner === undefined) return undefined;
    removeFrom(children, owner, uid);
    views.delete(owner);
    return owner;
  };

  return {
    upsert: (run) => {
      put(run, "no");
    },
    vanish: put,
    restore: (event) => {
      const known = entries.get(event.uid);
      // Several Notifications may have it on record; whoever saw its end knows best.
      if (known !== undefined && "known" in known && !known.unseen) return;
      entries.set(event.uid, { known: event.terminal ? event : endedUnseen(event), unseen: !event.terminal, version: 0 });
      addTo(namespaces, event.namespace, event.uid);
      changed(event.uid);
    },
    release: (uid) => {
      const entry = entries.get(uid);
      if (entry === undefined) return;
      const owner = forgetOne(uid, entry);
      if (owner === undefined) return;
      const parent = entries.get(owner);
      const child = wholeOf(entry);
      if (child !== undefined && isOver(parent) && parent !== undefined && settledOf(parent) === undefined) former.set(owner, [...(former.get(owner) ?? []), child]);
      else changed(owner);
    },
    adopt: (uid, found) => {
      const entry = entries.get(uid);
      if (entry === undefined || !("kept" in entry)) return;
      entry.listed = listedAgain(entry.listed, uid, found);
      // It is the same state, of which more is known.
      views.delete(uid);
    },
    forget: (kind) => {
      const existing = [...entries].filter(([, entry]) => "kept" in entry && entry.vanished === "no" && entry.kept.kind === kind);
      for (const [uid, entry] of existing) forgetOne(uid, entry);
      return existing.map(([uid]) => uid);
    },
    has: (uid) => entries.has(uid),
    run: (uid) => {
      const entry = entries.get(uid);
      return entry === undefined ? undefined : wholeOf(entry);
    },
    outline: (uid) => {
      const entry = entries.get(uid);
      return entry !== undefined && "kept" in entry ? entry.kept : undefined;
    },
    settled: (uid) => {
      const entry = entries.get(uid);
      return entry === undefined ? undefined : settledOf(entry);
    },
    finished: function* () {
      for (const uid of finished) {
        const entry = entries.get(uid);
        if (entry === undefined || !("kept" in entry) || "series" in entry.kept) continue;
        const { kept, finalSince = 0 } = entry;
        const packed = kept instanceof PackedRun;
        yield { uid, namespace: kept.namespace, endedAt: packed ? kept.endedAt : endedAt(kept), packed, since: finalSince };
      }
    },
    pack: (uid) => {
      const entry = entries.get(uid);
      if (entry === undefined || !finished.has(uid)) return;
      const run = wholeOf(entry);
      if (run !== undefined && "kept" in entry && entry.kept === run) entry.kept = new PackedRun(run);
    },
    settle: (uid) => {
      const entry = entries.get(uid);
      if (entry === undefined || !finished.has(uid)) return;
      const run = wholeOf(entry);
      if (run === undefined || !("kept" in entry)) return;
      entry.kept = settledRun(run);
      entry.listed = undefined;
      finished.delete(uid);
      former.delete(uid);
      views.delete(uid);
    },
    view: (uid) => {
      const entry = entries.get(uid);
      if (entry === undefined) return undefined;
      const known = views.get(uid);
      if (known !== undefined && uid === newest) return known;
      const view = known ?? makeView(uid, entry);
      if (view === undefined) return undefined;
      newest = uid;
      views.delete(uid);
      views.set(uid, view);
      const [oldest] = views.keys();
      if (views.size > maxViews && oldest !== undefined) views.delete(oldest);
      return view;
    },
    *vanished() {
      for (const [uid, entry] of entries) if ("known" in entry || entry.vanished !== "no") yield uid;
    },
    namespaces: () => namespaces.keys(),
    inNamespace: (namespace) => namespaces.get(namespace) ?? [],
  };
}
