/** The filter language: CEL expressions over RunEvents, checked when compiled, bounded when evaluated. */
export { compile, type Compilation } from "./compile.ts";
export type { Diagnostic } from "./diagnostics.ts";
export { runEventEnvironment, type Environment } from "./environment.ts";
export { stepsTaken, viewOf, type Outcome, type Program } from "./program.ts";
export { compilePattern } from "./regex.ts";
export { compileTemplate, type Template, type TemplateCompilation } from "./template.ts";
export { toJson } from "./to-json.ts";
export type { Value } from "./values.ts";
export type { EventView } from "./view.ts";
