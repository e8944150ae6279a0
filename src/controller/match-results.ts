import type { NotificationFilter } from "../api/notification.ts";
import { compilePattern } from "../filter/index.ts";
import { own, type Failure, type Predicate } from "./predicate.ts";

type ResultCondition = NonNullable<NotificationFilter["results"]>[number];
type Meter = Parameters<Exclude<ReturnType<typeof compilePattern>, string>["test"]>[1];

/** Steps that all patterns of one filter may take together on one run: as many as an expression, about 5 ms. */
const patternSteps = 100_000;

interface Compiled {
  readonly condition: ResultCondition;
  readonly field: string;
  /** The pattern, or what is wrong with it. */
  readonly pattern: ReturnType<typeof compilePattern> | undefined;
}

function patternFailure({ condition: { name }, field, pattern }: Compiled, value: unknown, meter: Meter): Failure | undefined {
  if (pattern === undefined) return undefined;
  if (typeof pattern === "string") return { why: "PatternInvalid", error: true };
  const fits = typeof value === "string" && pattern.test(value, meter);
  if (typeof fits !== "boolean") return { why: fits.code, error: true, fault: { field, code: fits.code } };
  return fits ? undefined : { why: `${name} does not match` };
}

function failureOf(compiled: Compiled, value: unknown, meter: Meter): Failure | undefined {
  const { name, exists, value: wanted } = compiled.condition;
  if (exists === false) return value === undefined ? undefined : { why: `${name} exists` };
  if (value === undefined) return { why: `${name} does not exist` };
  if (wanted !== undefined && value !== wanted) return { why: `${name} has another value` };
  return patternFailure(compiled, value, meter);
}

/** Conditions on results of the run, those without a pattern first. `problems`: patterns that are none, a sentence each. */
export function resultsPredicate(conditions: readonly ResultCondition[]): { readonly predicate: Predicate; readonly problems: readonly string[] } {
  const compiled = conditions.map((condition, index): Compiled => {
    const field = `spec.filter.results[${index}].matches`;
    return { condition, field, pattern: condition.matches === undefined ? undefined : compilePattern(condition.matches) };
  });
  const ordered = compiled.toSorted((a, b) => Number(a.pattern !== undefined) - Number(b.pattern !== undefined));
  return {
    problems: compiled.flatMap(({ field, pattern }) => (typeof pattern === "string" ? [`${field}: ${pattern}`] : [])),
    predicate: {
      name: "results",
      test: ({ results }) => {
        const meter = { steps: patternSteps };
        for (const each of ordered) {
          const failure = failureOf(each, own(results, each.condition.name), meter);
          if (failure !== undefined) return failure;
        }
        return undefined;
      },
    },
  };
}
