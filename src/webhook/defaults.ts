import { providers } from "../providers/registry.ts";
import { at, isObject, textOf } from "./json-value.ts";

/** One operation of a JSON Patch (RFC 6902). */
export interface PatchOperation {
  readonly op: "add";
  readonly path: string;
  readonly value: unknown;
}

/**
 * The patch that fills in what follows from the object itself: a Provider's `spec.type`, from the one section that is set.
 * Empty where there is nothing to fill in, where more than one answer is possible, and for objects of any other shape: the
 * schema judges those next. Applying it a second time changes nothing.
 */
export function defaultsPatch(object: unknown): readonly PatchOperation[] {
  const spec = at(object, "spec");
  if (textOf(at(object, "kind")) !== "Provider" || !isObject(spec) || Object.hasOwn(spec, "type")) return [];
  const present = providers.filter(({ section }) => isObject(at(spec, section)));
  const [only] = present;
  return only !== undefined && present.length === 1 ? [{ op: "add", path: "/spec/type", value: only.type }] : [];
}

/** The object with its defaults filled in, as the API server stores it; the given object stays as it is. */
export function withDefaults(object: unknown): unknown {
  const patch = defaultsPatch(object);
  const spec = at(object, "spec");
  if (patch.length === 0 || !isObject(object) || !isObject(spec)) return object;
  // Every path is that of one field of spec.
  return { ...object, spec: { ...spec, ...Object.fromEntries(patch.map(({ path, value }) => [path.slice("/spec/".length), value])) } };
}
