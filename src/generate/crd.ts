import { crdName, group, version, type KindDefinition } from "../api/kind.ts";
import { toKubernetes } from "../api/rules.ts";
import { isNode, propertiesOf, rulesAt, type SchemaNode } from "./json-schema.ts";

/** The value keywords of a structural schema that are copied as they are. */
const copied = [
  "type", "enum", "default", "format", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties", "required",
  "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-preserve-unknown-fields",
];

function descriptionOf(node: SchemaNode): string {
  const [example] = Array.isArray(node["examples"]) ? (node["examples"] as unknown[]) : [];
  const shown = typeof example === "string" ? example : JSON.stringify(example);
  const description = String(node["description"]);
  return example === undefined ? description : `${description} Example: ${shown}`;
}

function structural(node: SchemaNode): SchemaNode {
  return { description: descriptionOf(node), ...valueSchema(node) };
}

function valueSchema(node: SchemaNode): SchemaNode {
  const result: Record<string, unknown> = {};
  for (const key of copied) if (node[key] !== undefined) result[key] = node[key];
  const properties = propertiesOf(node);
  if (properties.length > 0) result["properties"] = Object.fromEntries(properties.map(([name, child]) => [name, structural(child)]));
  for (const key of ["items", "additionalProperties"]) {
    const child = node[key];
    if (isNode(child)) result[key] = key === "items" ? structural(child) : valueSchema(child);
  }
  const validations = rulesAt(node).flatMap(toKubernetes);
  if (validations.length > 0) result["x-kubernetes-validations"] = validations;
  return result;
}

/** The CustomResourceDefinition of a kind. */
export function customResourceDefinition(definition: KindDefinition): SchemaNode {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: crdName(definition), labels: { "app.kubernetes.io/name": "tekton-integrations" } },
    spec: {
      group,
      scope: "Namespaced",
      names: {
        kind: definition.kind,
        listKind: `${definition.kind}List`,
        plural: definition.plural,
        singular: definition.singular,
        shortNames: [definition.shortName],
        categories: ["tekton-integrations"],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: definition.columns,
          schema: {
            openAPIV3Schema: {
              description: definition.description,
              type: "object",
              required: ["spec"],
              properties: {
                apiVersion: { type: "string", description: `Always ${group}/${version}.` },
                kind: { type: "string", description: `Always ${definition.kind}.` },
                metadata: { type: "object" },
                spec: structural(definition.spec as SchemaNode),
                status: structural(definition.status as SchemaNode),
              },
            },
          },
        },
      ],
    },
  };
}
