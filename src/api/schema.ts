import { Type, type TSchema } from "typebox";
import type { Rule } from "./rules.ts";

/** Shared parts of the kinds' schemas. Bounds follow Kubernetes: names 253 characters, label values 63. */

type Described = Readonly<{ description: string; default?: unknown; examples?: readonly unknown[] }>;

/** An object whose cross-field rules are generated for the API server and for ajv alike. */
export const rulesOf = (...rules: Rule[]): { "x-rules": Rule[] } => ({ "x-rules": rules });

/** One of a fixed set of words. */
export const oneWordOf = <const Words extends readonly string[]>(words: Words, options: Described) =>
  Type.Unsafe<Words[number]>({ type: "string", enum: [...words], ...options });

/** A map of strings; `maxProperties` bounds what the API server will store. */
export const stringMap = (options: Described & { maxProperties: number; maxLength: number }) => {
  const { maxLength, ...rest } = options;
  return Type.Unsafe<Record<string, string>>({
    type: "object",
    additionalProperties: { type: "string", maxLength },
    ...rest,
  });
};

/** A list in which each entry stands once (`x-kubernetes-list-type: set`). */
export const setOf = <Item extends TSchema>(item: Item, options: Described & { maxItems: number; minItems?: number }) =>
  Type.Array(item, { "x-kubernetes-list-type": "set", uniqueItems: true, ...options });

/** A list that is replaced as a whole (`x-kubernetes-list-type: atomic`). */
export const atomicList = <Item extends TSchema>(item: Item, options: Described & { maxItems: number; minItems?: number }) =>
  Type.Array(item, { "x-kubernetes-list-type": "atomic", ...options });

/** A list keyed by one of its fields (`x-kubernetes-list-type: map`), so that several writers can own its entries. */
export const keyedList = <Item extends TSchema>(key: string, item: Item, options: Described & { maxItems: number }) =>
  Type.Array(item, { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key], ...options });

const dnsName = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/** The name of an object (RFC 1123 subdomain). */
export const objectName = (options: Described) => Type.String({ minLength: 1, maxLength: 253, pattern: dnsName, ...options });

/** The name of a Namespace (RFC 1123 label). */
export const namespaceName = (options: Described) =>
  Type.String({ minLength: 1, maxLength: 63, pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", ...options });

/** A point in time as Kubernetes writes it. */
export const time = (description: string) => Type.String({ format: "date-time", description });

/** Text of a bounded length. */
export const text = (maxLength: number, options: Described & { minLength?: number; pattern?: string }) =>
  Type.String({ maxLength, ...options });

/** A reference to one key of a Secret in the object's own namespace; `key` is what is read when none is given. */
export const secretKeyRef = (key: string, what: string) =>
  Type.Object(
    {
      secretRef: Type.Object(
        {
          name: objectName({ description: "Name of the Secret, in the namespace of the Provider." }),
          key: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 253,
              pattern: "^[-._a-zA-Z0-9]+$",
              default: key,
              description: "Key inside the Secret.",
            }),
          ),
        },
        { description: `The Secret that holds ${what}.` },
      ),
    },
    { description: `Where ${what} is read from.` },
  );

export interface SecretKeyRef {
  readonly secretRef: { readonly name: string; readonly key?: string };
}

/** One condition as the Kubernetes API conventions define it. */
const condition = Type.Object(
  {
    type: text(316, { description: "What the condition is about.", minLength: 1 }),
    status: oneWordOf(["True", "False", "Unknown"], { description: "Whether it holds." }),
    reason: text(1024, { description: "One CamelCase word for why.", minLength: 1, pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$" }),
    message: text(4096, { description: "The same for people, with what to do." }),
    lastTransitionTime: time("When the status last changed."),
    observedGeneration: Type.Optional(Type.Integer({ minimum: 0, description: "The generation of the spec that was judged." })),
  },
  { description: "One condition." },
);

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

/** What an object's status is before anybody has looked at it. By the rules of kstatus one without a status would be as it should be. */
export const unseen = { observedGeneration: -1 } as const;

/** `status.conditions`, and the generation they were judged for. */
export const conditionFields = (types: string) => ({
  observedGeneration: Type.Optional(Type.Integer({ minimum: -1, description: "The generation of the spec that this status is about; -1 before the first look at it." })),
  conditions: Type.Optional(keyedList("type", condition, { maxItems: 16, description: `What holds and what does not: ${types}.` })),
});
