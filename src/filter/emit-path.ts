import { absenceOf, atom, constant, emit, failureOf, freshName, leaveOnProblem, line, word, type Emission, type Frame } from "./emit.ts";
import { internalised, isPlainKey } from "./keys.ts";
import type { Typed } from "./typed.ts";
import type { CelType } from "./types.ts";
import { slotOf, type Slot } from "./view.ts";

type Node<Op extends Typed["op"]> = Extract<Typed, { op: Op }>;
type Path = Node<"variable" | "local" | "select" | "index">;

/** What to do when a path is not there, by the part of it that is missing. */
type OnAbsence = (missing: Path) => string;

const isPath = (typed: Typed): typed is Path => "path" in typed;

/** Code for a path. Where one of its parts is absent, the whole path is what is missing. */
export function emitPath(typed: Path, emission: Emission, frame: Frame): string {
  return emitPart(typed, emission, frame, () => frame(absenceOf(emission, typed)));
}

function emitPart(typed: Typed, emission: Emission, frame: Frame, onAbsence: OnAbsence): string {
  if (!isPath(typed)) {
    return emit(typed, emission, frame);
  }
  switch (typed.op) {
    case "variable": return emitSlot(slotOf(emission.layout, typed.name), typed, emission, { frame, onAbsence });
    case "local": return emission.locals.get(typed.slot) ?? "null";
    case "select": return emitSelect(typed, emission, frame, onAbsence);
    case "index": return emitIndex(typed, emission, frame, onAbsence);
  }
}

interface Exits {
  readonly frame: Frame;
  readonly onAbsence: OnAbsence;
}

const mayBeProblem = (type: CelType): boolean => type.kind === "timestamp" || type.kind === "duration" || type.kind === "double";

function emitSlot(slot: Slot | undefined, typed: Path, emission: Emission, { frame, onAbsence }: Exits): string {
  if (slot === undefined) {
    return "null";
  }
  const read = `f[${slot.index}]`;
  if (emission.sound && !slot.optional) {
    return read;
  }
  const value = atom(emission, read);
  line(emission, `if (${value} === undefined) ${onAbsence(typed)}`);
  if (!emission.sound && mayBeProblem(typed.type)) {
    leaveOnProblem(emission, value, typed.offset, frame);
  }
  return value;
}

/** The slot of a field that the view holds by itself. */
const flatSlot = (operand: Typed, field: string, emission: Emission): Slot | undefined => (operand.op === "variable" ? slotOf(emission.layout, operand.name, field) : undefined);

function readerOf(type: CelType): "readTimestamp" | "readDuration" | "readDouble" | "fromJson" | undefined {
  switch (type.kind) {
    case "timestamp": return "readTimestamp";
    case "duration": return "readDuration";
    case "double": return "readDouble";
    case "string":
    case "bool":
    case "list":
    case "object": return undefined;
    default: return "fromJson";
  }
}

/** Reads a declared field, in place: each place then has its own idea of what the objects look like. */
function readField(operand: string, field: string, emission: Emission): string {
  const object = atom(emission, operand);
  return `(typeof ${object} === "object" && ${object} !== null ? ${object}[${constant(emission, internalised(field))}] : undefined)`;
}

function emitField(typed: Node<"select">, emission: Emission, frame: Frame, onAbsence: OnAbsence): string {
  const raw = atom(emission, readField(emitPart(typed.operand, emission, frame, onAbsence), typed.field, emission));
  line(emission, `if (${raw} === undefined) ${onAbsence(typed)}`);
  const reader = readerOf(typed.type);
  if (reader === undefined) {
    return raw;
  }
  const value = atom(emission, `${word(emission, reader)}(${raw})`);
  if (mayBeProblem(typed.type)) {
    leaveOnProblem(emission, value, typed.offset, frame);
  }
  return value;
}

function emitSelect(typed: Node<"select">, emission: Emission, frame: Frame, onAbsence: OnAbsence): string {
  const { operand, field } = typed;
  const slot = flatSlot(operand, field, emission);
  if (slot !== undefined) {
    return emitSlot(slot, typed, emission, { frame, onAbsence });
  }
  if (operand.type.kind === "object") {
    return emitField(typed, emission, frame, onAbsence);
  }
  return emitEntry({ path: typed, operand, key: field, offset: typed.offset }, emission, { frame, onAbsence });
}

interface Entry {
  readonly path: Path;
  readonly operand: Typed;
  readonly key: string;
  /** Where it is shown that the operand has no keys. */
  readonly offset: number;
}

/** Whether the node is certainly a map: one of the view's own. */
const isSoundMap = (typed: Typed, emission: Emission): boolean => typed.op === "variable" && typed.type.kind === "map" && emission.sound;

function emitEntry({ path, operand, key, offset }: Entry, emission: Emission, { frame, onAbsence }: Exits): string {
  const container = atom(emission, emitPart(operand, emission, frame, onAbsence));
  const name = constant(emission, internalised(key));
  const value = freshName(emission, "t");
  if (!isSoundMap(operand, emission)) {
    line(emission, `const ${value} = ${word(emission, isPlainKey(key) ? "plainEntry" : "entry")}(${container}, ${name});`);
    line(emission, `if (${value} === undefined) ${onAbsence(path)}`);
    leaveOnProblem(emission, value, offset, frame);
    return value;
  }
  if (!isPlainKey(key)) {
    line(emission, `const ${value} = ${word(emission, "entry")}(${container}, ${name});`);
    line(emission, `if (${value} === undefined) ${onAbsence(path)}`);
    return value;
  }
  line(emission, `let ${value} = ${container}[${name}];`);
  line(emission, `if (typeof ${value} !== "string") { ${value} = ${word(emission, "plainEntry")}(${container}, ${name}); if (${value} === undefined) ${onAbsence(path)} }`);
  return value;
}

function emitIndex(typed: Node<"index">, emission: Emission, frame: Frame, onAbsence: OnAbsence): string {
  const { operand, key } = typed;
  if (key.op === "constant" && typeof key.value === "string") {
    return emitEntry({ path: typed, operand, key: key.value, offset: key.offset }, emission, { frame, onAbsence });
  }
  const container = emitPart(operand, emission, frame, onAbsence);
  const at = emit(key, emission, frame);
  const value = atom(emission, `${word(emission, "element")}(${container}, ${at})`);
  line(emission, `if (${value} === undefined) ${onAbsence(typed)}`);
  leaveOnProblem(emission, value, key.offset, frame);
  return value;
}

/** The outermost element or key that a path goes through on the way to what is missing. */
function elementAround(path: Typed, missing: Path): Path | undefined {
  let part = path;
  while (part.op === "select" && part !== missing) {
    part = part.operand;
  }
  return part.op === "index" ? part : undefined;
}

/**
 * `has(a.b)`: false when b is absent, and when a is an object that is declared and absent itself. An element of a list that is
 * not there is missed as ever: `has()` asks for fields only.
 */
export function emitHas(typed: Node<"has">, emission: Emission, frame: Frame): string {
  const { operand, field } = typed;
  const slot = flatSlot(operand, field, emission);
  if (slot !== undefined) {
    return `(f[${slot.index}] !== undefined)`;
  }
  if (operand.type.kind === "object") {
    return emitHasField(typed, emission, frame);
  }
  const container = emit(operand, emission, frame);
  const value = atom(emission, `${word(emission, isPlainKey(field) ? "plainEntry" : "entry")}(${container}, ${constant(emission, internalised(field))})`);
  line(emission, `if (${value} instanceof ${word(emission, "Problem")}) ${frame(failureOf(emission, typed.offset, value))}`);
  return `(${value} !== undefined)`;
}

function emitHasField({ operand, field }: Node<"has">, emission: Emission, frame: Frame): string {
  const block = freshName(emission, "B");
  const result = freshName(emission, "r");
  line(emission, `let ${result} = false; ${block}: {`);
  const object = emitPart(operand, emission, frame, (missing) => {
    const element = elementAround(operand, missing);
    return element === undefined ? `break ${block};` : frame(absenceOf(emission, element));
  });
  line(emission, `${result} = ${readField(object, field, emission)} !== undefined; }`);
  return result;
}
