import type { Value } from "./values.ts";

/** Macros over lists and maps. */
export const macroNames = ["exists", "all", "exists_one", "filter", "map"] as const;
export type MacroName = (typeof macroNames)[number];

/** A node of the syntax tree. `offset` is where a finding about it is shown, in UTF-16 units of the user's text. */
export type Node =
  | { readonly kind: "literal"; readonly value: Value; readonly type: "null_type" | "bool" | "int" | "uint" | "double" | "string" | "bytes"; readonly offset: number }
  /** `root`: written `.name`, which means the variable even below a macro variable of that name. */
  | { readonly kind: "identifier"; readonly name: string; readonly root: boolean; readonly offset: number }
  | { readonly kind: "select"; readonly operand: Node; readonly field: string; readonly offset: number }
  | { readonly kind: "has"; readonly operand: Node; readonly field: string; readonly offset: number }
  /** `function` is `_==_`, `!_`, `_[_]`, `_?_:_`, `@in`, ... for operators; `target` is the operand of a method. */
  | { readonly kind: "call"; readonly function: string; readonly target: Node | undefined; readonly args: readonly Node[]; readonly offset: number }
  | { readonly kind: "list"; readonly elements: readonly Node[]; readonly offset: number }
  | { readonly kind: "map"; readonly entries: readonly { readonly key: Node; readonly value: Node }[]; readonly offset: number }
  | MacroNode
  /** What could not be turned into a node and has been reported already. */
  | { readonly kind: "invalid"; readonly offset: number };

export interface MacroNode {
  readonly kind: "macro";
  readonly macro: MacroName;
  readonly range: Node;
  readonly variable: string;
  /** The condition of exists, all, exists_one, filter and of map with three arguments. */
  readonly condition: Node | undefined;
  /** The result of map for one element. */
  readonly transform: Node | undefined;
  readonly offset: number;
}
