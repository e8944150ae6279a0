/** A moment as Kubernetes writes it: RFC 3339 in whole seconds, rounded down. */
export const isoSeconds = (ms: number): string => new Date(ms).toISOString().replace(/\.[0-9]{3}Z$/, "Z");

/** Kubernetes' times have whole seconds. */
export const secondsOf = (time: string): number => Math.floor(Date.parse(time) / 1000);
