import { macroNames, type Node } from "./ast.ts";
import { checkNode, failed, pathOf, report, warnUnknownValue, type Check } from "./check.ts";
import { literalPattern, literalProblems } from "./check-literal.ts";
import type { Finding } from "./diagnostics.ts";
import { functions } from "./functions.ts";
import type { FunctionDefinition, Overload } from "./overload.ts";
import { didYouMean, knownElsewhere } from "./suggest.ts";
import { startOf, type Typed } from "./typed.ts";
import { checkedAs, claim, claimLike, fits, isDynamic, join, aTypeName, typeName, types, type CelType } from "./types.ts";

type Call = Extract<Node, { kind: "call" }>;

/** Operators that are more than a choice of overloads. */
const forms: Readonly<Record<string, (args: readonly Typed[], offset: number, context: Check) => Typed>> = {
  "_&&_": (args, offset, context) => logical("and", "&&", args, offset, context),
  "_||_": (args, offset, context) => logical("or", "||", args, offset, context),
  "!_": negation,
  "_?_:_": conditional,
  "_==_": (args, offset, context) => equality(args, false, offset, context),
  "_!=_": (args, offset, context) => equality(args, true, offset, context),
  "_[_]": index,
};

/** Whether a call's target is no variable but the first part of functions' names: `strings`. */
function isNamespace(target: Node | undefined, context: Check): target is Extract<Node, { kind: "identifier" }> {
  if (target?.kind !== "identifier" || context.environment.variables.has(target.name) || context.locals.some((local) => local.name === target.name)) {
    return false;
  }
  return Array.from(functions.keys()).some((name) => name.startsWith(`${target.name}.`));
}

/** A function whose name has a dot, written as if it were a method: `strings.quote(x)`. It comes before a variable called `strings`. */
function namespacedFunction(node: Call): Call | undefined {
  const { target } = node;
  const name = target?.kind === "identifier" ? `${target.name}.${node.function}` : "";
  return functions.has(name) ? { ...node, function: name, target: undefined } : undefined;
}

/** Checks an operator, function or method. */
export function checkCall(node: Call, context: Check): Typed {
  const namespaced = namespacedFunction(node);
  if (namespaced !== undefined) {
    return checkCall(namespaced, context);
  }
  const written = node.target === undefined ? node.args : [node.target, ...node.args];
  const refused = refuseName(node, context);
  if (refused !== undefined) {
    // The arguments of a macro mean nothing without it, and no more does the first part of a name with a dot.
    const meant = refused.code !== "FilterUnknownFunction" ? [] : isNamespace(node.target, context) ? node.args : written;
    meant.forEach((argument) => checkNode(argument, context));
    return report(context, refused);
  }
  const args = written.map((argument) => checkNode(argument, context));
  const form = Object.hasOwn(forms, node.function) ? forms[node.function] : undefined;
  const checked = form === undefined ? checkFunction(node, args, context) : form(args, node.offset, context);
  return args.some((argument) => argument.type.kind === "error") ? failed(node.offset) : checked;
}

const macroForms: Readonly<Record<string, string>> = {
  exists: "list.exists(x, condition)",
  all: "list.all(x, condition)",
  exists_one: "list.exists_one(x, condition)",
  existsOne: "list.existsOne(x, condition)",
  filter: "list.filter(x, condition)",
  map: "list.map(x, result)",
};

function refuseName(node: Call, context: Check): Finding | undefined {
  const { offset, function: name } = node;
  if (functions.has(name) || Object.hasOwn(forms, name)) {
    return undefined;
  }
  if (name === "has" && node.target === undefined) {
    return { code: "FilterInvalidArgument", message: `has() asks for a field, as in \`has(previous.status)\`${hasHint(node.args, context)}`, offset: node.args[0]?.offset ?? offset };
  }
  const form = Object.hasOwn(macroForms, name) ? macroForms[name] : undefined;
  if (form !== undefined && node.args.length === 3 && name !== "map" && name !== "filter") {
    return { code: "FilterNotSupportedYet", message: `not supported yet: ${name}() with two variables`, offset };
  }
  if (form !== undefined) {
    return { code: "FilterInvalidArgument", message: `${name}() is written \`${form}\`, with a plain name for x`, offset };
  }
  const full = isNamespace(node.target, context) ? `${node.target.name}.${name}` : name;
  return { code: "FilterUnknownFunction", message: `there is no function ${full}()${functionHint(full)}`, offset };
}

function functionHint(name: string): string {
  const known = knownElsewhere(name);
  const named = Array.from(functions.values()).filter((definition) => definition.style !== "operator");
  return known === undefined ? didYouMean(name, [...named.map((definition) => definition.name), "has", ...macroNames]) : `; write ${known}`;
}

function hasHint(args: readonly Node[], context: Check): string {
  const [first] = args;
  if (first?.kind === "call" && first.function === "_[_]") {
    return "; a key is asked for with `\"key\" in labels`";
  }
  const variable = first?.kind === "identifier" ? context.environment.variables.get(first.name) : undefined;
  if (first?.kind !== "identifier" || variable === undefined) {
    return "";
  }
  if (variable.type.kind === "object") {
    return `; write \`has(${first.name}.${variable.type.fields.keys().next().value ?? ""})\``;
  }
  return variable.optional ? `; an expression that reads \`${first.name}\` while it is absent does not match anyway` : `; \`${first.name}\` is always there`;
}

function boolean(operand: Typed, operator: string, context: Check): void {
  const type = checkedAs(operand.type);
  if (!isDynamic(type) && type.kind !== "bool") {
    context.errors.push({ code: "FilterTypeMismatch", message: `an operand of \`${operator}\` must be a bool, not ${aTypeName(operand.type)}`, offset: startOf(operand) });
  }
}

const placeholder: Typed = failed(0);

function logical(op: "and" | "or", operator: string, args: readonly Typed[], offset: number, context: Check): Typed {
  const [left = placeholder, right = placeholder] = args;
  boolean(left, operator, context);
  boolean(right, operator, context);
  return { op, left, right, type: types.bool, offset };
}

function negation(args: readonly Typed[], offset: number, context: Check): Typed {
  const [operand = placeholder] = args;
  boolean(operand, "!", context);
  return { op: "not", operand, type: types.bool, offset };
}

function conditional(args: readonly Typed[], offset: number, context: Check): Typed {
  const [condition = placeholder, yes = placeholder, no = placeholder] = args;
  boolean(condition, "?:", context);
  if (!fits(yes.type, no.type)) {
    return report(context, { code: "FilterTypeMismatch", message: `both results of \`?:\` must be of one type, not ${typeName(yes.type)} and ${typeName(no.type)}`, offset: startOf(no) });
  }
  return { op: "conditional", condition, yes, no, type: join(yes.type, no.type), offset };
}

/** A field that has() can be asked for: the operand itself, or the first field of a declared object. */
function testablePath(operand: Typed): string {
  if (operand.type.kind === "object") {
    const [field = "field"] = operand.type.fields.keys();
    return `${pathOf(operand)}.${field}`;
  }
  return operand.op === "select" ? operand.path : "...";
}

function nullHint(left: Typed, right: Typed): string {
  const [other, isNull] = left.type.kind === "null_type" ? [right, true] : [left, right.type.kind === "null_type"];
  return isNull ? `; what does not apply is absent, never null: test with \`has(${testablePath(other)})\`` : "";
}

function equality(args: readonly Typed[], negated: boolean, offset: number, context: Check): Typed {
  const [left = placeholder, right = placeholder] = args;
  if (!fits(left.type, right.type)) {
    const operands = `${typeName(left.type)} with ${typeName(right.type)}`;
    return report(context, { code: "FilterTypeMismatch", message: `\`${negated ? "!=" : "=="}\` cannot compare ${operands}${nullHint(left, right)}`, offset });
  }
  warnUnknownValue(left, right, context);
  warnUnknownValue(right, left, context);
  return { op: "equal", left, right, negated, type: types.bool, offset };
}

function indexedType(given: CelType, key: CelType): CelType | undefined {
  const operand = checkedAs(given);
  if (isDynamic(operand)) {
    return operand;
  }
  if (operand.kind === "list") {
    return fits(key, types.int) ? claimLike(given, operand.element) : undefined;
  }
  return operand.kind === "map" && fits(key, operand.key) ? claimLike(given, operand.value) : undefined;
}

function keyText(key: Typed): string {
  if (key.op === "constant" && (typeof key.value === "string" || typeof key.value === "number")) {
    return JSON.stringify(key.value);
  }
  return pathOf(key);
}

function index(args: readonly Typed[], offset: number, context: Check): Typed {
  const [operand = placeholder, key = placeholder] = args;
  const type = indexedType(operand.type, key.type);
  if (type === undefined) {
    const hint = operand.type.kind === "object" ? "; its fields are read with `.name`" : "";
    return report(context, { code: "FilterTypeMismatch", message: `${aTypeName(operand.type)} cannot be indexed with ${aTypeName(key.type)}${hint}`, offset });
  }
  return { op: "index", operand, key, type, path: `${pathOf(operand)}[${keyText(key)}]`, offset: operand.offset };
}

/** The overloads that values of these types can meet. */
function candidates(definition: FunctionDefinition, args: readonly CelType[]): readonly Overload[] {
  return definition.overloads.filter((overload) => overload.params.length === args.length && overload.params.every((param, at) => fits(args[at] ?? types.dyn, param)));
}

function resultOf(overloads: readonly Overload[], args: readonly CelType[]): CelType {
  const results = overloads.map(({ result }) => (typeof result === "function" ? result(args) : result));
  return results.length === 0 ? types.dyn : results.reduce((all, next) => (typeName(all) === typeName(next) ? all : types.dyn));
}

/** The overloads that can be met when the expression runs, and the result's type; `expected` are those of the types as checked. */
function dispatch(definition: FunctionDefinition, expected: readonly Overload[], args: readonly CelType[]): { readonly overloads: readonly Overload[]; readonly type: CelType } {
  const type = resultOf(expected, args);
  if (args.every((argument) => checkedAs(argument) === argument)) {
    return { overloads: expected, type };
  }
  const known = args.map((argument) => (checkedAs(argument) === argument ? argument : types.dyn));
  const overloads = candidates(definition, known);
  return overloads.length === expected.length ? { overloads, type } : { overloads, type: typeName(resultOf(overloads, known)) === typeName(type) ? type : claim(type) };
}

/** An operator as users write it: `_+_` is `+`, `@in` is `in`. */
const symbol = (name: string): string => name.replace(/^@|_/g, "");

function mismatch(definition: FunctionDefinition, args: readonly Typed[], isMethod: boolean): string {
  const given = args.map((argument) => typeName(argument.type));
  if (definition.style === "operator") {
    const hint = definition.name === "@in" && args[1]?.type.kind === "string" ? "; a part of a text is found with `text.contains(\"part\")`" : "";
    return `\`${symbol(definition.name)}\` does not take ${given.join(" and ")}${hint}`;
  }
  const accepted = definition.overloads.map(({ params }) => {
    const names = params.map(typeName);
    return isMethod ? `${names[0] ?? ""}.${definition.name}(${names.slice(1).join(", ")})` : `${definition.name}(${names.join(", ")})`;
  });
  return `${definition.name}() does not take (${given.join(", ")}); it is ${accepted.join(" or ")}`;
}

function checkStyle(node: Call, definition: FunctionDefinition): Finding | undefined {
  if (definition.style === "method" && node.target === undefined) {
    return { code: "FilterInvalidArgument", message: `${node.function}() is a method: write \`text.${node.function}(...)\``, offset: node.offset };
  }
  if (definition.style === "function" && node.target !== undefined) {
    return { code: "FilterInvalidArgument", message: `${node.function}() is a function: write \`${node.function}(...)\``, offset: node.offset };
  }
  return undefined;
}

/** Warns about literals that a field with known values never has: `status in ["Faild"]`. */
function warnUnknownElements(args: readonly Typed[], context: Check): void {
  const [field, list] = args;
  if (field !== undefined && list?.op === "list") {
    list.elements.forEach((element) => {
      warnUnknownValue(field, element, context);
    });
  }
}

function isMismatchedElement(args: readonly Typed[]): boolean {
  const [value, container] = args.map((argument) => checkedAs(argument.type));
  if (value === undefined || container === undefined) {
    return false;
  }
  return (container.kind === "list" && !fits(value, container.element)) || (container.kind === "map" && !fits(value, container.key));
}

/** Whether operands that an operator takes do not go together: an element in a list of others, lists of different types. */
function isMismatched(name: string, args: readonly Typed[]): boolean {
  const [left, right] = args.map((argument) => checkedAs(argument.type));
  const lists = name === "_+_" && left?.kind === "list" && right?.kind === "list";
  return (lists && !fits(left, right)) || (name === "@in" && isMismatchedElement(args));
}

function checkFunction(node: Call, args: readonly Typed[], context: Check): Typed {
  const { offset } = node;
  const definition = functions.get(node.function);
  if (definition === undefined || args.some((argument) => argument.type.kind === "error")) {
    return failed(offset);
  }
  const misused = checkStyle(node, definition);
  if (misused !== undefined) {
    return report(context, misused);
  }
  const argumentTypes = args.map((argument) => argument.type);
  const expected = candidates(definition, argumentTypes);
  if (expected.length === 0 || isMismatched(definition.name, args)) {
    return report(context, { code: "FilterTypeMismatch", message: mismatch(definition, args, node.target !== undefined), offset });
  }
  const bad = literalProblems(definition.name, args, context);
  if (bad.length > 0) {
    context.errors.push(...bad);
    return failed(offset);
  }
  if (definition.name === "@in") {
    warnUnknownElements(args, context);
  }
  return literalPattern(definition.name, args, offset) ?? { op: "call", name: definition.name, args, ...dispatch(definition, expected, argumentTypes), offset };
}
