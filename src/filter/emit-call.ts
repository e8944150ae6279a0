import { timestampParts } from "./calendar.ts";
import { atom, constant, emit, failureOf, freshName, leaveOnProblem, line, requireType, stopWhenExhausted, word, type Emission, type Frame } from "./emit.ts";
import { fold } from "./fold.ts";
import { internalised, isPlainKey } from "./keys.ts";
import { scanSteps } from "./charges.ts";
import type { Typed } from "./typed.ts";
import { isDynamic, type CelType } from "./types.ts";
import type { Word } from "./vocabulary.ts";

type Call = Extract<Typed, { op: "call" }>;

/** Code for a call in a better form than calling its overload; undefined where there is none. */
type Special = (typed: Call, emission: Emission, frame: Frame) => string | undefined;

const kindsOf = (typed: Call): string => typed.args.map(({ type }) => type.kind).join();

/** The longest list that is compared with one by one. */
const chain = 8;

/** Constants of a list that `===` compares with values of the type. */
function membersOf(value: Typed, list: Typed, emission: Emission): readonly unknown[] | undefined {
  const folded = list.op === "list" ? fold(list, emission.folded) : undefined;
  if (!Array.isArray(folded)) {
    return undefined;
  }
  const isInt = (member: unknown): boolean => value.type.kind === "int" && (typeof member === "number" || typeof member === "bigint");
  return folded.every((member) => typeof member === "string" || isInt(member)) ? folded : undefined;
}

const emitIn: Special = (typed, emission, frame) => {
  const [value, container] = typed.args;
  if (value === undefined || container === undefined) {
    return undefined;
  }
  const members = membersOf(value, container, emission);
  if (members !== undefined) {
    const found = atom(emission, emit(value, emission, frame));
    const compared = members.slice(0, chain + 1).map((member) => `${found} === ${constant(emission, member)}`);
    return members.length === 0 ? "false" : members.length > chain ? `${constant(emission, new Set(members))}.has(${found})` : `(${compared.join(" || ")})`;
  }
  return value.type.kind === "string" ? emitTextIn(value, container, emission, frame) : undefined;
};

function emitTextIn(value: Typed, container: Typed, emission: Emission, frame: Frame): string | undefined {
  if (container.type.kind !== "map" && container.type.kind !== "list") {
    return undefined;
  }
  const text = emit(value, emission, frame);
  const where = emit(container, emission, frame);
  if (container.type.kind === "map") {
    const key = fold(value, emission.folded);
    const map = atom(emission, where);
    const name = typeof key === "string" && isPlainKey(key) ? constant(emission, internalised(key)) : undefined;
    return name === undefined ? `${word(emission, "hasKey")}(${map}, ${text})` : `(${map}[${name}] !== undefined || ${word(emission, "hasEntry")}(${map}, ${name}))`;
  }
  const found = atom(emission, `${word(emission, "hasText")}(${text}, ${where}, m)`);
  stopWhenExhausted(emission);
  return found;
}

const order = (operator: string): Special => (typed, emission, frame) => {
  const [left, right] = typed.args;
  const kinds = kindsOf(typed);
  if (left === undefined || right === undefined || !["int,int", "string,string", "timestamp,timestamp", "duration,duration"].includes(kinds)) {
    return undefined;
  }
  const first = emit(left, emission, frame);
  const second = emit(right, emission, frame);
  if (kinds === "int,int") {
    return `(${first} ${operator} ${second})`;
  }
  if (kinds === "string,string") {
    const found = atom(emission, `${word(emission, "orderOf")}(${first}, ${second}, m)`);
    stopWhenExhausted(emission);
    return `(${found} ${operator} 0)`;
  }
  const [a, b] = [atom(emission, first), atom(emission, second)];
  return `((${a}.seconds - ${b}.seconds || ${a}.nanos - ${b}.nanos) ${operator} 0)`;
};

const arithmetic = (operation: Word): Special => (typed, emission, frame) => {
  if (typed.args.some(({ type }) => type.kind !== "int")) {
    return undefined;
  }
  const operands = typed.args.map((argument) => emit(argument, emission, frame));
  const value = atom(emission, `${word(emission, operation)}(${operands.join(", ")})`);
  line(emission, `if (typeof ${value} === "object") ${frame(failureOf(emission, typed.offset, value))}`);
  return value;
};

const areStrings = (typed: Call): boolean => typed.args.every(({ type }) => type.kind === "string");

/** A search for a part of a text; `method`: JavaScript's own, for a short part that is known, which costs too little to be charged. */
const search = (name: "startsWith" | "endsWith" | "contains", method?: "startsWith" | "endsWith"): Special => (typed, emission, frame) => {
  const [text, part] = typed.args;
  const known = part === undefined ? undefined : fold(part, emission.folded);
  if (text === undefined || part === undefined) {
    return undefined;
  }
  const where = emit(text, emission, frame);
  const sought = emit(part, emission, frame);
  // Both are evaluated before either is checked.
  const [first, second] = [[text, where] as const, [part, sought] as const].map(([operand, value]) => {
    const checked = operand.type.kind === "string" ? value : atom(emission, value);
    if (operand.type.kind !== "string") {
      requireType(emission, `typeof ${checked} === "string"`, typed.offset, frame);
    }
    return checked;
  });
  if (method !== undefined && typeof known === "string" && scanSteps(known.length) === 0) {
    return `${atom(emission, first ?? "")}.${method}(${second ?? ""})`;
  }
  const found = atom(emission, `${word(emission, name)}(${first ?? ""}, ${second ?? ""}, m)`);
  stopWhenExhausted(emission);
  return found;
};

const emitPlus: Special = (typed, emission, frame) => {
  if (!areStrings(typed)) {
    return arithmetic("addInts")(typed, emission, frame);
  }
  const operands = typed.args.map((argument) => emit(argument, emission, frame));
  const text = atom(emission, `${word(emission, "concatenate")}(${operands.join(", ")}, m)`);
  stopWhenExhausted(emission);
  line(emission, `if (typeof ${text} !== "string") ${frame(failureOf(emission, typed.offset, text))}`);
  return text;
};

const emitSize: Special = (typed, emission, frame) => {
  const [operand] = typed.args;
  if (operand?.type.kind === "list") {
    return `${atom(emission, emit(operand, emission, frame))}.length`;
  }
  if (operand?.type.kind !== "string") {
    return undefined;
  }
  const size = atom(emission, `${word(emission, "sizeOf")}(${emit(operand, emission, frame)}, m)`);
  stopWhenExhausted(emission);
  return size;
};

/** A part of a moment in UTC. */
const timePart = (name: string): Special => (typed, emission, frame) => {
  const [moment] = typed.args;
  if (moment === undefined || typed.args.length > 1 || moment.type.kind !== "timestamp") {
    return undefined;
  }
  const time = atom(emission, emit(moment, emission, frame));
  return `${constant(emission, timestampParts[name])}(${time}.seconds, ${time}.nanos)`;
};

const specials: Readonly<Record<string, Special>> = {
  ...Object.fromEntries(Object.keys(timestampParts).map((name) => [name, timePart(name)])),
  "@in": emitIn,
  "_<_": order("<"),
  "_<=_": order("<="),
  "_>_": order(">"),
  "_>=_": order(">="),
  "_+_": emitPlus,
  "_-_": arithmetic("subtractInts"),
  "_*_": arithmetic("multiplyInts"),
  "_/_": arithmetic("divideInts"),
  "_%_": arithmetic("remainderInts"),
  "-_": arithmetic("negateInt"),
  startsWith: search("startsWith", "startsWith"),
  endsWith: search("endsWith", "endsWith"),
  contains: search("contains"),
  size: emitSize,
};

/** What two values that turn out to be small ints are done to at once. */
const ofInts: Readonly<Record<string, (a: string, b: string, emission: Emission) => string>> = {
  "_<_": (a, b) => `${a} < ${b}`,
  "_<=_": (a, b) => `${a} <= ${b}`,
  "_>_": (a, b) => `${a} > ${b}`,
  "_>=_": (a, b) => `${a} >= ${b}`,
  "_+_": (a, b, emission) => `${word(emission, "addInts")}(${a}, ${b})`,
  "_-_": (a, b, emission) => `${word(emission, "subtractInts")}(${a}, ${b})`,
  "_*_": (a, b, emission) => `${word(emission, "multiplyInts")}(${a}, ${b})`,
};

const checks: Partial<Readonly<Record<CelType["kind"], (value: string) => string>>> = {
  string: (value) => `typeof ${value} === "string"`,
  bool: (value) => `typeof ${value} === "boolean"`,
  int: (value) => `typeof ${value} === "number" || typeof ${value} === "bigint"`,
};

/** Calls the one overload there is, once values of unknown type turn out to be what it takes. */
function emitDirect(typed: Call, emission: Emission, frame: Frame): string {
  const [overload] = typed.overloads;
  const values = typed.args.map((argument) => emit(argument, emission, frame));
  const atoms = values.map((value, at) => (isDynamic(typed.args[at]?.type ?? { kind: "dyn" }) ? atom(emission, value) : value));
  overload?.params.forEach((param, at) => {
    const value = atoms[at] ?? "null";
    if (isDynamic(typed.args[at]?.type ?? param) && !isDynamic(param)) {
      requireType(emission, checks[param.kind]?.(value) ?? `${word(emission, "admits")}(${constant(emission, param)}, ${value})`, typed.offset, frame);
    }
  });
  const padded = [...atoms, "null", "null", "null", "null"].slice(0, 4);
  return `${constant(emission, overload?.run)}(m, ${padded.join(", ")})`;
}

/** Calls the overload that the values ask for. */
function emitDispatched(typed: Call, emission: Emission, frame: Frame): string {
  const values = typed.args.map((argument) => atom(emission, emit(argument, emission, frame)));
  const [a = "null", b = "null"] = values;
  const quick = values.length === 2 && Object.hasOwn(ofInts, typed.name) ? ofInts[typed.name]?.(a, b, emission) : undefined;
  const call = `${word(emission, "dispatch")}(${constant(emission, typed.overloads)}, m, [${values.join(", ")}])`;
  return quick === undefined ? call : `typeof ${a} === "number" && typeof ${b} === "number" ? ${quick} : ${call}`;
}

/** Code for a call. */
export function emitCall(typed: Call, emission: Emission, frame: Frame): string {
  const special = Object.hasOwn(specials, typed.name) ? specials[typed.name]?.(typed, emission, frame) : undefined;
  if (special !== undefined) {
    return special;
  }
  const call = typed.overloads.length === 1 ? emitDirect(typed, emission, frame) : emitDispatched(typed, emission, frame);
  const value = freshName(emission, "t");
  line(emission, `const ${value} = ${call};`);
  stopWhenExhausted(emission);
  leaveOnProblem(emission, value, typed.offset, frame);
  return value;
}
