/**
 * Rules across fields, declared once on a TypeBox object (key `x-rules`) and generated twice: as
 * `x-kubernetes-validations` for the API server and as plain JSON Schema for ajv.
 */
export type Rule =
  | { readonly rule: "exactlyOneOf"; readonly fields: readonly string[] }
  | { readonly rule: "atMostOneOf"; readonly fields: readonly string[] }
  | { readonly rule: "atLeastOneOf"; readonly fields: readonly string[] }
  /** A union: the field `discriminator` names the one section that is set. `sections` maps its values to fields. */
  | { readonly rule: "sectionOf"; readonly discriminator: string; readonly sections: Readonly<Record<string, string>> }
  /** A field that is set only while `discriminator` has one of the values; where `required`, always then. */
  | { readonly rule: "fieldOf"; readonly field: string; readonly discriminator: string; readonly values: readonly string[]; readonly required: boolean }
  /** No change after creation. Only the API server knows the old object, so JSON Schema says nothing here. */
  | { readonly rule: "immutable" };

export interface KubernetesValidation {
  readonly rule: string;
  readonly message: string;
}

type JsonSchema = Readonly<Record<string, unknown>>;

const list = (fields: readonly string[]): string => fields.join(", ");
const count = (fields: readonly string[]): string => fields.map((field) => `(has(self.${field}) ? 1 : 0)`).join(" + ");
const someOf = (fields: readonly string[]): JsonSchema => ({ anyOf: fields.map((field) => ({ required: [field] })) });

/** The sentence that a user sees when the rule is broken. */
export function ruleMessage(rule: Rule): string {
  switch (rule.rule) {
    case "exactlyOneOf":
      return `exactly one of ${list(rule.fields)} must be set`;
    case "atMostOneOf":
      return `at most one of ${list(rule.fields)} may be set`;
    case "atLeastOneOf":
      return `at least one of ${list(rule.fields)} must be set`;
    case "sectionOf":
      return `exactly the section of the ${rule.discriminator} must be set: ${Object.entries(rule.sections)
        .map(([value, section]) => `${section} for ${value}`)
        .join(", ")}`;
    case "fieldOf":
      return `${rule.field} ${rule.required ? "must be set for, and only for," : "may only be set for"} the ${rule.discriminator} ${rule.values.join(", ")}`;
    case "immutable":
      return "may not be changed";
  }
}

/** The rule in the CEL of `x-kubernetes-validations`. */
export function toKubernetes(rule: Rule): KubernetesValidation[] {
  const message = ruleMessage(rule);
  switch (rule.rule) {
    case "exactlyOneOf":
      return [{ rule: `${count(rule.fields)} == 1`, message }];
    case "atMostOneOf":
      return [{ rule: `${count(rule.fields)} <= 1`, message }];
    case "atLeastOneOf":
      return [{ rule: `${count(rule.fields)} >= 1`, message }];
    case "sectionOf":
      return [
        {
          rule: Object.entries(rule.sections)
            .map(([value, section]) => `(self.${rule.discriminator} == '${value}') == has(self.${section})`)
            .join(" && "),
          message,
        },
      ];
    case "fieldOf": {
      const named = `self.${rule.discriminator} in [${rule.values.map((value) => `'${value}'`).join(", ")}]`;
      return [{ rule: rule.required ? `has(self.${rule.field}) == (${named})` : `!has(self.${rule.field}) || ${named}`, message }];
    }
    case "immutable":
      return [{ rule: "self == oldSelf", message }];
  }
}

/** The rule as a JSON Schema to be added to `allOf`; undefined where JSON Schema cannot say it. */
export function toJsonSchema(rule: Rule): JsonSchema | undefined {
  switch (rule.rule) {
    case "exactlyOneOf":
      return { oneOf: rule.fields.map((field) => ({ required: [field] })) };
    case "atMostOneOf":
      return { oneOf: [...rule.fields.map((field) => ({ required: [field] })), { not: someOf(rule.fields) }] };
    case "atLeastOneOf":
      return someOf(rule.fields);
    case "sectionOf":
      return {
        oneOf: Object.entries(rule.sections).map(([value, section]) => {
          const others = Object.values(rule.sections).filter((other) => other !== section);
          return {
            properties: { [rule.discriminator]: { const: value } },
            required: [section],
            ...(others.length > 0 && { not: someOf(others) }),
          };
        }),
      };
    case "fieldOf": {
      const named = { properties: { [rule.discriminator]: { enum: rule.values } } };
      const others = { properties: { [rule.discriminator]: { not: { enum: rule.values } } } };
      const unset = { not: { required: [rule.field] } };
      return rule.required ? { oneOf: [{ ...named, required: [rule.field] }, { ...others, ...unset }] } : { anyOf: [named, unset] };
    }
    case "immutable":
      return undefined;
  }
}
