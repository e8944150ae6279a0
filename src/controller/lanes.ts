import type { Clock } from "../telemetry/clock.ts";

/** Whose request waits, and for what. */
export interface Turn {
  /** Key of the Provider. */
  readonly provider: string;
  /** The rate-limit domain at the service: an installation, a channel, a topic, a URL. */
  readonly lane: string;
  /** Of the Notification; namespaces take turns. */
  readonly namespace: string;
  /** The end of a run: goes before what is not, within its namespace. */
  readonly terminal: boolean;
}

/** At most so many requests in any span of this length. */
export interface Rate {
  readonly requests: number;
  readonly perMs: number;
}

/** Where requests wait for their turn, so that no Provider, lane or namespace holds up another. */
export interface Lanes {
  /** Resolves with what gives the turn back; rejects with the signal's reason. */
  readonly take: (turn: Turn, rate: Rate | undefined, signal: AbortSignal) => Promise<() => void>;
  /** The turn, where it need not be waited for. */
  readonly tryTake: (turn: Turn, rate: Rate | undefined) => (() => void) | undefined;
  /** The service asked for a pause: nothing is begun in the lane until it is over. */
  readonly pause: (turn: Pick<Turn, "provider" | "lane">, ms: number) => void;
  /** Requests that wait, and requests under way. */
  readonly counts: () => { readonly waiting: number; readonly underWay: number };
}

export interface LanesOptions {
  readonly clock: Clock;
  /** Requests under way at one time. */
  readonly perProvider: number;
  readonly perLane: number;
}

interface Waiter {
  readonly terminal: boolean;
  readonly begin: (giveBack: () => void) => void;
}

interface Lane {
  underWay: number;
  /** `Clock.monotonic()`. */
  pausedUntil: number;
  /** Waiting, by namespace; the first namespace is next. */
  readonly waiting: Map<string, Waiter[]>;
}

interface Line {
  underWay: number;
  rate: Rate | undefined;
  /** `Clock.monotonic()` of the last requests' beginnings, as many as the rate allows. */
  readonly begun: number[];
  /** The first lane is next. */
  readonly lanes: Map<string, Lane>;
  /** Ends the wait for a pause or a rate. */
  wake: AbortController | undefined;
}

/** Moves the first entry that fits to the end, and gives it. */
function takeTurn<Value>(entries: Map<string, Value>, fits: (value: Value) => boolean): [string, Value] | undefined {
  for (const [key, value] of entries) {
    if (!fits(value)) continue;
    entries.delete(key);
    entries.set(key, value);
    return [key, value];
  }
  return undefined;
}

function nextOf(lane: Lane): Waiter | undefined {
  const [namespace, waiters] = takeTurn(lane.waiting, () => true) ?? [];
  if (namespace === undefined || waiters === undefined) return undefined;
  const urgent = waiters.findIndex(({ terminal }) => terminal);
  const [waiter] = waiters.splice(Math.max(urgent, 0), 1);
  if (waiters.length === 0) lane.waiting.delete(namespace);
  return waiter;
}

export function createLanes({ clock, perProvider, perLane }: LanesOptions): Lanes {
  const lines = new Map<string, Line>();

  const lineOf = (provider: string): Line => {
    const known = lines.get(provider) ?? { underWay: 0, rate: undefined, begun: [], lanes: new Map<string, Lane>(), wake: undefined };
    lines.set(provider, known);
    return known;
  };
  const laneOf = (line: Line, name: string): Lane => {
    const known = line.lanes.get(name) ?? { underWay: 0, pausedUntil: 0, waiting: new Map<string, Waiter[]>() };
    line.lanes.set(name, known);
    return known;
  };
  /** Lets go of what nobody waits for, so that lanes of the past take no memory. */
  const tidy = (provider: string, line: Line): void => {
    const now = clock.monotonic();
    for (const [name, lane] of line.lanes) if (lane.underWay === 0 && lane.waiting.size === 0 && lane.pausedUntil <= now) line.lanes.delete(name);
    if (line.lanes.size === 0 && line.underWay === 0 && !isRemembered(line, now) && line.wake === undefined) lines.delete(provider);
  };

  /** How long the rate has the next request wait. */
  const untilRate = ({ rate, begun }: Line, now: number): number => {
    const oldest = rate === undefined || begun.length < rate.requests ? undefined : begun[begun.length - rate.requests];
    return rate === undefined || oldest === undefined ? 0 : Math.max(0, oldest + rate.perMs - now);
  };

  const mayBegin = ({ underWay, pausedUntil }: Lane, now: number): boolean => underWay < perLane && pausedUntil <= now;

  /** Whether requests of the past still count towards the rate. */
  const isRemembered = ({ rate, begun }: Line, now: number): boolean => rate !== undefined && (begun.at(-1) ?? -Infinity) + rate.perMs > now;

  const sleepUntilSomethingMayGo = (provider: string, line: Line): void => {
    line.wake?.abort();
    line.wake = undefined;
    const now = clock.monotonic();
    const pauses = [...line.lanes.values()].filter(({ waiting, pausedUntil }) => waiting.size > 0 && pausedUntil > now).map(({ pausedUntil }) => pausedUntil - now);
    const rated = [...line.lanes.values()].some(({ waiting }) => waiting.size > 0) ? untilRate(line, now) : 0;
    const ms = Math.min(...pauses, ...(rated > 0 ? [rated] : []));
    if (ms === Infinity) return;
    const wake = new AbortController();
    line.wake = wake;
    clock.sleep(ms, wake.signal).then(
      () => {
        line.wake = undefined;
        advance(provider);
      },
      () => undefined,
    );
  };

  /** Begins what may begin. */
  const advance = (provider: string): void => {
    const line = lineOf(provider);
    const now = clock.monotonic();
    while (line.underWay < perProvider && untilRate(line, now) === 0) {
      const [, lane] = takeTurn(line.lanes, (candidate) => candidate.waiting.size > 0 && mayBegin(candidate, now)) ?? [];
      const waiter = lane === undefined ? undefined : nextOf(lane);
      if (lane === undefined || waiter === undefined) break;
      waiter.begin(begin(provider, line, lane));
    }
    sleepUntilSomethingMayGo(provider, line);
    tidy(provider, line);
  };

  /** Counts a request as begun, and gives what ends it. */
  const begin = (provider: string, line: Line, lane: Lane): (() => void) => {
    lane.underWay += 1;
    line.underWay += 1;
    if (line.rate !== undefined) line.begun.push(clock.monotonic());
    line.begun.splice(0, line.begun.length - (line.rate?.requests ?? 0));
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      lane.underWay -= 1;
      line.underWay -= 1;
      advance(provider);
    };
  };

  return {
    tryTake: (turn, rate) => {
      const line = lineOf(turn.provider);
      line.rate = rate;
      const lane = laneOf(line, turn.lane);
      const now = clock.monotonic();
      const free = lane.waiting.size === 0 && mayBegin(lane, now) && line.underWay < perProvider && untilRate(line, now) === 0;
      return free ? begin(turn.provider, line, lane) : undefined;
    },
    take: (turn, rate, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const line = lineOf(turn.provider);
        line.rate = rate;
        const lane = laneOf(line, turn.lane);
        const waiters = lane.waiting.get(turn.namespace) ?? [];
        const onAbort = (): void => {
          const at = waiters.indexOf(waiter);
          waiters.splice(at, at < 0 ? 0 : 1);
          if (waiters.length === 0) lane.waiting.delete(turn.namespace);
          reject(signal.reason as Error);
        };
        const waiter: Waiter = {
          terminal: turn.terminal,
          begin: (giveBack) => {
            signal.removeEventListener("abort", onAbort);
            resolve(giveBack);
          },
        };
        waiters.push(waiter);
        lane.waiting.set(turn.namespace, waiters);
        signal.addEventListener("abort", onAbort, { once: true });
        advance(turn.provider);
      }),
    pause: ({ provider, lane }, ms) => {
      const paused = laneOf(lineOf(provider), lane);
      paused.pausedUntil = Math.max(paused.pausedUntil, clock.monotonic() + ms);
    },
    counts: () => {
      const all = [...lines.values()];
      const waiting = all.flatMap(({ lanes }) => [...lanes.values()].flatMap((lane) => [...lane.waiting.values()])).reduce((sum, waiters) => sum + waiters.length, 0);
      return { waiting, underWay: all.reduce((sum, { underWay }) => sum + underWay, 0) };
    },
  };
}
