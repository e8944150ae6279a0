import { setTimeout as sleep } from "node:timers/promises";

/**
 * Resolves as soon as `holds` returns something other than `undefined` and `false`, and with it. For states of the world that
 * come true in their own time; the limit (default 30 s) only ends a test that would hang.
 */
export async function eventually<T>(what: string, holds: () => Promise<T | false | undefined> | T | false | undefined, limit = 30_000): Promise<T> {
  const deadline = performance.now() + limit;
  for (;;) {
    const result = await holds();
    if (result !== undefined && result !== false) return result;
    if (performance.now() > deadline) throw new Error(`${what}: not so after ${limit / 1000} s`);
    await sleep(50);
  }
}
