import { maxTemplateDepth, textsIn } from "../templates.ts";
import type { RenderInput, SectionProblem } from "../provider.ts";
import { checkShapes } from "./block-shape.ts";
import { fitted, type Json } from "./message.ts";
import { mrkdwn, plain } from "./escape.ts";

/** Kinds of block that a message may have. Those that ask for an answer are left out: nobody here would take it. */
export const blockTypes = ["header", "section", "context", "divider", "image", "actions", "rich_text"] as const;

/** Fields in which `${...}` may stand. All others say how the message is made up, which is no business of run data. */
const templated = ["text", "url", "image_url", "alt_text"];

/** Each may take as long as a filter, and all together must not hold up the process. */
const maxTemplates = 20;

/** Of the section's JSON. Slack refuses more than some 11,000 characters of text in all blocks. */
const maxJson = 16_384;

/** Characters of text in all blocks; below what Slack refuses as msg_blocks_too_long. */
const maxText = 10_000;

const hasParts = (text: string): boolean => text.replaceAll("$${", "").includes("${");

/** Elements of rich text reach people by their fields, not by their text, so there is nothing to escape in it. */
const interactive = ["static_select", "external_select", "users_select", "conversations_select", "channels_select", "multi_static_select", "overflow", "datepicker", "timepicker", "checkboxes", "radio_buttons", "plain_text_input", "workflow_button"];

type Path = readonly string[];

const problem = (path: Path, code: SectionProblem["code"], message: string): SectionProblem => ({ path, code, message });

const tooLong = problem(["blocks"], "FieldTooLong", `all blocks together may have at most ${maxJson} bytes of JSON`);

function checkText(path: Path, text: string): SectionProblem[] {
  const key = path.at(-1) ?? "";
  if (hasParts(text) && !templated.includes(key)) {
    return [problem(path, "FieldInvalid", `\${...} may stand only in ${templated.join(", ")}, not in ${key}`)];
  }
  if (key === "type" && interactive.includes(text)) return [problem(path, "FieldInvalid", `${text} asks for an answer, which nobody here would take: use a button with a url`)];
  return [];
}

/** Buttons without a URL do nothing but ask Slack to call the App. */
function* buttonsWithoutUrl(value: unknown, path: Path): Generator<SectionProblem, void> {
  if (typeof value !== "object" || value === null || path.length > maxTemplateDepth) return;
  const { type, url } = value as { readonly type?: unknown; readonly url?: unknown };
  if (type === "button" && typeof url !== "string") yield problem(path, "FieldRequired", "a button must have a url: nobody here would take the answer of another");
  for (const [key, inner] of Object.entries(value)) yield* buttonsWithoutUrl(inner, [...path, key]);
}

/** What is too much to be looked at closely: found without recursion, in as many steps as {@link maxJson} allows members. */
function tooMuch(blocks: readonly Json[]): SectionProblem | undefined {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value: blocks, depth: 0 }];
  let members = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth >= maxTemplateDepth) return problem(["blocks"], "FieldInvalid", "the blocks are nested more deeply than Slack knows");
    const inner: unknown[] = Object.values(value);
    members += inner.length;
    // A member takes at least two bytes of JSON.
    if (members > maxJson / 2) return tooLong;
    for (const one of inner) open.push({ value: one, depth: depth + 1 });
  }
  return Buffer.byteLength(JSON.stringify(blocks)) > maxJson ? tooLong : undefined;
}

/** What Slack would refuse, or what run data must not decide, in a Notification's own blocks. */
export function checkBlocks(blocks: readonly Json[] | undefined): SectionProblem[] {
  if (blocks === undefined) return [];
  const top = ["blocks"];
  const much = tooMuch(blocks);
  if (much !== undefined) return [much];
  const texts = [...textsIn(blocks, top)];
  const problems = [...texts.flatMap(({ path, text }) => checkText(path, text)), ...buttonsWithoutUrl(blocks, top), ...checkShapes(blocks, top)];
  const templates = texts.filter(({ text }) => hasParts(text)).length;
  if (templates > maxTemplates) problems.push(problem(top, "FieldTooMany", `${templates} texts have \${...}: at most ${maxTemplates} may`));
  return problems;
}

type RenderTemplate = RenderInput<unknown, unknown>["template"];

/** What Slack takes of a text, in characters. */
const limits: Readonly<Record<string, number>> = { header: 150, button: 75, fields: 2000, image: 2000, context: 1000 };
const maxAnyText = 3000;

/** What a kind of object must have; without it Slack refuses the whole message, so the object is left out. */
const needs: Readonly<Record<string, readonly string[]>> = {
  plain_text: ["text"], mrkdwn: ["text"], text: ["text"], header: ["text"], button: ["text", "url"], link: ["url"], image: ["image_url", "alt_text"],
  context: ["elements"], actions: ["elements"], rich_text: ["elements"], rich_text_section: ["elements"], rich_text_list: ["elements"], rich_text_quote: ["elements"], rich_text_preformatted: ["elements"],
};

interface Place {
  readonly path: Path;
  /** The most characters of a text here. */
  readonly limit: number;
  /** Of the object that the text is a field of. */
  readonly type: unknown;
  readonly source: string;
}

interface Rendering {
  readonly template: RenderTemplate;
  /** Characters that may still come. */
  left: number;
}

const isUrl = (text: string): boolean => {
  const url = URL.parse(text);
  return url !== null && (url.protocol === "https:" || url.protocol === "http:");
};

const escapes: Readonly<Record<string, (part: string) => string>> = { mrkdwn, plain_text: plain };

/** The text of a field, or undefined when nothing of use is left. */
function renderText(rendering: Rendering, { path, limit, type, source }: Place): string | undefined {
  const key = path.at(-1) ?? "";
  const escape = key === "text" && typeof type === "string" ? escapes[type] : undefined;
  const rendered = rendering.template(path.join("."), maxAnyText * 4, escape) ?? source;
  if (key.endsWith("url")) return isUrl(rendered) && rendered.length <= maxAnyText ? rendered : undefined;
  if (key !== "text" && key !== "alt_text") return rendered;
  const text = hasParts(source) ? fitted(rendered, Math.min(limit, Math.max(rendering.left, 1))) : rendered;
  rendering.left -= text.length;
  return text.trim() === "" || rendering.left < -maxText ? undefined : text;
}

function limitBelow(key: string, type: unknown, limit: number): number {
  const own = typeof type === "string" && Object.hasOwn(limits, type) ? limits[type] : undefined;
  return Math.min(limit, own ?? limit, Object.hasOwn(limits, key) ? (limits[key] ?? limit) : limit);
}

function renderObject(rendering: Rendering, value: Json, path: Path, limit: number): Json | undefined {
  const type = value["type"];
  const entries = Object.entries(value).map(([key, inner]) => [key, renderValue(rendering, inner, { path: [...path, key], limit: limitBelow(key, type, limit), type, source: "" })] as const);
  const kept = Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
  const needed = typeof type === "string" && Object.hasOwn(needs, type) ? (needs[type] ?? []) : [];
  if (needed.some((key) => kept[key] === undefined)) return undefined;
  if (type === "section" && kept["text"] === undefined && kept["fields"] === undefined) return undefined;
  // Else Slack would make links, and links to channels and people, of what run data says.
  return type === "mrkdwn" && typeof value["text"] === "string" && hasParts(value["text"]) ? { ...kept, verbatim: true } : kept;
}

function renderValue(rendering: Rendering, value: unknown, place: Place): unknown {
  if (typeof value === "string") return renderText(rendering, { ...place, source: value });
  if (typeof value !== "object" || value === null) return value;
  if (!Array.isArray(value)) return renderObject(rendering, value as Json, place.path, place.limit);
  const entries = value.map((inner: unknown, index): unknown => renderValue(rendering, inner, { ...place, path: [...place.path, String(index)] }));
  const kept = entries.filter((inner) => inner !== undefined);
  return kept.length === 0 ? undefined : kept;
}

/**
 * A Notification's own blocks for a state of a run. Texts are cut to what Slack takes; what is left without a text or a
 * working URL is left out, block by block, since Slack would refuse the message for it. Empty when nothing is left.
 */
export function renderBlocks(blocks: readonly Json[] | undefined, template: RenderTemplate): readonly Json[] {
  if (blocks === undefined) return [];
  return (renderValue({ template, left: maxText }, blocks, { path: ["blocks"], limit: maxAnyText, type: undefined, source: "" }) ?? []) as readonly Json[];
}
