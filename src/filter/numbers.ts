import { Double, problems, Uint, type Problem, type Value } from "./values.ts";

/** Arithmetic of CEL's three number types; none mixes with another. Overflow is an error, never a wrapped result. */

const minimum = -(2n ** 63n);
const maximum = 2n ** 63n - 1n;
export const uintMaximum = 2n ** 64n - 1n;

/** Whether an integer fits into int64. */
export const isInt64 = (value: bigint): boolean => value >= minimum && value <= maximum;

/** An int in its one form: a number while exact, else a bigint; a problem when it does not fit into int64. */
export function intOf(value: bigint): number | bigint | Problem {
  if (!isInt64(value)) {
    return problems.overflow;
  }
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

type Int = number | bigint;
type IntResult = number | bigint | Problem;

// Adding 0 turns -0, which no int is, into 0.
const exact = (value: number): number | undefined => (Number.isSafeInteger(value) ? value + 0 : undefined);

const bothSmall = (a: Int, b: Int): a is number => typeof a === "number" && typeof b === "number";

/** `+`, `-`, `*` of ints. */
export const addInts = (a: Int, b: Int): IntResult => (bothSmall(a, b) ? exact(a + (b as number)) : undefined) ?? intOf(BigInt(a) + BigInt(b));
export const subtractInts = (a: Int, b: Int): IntResult => (bothSmall(a, b) ? exact(a - (b as number)) : undefined) ?? intOf(BigInt(a) - BigInt(b));
export const multiplyInts = (a: Int, b: Int): IntResult => (bothSmall(a, b) ? exact(a * (b as number)) : undefined) ?? intOf(BigInt(a) * BigInt(b));

/** `/` of ints, towards zero. */
export function divideInts(a: Int, b: Int): IntResult {
  if (bothSmall(a, b) && b !== 0) {
    // Exact: a quotient that is no whole number is further from the next one than its rounding can be wrong.
    return Math.trunc(a / (b as number)) + 0;
  }
  const divisor = BigInt(b);
  return divisor === 0n ? problems.divisionByZero : intOf(BigInt(a) / divisor);
}

/** `%` of ints, with the sign of the dividend. */
export function remainderInts(a: Int, b: Int): IntResult {
  if (bothSmall(a, b) && b !== 0) {
    return (a % (b as number)) + 0;
  }
  const divisor = BigInt(b);
  if (divisor === 0n) {
    return problems.divisionByZero;
  }
  return BigInt(a) === minimum && divisor === -1n ? problems.overflow : intOf(BigInt(a) % divisor);
}

export const negateInt = (a: Int): IntResult => subtractInts(0, a);

/** A uint, or a problem when it does not fit into 64 bits. */
export const uintOf = (value: bigint): Uint | Problem => (value >= 0n && value <= uintMaximum ? new Uint(value) : problems.overflow);

type Operation<T> = (a: T, b: T) => T;

/** An operation of uints as a function of values. */
export const onUints = (operation: Operation<bigint>) => (a: Value, b: Value): Value | Problem => uintOf(operation((a as Uint).value, (b as Uint).value));

/** A division of uints as a function of values. */
export const onUintsDividing = (operation: Operation<bigint>) => (a: Value, b: Value): Value | Problem =>
  (b as Uint).value === 0n ? problems.divisionByZero : onUints(operation)(a, b);

/** An operation of doubles as a function of values. */
export const onDoubles = (operation: Operation<number>) => (a: Value, b: Value): Value => new Double(operation((a as Double).value, (b as Double).value));

/** An operation of ints as a function of values. */
export const onInts = (operation: (a: Int, b: Int) => IntResult) => (a: Value, b: Value): Value | Problem => operation(a as Int, b as Int);
