import assert from "node:assert/strict";
import { test } from "node:test";
import { runKinds, type RunKind } from "../../src/api/run-event.ts";
import { runObjectSchema } from "../../src/api/run-object.ts";
import { ControlPlaneUnavailable } from "../support/control-plane.ts";
import { oldestTektonModule, tektonModule } from "../support/control-plane/pinned.ts";
import { publishedSchemas } from "../support/control-plane/tekton-crds.ts";
import { lacking } from "../support/require.ts";

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly patternProperties?: object;
  readonly additionalProperties?: unknown;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
}

/** JSON types as a schema names them; `any` for what it leaves open, maps apart from objects. */
function typeOf(schema: Schema): string {
  if (schema.patternProperties !== undefined || typeof schema.additionalProperties === "object") return "map";
  return schema.type ?? "any";
}

/** Fields of a schema by path, those of lists' elements below `[]`. */
function fieldsOf(schema: Schema, path: string): [path: string, Schema][] {
  const inside = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => fieldsOf(child, path === "" ? name : `${path}.${name}`));
  const elements = schema.items === undefined ? [] : fieldsOf(schema.items, `${path}[]`);
  return [[path, schema], ...inside, ...elements];
}

/** The part of a published schema at a path; undefined where it has none. */
function at(root: Schema, path: string): Schema | undefined {
  let schema: Schema | undefined = root;
  for (const name of path.replaceAll("[]", ".[]").split(".")) {
    if (schema?.["x-kubernetes-preserve-unknown-fields"] === true) return schema;
    schema = name === "[]" ? schema?.items : schema?.properties?.[name];
  }
  return schema;
}

const agrees = (declared: Schema, published: Schema): boolean =>
  typeOf(declared) === typeOf(published) || published["x-kubernetes-preserve-unknown-fields"] === true;

/** What each of them does not have yet. */
const versions = [
  { which: "newest", module: tektonModule, later: [] },
  { which: "oldest", module: oldestTektonModule, later: ["spec.managedBy"] },
] as const;

for (const { which, module, later } of versions) {
  test(`every field that is kept of spec and status is one that the ${which} Tekton publishes, of the same type`, async (t) => {
    const published = await publishedSchemas(module).catch((error: unknown) => {
      if (!(error instanceof ControlPlaneUnavailable)) throw error;
      lacking(t, error.message);
      return undefined;
    });
    if (published === undefined) return;
    const kept = fieldsOf(runObjectSchema as Schema, "").filter(([path]) => /^(spec|status)\./.test(path));
    assert.ok(kept.length > 60);
    const missing: string[] = [];
    for (const [path, declared] of kept) {
      const having = runKinds.filter((kind: RunKind) => {
        const schema = at(published[kind] as Schema, path);
        return schema !== undefined && agrees(declared, schema);
      });
      if (having.length === 0) missing.push(`${path} as ${typeOf(declared)}`);
      if (having.length > 0 && having.length < runKinds.length && /^\w+\.\w+$/.test(path)) {
        assert.deepEqual(runKinds.filter((kind) => declared.description?.includes(`a ${kind}`) === true), having, `${path} says of which kinds it is`);
      }
    }
    assert.deepEqual(missing, later.map((path) => `${path} as string`), "no kind has it");
  });
}
