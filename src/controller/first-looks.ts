import { addTo, removeFrom } from "./multi-map.ts";
import { holderOf } from "./pairs.ts";

/**
 * At the start all Notifications become known within a moment, and each is to be asked about the same runs. What there is to do
 * for those of one namespace is held back until each of them has been looked at once, whatever came of it: then they are asked
 * about one run after the other, and each run is unpacked once.
 */
export interface FirstLooks {
  /** The Notification is about to be looked at for the first time. */
  readonly expect: (key: string) => void;
  /** It has been looked at. */
  readonly looked: (key: string) => void;
  /** Acts now, or when all that are expected in the Notification's namespace have been looked at. */
  readonly then: (key: string) => void;
}

export function createFirstLooks(act: (key: string) => void): FirstLooks {
  const expected = new Map<string, Set<string>>();
  const heldBack = new Map<string, Set<string>>();
  return {
    expect: (key) => {
      addTo(expected, holderOf(key), key);
    },
    looked: (key) => {
      const holder = holderOf(key);
      removeFrom(expected, holder, key);
      if (expected.has(holder)) return;
      const keys = heldBack.get(holder) ?? [];
      heldBack.delete(holder);
      for (const each of keys) act(each);
    },
    then: (key) => {
      const holder = holderOf(key);
      if (expected.has(holder)) addTo(heldBack, holder, key);
      else act(key);
    },
  };
}
