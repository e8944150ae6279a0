import { Bytes, Double, Duration, isJsonObject, Timestamp, TypeValue, Uint, ValueMap, type Value } from "./values.ts";

/** Types of the checker. */
export type CelType =
  | { readonly kind: "null_type" | "bool" | "int" | "uint" | "double" | "bytes" | "timestamp" | "duration" | "error" }
  /**
   * `free`: of nothing yet, as the elements of `[]`; joined with another type it is that. `claimed`: what CEL's checker takes the
   * value for, although it can be another one when the expression runs: the elements of `[1] + dyn(x)`.
   */
  | { readonly kind: "dyn"; readonly free?: true; readonly claimed?: CelType }
  /**
   * `known`: the only values it ever has, where that is declared; `usual`: those it mostly has. `max`, here and below: UTF-16
   * units or elements, where declared.
   */
  | { readonly kind: "string"; readonly known?: readonly string[]; readonly usual?: readonly string[]; readonly max?: number }
  /** The type of a type: `of` is what it is the type of. */
  | { readonly kind: "type"; readonly of: CelType | undefined }
  | { readonly kind: "list"; readonly element: CelType; readonly max?: number }
  | { readonly kind: "map"; readonly key: CelType; readonly value: CelType; readonly max?: number }
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

type SimpleKind = Exclude<CelType["kind"], "list" | "map" | "object" | "type">;
const simple = <K extends SimpleKind>(kind: K): { readonly kind: K } => ({ kind });

export const types = {
  null: simple("null_type"),
  bool: simple("bool"),
  int: simple("int"),
  uint: simple("uint"),
  double: simple("double"),
  string: simple("string"),
  bytes: simple("bytes"),
  timestamp: simple("timestamp"),
  duration: simple("duration"),
  dyn: simple("dyn"),
  free: { kind: "dyn", free: true },
  /** The type of what has been reported already: it fits everywhere, so that one mistake gives one message. */
  error: simple("error"),
} as const satisfies Record<string, CelType>;

export const listOf = (element: CelType): CelType => ({ kind: "list", element });
export const typeOf = (of: CelType | undefined): CelType => ({ kind: "type", of });
export const mapOf = (key: CelType, value: CelType): CelType => ({ kind: "map", key, value });

/** The type as CEL writes it. */
export function typeName(type: CelType): string {
  switch (type.kind) {
    case "list": return `list(${typeName(type.element)})`;
    case "map": return `map(${typeName(type.key)}, ${typeName(type.value)})`;
    case "object": return type.name;
    case "type": return type.of === undefined ? "type" : `type(${typeName(type.of)})`;
    case "dyn": return type.claimed === undefined ? type.kind : typeName(type.claimed);
    default: return type.kind;
  }
}

/** The type as CEL's checker has it. */
export const checkedAs = (type: CelType): CelType => (type.kind === "dyn" && type.claimed !== undefined ? type.claimed : type);

/** The type for the checker alone: a value of it is asked for its type when the expression runs. */
export const claim = (type: CelType): CelType => (isDynamic(type) ? type : { kind: "dyn", claimed: type });

/** What follows from a type is claimed where that is. */
export const claimLike = (from: CelType, type: CelType): CelType => (from.kind === "dyn" && from.claimed !== undefined ? claim(type) : type);

/** The type with its article: `a string`, `an int`. */
export const aTypeName = (type: CelType): string => `${/^[aeio]/.test(typeName(type)) ? "an" : "a"} ${typeName(type)}`;

/** Whether nothing about the value is known before it is there. */
export const isDynamic = (type: CelType): boolean => type.kind === "dyn" || type.kind === "error";

/** Whether a value of one type can be where the other is wanted; dyn fits both ways. */
export function fits(given: CelType, wantedAs: CelType): boolean {
  const [type, wanted] = [checkedAs(given), checkedAs(wantedAs)];
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

const isFree = (type: CelType): boolean => type.kind === "dyn" && type.free === true;

/** The more general of two types that fit each other. */
function general(a: CelType, b: CelType): CelType {
  const [left, right] = [checkedAs(a), checkedAs(b)];
  return left === a && right === b ? generalKnown(a, b) : claim(generalKnown(left, right));
}

function generalKnown(a: CelType, b: CelType): CelType {
  if (isDynamic(a) || isDynamic(b)) {
    return isFree(a) ? b : isFree(b) ? a : types.dyn;
  }
  if (a.kind === "list" && b.kind === "list") {
    return listOf(general(a.element, b.element));
  }
  if (a.kind === "map" && b.kind === "map") {
    return mapOf(general(a.key, b.key), general(a.value, b.value));
  }
  return a.kind === "string" && b.kind === "string" && (a.known !== b.known || a.usual !== b.usual || a.max !== b.max) ? types.string : a;
}

/** The type that holds values of both: the more general one where they fit each other, else dyn. */
export const join = (a: CelType, b: CelType): CelType => (fits(a, b) ? general(a, b) : types.dyn);

const admitters: Readonly<Record<CelType["kind"], (value: Value) => boolean>> = {
  null_type: (value) => value === null,
  bool: (value) => typeof value === "boolean",
  int: (value) => typeof value === "number" || typeof value === "bigint",
  uint: (value) => value instanceof Uint,
  double: (value) => value instanceof Double,
  string: (value) => typeof value === "string",
  bytes: (value) => value instanceof Bytes,
  type: (value) => value instanceof TypeValue,
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
