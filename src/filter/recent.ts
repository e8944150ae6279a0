/** Bounds of a {@link Recent}. */
export interface RecentLimits {
  /** Values at one time. */
  readonly count: number;
  /** UTF-16 units of a key; for a longer one nothing is kept. */
  readonly keyLength: number;
}

/** FNV-1a, 32 bits; never 0. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return hash >>> 0 || 1;
}

/**
 * Keeps what is asked for again: the most recently used values, each from the second time on that it had to be made. What is asked for only
 * once, as most of what an admission webhook sees, is left to the collector while it is young: moving it about would hold others up.
 */
export class Recent<Value> {
  readonly #limits: RecentLimits;
  readonly #values = new Map<string, Value>();
  /** Hashes of keys whose value was made once, each in its place. Another key of the same hash is taken for it, and then kept at once. */
  readonly #once: Uint32Array;

  constructor(limits: RecentLimits) {
    this.#limits = limits;
    this.#once = new Uint32Array(limits.count);
  }

  /** The value that is kept for the key, or else a new one. */
  get(key: string, make: (key: string) => Value): Value {
    if (key.length > this.#limits.keyLength) return make(key);
    const kept = this.#values.get(key);
    if (kept !== undefined) this.#values.delete(key);
    const value = kept ?? make(key);
    if (kept !== undefined || this.#isAgain(key)) this.#keep(key, value);
    return value;
  }

  #isAgain(key: string): boolean {
    const hash = hashOf(key);
    const place = hash % this.#once.length;
    const isAgain = this.#once[place] === hash;
    this.#once[place] = isAgain ? 0 : hash;
    return isAgain;
  }

  #keep(key: string, value: Value): void {
    this.#values.set(key, value);
    if (this.#values.size <= this.#limits.count) return;
    const [oldest] = this.#values.keys();
    this.#values.delete(oldest ?? "");
  }
}
