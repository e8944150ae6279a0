import { runKinds, runStatuses, type RunKind, type RunStatus } from "../api/run-event.ts";
import { compile, runEventEnvironment, type Compilation } from "../filter/index.ts";
import type { AnyProviderDefinition } from "../providers/provider.ts";
import { at, own, textOf, type JsonObject } from "./json-value.ts";
import type { Problem } from "./problem.ts";

type Program = NonNullable<Compilation["program"]>;

const isTerminal = (status: RunStatus): boolean => status !== "Pending" && status !== "Running";

function named<Word extends string>(value: unknown, words: readonly Word[]): readonly Word[] | undefined {
  return Array.isArray(value) ? words.filter((word) => (value as unknown[]).includes(word)) : undefined;
}

/** What a Notification's filter selects besides its expression. */
interface Selected {
  readonly kinds: readonly RunKind[];
  readonly statuses: readonly RunStatus[];
  /** Why these statuses: half a sentence. */
  readonly because: string;
}

function selectedBy(spec: JsonObject, definition: AnyProviderDefinition | undefined): Selected {
  const statuses = named(at(spec, "filter", "statuses"), runStatuses);
  const usual = definition === undefined ? undefined : (definition.defaultStatusesFor?.(own(spec, definition.section) ?? {}) ?? definition.defaultStatuses);
  const because = statuses !== undefined ? "spec.filter.statuses selects" : `where spec.filter.statuses is left out, ${definition?.title ?? "a Provider"} is told of`;
  return { kinds: named(at(spec, "filter", "kinds"), runKinds) ?? ["PipelineRun"], statuses: statuses ?? usual ?? runStatuses, because };
}

const oneOf = (words: readonly string[]): string => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`);

/** The kinds and statuses for which the expression can be true, whatever else the run is. Undefined: it asks for neither. */
function possible(program: Program): { readonly kinds: readonly RunKind[]; readonly statuses: readonly RunStatus[]; readonly both: (kind: RunKind, status: RunStatus) => boolean } | undefined {
  const byKind = program.reads("kind");
  if (!byKind && !program.reads("status") && !program.reads("terminal")) return undefined;
  const known = new Map<string, boolean>();
  const both = (kind: RunKind, status: RunStatus): boolean => {
    const key = byKind ? `${kind} ${status}` : status;
    const holds = known.get(key) ?? program.canHold({ kind, status, terminal: isTerminal(status) });
    known.set(key, holds);
    return holds;
  };
  return { both, kinds: runKinds.filter((kind) => runStatuses.some((status) => both(kind, status))), statuses: runStatuses.filter((status) => runKinds.some((kind) => both(kind, status))) };
}

function checkExpression(program: Program, { kinds, statuses, because }: Selected): Problem[] {
  const field = "spec.filter.expression";
  const can = possible(program);
  if (can === undefined) return [];
  if (can.statuses.length === 0) return [{ field, code: "SelectsNothing", message: "no run of any kind and status makes it true" }];
  const unsent = can.statuses.every((status) => !statuses.includes(status));
  const asked = program.asksFor("status").filter((status) => can.statuses.some((word) => word === status) && !statuses.some((word) => word === status));
  if (unsent || asked.length > 0) {
    const which = unsent ? `can only be true of a run that is ${oneOf(can.statuses)}` : `asks for ${oneOf([...new Set(asked)])}`;
    return [{ field, code: "StatusNotSent", message: `it ${which}, but ${because} ${oneOf(statuses)} only` }];
  }
  const others = can.kinds.every((kind) => !kinds.includes(kind));
  const kindsAsked = program.asksFor("kind").filter((kind) => can.kinds.some((word) => word === kind) && !kinds.some((word) => word === kind));
  if (others || kindsAsked.length > 0) {
    const which = others ? `can only be true of a ${oneOf(can.kinds)}` : `asks for a ${oneOf([...new Set(kindsAsked)])}`;
    return [{ field, code: "KindNotSelected", message: `it ${which}, but spec.filter.kinds selects ${oneOf(kinds)} only` }];
  }
  const nothing = !kinds.some((kind) => statuses.some((status) => can.both(kind, status)));
  return nothing ? [{ field, code: "SelectsNothing", message: `it is not true of any ${oneOf(kinds)} that is ${oneOf(statuses)}, which is all that is selected` }] : [];
}

function checkResults(spec: JsonObject, { statuses }: Selected): Problem[] {
  const results = at(spec, "filter", "results");
  const wanted = Array.isArray(results) && (results as unknown[]).some((result) => own(result, "exists") !== false);
  if (!wanted || statuses.length === 0 || statuses.some(isTerminal)) return [];
  return [{ field: "spec.filter.results", code: "SelectsNothing", message: `a run has results when it has ended, and spec.filter.statuses selects ${oneOf(statuses)} only` }];
}

/** The expression of a Notification's filter; undefined where there is none. */
export function compiledFilter(spec: unknown): Compilation | undefined {
  const source = textOf(at(spec, "filter", "expression"));
  return source === undefined || source === "" ? undefined : compile(source, { environment: runEventEnvironment, result: "bool" });
}

/**
 * Filters whose parts are legal and exclude each other, so that nothing is ever sent, or not what was asked for. Warnings.
 * @param compilation that of the filter's expression
 * @param definition that of the Provider, as far as it is known: its default statuses count where the filter names none
 */
export function checkSelection(spec: JsonObject, compilation: Compilation | undefined, definition: AnyProviderDefinition | undefined): readonly Problem[] {
  const selected = selectedBy(spec, definition);
  const { program, warnings } = compilation ?? {};
  const known = warnings?.some(({ code }) => code === "FilterAlwaysSame" || code === "FilterNeverTrue") === true;
  return [...(program === undefined || known ? [] : checkExpression(program, selected)), ...checkResults(spec, selected)];
}
