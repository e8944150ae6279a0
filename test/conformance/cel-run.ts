import { isDeepStrictEqual } from "node:util";
import type { RunEvent } from "../../src/api/run-event.ts";
import type { Node } from "../../src/filter/ast.ts";
import { check } from "../../src/filter/check.ts";
import { functions } from "../../src/filter/functions.ts";
import { compile } from "../../src/filter/index.ts";
import { lex } from "../../src/filter/lexical.ts";
import { parse } from "../../src/filter/parse.ts";
import { programOf, type Program } from "../../src/filter/program.ts";
import { checkSyntax } from "../../src/filter/syntax.ts";
import type { Field } from "../../src/filter/types.ts";
import { Bytes, Double, fromJson, Uint, ValueMap, type Value } from "../../src/filter/values.ts";
import type { ConformanceTest } from "./cel-data.ts";

/** How a test went; `refused` and `failed`: no value where one was expected. `wrong`: a value, and not the expected one. */
export type Verdict = "passed" | "refused" | "failed" | "wrong";

export interface Run {
  readonly verdict: Verdict;
  /** Our type in cel-go's words; undefined when the expression was refused. */
  readonly type: string | undefined;
  /** What came instead of what was expected. */
  readonly says: string;
}

const variablesOf = (test: ConformanceTest): ReadonlyMap<string, Field> =>
  new Map(Array.from(test.variables, ([name, type]): [string, Field] => [name, { type, optional: false, description: "" }]));

const operators = /^[_@!-]/;
const types = new Set(["int", "uint", "double", "string", "bool", "bytes", "list", "map", "null_type", "type"]);
const zero = { kind: "literal", value: 0, type: "int", offset: 0 } as const;

/** What fails when it is reached, as an unknown name does in a run without a check. */
const failing: Node = { kind: "call", function: "_/_", target: undefined, args: [zero, zero], offset: 0 };

/** Literals without their types and unknown names as failures, so that everything is decided when the expression runs. */
function untyped(node: Node, names: ReadonlySet<string>): Node {
  const inner = (child: Node): Node => untyped(child, names);
  const each = (nodes: readonly Node[]): readonly Node[] => nodes.map(inner);
  const dyn = (typed: Node): Node => ({ kind: "call", function: "dyn", target: undefined, args: [typed], offset: typed.offset });
  switch (node.kind) {
    case "literal": return dyn(node);
    case "identifier": return names.has(node.name) || types.has(node.name) ? node : dyn(failing);
    case "select": return isQualified(node, names) ? node : { ...node, operand: inner(node.operand) };
    case "has": return { ...node, operand: inner(node.operand) };
    case "call": return isKnown(node.function) ? { ...node, target: node.target && inner(node.target), args: each(node.args) } : dyn(failing);
    case "list": return dyn({ ...node, elements: each(node.elements) });
    case "map": return dyn({ ...node, entries: node.entries.map(({ key, value }) => ({ key: inner(key), value: inner(value) })) });
    case "macro": {
      const within = new Set([...names, node.variable]);
      return { ...node, range: inner(node.range), condition: node.condition && untyped(node.condition, within), transform: node.transform && untyped(node.transform, within) };
    }
    default: return node;
  }
}

const isKnown = (name: string): boolean => operators.test(name) || functions.has(name);

/** Whether the node is a declared variable whose name has dots, or a part of one. */
function isQualified(node: Node, names: ReadonlySet<string>): boolean {
  const name = dotted(node);
  return Array.from(names).some((known) => known.includes(".") && (known === name || name.startsWith(`${known}.`)));
}

function dotted(node: Node): string {
  return node.kind === "select" ? `${dotted(node.operand)}.${node.field}` : node.kind === "identifier" ? node.name : "";
}

type Compiled = Program | string;

function compileUnchecked(test: ConformanceTest): Compiled {
  const lexed = lex(test.expression);
  if ("code" in lexed) {
    return lexed.message;
  }
  const misplaced = checkSyntax(lexed.tokens);
  const { node, findings: [finding] } = parse(lexed);
  if (misplaced !== undefined || finding !== undefined || node === undefined) {
    return misplaced?.message ?? finding?.message ?? "";
  }
  const environment = { name: "Test", variables: variablesOf(test) };
  const { typed, errors: [error] } = check(untyped(node, new Set(test.variables.keys())), environment);
  return error === undefined ? programOf(test.expression, { typed, cost: 0, environment }) : error.message;
}

function compileChecked(test: ConformanceTest): Compiled {
  const { program, errors: [error] } = compile(test.expression, { environment: { name: "Test", variables: variablesOf(test) } });
  return program ?? error?.message ?? "";
}

/** A value in a form that tells types apart and takes a map's entries in any order. */
function comparable(value: unknown): unknown {
  const known = fromJson(value);
  if (Array.isArray(known)) {
    return known.map(comparable);
  }
  if (known instanceof ValueMap) {
    return new Map(Array.from(known.entries, ([text, [key, content]]) => [text, [comparable(key), comparable(content)]]));
  }
  if (known instanceof Double) {
    return { double: known.value === 0 ? 0 : known.value };
  }
  if (known instanceof Uint) {
    return { uint: known.value };
  }
  return known instanceof Bytes ? { bytes: known.value.toString("hex") } : known;
}

const shown = (value: Value): string => {
  const text = (part: unknown): unknown => (typeof part === "bigint" ? `${part}` : part);
  return JSON.stringify(value, (_key, part) => text(part));
};

function judge(test: ConformanceTest, compiled: Compiled): Omit<Run, "type"> {
  const { expectation } = test;
  if (typeof compiled === "string") {
    return { verdict: expectation === "error" ? "passed" : "refused", says: compiled };
  }
  if (expectation === "checked only") {
    return { verdict: "passed", says: "" };
  }
  const outcome = compiled.evaluate(test.bindings as RunEvent);
  if (expectation === "error") {
    return outcome.kind === "value" ? { verdict: "wrong", says: shown(outcome.value) } : { verdict: "passed", says: "" };
  }
  if (outcome.kind !== "value") {
    return { verdict: "failed", says: outcome.kind === "error" ? outcome.code : outcome.what };
  }
  return isDeepStrictEqual(comparable(outcome.value), comparable(expectation.value)) ? { verdict: "passed", says: "" } : { verdict: "wrong", says: shown(outcome.value) };
}

/** Runs a test as a user's expression is run: checked (unless the test says not to), planned, evaluated. */
export function runTest(test: ConformanceTest): Run {
  const checked = compileChecked(test);
  const judged = judge(test, test.unchecked ? compileUnchecked(test) : checked);
  return { ...judged, type: typeof checked === "string" ? undefined : checked.type.replaceAll("null_type", "null") };
}
