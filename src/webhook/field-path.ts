/** The one place that knows how Kubernetes writes the path of a field. */

const plainName = /^[A-Za-z_][A-Za-z0-9_-]*$/u;

/** `spec.filter.kinds[0]`; keys of maps that are no plain names stand in brackets: `matchLabels[app.kubernetes.io/name]`. */
export function fieldPath(segments: readonly (string | number)[]): string {
  let path = "";
  for (const segment of segments) {
    if (typeof segment === "number") path += `[${segment}]`;
    else if (!plainName.test(segment)) path += `[${segment.length > 100 ? `${segment.slice(0, 100)}…` : segment}]`;
    else path += path === "" ? segment : `.${segment}`;
  }
  return path;
}

/** The segments of a JSON Pointer (RFC 6901) into `root`; numbers where it goes through a list. */
export function pointerSegments(pointer: string, root: unknown): (string | number)[] {
  const segments: (string | number)[] = [];
  let value = root;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    segments.push(Array.isArray(value) ? Number(key) : key);
    value = typeof value === "object" && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  }
  return segments;
}
