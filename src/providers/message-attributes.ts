import type { RenderInput } from "./provider.ts";
import { oneLine } from "./text.ts";

/** The attributes that every message to a queue has, in the order in which they are sent. */
export const standardAttributes: readonly string[] = ["id", "kind", "namespace", "pipeline", "status", "tektonloop"];

/** The stricter bound of the services, for a name and for a value. */
const maxValueBytes = 1024;

/** Attributes travel in XML too, where a non-character cannot be written. */
const valueOf = (text: string): string => oneLine(text).replace(/[\ufffe\uffff]/g, "");

interface OwnAttributes {
  readonly attributes?: Readonly<Record<string, string>>;
}

/**
 * The attributes of a message: those of every message, and the Notification's own templates. Each value is one line; those
 * that are empty are left out.
 */
export function messageAttributes({ event, notification, template }: RenderInput<unknown, OwnAttributes>, id: string, tektonloop: number): Readonly<Record<string, string>> {
  const own = Object.keys(notification.attributes ?? {}).map((name): [string, string] => [name, template(`attributes.${name}`, maxValueBytes) ?? ""]);
  const { kind, namespace, pipeline, status } = event;
  const all: [string, string][] = [...Object.entries({ id, kind, namespace, pipeline, status, tektonloop: String(tektonloop) }), ...own];
  return Object.fromEntries(all.map(([name, value]): [string, string] => [name, valueOf(value)]).filter(([, value]) => value !== ""));
}
