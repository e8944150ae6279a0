import type { MacroNode } from "./ast.ts";
import { checkNode, failed, report, type Check } from "./check.ts";
import { childrenOf, nodeSteps, startOf, type Typed } from "./typed.ts";
import { checkedAs, claimLike, isDynamic, listOf, aTypeName, types, type CelType } from "./types.ts";

function elementType(range: Typed): CelType | undefined {
  const type = checkedAs(range.type);
  if (isDynamic(type)) {
    return type.kind === "error" ? types.error : types.dyn;
  }
  const element = type.kind === "list" ? type.element : type.kind === "map" ? type.key : undefined;
  return element === undefined ? undefined : claimLike(range.type, element);
}

/** What one run of the nodes of a typed tree costs. */
const size = (typed: Typed | undefined): number => (typed === undefined ? 0 : childrenOf(typed).reduce((sum, child) => sum + size(child), nodeSteps(typed)));

/** Checks exists, all, exists_one, filter and map: the variable has the type of the range's elements (of a map's keys). */
export function checkMacro(node: MacroNode, context: Check): Typed {
  const range = checkNode(node.range, context);
  const found = elementType(range);
  const element = found ?? types.error;
  const slot = context.locals.length;
  const inner: Check = { ...context, locals: [...context.locals, { name: node.variable, type: element, slot }] };
  const condition = node.condition === undefined ? undefined : checkNode(node.condition, inner);
  const transform = node.transform === undefined ? undefined : checkNode(node.transform, inner);
  if (found === undefined) {
    return report(context, { code: "FilterTypeMismatch", message: `${node.macro}() goes through a list or map, not ${aTypeName(range.type)}`, offset: node.offset });
  }
  const wanted = condition === undefined ? types.bool : checkedAs(condition.type);
  if (condition !== undefined && !isDynamic(wanted) && wanted.kind !== "bool") {
    context.errors.push({ code: "FilterTypeMismatch", message: `the condition of ${node.macro}() must be a bool, not ${aTypeName(condition.type)}`, offset: startOf(condition) });
    return failed(node.offset);
  }
  const result = { exists: types.bool, all: types.bool, exists_one: types.bool, filter: listOf(element), map: listOf(transform?.type ?? types.dyn) }[node.macro];
  return { op: "macro", macro: node.macro, range, slot, condition, transform, cost: 1 + size(condition) + size(transform), type: result, offset: node.offset };
}
