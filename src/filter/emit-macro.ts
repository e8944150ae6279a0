import { atom, capture, emit, failureOf, freshName, line, word, type Emission, type Frame } from "./emit.ts";
import { absorb, emitCondition } from "./emit-logic.ts";
import type { Typed, TypedMacro } from "./typed.ts";
import type { CelType } from "./types.ts";

/** A loop as its body is written: the names it uses. */
interface Loop {
  readonly macro: TypedMacro;
  readonly element: string;
  /** The loop's label, to leave it or go on with the next element. */
  readonly label: string;
}

/** Code for the range: certainly a list of JavaScript. */
function emitRange(range: Typed, offset: number, emission: Emission, frame: Frame): string {
  const value = emit(range, emission, frame);
  const isList = range.type.kind === "list" && (range.op === "macro" || range.op === "list" || (range.op === "variable" && emission.sound));
  if (isList) {
    return atom(emission, value);
  }
  const list = atom(emission, `${word(emission, "elements")}(${value})`);
  line(emission, `if (${list} === undefined) ${frame(failureOf(emission, offset, `${word(emission, "problems")}.wrongType`))}`);
  return list;
}

/** Types whose values are in lists as they are. */
const plain = new Set<CelType["kind"]>(["string", "bool", "object"]);

const elementType = ({ type }: Typed): CelType["kind"] => (type.kind === "list" ? type.element.kind : type.kind === "map" ? type.key.kind : "dyn");

/** exists and all: the wanted value ends the loop and wins over faults before it. */
function emitSearch({ macro, label }: Loop, head: readonly string[], emission: Emission, frame: Frame): string {
  const wanted = macro.macro === "exists";
  const result = freshName(emission, "r");
  const fault = freshName(emission, "g");
  const absorber = absorb(fault, `continue ${label};`);
  const { result: condition, lines } = capture(emission, () => (macro.condition === undefined ? "true" : emitCondition(macro.condition, emission, absorber.frame)));
  line(emission, `let ${result} = ${!wanted};${absorber.used ? ` let ${fault};` : ""}`);
  emission.lines.push(...head, ...lines, `if (${wanted ? condition : `!${condition}`}) { ${result} = ${wanted}; break ${label}; } }`);
  if (absorber.used) {
    line(emission, `if (${result} === ${!wanted} && ${fault} !== undefined) ${frame(fault)}`);
  }
  return result;
}

function emitCount({ macro }: Loop, head: readonly string[], emission: Emission, frame: Frame): string {
  const count = freshName(emission, "r");
  const { result: condition, lines } = capture(emission, () => (macro.condition === undefined ? "true" : emitCondition(macro.condition, emission, frame)));
  emission.lines.push(`let ${count} = 0;`, ...head, ...lines, `if (${condition}) ${count} += 1; }`);
  return `(${count} === 1)`;
}

/** filter and map: the results of the elements for which the condition holds. */
function emitCollect({ macro, element, label }: Loop, head: readonly string[], emission: Emission, frame: Frame): string {
  const list = freshName(emission, "l");
  const { lines } = capture(emission, () => {
    if (macro.condition !== undefined) {
      line(emission, `if (!${emitCondition(macro.condition, emission, frame)}) continue ${label};`);
    }
    line(emission, `${list}.push(${macro.transform === undefined ? element : emit(macro.transform, emission, frame)}); }`);
  });
  emission.lines.push(`const ${list} = [];`, ...head, ...lines);
  return list;
}

/** A macro as a loop with early exit, each step of it counted. */
export function emitMacro(macro: TypedMacro, emission: Emission, frame: Frame): string {
  const list = emitRange(macro.range, macro.offset, emission, frame);
  const [element, index, label] = [freshName(emission, "x"), freshName(emission, "i"), freshName(emission, "B")];
  const raw = `${list}[${index}]`;
  const head = [
    `${label}: for (let ${index} = 0; ${index} < ${list}.length; ${index} += 1) {`,
    `if ((m.steps -= ${macro.cost}) < 0) return ${word(emission, "exhausted")};`,
    `const ${element} = ${plain.has(elementType(macro.range)) ? raw : `${word(emission, "fromJson")}(${raw})`} ?? null;`,
  ];
  const outer = emission.locals.get(macro.slot);
  emission.locals.set(macro.slot, element);
  const loop = { macro, element, label };
  const result = macro.macro === "exists" || macro.macro === "all" ? emitSearch(loop, head, emission, frame) : macro.macro === "exists_one" ? emitCount(loop, head, emission, frame) : emitCollect(loop, head, emission, frame);
  if (outer !== undefined) {
    emission.locals.set(macro.slot, outer);
  }
  return result;
}
