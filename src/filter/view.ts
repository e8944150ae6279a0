import { isPrototypeName } from "./keys.ts";
import { readDouble, readDuration, readTimestamp } from "./readers.ts";
import { admits, type CelType, type Field } from "./types.ts";
import { fromJson, isJsonObject, Problem, type Value } from "./values.ts";

/**
 * An event, read once for any number of evaluations: its variables and the fields of its small objects by number, times read
 * out of their texts. It holds on to the event's own lists, maps and objects, so the event must stay as it is meanwhile.
 */
export class EventView {
  /** By slot: the value; undefined: absent; a problem: a text that is no time. */
  readonly fields: readonly (Value | Problem | undefined)[];
  /** Whether everything that is declared as always there is, and all of it has its declared type. */
  readonly sound: boolean;
  constructor(fields: readonly (Value | Problem | undefined)[], sound: boolean) {
    this.fields = fields;
    this.sound = sound;
  }
}

/** A place in a view. */
export interface Slot {
  readonly index: number;
  readonly name: string;
  /** Index of the slot with the object that this is a field of. */
  readonly parent: number | undefined;
  readonly type: CelType;
  /** Whether it can be absent in a sound view. */
  readonly optional: boolean;
  /** Whether every JavaScript object seems to have a property of this name. */
  readonly inherited: boolean;
}

/** How the variables of an environment lie in views. */
export interface Layout {
  readonly slots: readonly Slot[];
  /** Names of variables, and of fields as `variable.field`. */
  readonly indexes: ReadonlyMap<string, Slot>;
}

const flat = new Set<CelType["kind"]>(["bool", "int", "string", "timestamp", "duration"]);

/** Whether the fields of an object have slots of their own: all of them are single values. */
const isFlat = (type: CelType): type is Extract<CelType, { kind: "object" }> => type.kind === "object" && Array.from(type.fields.values()).every((field) => flat.has(field.type.kind));

function makeLayout(variables: ReadonlyMap<string, Field>): Layout {
  const slots: Slot[] = [];
  const indexes = new Map<string, Slot>();
  const add = (key: string, slot: Omit<Slot, "index" | "inherited">): Slot => {
    const added = { ...slot, index: slots.length, inherited: isPrototypeName(slot.name) };
    slots.push(added);
    indexes.set(key, added);
    return added;
  };
  for (const [name, { type, optional }] of variables) {
    const parent = add(name, { name, parent: undefined, type, optional });
    for (const [field, declared] of isFlat(type) ? type.fields : []) {
      add(`${name}\0${field}`, { name: field, parent: parent.index, type: declared.type, optional: optional || declared.optional });
    }
  }
  return { slots, indexes };
}

const layouts = new WeakMap<ReadonlyMap<string, Field>, Layout>();

/** The layout of an environment's variables, made once. */
export function layoutOf(variables: ReadonlyMap<string, Field>): Layout {
  const layout = layouts.get(variables) ?? makeLayout(variables);
  layouts.set(variables, layout);
  return layout;
}

/** The slot of a variable, or of a variable's field. */
export const slotOf = (layout: Layout, variable: string, field?: string): Slot | undefined => layout.indexes.get(field === undefined ? variable : `${variable}\0${field}`);

/** A value as its declared type has it. Of what does not have that type, what the expressions get to see. */
function read(type: CelType, raw: unknown): Value | Problem | undefined {
  switch (type.kind) {
    case "string":
    case "bool":
    case "list":
    case "object": return raw as Value;
    case "timestamp": return readTimestamp(raw);
    case "duration": return readDuration(raw);
    case "double": return readDouble(raw);
    default: return fromJson(raw);
  }
}

function isSound(type: CelType, value: Value | Problem): boolean {
  switch (type.kind) {
    case "string": return typeof value === "string";
    case "bool": return typeof value === "boolean";
    case "list": return Array.isArray(value);
    case "object": return isJsonObject(value as Value);
    default: return !(value instanceof Problem) && admits(type, value);
  }
}

function rawOf(slot: Slot, event: object, fields: readonly unknown[]): unknown {
  const holder = slot.parent === undefined ? event : fields[slot.parent];
  if (typeof holder !== "object" || holder === null || (slot.inherited && !Object.hasOwn(holder, slot.name))) {
    return undefined;
  }
  return (holder as Readonly<Record<string, unknown>>)[slot.name];
}

/** Reads an event. */
export function readEvent(layout: Layout, event: object): EventView {
  const { slots } = layout;
  const fields: (Value | Problem | undefined)[] = [];
  let sound = true;
  for (const slot of slots) {
    const raw = rawOf(slot, event, fields);
    const value = raw === undefined ? undefined : read(slot.type, raw);
    fields.push(value);
    sound &&= value === undefined ? slot.optional : isSound(slot.type, value);
  }
  return new EventView(fields, sound);
}
