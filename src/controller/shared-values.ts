const maxShared = 10_000;

/** Values that many objects have in common, kept once: what is made under a key is given to all who ask for it. */
export function createShared<Value>(): (key: string, make: () => Value) => Value {
  const shared = new Map<string, Value>();
  return (key, make) => {
    const known = shared.get(key);
    if (known !== undefined) return known;
    if (shared.size >= maxShared) shared.clear();
    const made = make();
    shared.set(key, made);
    return made;
  };
}

const texts = createShared<string>();

/** A text that is equal to many others: all of them become one. */
export const sharedText = (value: string): string => texts(value, () => value);
