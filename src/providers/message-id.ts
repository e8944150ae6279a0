import { createHash } from "node:crypto";
import type { RenderInput } from "./provider.ts";

type Input = Pick<RenderInput<unknown, unknown>, "event" | "notificationName" | "sentBefore">;

/**
 * The same id for every attempt at one message, and another for every other message, so that receivers can drop repeats: 32
 * hexadecimal digits.
 * @param key of the destination
 */
export function messageId({ event, notificationName: { namespace, name }, sentBefore }: Input, key: string): string {
  const parts = [namespace, name, event.uid, String(sentBefore(key).sentCount), event.status];
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 32);
}
