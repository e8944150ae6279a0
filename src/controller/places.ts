import type { RunEvent } from "../api/run-event.ts";
import type { Message } from "../providers/provider.ts";
import type { Route } from "./plan.ts";
import { secondsOf } from "./iso-seconds.ts";
import { providerKeyOf } from "./routes.ts";

/** When a run was made, in whole seconds since the epoch: of two made in one second, the uid decides. */
export interface Age {
  readonly created: number;
  readonly uid: string;
}

/**
 * Which run was the newest to report to a place that shows one state, such as a context of a commit: an older run that ends
 * after it says nothing there any more.
 */
export interface Places {
  /** The service accepted the message. */
  readonly note: (route: Route, message: Pick<Message, "target">, event: RunEvent) => void;
  /** A record of a run that exists still says that the service accepted messages for these places. */
  readonly restore: (providerKey: string, targets: readonly Message["target"][], age: Age) => void;
  /** Whether a newer run has reported to the message's place. */
  readonly isOvertaken: (route: Route, message: Pick<Message, "target" | "placeOfItsOwn">, event: RunEvent) => boolean;
}

/** So many places are known; those that were reported to longest ago are forgotten first. */
const maxPlaces = 20_000;

const isNewer = (a: Age, b: Age): boolean => a.created > b.created || (a.created === b.created && a.uid > b.uid);

export function createPlaces(): Places {
  const newest = new Map<string, Age>();

  const placeOf = (providerKey: string, target: Message["target"]): string => JSON.stringify([providerKey, ...Object.entries(target).toSorted(([a], [b]) => (a < b ? -1 : 1))]);

  const take = (place: string, age: Age): void => {
    const known = newest.get(place);
    if (known !== undefined && isNewer(known, age)) return;
    newest.delete(place);
    newest.set(place, age);
    const [oldest] = newest.keys();
    if (newest.size > maxPlaces && oldest !== undefined) newest.delete(oldest);
  };

  /** Undefined where the service keeps no state, or the run's age is not known. */
  const lookAt = ({ destination, notification }: Route, { target }: Pick<Message, "target">, event: RunEvent): { readonly place: string; readonly age: Age } | undefined => {
    const created = event.run.metadata?.creationTimestamp;
    if (destination?.definition.keepsState !== true || created === undefined) return undefined;
    return { place: placeOf(providerKeyOf(notification), target), age: { created: secondsOf(created), uid: event.uid } };
  };

  return {
    note: (route, message, event) => {
      const looked = lookAt(route, message, event);
      if (looked !== undefined) take(looked.place, looked.age);
    },
    restore: (providerKey, targets, age) => {
      for (const target of targets) take(placeOf(providerKey, target), age);
    },
    isOvertaken: (route, message, event) => {
      if (message.placeOfItsOwn === true) return false;
      const { place, age } = lookAt(route, message, event) ?? {};
      const known = newest.get(place ?? "");
      return age !== undefined && known !== undefined && known.uid !== age.uid && isNewer(known, age);
    },
  };
}
