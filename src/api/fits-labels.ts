import type { LabelSelector } from "./selectors.ts";

export type Labels = Readonly<Record<string, string>>;

export type LabelRequirement = NonNullable<LabelSelector["matchExpressions"]>[number];

const labelOf = (labels: Labels, key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);

/** Whether labels meet one requirement, as everywhere in Kubernetes. */
export function meets({ key, operator, values = [] }: LabelRequirement, labels: Labels): boolean {
  const value = labelOf(labels, key);
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

/** Whether labels fit a selector: all of `matchLabels` and all of `matchExpressions`. */
export const fitsLabels = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labelOf(labels, key) === value) && matchExpressions.every((requirement) => meets(requirement, labels));
