import { Type, type TObject, type TSchema } from "typebox";
import { apiVersion, group, version } from "./group.ts";

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "date" | "integer" | "boolean";
  readonly jsonPath: string;
  readonly description: string;
  /** 0: always shown; 1: with `-o wide`. */
  readonly priority?: 0 | 1;
}

/** Everything a CustomResourceDefinition and a JSON Schema are generated from. */
export interface KindDefinition {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: TSchema;
  readonly status: TSchema;
  readonly columns: readonly PrinterColumn[];
}

/** The whole object as users write it. `metadata` is the API server's business and is left open. */
export function objectSchema(definition: KindDefinition): TObject {
  return Type.Object(
    {
      apiVersion: Type.Unsafe<string>({ type: "string", enum: [apiVersion], description: `Always \`${apiVersion}\`.` }),
      kind: Type.Unsafe<string>({ type: "string", enum: [definition.kind], description: `Always \`${definition.kind}\`.` }),
      metadata: Type.Object({}, { description: "Standard object metadata.", "x-open": true }),
      spec: definition.spec,
      status: Type.Optional(definition.status),
    },
    { description: definition.description },
  );
}

/** The kind's name in full, for example `providers.integrations.tekton.ornew.io`. */
export const crdName = (definition: KindDefinition): string => `${definition.plural}.${group}`;

export { group, version };

/** Metadata of an object, as far as the product reads it. */
export interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
