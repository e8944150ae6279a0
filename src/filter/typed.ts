import type { MacroName } from "./ast.ts";
import type { Overload } from "./overload.ts";
import type { Pattern } from "./regex.ts";
import type { CelType } from "./types.ts";
import type { Value } from "./values.ts";

interface Base {
  readonly type: CelType;
  /** Where a failure of this node is shown. */
  readonly offset: number;
}

/** What can be absent: shown to users as they wrote it. */
interface Path extends Base {
  /** As written: `previous.status`, `labels["team"]`. */
  readonly path: string;
}

/** The checked form of an expression: every name resolved, every call reduced to the overloads its types allow. */
export type Typed =
  | (Base & { readonly op: "constant"; readonly value: Value })
  | (Path & { readonly op: "variable"; readonly name: string })
  /** A macro's variable; `slot` is its place in the evaluation's slots. */
  | (Path & { readonly op: "local"; readonly slot: number })
  | (Path & { readonly op: "select"; readonly operand: Typed; readonly field: string })
  | (Path & { readonly op: "index"; readonly operand: Typed; readonly key: Typed })
  | (Base & { readonly op: "has"; readonly operand: Typed; readonly field: string })
  | (Base & { readonly op: "and"; readonly left: Typed; readonly right: Typed })
  | (Base & { readonly op: "or"; readonly left: Typed; readonly right: Typed })
  | (Base & { readonly op: "not"; readonly operand: Typed })
  | (Base & { readonly op: "conditional"; readonly condition: Typed; readonly yes: Typed; readonly no: Typed })
  | (Base & { readonly op: "equal"; readonly left: Typed; readonly right: Typed; readonly negated: boolean })
  | (Base & { readonly op: "match"; readonly operand: Typed; readonly pattern: Pattern })
  | (Base & { readonly op: "call"; readonly name: string; readonly overloads: readonly Overload[]; readonly args: readonly Typed[] })
  | (Base & { readonly op: "list"; readonly elements: readonly Typed[] })
  | (Base & { readonly op: "map"; readonly entries: readonly { readonly key: Typed; readonly value: Typed }[] })
  | TypedMacro;

export interface TypedMacro extends Base {
  readonly op: "macro";
  readonly macro: MacroName;
  readonly range: Typed;
  readonly slot: number;
  readonly condition: Typed | undefined;
  readonly transform: Typed | undefined;
  /** Steps charged for each element: those of the nodes of condition and transform. */
  readonly cost: number;
}

/** The nodes directly below a node. */
export function childrenOf(typed: Typed): readonly Typed[] {
  switch (typed.op) {
    case "select":
    case "has":
    case "not":
    case "match": return [typed.operand];
    case "index": return [typed.operand, typed.key];
    case "and":
    case "or":
    case "equal": return [typed.left, typed.right];
    case "conditional": return [typed.condition, typed.yes, typed.no];
    case "call": return typed.args;
    case "list": return typed.elements;
    case "map": return typed.entries.flatMap((entry) => [entry.key, entry.value]);
    case "macro": return [typed.range, typed.condition, typed.transform].filter((child) => child !== undefined);
    default: return [];
  }
}

/** Whether a variable stands anywhere in the expression. */
export const readsVariable = (typed: Typed, name: string): boolean =>
  (typed.op === "variable" && typed.name === name) || childrenOf(typed).some((child) => readsVariable(child, name));

/** Steps of a node itself: one, but for times, which are read out of their texts. */
export function nodeSteps(typed: Typed): number {
  if ("path" in typed && typed.op !== "local") {
    return typed.type.kind === "timestamp" ? 20 : typed.type.kind === "duration" ? 5 : 1;
  }
  return 1;
}

/** Where a path begins; of what is no path, its own place. */
export function startOf(typed: Typed): number {
  let first = typed;
  while (first.op === "select" || first.op === "index") {
    first = first.operand;
  }
  return first.offset;
}
