import { emit, word, type Emission } from "./emit.ts";
import { instantiate } from "./factory.ts";
import type { Run } from "./run.ts";
import type { Typed } from "./typed.ts";

/** Whether the value of a node is certainly true or false, whatever an event holds. */
const isTruth = (typed: Typed): boolean => typed.type.kind === "bool" && !["conditional", "local", "select", "index", "call"].includes(typed.op);

/** The source of an expression's factory, and the constants that go with it. */
export function sourceOf(typed: Typed, options: Pick<Emission, "layout" | "sound" | "place">): { readonly source: string; readonly constants: readonly unknown[] } {
  const emission: Emission = { ...options, constants: [], words: new Set(), folded: new Map(), locals: new Map(), lines: [], names: 0 };
  const value = emit(typed, emission, (fault) => `return ${fault};`);
  const result = isTruth(typed) && (typed.op !== "variable" || emission.sound) ? `${value} ? ${word(emission, "yes")} : ${word(emission, "no")}` : `${word(emission, "outcomeOf")}(${value})`;
  const names = emission.constants.map((_value, at) => `k${at}`);
  const source = [
    `const { ${[...emission.words].join(", ")} } = h; const [${names.join(", ")}] = k;`,
    "return function (v, m) { const f = v.fields;",
    ...emission.lines,
    `return ${result}; };`,
  ];
  return { source: source.filter((text) => text !== "").join("\n"), constants: emission.constants };
}

/** The evaluator of a checked expression. */
export function generate(typed: Typed, options: Pick<Emission, "layout" | "sound" | "place">): Run {
  const { source, constants } = sourceOf(typed, options);
  return instantiate(source, constants);
}

