import type { SectionProblem } from "../provider.ts";
import type { Json } from "./message.ts";

/** The shape of blocks, as Slack's Block Kit reference has it. Slack refuses the whole message for one block that is wrong. */

type Path = readonly string[];

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

const problem = (path: Path, code: SectionProblem["code"], message: string): SectionProblem => ({ path, code, message });

const required = (path: Path, of: string): SectionProblem => problem(path, "FieldRequired", `${of} must have it: without it Slack refuses the message`);

/** Whether a text depends on the run: then only the run tells how long it is. */
const isTemplate = (text: string): boolean => text.replaceAll("$${", "").includes("${");

interface TextRule {
  /** For people: `a header`. */
  readonly of: string;
  readonly max: number;
  /** Only `plain_text`. */
  readonly plain?: boolean;
}

function checkLength(value: unknown, path: Path, max: number): SectionProblem[] {
  if (typeof value !== "string") return [problem(path, "FieldTypeInvalid", "must be a text")];
  if (value.trim() === "") return [problem(path, "FieldInvalid", "must not be empty")];
  return isTemplate(value) || value.length <= max ? [] : [problem(path, "FieldTooLong", `has ${value.length} characters: Slack takes at most ${max}`)];
}

function checkTextObject(value: unknown, path: Path, { of, max, plain = false }: TextRule): SectionProblem[] {
  if (value === undefined) return [required(path, of)];
  const form = plain ? "{type: plain_text, text: ...}" : "{type: mrkdwn, text: ...} or {type: plain_text, text: ...}";
  if (!isObject(value)) return [problem(path, "FieldTypeInvalid", `must be an object: ${form}`)];
  const types = plain ? ["plain_text"] : ["plain_text", "mrkdwn"];
  // A type with `${...}` is refused for that alone.
  if (typeof value["type"] === "string" && isTemplate(value["type"])) return [];
  if (typeof value["type"] !== "string" || !types.includes(value["type"])) return [problem([...path, "type"], "FieldNotSupported", `must be ${types.join(" or ")} in ${of}`)];
  return value["text"] === undefined ? [required([...path, "text"], "a text")] : checkLength(value["text"], [...path, "text"], max);
}

function checkWebUrl(value: unknown, path: Path): SectionProblem[] {
  const lengths = checkLength(value, path, 3000);
  if (lengths.length > 0 || typeof value !== "string" || isTemplate(value)) return lengths;
  const protocol = URL.parse(value)?.protocol;
  return protocol === "https:" || protocol === "http:" ? [] : [problem(path, "UrlInvalid", "must be a URL that begins with https:// or http://")];
}

function checkElements(block: Json, path: Path, max: number, check: (element: Json, path: Path) => readonly SectionProblem[]): SectionProblem[] {
  const { elements } = block;
  const at = [...path, "elements"];
  if (elements === undefined) return [required(at, `a block of type ${String(block["type"])}`)];
  if (!Array.isArray(elements) || elements.length === 0) return [problem(at, "FieldInvalid", "must be a list with at least one element")];
  if (elements.length > max) return [problem(at, "FieldTooMany", `has ${elements.length} elements: Slack takes at most ${max}`)];
  return (elements as unknown[]).flatMap((element, index) => (isObject(element) ? check(element, [...at, String(index)]) : [problem([...at, String(index)], "FieldTypeInvalid", "must be an object")]));
}

function checkImage(image: Json, path: Path): SectionProblem[] {
  const source = image["image_url"] === undefined && image["slack_file"] === undefined ? [required([...path, "image_url"], "an image")] : [];
  const url = image["image_url"] === undefined ? [] : checkWebUrl(image["image_url"], [...path, "image_url"]);
  const alt = image["alt_text"] === undefined ? [required([...path, "alt_text"], "an image")] : checkLength(image["alt_text"], [...path, "alt_text"], 2000);
  const title = image["title"] === undefined ? [] : checkTextObject(image["title"], [...path, "title"], { of: "a title", max: 2000, plain: true });
  return [...source, ...url, ...alt, ...title];
}

function checkSection(block: Json, path: Path): SectionProblem[] {
  const { text, fields } = block;
  if (text === undefined && fields === undefined) return [required([...path, "text"], "a section without fields")];
  const ofText = text === undefined ? [] : checkTextObject(text, [...path, "text"], { of: "a section", max: 3000 });
  if (fields === undefined) return ofText;
  const at = [...path, "fields"];
  if (!Array.isArray(fields) || fields.length === 0 || fields.length > 10) return [...ofText, problem(at, "FieldInvalid", "must be a list of 1 to 10 texts")];
  return [...ofText, ...(fields as unknown[]).flatMap((field, index) => checkTextObject(field, [...at, String(index)], { of: "a field", max: 2000 }))];
}

function checkAction(element: Json, path: Path): SectionProblem[] {
  if (element["type"] !== "button") return [];
  const url = element["url"] === undefined ? [] : checkWebUrl(element["url"], [...path, "url"]);
  return [...checkTextObject(element["text"], [...path, "text"], { of: "a button", max: 75, plain: true }), ...url];
}

const checks: Readonly<Record<string, (block: Json, path: Path) => readonly SectionProblem[]>> = {
  header: (block, path) => checkTextObject(block["text"], [...path, "text"], { of: "a header", max: 150, plain: true }),
  section: checkSection,
  context: (block, path) => checkElements(block, path, 10, (element, at) => (element["type"] === "image" ? checkImage(element, at) : checkTextObject(element, at, { of: "a context", max: 3000 }))),
  image: checkImage,
  actions: (block, path) => checkElements(block, path, 25, checkAction),
  rich_text: (block, path) => checkElements(block, path, 1000, () => []),
};

/** What Slack would refuse whatever the run: what is missing, of the wrong type, or too long where no `${...}` decides. */
export function checkShapes(blocks: readonly Json[], path: Path): SectionProblem[] {
  return blocks.flatMap((block, index) => {
    const { type } = block;
    const check = typeof type === "string" && Object.hasOwn(checks, type) ? checks[type] : undefined;
    return check?.(block, [...path, String(index)]) ?? [];
  });
}
