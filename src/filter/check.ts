import type { Node } from "./ast.ts";
import { checkCall } from "./check-call.ts";
import { checkMacro } from "./check-macro.ts";
import type { Finding } from "./diagnostics.ts";
import type { Environment } from "./environment.ts";
import { limits } from "./limits.ts";
import { didYouMean, nearest } from "./suggest.ts";
import { startOf, type Typed } from "./typed.ts";
import { checkedAs, claimLike, fits, isDynamic, join, listOf, mapOf, aTypeName, typeOf, types, type CelType } from "./types.ts";
import { keyOf, TypeValue, type MapKey } from "./values.ts";

/** A variable of a macro around the node. */
interface Local {
  readonly name: string;
  readonly type: CelType;
  readonly slot: number;
}

type Identifier = Extract<Node, { kind: "identifier" }>;

/** What the checks of all nodes share. */
export interface Check {
  readonly environment: Environment;
  /** Innermost last. */
  readonly locals: readonly Local[];
  readonly errors: Finding[];
  readonly warnings: Finding[];
  /** Instructions that patterns may still have. */
  readonly patterns: { left: number };
}

/** The typed form of an expression. What is wrong goes into `errors` and `warnings`; with errors the result is not to be run. */
export function check(node: Node, environment: Environment): { readonly typed: Typed; readonly errors: readonly Finding[]; readonly warnings: readonly Finding[] } {
  const context: Check = { environment, locals: [], errors: [], warnings: [], patterns: { left: limits.patternPrograms } };
  return { typed: checkNode(node, context), errors: context.errors, warnings: context.warnings };
}

/** Checks one node and those below it. */
export function checkNode(node: Node, context: Check): Typed {
  switch (node.kind) {
    case "literal": return checkLiteral(node);
    case "identifier": return checkIdentifier(node, context);
    case "select": return checkSelect(node, context);
    case "has": return checkHas(node, context);
    case "call": return checkCall(node, context);
    case "list": return checkList(node, context);
    case "map": return checkMap(node, context);
    case "macro": return checkMacro(node, context);
    case "invalid": return failed(node.offset);
  }
}

/** Stands for a node that has been reported. */
export function failed(offset: number): Typed {
  return { op: "constant", value: null, type: types.error, offset };
}

/** Reports an error and gives what stands for its node. */
export function report(context: Check, finding: Finding): Typed {
  context.errors.push(finding);
  return failed(finding.offset);
}

const literalTypes = { null_type: types.null, bool: types.bool, int: types.int, uint: types.uint, double: types.double, string: types.string, bytes: types.bytes } as const;

function checkLiteral(node: Extract<Node, { kind: "literal" }>): Typed {
  return { op: "constant", value: node.value, type: literalTypes[node.type], offset: node.offset };
}

/** Types that can be named in expressions. */
const namedTypes = new Map<string, CelType>([
  ...([types.int, types.uint, types.double, types.string, types.bool, types.bytes, types.null] as const).map((type): [string, CelType] => [type.kind, type]),
  ["list", listOf(types.dyn)],
  ["map", mapOf(types.dyn, types.dyn)],
  ["type", typeOf(undefined)],
  ["google.protobuf.Timestamp", types.timestamp],
  ["google.protobuf.Duration", types.duration],
]);

function namedType(name: string, offset: number): Typed | undefined {
  const type = namedTypes.get(name);
  return type === undefined ? undefined : { op: "constant", value: new TypeValue(name), type: typeOf(type), offset };
}

const localOf = (node: Identifier, context: Check): Local | undefined => (node.root ? undefined : context.locals.findLast((candidate) => candidate.name === node.name));

/** A variable or type whose name has dots: `a.b.c` as a whole, unless its first part is a macro's variable. */
function checkQualified(node: Extract<Node, { kind: "select" }>, context: Check): Typed | undefined {
  const parts = [node.field];
  let first = node.operand;
  while (first.kind === "select") {
    parts.unshift(first.field);
    first = first.operand;
  }
  if (first.kind !== "identifier" || localOf(first, context) !== undefined) {
    return undefined;
  }
  const name = [first.name, ...parts].join(".");
  const variable = context.environment.variables.get(name);
  return variable === undefined ? namedType(name, first.offset) : { op: "variable", name, type: variable.type, path: name, offset: first.offset };
}

function checkIdentifier(node: Identifier, context: Check): Typed {
  const { name, offset } = node;
  const local = localOf(node, context);
  if (local !== undefined) {
    return { op: "local", slot: local.slot, type: local.type, path: name, offset };
  }
  const variable = context.environment.variables.get(name);
  if (variable !== undefined) {
    return { op: "variable", name, type: variable.type, path: name, offset };
  }
  return namedType(name, offset) ?? report(context, { code: "FilterUnknownVariable", message: `there is no variable \`${name}\`${variableHint(name, context)}`, offset });
}

function variableHint(name: string, context: Check): string {
  const { variables } = context.environment;
  const known = Array.from(variables.values()).some((field) => field.type.kind === "string" && (field.type.known ?? field.type.usual)?.includes(name));
  return known ? `; a text is written in quotes: "${name}"` : didYouMean(name, [...variables.keys(), ...context.locals.map((local) => local.name)]);
}

/** The operand as users wrote it; for what is no path, its place is enough. */
export const pathOf = (operand: Typed): string => ("path" in operand ? operand.path : "(...)");

const sizes = new Set(["size", "length", "count"]);

/** The type of a field; undefined when the operand can have none of that name, which is then reported. */
function fieldType(operand: Typed, field: string, offset: number, context: Check): CelType | undefined {
  const type = checkedAs(operand.type);
  if (isDynamic(type)) {
    return type;
  }
  if (type.kind === "map" && fits(types.string, type.key)) {
    return type.value;
  }
  if (type.kind !== "object") {
    const counted = sizes.has(field) && (type.kind === "list" || type.kind === "string" || type.kind === "bytes") ? "; write `size(...)`" : "";
    context.errors.push({ code: "FilterUnknownField", message: `${aTypeName(type)} has no fields; \`${field}\` cannot be read from it${counted}`, offset });
    return undefined;
  }
  const declared = type.fields.get(field);
  if (declared === undefined) {
    const hint = didYouMean(field, type.fields.keys());
    context.errors.push({ code: "FilterUnknownField", message: `\`${pathOf(operand)}\` has no field \`${field}\`${hint === "" ? `; it has ${Array.from(type.fields.keys()).join(", ")}` : hint}`, offset });
  }
  return declared?.type;
}

function checkSelect(node: Extract<Node, { kind: "select" }>, context: Check): Typed {
  const qualified = checkQualified(node, context);
  if (qualified !== undefined) {
    return qualified;
  }
  const operand = checkNode(node.operand, context);
  const type = fieldType(operand, node.field, node.offset, context);
  if (type === undefined) {
    return failed(node.offset);
  }
  return { op: "select", operand, field: node.field, type: claimLike(operand.type, type), path: `${pathOf(operand)}.${node.field}`, offset: node.offset };
}

function checkHas(node: Extract<Node, { kind: "has" }>, context: Check): Typed {
  const operand = checkNode(node.operand, context);
  const type = fieldType(operand, node.field, node.offset, context);
  return type === undefined ? failed(node.offset) : { op: "has", operand, field: node.field, type: types.bool, offset: node.offset };
}

const joined = (parts: readonly CelType[]): CelType => parts.reduce(join, types.free);

function checkList(node: Extract<Node, { kind: "list" }>, context: Check): Typed {
  const elements = node.elements.map((element) => checkNode(element, context));
  return { op: "list", elements, type: listOf(joined(elements.map((element) => element.type))), offset: node.offset };
}

const keyKinds = new Set<CelType["kind"]>(["bool", "int", "uint", "string", "dyn", "error"]);

function checkMap(node: Extract<Node, { kind: "map" }>, context: Check): Typed {
  const entries = node.entries.map((entry) => ({ key: checkNode(entry.key, context), value: checkNode(entry.value, context) }));
  const written = new Set<MapKey>();
  for (const { key } of entries) {
    const text = key.op === "constant" ? keyOf(key.value) : undefined;
    if (!keyKinds.has(checkedAs(key.type).kind)) {
      context.errors.push({ code: "FilterTypeMismatch", message: `${aTypeName(key.type)} cannot be a map's key`, offset: startOf(key) });
    } else if (text !== undefined && written.has(text)) {
      context.errors.push({ code: "FilterInvalidLiteral", message: "this key is in the map already", offset: startOf(key) });
    }
    if (text !== undefined) {
      written.add(text);
    }
  }
  const type = mapOf(joined(entries.map((entry) => entry.key.type)), joined(entries.map((entry) => entry.value.type)));
  return { op: "map", entries, type, offset: node.offset };
}

/** Warns when a field with known values is compared with a text that is none of them. */
export function warnUnknownValue(field: Typed, literal: Typed, context: Check): void {
  const { known, usual } = field.type.kind === "string" ? field.type : {};
  const values = known ?? usual;
  if (values === undefined || literal.op !== "constant" || typeof literal.value !== "string" || values.includes(literal.value) || (known === undefined && literal.value === "")) {
    return;
  }
  const near = nearest(literal.value, values);
  const hint = near === undefined ? "" : ` (did you mean "${near}"?)`;
  const { offset } = literal;
  context.warnings.push(
    known === undefined
      ? { code: "FilterUnusualValue", message: `this value of \`${pathOf(field)}\` is none that Tekton gives${hint}; only others' runs can have it`, offset }
      : { code: "FilterNeverTrue", message: `\`${pathOf(field)}\` is never this value${hint}; it is one of ${known.join(", ")}`, offset },
  );
}
