import { Double, Duration, isJsonObject, Timestamp, Uint, ValueMap, type Value } from "./values.ts";

/** Types of the checker. */
export type CelType =
  | { readonly kind: "null_type" | "bool" | "int" | "uint" | "double" | "timestamp" | "duration" | "dyn" | "error" }
  /** `known`: the only values it ever has, where that is declared. */
  | { readonly kind: "string"; readonly known?: readonly string[] }
  | { readonly kind: "list"; readonly element: CelType }
  | { readonly kind: "map"; readonly key: CelType; readonly value: CelType }
  | ObjectType;

/** An object whose fields are all declared. */
export interface ObjectType {
  readonly kind: "object";
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
}

/** A declared field or variable. */
export interface Field {
  readonly type: CelType;
  /** Whether it can be absent. */
  readonly optional: boolean;
  readonly description: string;
}

type SimpleKind = Exclude<CelType["kind"], "list" | "map" | "object">;
const simple = <K extends SimpleKind>(kind: K): { readonly kind: K } => ({ kind });

export const types = {
  null: simple("null_type"),
  bool: simple("bool"),
  int: simple("int"),
  uint: simple("uint"),
  double: simple("double"),
  string: simple("string"),
  timestamp: simple("timestamp"),
  duration: simple("duration"),
  dyn: simple("dyn"),
  /** The type of what has been reported already: it fits everywhere, so that one mistake gives one message. */
  error: simple("error"),
} as const satisfies Record<string, CelType>;

export const listOf = (element: CelType): CelType => ({ kind: "list", element });
export const mapOf = (key: CelType, value: CelType): CelType => ({ kind: "map", key, value });

/** The type as CEL writes it. */
export function typeName(type: CelType): string {
  switch (type.kind) {
    case "list": return `list(${typeName(type.element)})`;
    case "map": return `map(${typeName(type.key)}, ${typeName(type.value)})`;
    case "object": return type.name;
    default: return type.kind;
  }
}

/** The type with its article: `a string`, `an int`. */
export const aTypeName = (type: CelType): string => `${/^[aeio]/.test(typeName(type)) ? "an" : "a"} ${typeName(type)}`;

/** Whether nothing about the value is known before it is there. */
export const isDynamic = (type: CelType): boolean => type.kind === "dyn" || type.kind === "error";

/** Whether a value of one type can be where the other is wanted; dyn fits both ways. */
export function fits(type: CelType, wanted: CelType): boolean {
  if (isDynamic(type) || isDynamic(wanted)) {
    return true;
  }
  if (type.kind === "list" && wanted.kind === "list") {
    return fits(type.element, wanted.element);
  }
  if (type.kind === "map" && wanted.kind === "map") {
    return fits(type.key, wanted.key) && fits(type.value, wanted.value);
  }
  if (type.kind === "object" && wanted.kind === "object") {
    return type.name === wanted.name;
  }
  return type.kind === wanted.kind;
}

/** The type that holds values of both: the same type, else dyn. */
export function join(a: CelType, b: CelType): CelType {
  if (a.kind === "string" && b.kind === "string") {
    return a.known === b.known ? a : types.string;
  }
  if (a.kind === "list" && b.kind === "list") {
    return listOf(join(a.element, b.element));
  }
  if (a.kind === "map" && b.kind === "map") {
    return mapOf(join(a.key, b.key), join(a.value, b.value));
  }
  return typeName(a) === typeName(b) ? a : types.dyn;
}

const admitters: Readonly<Record<CelType["kind"], (value: Value) => boolean>> = {
  null_type: (value) => value === null,
  bool: (value) => typeof value === "boolean",
  int: (value) => typeof value === "number" || typeof value === "bigint",
  uint: (value) => value instanceof Uint,
  double: (value) => value instanceof Double,
  string: (value) => typeof value === "string",
  timestamp: (value) => value instanceof Timestamp,
  duration: (value) => value instanceof Duration,
  list: (value) => Array.isArray(value),
  map: (value) => value instanceof ValueMap || isJsonObject(value),
  object: isJsonObject,
  dyn: () => true,
  error: () => true,
};

/** Whether a value is of the type, as far as its outermost layer shows. */
export const admits = (type: CelType, value: Value): boolean => admitters[type.kind](value);
