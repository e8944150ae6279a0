import type { Rule } from "../api/rules.ts";
import { ruleMessage, toJsonSchema } from "../api/rules.ts";

/** A node of a TypeBox schema seen as plain JSON. */
export type SchemaNode = Readonly<Record<string, unknown>>;

export const isNode = (value: unknown): value is SchemaNode => typeof value === "object" && value !== null && !Array.isArray(value);

/** The rules declared on an object. */
export const rulesAt = (node: SchemaNode): readonly Rule[] => (node["x-rules"] as readonly Rule[] | undefined) ?? [];

/** The named children of an object schema. */
export function propertiesOf(node: SchemaNode): [string, SchemaNode][] {
  return isNode(node["properties"]) ? Object.entries(node["properties"]).filter((entry): entry is [string, SchemaNode] => isNode(entry[1])) : [];
}

function convert(node: SchemaNode): SchemaNode {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    if (key.startsWith("x-")) continue;
    if (key === "properties") result[key] = Object.fromEntries(propertiesOf(node).map(([name, child]) => [name, convert(child)]));
    else if ((key === "items" || key === "additionalProperties") && isNode(value)) result[key] = convert(value);
    else if (key === "patternProperties" && isNode(value)) result["additionalProperties"] = Object.values(value).filter(isNode).map(convert)[0] ?? true;
    else result[key] = value;
  }
  // Fields that are not declared are refused, as kubectl's strict validation does; maps and open objects stay open.
  if (isNode(node["properties"]) && node["x-open"] !== true) result["additionalProperties"] = false;
  if (node["enum"] !== undefined && node["type"] === undefined) result["type"] = "string";
  const fromRules = rulesAt(node).flatMap((rule) => {
    const schema = toJsonSchema(rule);
    // What is wrong when the rule fails: a validator's own words about `oneOf` help nobody.
    return schema === undefined ? [] : [{ description: ruleMessage(rule), ...schema }];
  });
  if (fromRules.length > 0) result["allOf"] = fromRules;
  return result;
}

/** A plain JSON Schema (draft-07) for editors, offline lint and ajv. */
export function jsonSchema(title: string, root: SchemaNode): SchemaNode {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: `https://integrations.tekton.ornew.io/schemas/${title}.json`,
    title,
    ...convert(root),
  };
}
