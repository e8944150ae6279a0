import { Type, type Static } from "typebox";
import { atomicList, namespaceName, oneWordOf, rulesOf, setOf, stringMap, text } from "./schema.ts";

const labelKey = "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$";
const labelValue = "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$";

const requirement = Type.Object(
  {
    key: text(317, { description: "The label's key.", minLength: 1, pattern: labelKey }),
    operator: oneWordOf(["In", "NotIn", "Exists", "DoesNotExist"], { description: "How the label is compared with `values`." }),
    values: Type.Optional(
      atomicList(text(63, { description: "One value.", pattern: labelValue }), {
        maxItems: 64,
        description: "For In and NotIn: the values, at least one. For Exists and DoesNotExist: none.",
      }),
    ),
  },
  { description: "One requirement on a label." },
);

const labelFields = (whose: string) => ({
  matchLabels: Type.Optional(stringMap({ maxProperties: 64, maxLength: 63, description: `Labels that ${whose} must carry with exactly these values.` })),
  matchExpressions: Type.Optional(atomicList(requirement, { maxItems: 64, description: `Requirements on the labels of ${whose}; all must hold.` })),
});

/** A label selector as everywhere in Kubernetes: all of `matchLabels` and all of `matchExpressions`. */
export const labelSelector = (whose: string, description: string) => Type.Object(labelFields(whose), { description });

export type LabelSelector = Static<ReturnType<typeof labelSelector>>;

/** Which namespaces: any, by name, or by the labels of the Namespace objects. */
export const namespaceSelector = (description: string) =>
  Type.Object(
    {
      any: Type.Optional(Type.Unsafe<true>({ type: "boolean", enum: [true], description: "Every namespace." })),
      matchNames: Type.Optional(
        setOf(namespaceName({ description: "Name of a namespace." }), { minItems: 1, maxItems: 64, description: "These namespaces." }),
      ),
      ...labelFields("a Namespace"),
    },
    {
      description,
      ...rulesOf(
        { rule: "atLeastOneOf", fields: ["any", "matchNames", "matchLabels", "matchExpressions"] },
        { rule: "atMostOneOf", fields: ["any", "matchNames", "matchLabels"] },
        { rule: "atMostOneOf", fields: ["any", "matchNames", "matchExpressions"] },
      ),
    },
  );

export type NamespaceSelector = Static<ReturnType<typeof namespaceSelector>>;
