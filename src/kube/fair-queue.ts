/** Keys in lanes: lanes take turns, and within a lane the first to come is the first to go. A key that waits is not added twice. */
export interface FairQueue {
  readonly add: (lane: string, key: string) => void;
  /** Takes the next key out; undefined when none waits. */
  readonly take: () => string | undefined;
  readonly has: (lane: string, key: string) => boolean;
  readonly length: () => number;
}

export function createFairQueue(): FairQueue {
  /** The one whose turn is next first; none is empty. */
  const lanes = new Map<string, Set<string>>();
  return {
    add: (lane, key) => {
      const waiting = lanes.get(lane);
      if (waiting === undefined) lanes.set(lane, new Set([key]));
      else waiting.add(key);
    },
    take: () => {
      const [first] = lanes;
      if (first === undefined) return undefined;
      const [lane, waiting] = first;
      const [key] = waiting;
      lanes.delete(lane);
      if (key !== undefined) waiting.delete(key);
      if (waiting.size > 0) lanes.set(lane, waiting);
      return key;
    },
    has: (lane, key) => lanes.get(lane)?.has(key) === true,
    length: () => [...lanes.values()].reduce((sum, { size }) => sum + size, 0),
  };
}
