/** The filter language: CEL expressions over RunEvents, checked when compiled, bounded when evaluated. */
export { compile, type Compilation, type CompileOptions, type Outcome, type Program } from "./compile.ts";
export type { Diagnostic, Place } from "./diagnostics.ts";
export { runEventEnvironment, type Environment } from "./environment.ts";
export { compilePattern, type Pattern } from "./regex.ts";
export type { Value } from "./values.ts";
