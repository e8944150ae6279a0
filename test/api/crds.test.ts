import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parse } from "yaml";

/** A node of the OpenAPI schema inside a CustomResourceDefinition. */
type Node = Readonly<Record<string, unknown>> & {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
};

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: Readonly<Record<string, unknown>>;
    readonly versions: readonly {
      readonly subresources: unknown;
      readonly additionalPrinterColumns: readonly { readonly name: string; readonly description: string; readonly jsonPath: string }[];
      readonly schema: { readonly openAPIV3Schema: Node };
    }[];
  };
}

const read = (plural: string): Definition => parse(readFileSync(`crds/${plural}.yaml`, "utf8")) as Definition;

const forbidden = ["$ref", "definitions", "const", "patternProperties", "dependencies", "uniqueItems", "examples", "x-rules", "x-open", "x-cel-type", "anyOf", "oneOf", "allOf", "not"];

function* walk(node: Node, path: string): Generator<readonly [string, Node]> {
  yield [path, node];
  for (const [name, child] of Object.entries(node.properties ?? {})) yield* walk(child, `${path}.${name}`);
  if (node.items !== undefined) yield* walk(node.items, `${path}[]`);
  if (typeof node.additionalProperties === "object") yield* walk(node.additionalProperties, `${path}{}`);
}

for (const [plural, kind, shortName] of [["providers", "Provider", "tip"], ["notifications", "Notification", "tin"], ["deliveries", "Delivery", "tid"]] as const) {
  describe(`the CustomResourceDefinition of ${kind}`, () => {
    const definition = read(plural);
    const [version] = definition.spec.versions;
    assert.ok(version !== undefined);
    const root = version.schema.openAPIV3Schema;
    const nodes = [...walk(root, "")].filter(([path]) => path !== "" && path !== ".metadata");

    it("has its names, its category, and a status subresource", () => {
      const { shortNames, categories } = definition.spec.names;
      assert.deepEqual({ name: definition.metadata.name, shortNames, categories, subresources: version.subresources }, {
        name: `${plural}.integrations.tekton.ornew.io`,
        shortNames: [shortName],
        categories: ["tekton-integrations"],
        subresources: { status: {} },
      });
    });

    it("describes every field in a sentence", () => {
      const bare = nodes.filter(([path, node]) => !path.endsWith("{}") && !(typeof node["description"] === "string" && /^[A-Z].{5,}[.0-9a-z"\]}`/)]$/s.test(node["description"])));
      assert.deepEqual(bare.map(([path]) => path), []);
    });

    it("is structural: a type everywhere, and no keyword that structural schemas forbid", () => {
      assert.deepEqual(nodes.filter(([, node]) => typeof node["type"] !== "string").map(([path]) => path), []);
      assert.deepEqual(nodes.flatMap(([path, node]) => forbidden.filter((keyword) => keyword in node).map((keyword) => `${path} ${keyword}`)), []);
      assert.deepEqual(nodes.filter(([, node]) => node.properties !== undefined && node.additionalProperties !== undefined).map(([path]) => path), []);
    });

    it("bounds every list, map and text, and says of every list how it is merged", () => {
      const unbounded = nodes.filter(([path, node]) => {
        if (path === ".apiVersion" || path === ".kind") return false;
        if (node["type"] === "array") return node["maxItems"] === undefined || node["x-kubernetes-list-type"] === undefined;
        if (node["type"] === "object" && node.additionalProperties !== undefined) return node["maxProperties"] === undefined;
        return node["type"] === "string" && node["enum"] === undefined && node["format"] === undefined && node["maxLength"] === undefined;
      });
      assert.deepEqual(unbounded.map(([path]) => path), []);
    });

    it("requires only fields that it has, and gives no default to a required one", () => {
      for (const [path, node] of nodes) {
        const properties = node.properties ?? {};
        for (const name of (node["required"] as string[] | undefined) ?? []) {
          assert.ok(Object.hasOwn(properties, name), `${path}.${name}`);
          assert.equal(properties[name]?.["default"], undefined, `${path}.${name}`);
        }
      }
    });

    it("shows in printer columns whether it works, each with a description", () => {
      const names = version.additionalPrinterColumns.map(({ name }) => name);
      assert.ok(names.includes(kind === "Delivery" ? "State" : "Ready") && names.includes("Age"), names.join());
      assert.deepEqual(version.additionalPrinterColumns.filter(({ description }) => description.length < 5), []);
    });
  });
}
