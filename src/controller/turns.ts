import type { Clock } from "../telemetry/clock.ts";

/** No step begins later than this in a slice: an expression takes about 5 ms at most, so that a slice takes about 10 ms. */
const beginWithinMs = 5;

/** Work that goes step by step: each `next` is one. */
export type Tour = Iterator<unknown, unknown>;

export interface TurnsOptions {
  readonly clock: Clock;
  /** A tour threw; the rest of it is left out. */
  readonly onFailure: (lane: string, name: string, error: unknown) => void;
}

/**
 * Shares the thread among lanes (namespaces): work goes in slices, between which the event loop does everything else, and
 * each slice begins with the lane whose last turn is longest ago. A lane keeps the rest of the slice while it has work.
 */
export interface Turns {
  /** Does one step in the lane's turn, before its tours; settles as the step does. */
  readonly once: <Value>(lane: string, step: () => Value) => Promise<Value>;
  /** Begins a tour when those added before it are through. One of the same name that has not begun yet stands for both. */
  readonly tour: (lane: string, name: string, begin: () => Tour) => void;
  /** Whether the lane has work. */
  readonly isBusy: (lane: string) => boolean;
  /** Tours that wait or are under way. */
  readonly length: () => number;
  /** Ends all tours where they are; single steps are still done. */
  readonly stop: () => void;
}

interface Lane {
  readonly steps: (() => void)[];
  readonly waiting: Map<string, () => Tour>;
  current: { readonly name: string; readonly tour: Tour } | undefined;
}

const hasWork = ({ steps, waiting, current }: Lane): boolean => steps.length > 0 || current !== undefined || waiting.size > 0;

export function createTurns({ clock, onFailure }: TurnsOptions): Turns {
  /** The one whose turn is next first. */
  const lanes = new Map<string, Lane>();
  let planned = false;
  let stopped = false;

  const tourStep = (name: string, lane: Lane): void => {
    if (lane.current === undefined) {
      const [next] = lane.waiting;
      if (next === undefined) return;
      lane.waiting.delete(next[0]);
      lane.current = { name: next[0], tour: next[1]() };
    }
    const { current } = lane;
    try {
      if (current.tour.next().done === true) lane.current = undefined;
    } catch (error) {
      lane.current = undefined;
      onFailure(name, current.name, error);
    }
  };

  const slice = (): void => {
    planned = false;
    const end = clock.monotonic() + beginWithinMs;
    do {
      const [first] = lanes;
      if (first === undefined) return;
      const [name, lane] = first;
      do {
        const step = lane.steps.shift();
        if (step === undefined) tourStep(name, lane);
        else step();
      } while (hasWork(lane) && clock.monotonic() < end);
      lanes.delete(name);
      if (hasWork(lane)) lanes.set(name, lane);
    } while (clock.monotonic() < end);
    if (lanes.size > 0) plan();
  };

  const plan = (): void => {
    if (planned) return;
    planned = true;
    setImmediate(slice);
  };

  const laneOf = (name: string): Lane => {
    const known = lanes.get(name);
    if (known !== undefined) return known;
    const lane: Lane = { steps: [], waiting: new Map(), current: undefined };
    lanes.set(name, lane);
    plan();
    return lane;
  };

  return {
    once: (lane, step) =>
      new Promise((resolve) => {
        laneOf(lane).steps.push(() => {
          resolve(
            new Promise((settle) => {
              settle(step());
            }),
          );
        });
      }),
    tour: (lane, name, begin) => {
      if (stopped) return;
      const { waiting } = laneOf(lane);
      if (!waiting.has(name)) waiting.set(name, begin);
    },
    isBusy: (lane) => lanes.has(lane),
    length: () => [...lanes.values()].reduce((sum, { waiting, current }) => sum + waiting.size + (current === undefined ? 0 : 1), 0),
    stop: () => {
      stopped = true;
      for (const lane of lanes.values()) {
        lane.waiting.clear();
        lane.current = undefined;
      }
    },
  };
}
