import type { Fault } from "../api/fault.ts";
import { messageParts } from "../api/notification.ts";
import type { RunEvent } from "../api/run-event.ts";
import { compileTemplate, runEventEnvironment, type TemplateCompilation } from "../filter/index.ts";
import type { AnyProviderDefinition, RenderInput } from "./provider.ts";

/** A template of a Notification, checked. */
export interface CheckedTemplate extends TemplateCompilation {
  /** Below the section, or `message`. */
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

/** Texts of a section that are looked at, and those of them with `${...}` that are compiled. No section that is accepted has as many. */
const maxTexts = 4096;
const maxWithParts = 64;

function firstOf<Item>(items: Iterable<Item>, count: number): readonly Item[] {
  const taken: Item[] = [];
  for (const item of items) if (taken.push(item) >= count) break;
  return taken;
}

/** Each takes time, and a section that nobody has checked yet may have hundreds of thousands. */
function refuseMore(text: string): TemplateCompilation {
  const caret = `${text.slice(0, 40).split("\n")[0]?.toWellFormed() ?? ""}\n^`;
  return { errors: [{ code: "TemplateTooLong", message: `there are too many templates: ${maxWithParts} are allowed in one section`, line: 1, column: 1, caret }], warnings: [] };
}

/** Compiles the templates that a section sets. Fields that hold no text are left to the schema. One that has too many is refused at the first that is one too many. */
export function checkTemplates({ templates }: Pick<AnyProviderDefinition, "templates">, section: unknown): CheckedTemplate[] {
  const texts = templates.flatMap((declared) => {
    const inside = declared.at(-1) === everyText;
    const path = inside ? declared.slice(0, -1) : declared;
    const value = path.reduce(stepInto, section);
    return inside || typeof value === "string" ? firstOf(textsIn(value, path), maxTexts + 1) : [];
  });
  const withParts = texts.filter(({ text }) => text.includes("${"));
  const first = withParts[maxWithParts] ?? texts[maxTexts];
  const taken = first === undefined ? texts : texts.slice(0, texts.indexOf(first));
  const checked = taken.map(({ path, text }) => ({ path, ...compileTemplate(text, { environment: runEventEnvironment }) }));
  return first === undefined ? checked : [...checked, { path: first.path, ...refuseMore(first.text) }];
}

/** Where a Notification's `message` has templates. */
export const messageTemplates = { templates: messageParts.map((part) => [part]) };

type RenderTemplate = RenderInput<unknown, unknown>["template"];

/** The templates of one object of a Notification's spec. */
interface Compiled {
  readonly problems: readonly string[];
  readonly reads: (variable: string) => boolean;
  readonly on: (event: RunEvent, onFault: (fault: Fault) => void) => RenderTemplate;
}

/** The templates of one Notification, ready to be rendered for every event. */
export interface RouteTemplates {
  /** What does not compile or does not pass the provider's check, a sentence each, without run data. Where there are any, nothing can be rendered. */
  readonly problems: readonly string[];
  /** Whether one of them can depend on the variable. */
  readonly reads: (variable: string) => boolean;
  /** What they say for an event. Parts that fail are told to `onFault`, and are empty. */
  readonly on: (event: RunEvent, onFault: (fault: Fault) => void) => Pick<RenderInput<unknown, unknown>, "template" | "message">;
}

/** A field as Kubernetes writes it: `spec.slackApp.blocks[0].text.text`. */
const fieldName = (parent: string, path: readonly (string | number)[]): string => `spec.${[parent, ...path].join(".").replace(/\.(\d+)(?=\.|$)/g, "[$1]")}`;

function compiled(parent: string, checked: readonly CheckedTemplate[]): Compiled {
  const templates = new Map(checked.flatMap(({ path, template }) => (template === undefined ? [] : [[path.join("."), { template, path }] as const])));
  return {
    problems: checked.flatMap(({ path, errors }) => errors.map(({ line, column, message }) => `${fieldName(parent, path)}: ${line}:${column}: ${message}`)),
    reads: (variable) => [...templates.values()].some(({ template }) => template.reads(variable)),
    on: (event, onFault) => (field, maxBytes, escape) => {
      const found = templates.get(field);
      if (found === undefined) return undefined;
      const rendered = found.template.render(event, { maxBytes, ...(escape !== undefined && { escape }) });
      for (const { code, line, column } of rendered.faults) onFault({ field: fieldName(parent, found.path), code, line, column });
      return rendered.text;
    },
  };
}

/** Compiles the templates of a Notification's spec once, for all events. */
export function routeTemplates(definition: TemplatesOf, spec: Readonly<Record<string, unknown>>): RouteTemplates {
  const { section: name } = definition;
  const section = compiled(name, checkTemplates(definition, spec[name]));
  const message = compiled("message", checkTemplates(messageTemplates, spec["message"]));
  const refused = spec[name] === undefined ? [] : (definition.checkNotification?.(spec[name]) ?? []);
  return {
    problems: [...section.problems, ...message.problems, ...refused.map((problem) => `${fieldName(name, problem.path)}: ${problem.message}`)],
    reads: (variable) => section.reads(variable) || message.reads(variable),
    on: (event, onFault) => ({ template: section.on(event, onFault), message: message.on(event, onFault) }),
  };
}
