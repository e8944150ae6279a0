import { limits } from "./limits.ts";
import type { CelType, ObjectType } from "./types.ts";
import { Bytes, type Value } from "./values.ts";

/** How large a value can be. */
export interface Size {
  /** UTF-16 units as a text, bytes as bytes. */
  readonly text: number;
  /** Elements or keys. */
  readonly items: number;
  /** Of the elements, or of a map's values; undefined where there are none. */
  readonly inner: Size | undefined;
}

const nothing: Size = { text: 0, items: 0, inner: undefined };

export const sizeOfText = (length: number): Size => ({ text: Math.min(length, limits.textLength), items: 0, inner: undefined });
export const sizeOfList = (items: number, inner: Size | undefined): Size => ({ text: 0, items, inner });

/** What is assumed where nothing is declared. A key of a map is a text of this type too. */
const assumed = { text: 8192, items: 512, key: 317 } as const;

export const keySize: Size = sizeOfText(assumed.key);

/** Of a value of type dyn: a long text, or a list or map of shorter ones. Where there is more, the steps of the evaluation end it. */
const anything: Size = { text: assumed.text, items: assumed.items, inner: { text: assumed.key, items: 0, inner: undefined } };

const known = new WeakMap<ObjectType, Size>();

/** Objects are declared once, and have many fields. */
function sizeOfObject(type: ObjectType): Size {
  const size = known.get(type) ?? sizeOfList(1, Array.from(type.fields.values(), (field) => sizeOfType(field.type)).reduce(together, nothing));
  known.set(type, size);
  return size;
}

/** How large a value of a type can be, as declared. */
export function sizeOfType(type: CelType): Size {
  switch (type.kind) {
    case "string": return sizeOfText(type.max ?? assumed.text);
    case "bytes": return sizeOfText(assumed.text);
    case "list": return sizeOfList(type.max ?? assumed.items, sizeOfType(type.element));
    case "map": return sizeOfList(type.max ?? assumed.items, sizeOfType(type.value));
    case "object": return sizeOfObject(type);
    case "dyn": return anything;
    default: return nothing;
  }
}

export function sizeOfConstant(value: Value): Size {
  return typeof value === "string" ? sizeOfText(value.length) : value instanceof Bytes ? sizeOfText(value.value.length) : nothing;
}

/** The size that covers both. */
export function larger(a: Size, b: Size): Size {
  const inner = a.inner === undefined || b.inner === undefined ? (a.inner ?? b.inner) : larger(a.inner, b.inner);
  return { text: Math.max(a.text, b.text), items: Math.max(a.items, b.items), inner };
}

/** The size of two values as one. */
const together = (a: Size, b: Size): Size => ({ text: a.text + b.text, items: a.items + b.items, inner: a.inner ?? b.inner });

/** Steps of comparing a value with an equal one. */
export const wholeOf = (size: Size): number => 1 + (size.text >> 6) + size.items * (size.inner === undefined ? 1 : wholeOf(size.inner));
