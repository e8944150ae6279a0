import { Bytes, Double, Duration, Timestamp, TypeValue, Uint, ValueMap } from "./values.ts";

const prototypes = [Object, Array, String, Number, Boolean, BigInt, Double, Uint, Timestamp, Duration, Bytes, TypeValue, ValueMap].map(({ prototype }) => prototype as object);
const boxes = [new Double(0), new Uint(0n), new Timestamp(0, 0), new Duration(0, 0), new Bytes(Buffer.alloc(0)), new TypeValue(""), new ValueMap(new Map()), []];

const inherited = new Set([...prototypes, ...boxes].flatMap((object) => Object.getOwnPropertyNames(object)));

/** Whether some value of JavaScript has a property of this name that no JSON gave it. */
export const isPrototypeName = (name: string): boolean => inherited.has(name);

/**
 * Whether a property of this name can be read of any value as it is: what comes is undefined, or the own property of an object
 * out of JSON.
 */
export const isPlainKey = (name: string): boolean => !inherited.has(name) && !/^[0-9]/.test(name);

/** The key as JavaScript keeps names of properties, which is what makes reading with it fast. */
export const internalised = (name: string): string => Object.keys({ [name]: true })[0] ?? name;
