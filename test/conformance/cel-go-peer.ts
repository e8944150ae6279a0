import { join } from "node:path";
import type { Environment } from "../../src/filter/index.ts";
import type { CelType } from "../../src/filter/types.ts";
import { askProgram, goProgram } from "../support/go-program.ts";

/** What cel-go says of one expression. */
export interface CelGoAnswer {
  readonly accepted: boolean;
  readonly refusal?: string;
  /** The type that its checker found, as src/filter writes types. */
  readonly type?: string;
  /** In the forms of `toJson`. */
  readonly value?: unknown;
  readonly error?: string;
}

/** The program of test/cel-go. Rejects with a sentence when it cannot be built. */
export const celGoBinary = (): Promise<string> => goProgram(join(import.meta.dirname, "..", "cel-go"), "cel-go");

/** A type as the program reads it. */
function declared(type: CelType): unknown {
  switch (type.kind) {
    case "list": return { kind: type.kind, element: declared(type.element) };
    case "map": return { kind: type.kind, key: declared(type.key), value: declared(type.value) };
    case "object": return { kind: type.kind, name: type.name, fields: Object.fromEntries(Array.from(type.fields, ([name, field]) => [name, declared(field.type)])) };
    default: return { kind: type.kind };
  }
}

/** `namespace` is reserved in CEL; cel-go is asked with another name. Texts in the expressions do not hold the word. */
export const renamed = (text: string): string => text.replace(/(?<![\w.])namespace(?!\w)/g, "namespace_");

/** The first line of the program's input: the environment's variables. */
export function declarationOf(environment: Environment): string {
  return JSON.stringify({ variables: Object.fromEntries(Array.from(environment.variables, ([name, field]) => [renamed(name), declared(field.type)])) });
}

/** An event with the names that cel-go is asked with. */
export const renamedEvent = (event: object): object => Object.fromEntries(Object.entries(event).map(([name, value]): [string, unknown] => [renamed(name), value]));

/** A request of the program: an expression and the event to evaluate it on. */
export const requestOf = (expression: string, event: object): string => JSON.stringify({ expression: renamed(expression), event: renamedEvent(event) });

/** What the program says to these lines: the declaration, and the requests, each of which has an answer. `signal` ends it. */
export const askCelGo = (binary: string, lines: readonly string[], signal: AbortSignal): Promise<readonly CelGoAnswer[]> => askProgram(binary, lines, signal);
