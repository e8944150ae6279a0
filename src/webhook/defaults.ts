import { providers } from "../providers/registry.ts";
import { at, isObject, textOf } from "./json-value.ts";

/** One operation of a JSON Patch (RFC 6902). */
export interface PatchOperation {
  readonly op: "add";
  readonly path: string;
  readonly value: unknown;
}

/** Where a default goes, below `spec`. */
interface Default {
  readonly path: readonly string[];
  readonly value: unknown;
}

function defaultsOf(object: unknown): readonly Default[] {
  const spec = at(object, "spec");
  if (textOf(at(object, "kind")) !== "Provider" || !isObject(spec)) return [];
  const present = providers.flatMap((provider) => {
    const section = at(spec, provider.section);
    return isObject(section) ? [{ provider, section }] : [];
  });
  const [only] = present;
  const type = !Object.hasOwn(spec, "type") && only !== undefined && present.length === 1 ? [{ path: ["type"], value: only.provider.type }] : [];
  const fields = present.flatMap(({ provider, section }) =>
    Object.entries(provider.defaults?.(section) ?? {}).flatMap(([name, value]) => (Object.hasOwn(section, name) ? [] : [{ path: [provider.section, name], value }])),
  );
  return [...type, ...fields];
}

/**
 * The patch that fills in what follows from the object itself: a Provider's `spec.type`, from the one section that is set, and
 * what the section's own fields say of others. Empty where there is nothing to fill in, where more than one answer is
 * possible, and for objects of any other shape: the schema judges those next. Applying it a second time changes nothing.
 */
export function defaultsPatch(object: unknown): readonly PatchOperation[] {
  return defaultsOf(object).map(({ path, value }) => ({ op: "add", path: `/spec/${path.join("/")}`, value }));
}

function withField(object: unknown, [name = "", ...rest]: readonly string[], value: unknown): unknown {
  return isObject(object) ? { ...object, [name]: rest.length === 0 ? value : withField(object[name], rest, value) } : object;
}

/** The object with its defaults filled in, as the API server stores it; the given object stays as it is. */
export function withDefaults(object: unknown): unknown {
  const defaults = defaultsOf(object);
  const spec = at(object, "spec");
  if (defaults.length === 0 || !isObject(object) || !isObject(spec)) return object;
  return { ...object, spec: defaults.reduce<unknown>((filled, { path, value }) => withField(filled, path, value), spec) };
}
