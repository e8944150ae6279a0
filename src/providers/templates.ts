import type { Fault } from "../api/fault.ts";
import type { RunEvent } from "../api/run-event.ts";
import { compileTemplate, runEventEnvironment, type TemplateCompilation } from "../filter/index.ts";
import type { AnyProviderDefinition, RenderInput } from "./provider.ts";

/** A template in a provider's section of a Notification, checked. */
export interface CheckedTemplate extends TemplateCompilation {
  /** Below the section. */
  readonly path: readonly string[];
}

type TemplatesOf = Pick<AnyProviderDefinition, "section" | "templates" | "checkNotification">;

const stepInto = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;

/** At the end of a path in {@link AnyProviderDefinition.templates}: every text inside, at any depth. */
export const everyText = "**";

/** What lies deeper is no template. No service's messages are nested so deeply. */
export const maxTemplateDepth = 16;

/** The texts in a value, with their paths. */
export function* textsIn(value: unknown, path: readonly string[], depth = 0): Generator<{ readonly path: readonly string[]; readonly text: string }, void> {
  if (typeof value === "string") yield { path, text: value };
  if (typeof value !== "object" || value === null || depth >= maxTemplateDepth) return;
  for (const [key, inner] of Object.entries(value)) yield* textsIn(inner, [...path, key], depth + 1);
}

/** Compiles the templates that a section sets. Fields that hold no text are left to the schema. */
export function checkTemplates({ templates }: Pick<AnyProviderDefinition, "templates">, section: unknown): CheckedTemplate[] {
  const texts = templates.flatMap((declared) => {
    const inside = declared.at(-1) === everyText;
    const path = inside ? declared.slice(0, -1) : declared;
    const value = path.reduce(stepInto, section);
    return inside || typeof value === "string" ? [...textsIn(value, path)] : [];
  });
  return texts.map(({ path, text }) => ({ path, ...compileTemplate(text, { environment: runEventEnvironment }) }));
}

/** The templates of one Notification, ready to be rendered for every event. */
export interface SectionTemplates {
  /** What does not compile or does not pass the provider's check, a sentence each, without run data. Where there are any, nothing can be rendered. */
  readonly problems: readonly string[];
  /** Whether one of them can depend on the variable. */
  readonly reads: (variable: string) => boolean;
  /**
   * What the section's fields say for an event, for {@link RenderInput.template}. Parts that fail are told to `onFault`, and
   * are empty.
   */
  readonly on: (event: RunEvent, onFault: (fault: Fault) => void) => RenderInput<unknown, unknown>["template"];
}

/** A field as Kubernetes writes it: `blocks[0].text.text`. */
const fieldName = (path: readonly (string | number)[]): string => path.join(".").replace(/\.(\d+)(?=\.|$)/g, "[$1]");

/** Compiles a section's templates once, for all events. */
export function sectionTemplates(definition: TemplatesOf, section: unknown): SectionTemplates {
  const checked = checkTemplates(definition, section);
  const compiled = new Map(checked.flatMap(({ path, template }) => (template === undefined ? [] : [[path.join("."), { template, path }] as const])));
  const named = (path: readonly (string | number)[]): string => `spec.${definition.section}.${fieldName(path)}`;
  const refused = section === undefined ? [] : (definition.checkNotification?.(section) ?? []);
  return {
    problems: [
      ...checked.flatMap(({ path, errors }) => errors.map(({ line, column, message }) => `${named(path)}: ${line}:${column}: ${message}`)),
      ...refused.map(({ path, message }) => `${named(path)}: ${message}`),
    ],
    reads: (variable) => [...compiled.values()].some(({ template }) => template.reads(variable)),
    on: (event, onFault) => (field, maxBytes, escape) => {
      const found = compiled.get(field);
      if (found === undefined) return undefined;
      const rendered = found.template.render(event, { maxBytes, ...(escape !== undefined && { escape }) });
      for (const { code, line, column } of rendered.faults) onFault({ field: named(found.path), code, line, column });
      return rendered.text;
    },
  };
}
