import type { Fault } from "../api/fault.ts";
import type { RunEvent } from "../api/run-event.ts";
import { compileTemplate, runEventEnvironment, type TemplateCompilation } from "../filter/index.ts";
import type { AnyProviderDefinition } from "./provider.ts";

/** A template in a provider's section of a Notification, checked. */
export interface CheckedTemplate extends TemplateCompilation {
  /** Below the section. */
  readonly path: readonly string[];
}

type TemplatesOf = Pick<AnyProviderDefinition, "section" | "templates">;

const stepInto = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;

/** Compiles the templates that a section sets. Fields that hold no text are left to the schema. */
export function checkTemplates({ templates }: Pick<AnyProviderDefinition, "templates">, section: unknown): CheckedTemplate[] {
  return templates.flatMap((path) => {
    const source = path.reduce(stepInto, section);
    return typeof source === "string" ? [{ path, ...compileTemplate(source, { environment: runEventEnvironment }) }] : [];
  });
}

/** The templates of one Notification, ready to be rendered for every event. */
export interface SectionTemplates {
  /** What does not compile, a sentence each, without run data. Where there are any, nothing can be rendered. */
  readonly problems: readonly string[];
  /** Whether one of them can depend on the variable. */
  readonly reads: (variable: string) => boolean;
  /**
   * What the section's fields say for an event, for {@link RenderInput.template}. Parts that fail are told to `onFault`, and
   * are empty.
   */
  readonly on: (event: RunEvent, onFault: (fault: Fault) => void) => (field: string, maxBytes: number) => string | undefined;
}

/** Compiles a section's templates once, for all events. */
export function sectionTemplates(definition: TemplatesOf, section: unknown): SectionTemplates {
  const checked = checkTemplates(definition, section).map((each) => ({ ...each, field: each.path.join(".") }));
  const compiled = new Map(checked.flatMap(({ field, template }) => (template === undefined ? [] : [[field, template] as const])));
  const named = (field: string): string => `spec.${definition.section}.${field}`;
  return {
    problems: checked.flatMap(({ field, errors }) => errors.map(({ line, column, message }) => `${named(field)}: ${line}:${column}: ${message}`)),
    reads: (variable) => [...compiled.values()].some((template) => template.reads(variable)),
    on: (event, onFault) => (field, maxBytes) => {
      const rendered = compiled.get(field)?.render(event, { maxBytes });
      for (const { code, line, column } of rendered?.faults ?? []) onFault({ field: named(field), code, line, column });
      return rendered?.text;
    },
  };
}
