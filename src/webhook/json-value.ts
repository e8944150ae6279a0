/** Reading JSON whose shape is not known yet. */

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

/** An own property; undefined for everything else, inherited names included. */
export const own = (value: unknown, key: string): unknown => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined);

/** The value at a path of own properties. */
export const at = (value: unknown, ...path: readonly string[]): unknown => path.reduce(own, value);

export const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** Whether the value has more than `limit` members and elements in all; looks at no more than that. Not recursive, so depth is no danger. */
export function isLargerThan(value: unknown, limit: number): boolean {
  const open: unknown[] = [value];
  let seen = 0;
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== "object" || next === null) continue;
    for (const child of Object.values(next)) {
      seen += 1;
      if (seen > limit) return true;
      open.push(child);
    }
  }
  return false;
}
